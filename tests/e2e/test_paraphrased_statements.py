"""Of notes that a model paraphrased carelessly, readers are shown as statements only true ones.

The whole pipeline, with the simulator's paraphrasing mode as the model: half of its notes are
false, and its journal says which. The figures are printed: ``pytest -rP`` or ``-s`` shows them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from audit.facts import SubmissionState
from contracts.study import Study, Theme
from local_stack.supervisor import LocalStack
from simulator.paraphrasing import TrueNoteKind
from support.http_client import http_client
from support.pipeline import Pipeline, submitted
from support.stack import QUICK_RETRIES, whole_stack

GARDEN: Final = Path(__file__).parents[2] / "libs" / "evaluation" / "interviews" / "garden.txt"
RECORDED: Final = "VLD_se0_ag3_m_02_1.json"
MODEL: Final = "paraphrasing: {notes: 20}\n"
MAX_FALSE_SHARE: Final = 0.01
MIN_TIDIED_SHARE: Final = 0.4
STUDY: Final = Study(
    study_id="paraphrased",
    name="Paraphrased",
    themes=(Theme(id="all", name="All that is said"),),
)
SHOWN: Final = """
SELECT note.statement, note.model_reading, note.standing,
       (SELECT min(segment) FROM evidence WHERE evidence.note_id = note.note_id) AS segment,
       (SELECT string_agg(quote, ' … ' ORDER BY position) FROM evidence
         WHERE evidence.note_id = note.note_id) AS quotes
  FROM current_notes AS note
 WHERE note.study_id = $1
"""


@dataclass(frozen=True)
class ShownNote:
    """Note as readers get it, with what is known of it.

    Attributes:
        statement: what the model wrote.
        is_shown: whether the statement is shown as a finding.
        quotes: the evidence, which is always shown.
        kinds: what kinds of note the simulator says that it is; several if it wrote it twice.
    """

    statement: str
    is_shown: bool
    quotes: str
    kinds: frozenset[str]

    @property
    def is_true(self) -> bool:
        return bool(self.kinds & {*TrueNoteKind})


@pytest.fixture(scope="module")
def stack(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalStack]:
    file = tmp_path_factory.mktemp("simulator") / "model.yaml"
    file.write_text(MODEL, encoding="utf-8")
    env = {"ONRECORD_SIMULATOR_CONFIG": str(file), "ONRECORD_SIMULATOR_SEED": "14"}
    with whole_stack(pytestconfig.getoption("--stack"), QUICK_RETRIES | env) as running:
        yield running


async def read_labels(stack: LocalStack) -> dict[str, set[str]]:
    """Return the kinds of each statement that the simulator wrote."""
    model = stack.model()
    assert model is not None
    assert model.base_url is not None
    async with http_client() as http:
        response = await http.get(model.base_url.removesuffix("/v1") + "/simulator/statements")
    kinds: dict[str, set[str]] = {}
    for one in response.json()["statements"]:
        kinds.setdefault(one["statement"], set()).add(one["kind"])
    return kinds


async def read_notes(pipeline: Pipeline) -> list[ShownNote]:
    labels = await read_labels(pipeline.stack)
    rows: list[Any] = await pipeline.rows(SHOWN, STUDY.study_id)
    return [
        ShownNote(
            statement=row["statement"] or row["model_reading"],
            is_shown=row["statement"] is not None,
            quotes=row["quotes"],
            kinds=frozenset(labels[row["statement"] or row["model_reading"]]),
        )
        for row in rows
    ]


async def test_hardly_any_statement_shown_is_false_and_most_tidied_quotes_are_shown(
    pipeline: Pipeline, shared_data: Path
) -> None:
    recorded = shared_data / "interviews" / "rev" / RECORDED
    await pipeline.publish(
        submitted(STUDY, file.stem, file.read_text("utf-8")) for file in (GARDEN, recorded)
    )
    balance = await pipeline.settled(within_s=150)
    assert balance.balances
    assert balance.chunks.states[SubmissionState.DEAD] == 0

    notes = await read_notes(pipeline)
    shown = [one for one in notes if one.is_shown]
    false = [one for one in shown if not one.is_true]
    tidied = [one for one in notes if TrueNoteKind.TIDIED in one.kinds]
    tidied_shown = sum(one.is_shown for one in tidied)
    true = [one for one in notes if one.is_true]
    true_shown = sum(one.is_shown for one in true)
    listed = "\n".join(f"{'/'.join(one.kinds)}: {one.statement} ← {one.quotes}" for one in false)
    sys.stdout.write(
        f"{len(notes)} notes stored, {len(shown)} shown as statements, of them {len(false)} false; "
        f"{true_shown} of {len(true)} true notes shown, {tidied_shown} of {len(tidied)} tidied "
        f"quotes; {len(notes) - len(true)} false notes stored\n{listed}\n"
    )
    assert sum(not one.is_true for one in notes) > 20, "hardly any false note was stored"
    assert len(false) <= MAX_FALSE_SHARE * len(shown), listed
    assert tidied_shown >= MIN_TIDIED_SHARE * len(tidied)
