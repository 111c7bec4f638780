"""A simulated model that paraphrases: its answers carry no labels, its journal lists them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from simulator.paraphrasing import FalseNoteKind, TrueNoteKind

if TYPE_CHECKING:
    from integration.simulator.conftest import Simulation

    Start = Callable[..., Awaitable[Simulation]]

KINDS = {one.value for one in (*TrueNoteKind, *FalseNoteKind)}


async def test_the_journal_lists_the_label_of_every_statement_and_no_answer_has_one(
    start: Start,
) -> None:
    simulation = await start(models={"any-model": {"paraphrasing": {"notes": 3}}})
    notes = await simulation.notes()
    assert notes
    assert all(
        set(one) == {"statement", "evidence", "themes", "questions"} and one["themes"]
        for one in notes
    )
    _, listed = await simulation.admin("GET", "statements")
    labels = {one["statement"]: one for one in listed["statements"]}
    assert set(labels) == {one["statement"] for one in notes}
    for one in notes:
        label = labels[one["statement"]]
        assert label["evidence"] == one["evidence"]
        assert label["kind"] in KINDS
        assert label["is_true"] is (label["kind"] in {*TrueNoteKind})


async def test_it_can_be_changed_while_the_simulator_runs_and_other_models_tidy_quotes(
    start: Start,
) -> None:
    simulation = await start()
    plain = await simulation.notes()
    rates = {"tidied": 0, "faithful": 0, "weights": {"negation_lost": 1}}
    status, _ = await simulation.admin("PATCH", "models/any-model", {"paraphrasing": rates})
    assert status == 200
    assert not [one for one in await simulation.notes() if "never" in one["statement"]]
    assert await simulation.notes() != plain
    assert (await simulation.admin("GET", "statements"))[1]["statements"]
    await simulation.admin("DELETE", "counts")
    assert (await simulation.admin("GET", "statements"))[1]["statements"] == []
    status, refused = await simulation.admin(
        "PATCH", "models/any-model", {"paraphrasing": {"tidied": 2}}
    )
    assert status == 400
    assert "tidied" in refused["error"]["message"]
