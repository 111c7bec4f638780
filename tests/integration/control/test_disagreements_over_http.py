"""Notes that oppose each other over HTTP: of one question or theme, masked, and within bounds."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.access import Role
from contracts.study import StatementPolicy
from database.pool import Database
from persistence.store import NotesStore
from read_model import disagreements
from support.control_office import Office, as_role
from support.interviews import STUDY, VOUCHED, evidence, ingested, note, validated

PATH = f"/v1/studies/{STUDY.study_id}/disagreements"
RAISED = "The café raised its prices in spring."
LOWERED = "The café lowered its prices in spring."


async def fill(database: Database, **study: Any) -> None:
    store = NotesStore(database)
    await store.store_transcript(ingested(study=STUDY.model_copy(update=study)))
    cited = evidence("We pay 40 dollars", masked_quote="We pay [AMOUNT]")
    raised = note(RAISED, cited, **VOUCHED)
    others = note("They would not recommend the café.", themes=("trust",), questions=())
    await store.store_notes(validated(raised, note(LOWERED), others))


async def find(office: Office, query: str = "question=churn") -> dict[str, Any]:
    status, found = await office.ask("GET", f"{PATH}?{query}")
    assert status == 200
    report: dict[str, Any] = found
    return report


async def test_notes_on_a_question_that_oppose_each_other_stand_together(
    office: Office, fresh_database: Database
) -> None:
    await fill(fresh_database)
    found = await find(office)
    (pair,) = found["pairs"]
    assert (pair["kind"], pair["first"]["statement"]) == ("opposite", RAISED)
    # Nothing vouches for it, so it is no finding.
    assert (pair["second"]["statement"], pair["second"]["model_reading"]) == (None, LOWERED)
    assert pair["first"]["evidence"][0]["quote"] == "We pay [AMOUNT]"
    assert (found["found"], found["notes"], found["total"]) == (1, 2, 2)
    assert (found["compared"], found["candidates"], found["is_complete"]) == (1, 1, True)


async def test_notes_of_a_theme_are_compared_with_no_others(
    office: Office, fresh_database: Database
) -> None:
    await fill(fresh_database)
    assert len((await find(office, "theme=price"))["pairs"]) == 1
    found = await find(office, "theme=trust")
    assert (found["pairs"], found["notes"]) == ([], 1)


async def test_what_is_beyond_the_bounds_is_said(
    office: Office, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(fresh_database)
    monkeypatch.setattr(disagreements, "MAX_STATEMENTS", 1)
    found = await find(office)
    assert (found["pairs"], found["notes"], found["total"]) == ([], 1, 2)
    assert not found["is_complete"]


async def test_a_study_that_shows_quotes_only_has_no_statements_to_compare(
    office: Office, fresh_database: Database
) -> None:
    await fill(fresh_database, statements=StatementPolicy.QUOTES)
    found = await find(office)
    assert (found["notes"], found["total"], found["hidden"]) == (0, 2, 2)
    assert not found["is_complete"]


async def test_notes_of_studies_in_other_languages_are_counted_and_not_compared(
    office: Office, fresh_database: Database
) -> None:
    await fill(fresh_database, language="de")
    found = await find(office)
    assert (found["pairs"], found["notes"], found["total"]) == ([], 0, 2)
    assert (found["foreign_language"], found["hidden"], found["is_complete"]) == (2, 0, False)


async def test_notes_with_a_masked_name_are_counted_and_not_compared(
    office: Office, fresh_database: Database
) -> None:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    masked = [note(one.replace("The café", "[PERSON]")) for one in (RAISED, LOWERED)]
    await store.store_notes(validated(*masked))
    found = await find(office)
    assert (found["pairs"], found["notes"], found["total"], found["masked"]) == ([], 0, 2, 2)
    assert not found["is_complete"]


async def test_a_question_without_notes_is_compared_whole(
    office: Office, fresh_database: Database
) -> None:
    await fill(fresh_database)
    found = await find(office, "question=nobody-asked")
    assert (found["notes"], found["total"], found["is_complete"]) == (0, 0, True)


@pytest.mark.parametrize("query", ["", "question=churn&theme=price", "question=churn&limit=101"])
async def test_one_question_or_theme_has_to_be_named(
    office: Office, fresh_database: Database, query: str
) -> None:
    await fill(fresh_database)
    assert (await office.ask("GET", f"{PATH}?{query}"))[0] == 400


async def test_exact_words_take_their_right_and_leave_a_trace(
    office: Office, fresh_database: Database
) -> None:
    await fill(fresh_database)
    assert (await office.ask("GET", "/v1/studies/nowhere/disagreements?theme=x"))[0] == 404
    await as_role(office, Role.READER, STUDY.study_id)
    assert (await office.ask("GET", f"{PATH}?question=churn&exact=true"))[0] == 403
    await as_role(office, Role.EVIDENCE_READER, STUDY.study_id)
    (pair,) = (await find(office, "question=churn&exact=true"))["pairs"]
    assert pair["first"]["evidence"][0]["quote"] == "We pay 40 dollars"
    actions = [one.action for one in (await office.context.trail.page()).entries]
    assert actions == ["notes.read_exact"]
