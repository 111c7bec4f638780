"""How an interview was read, over HTTP: masked where its study is, and of no other study."""

from __future__ import annotations

from typing import Any, Final

import pytest

from contracts.access import Role
from contracts.ids import derive_id
from contracts.study import PersonalData
from database.pool import Database
from persistence.store import NotesStore
from support.control_office import Office, as_role
from support.interviews import REPORT, STUDY, TRANSCRIPT, ingested, sha

MASKED: Final = STUDY.model_copy(update={"personal_data": PersonalData.MASK})
OPEN: Final = STUDY.model_copy(update={"personal_data": PersonalData.ALLOW})
PATH: Final = f"/v1/transcripts/{TRANSCRIPT}/reading-report"
REFRESH: Final = 1_000_000_001


async def trail(office: Office) -> list[tuple[str, str | None]]:
    return [(one.action, one.study_id) for one in (await office.context.trail.page()).entries]


async def report(office: Office, query: str = "") -> dict[str, Any]:
    status, found = await office.ask("GET", f"{PATH}?{query}")
    assert status == 200, found
    body: dict[str, Any] = found
    return body


def names(found: dict[str, Any]) -> list[str]:
    return [one["speaker"] for one in found["speakers"]]


@pytest.mark.parametrize("study", [MASKED, STUDY, OPEN])
async def test_names_and_quotes_are_masked_unless_the_study_allows_personal_data(
    office: Office, fresh_database: Database, study: Any
) -> None:
    await NotesStore(fresh_database).store_transcript(ingested(study=study))
    await as_role(office, Role.READER, STUDY.study_id)
    found = await report(office)
    if study is OPEN:
        assert names(found) == ["Ada", "Bo"]
        assert (found["doubts"], found["is_masked"]) == (list(REPORT.doubts), False)
    else:
        assert names(found) == ["interviewer 1", "participant 2"]
        assert found["doubts"] == [
            "“participant 2” is named once only, within interviewer 1's long turn below “[…]”"
        ]
        assert found["is_masked"]
    assert (found["revision"], found["format"], found["confidence"]) == (1, "webvtt", 0.9)
    assert (found["unnamed_share"], found["timed_share"]) == (0, 0.5)
    assert [(one["words"], one["share"]) for one in found["speakers"]] == [(4, 0.25), (12, 0.75)]
    assert found["notices"] == list(REPORT.notices)
    assert await trail(office) == []


async def test_the_exact_report_takes_its_right_and_leaves_a_trace(
    office: Office, fresh_database: Database
) -> None:
    await NotesStore(fresh_database).store_transcript(ingested(study=MASKED))
    await as_role(office, Role.READER)
    assert (await office.ask("GET", f"{PATH}?exact=true"))[0] == 403
    assert await trail(office) == []
    await as_role(office, Role.EVIDENCE_READER, STUDY.study_id)
    found = await report(office, "exact=true")
    assert (names(found), found["doubts"]) == (["Ada", "Bo"], list(REPORT.doubts))
    assert not found["is_masked"]
    assert await trail(office) == [("reading_report.read_exact", STUDY.study_id)]
    assert (await report(office))["is_masked"]


async def test_interviews_of_before_reports_were_kept_have_none(
    office: Office, fresh_database: Database
) -> None:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested(reading_report=None))
    await store.store_transcript(ingested(2))
    assert (await report(office))["revision"] == 2
    status, problem = await office.ask("GET", f"{PATH}?revision=1")
    assert (status, "before reports were kept" in problem["detail"]) == (404, True)
    assert (await office.ask("GET", f"{PATH}?revision=3"))[0] == 404
    assert (await office.ask("GET", f"{PATH}?revision=0"))[0] == 400
    assert (await office.ask("GET", f"{PATH}?limit=1"))[0] == 400


async def test_the_report_of_another_study_is_as_if_it_were_not_there(
    office: Office, fresh_database: Database
) -> None:
    await NotesStore(fresh_database).store_transcript(ingested())
    await as_role(office, Role.EVIDENCE_READER, "another")
    nobody = derive_id("nobody")
    for query in ("", "?exact=true", "?revision=1"):
        shown = [
            (status, body["detail"].replace(str(key), "ID"))
            for key in (TRANSCRIPT, nobody)
            for status, body in [
                await office.ask("GET", f"/v1/transcripts/{key}/reading-report{query}")
            ]
        ]
        assert shown == [(404, "there is no interview ID")] * 2
    assert await trail(office) == []


async def test_an_interview_that_is_asked_again_has_the_report_of_its_words(
    office: Office, fresh_database: Database
) -> None:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested(study=MASKED))
    await fresh_database.execute(
        "INSERT INTO refreshes VALUES ($1, $2, 1, 'billing', 2, 'a test')", TRANSCRIPT, REFRESH
    )
    again = ingested(REFRESH, study=MASKED, content_sha256=sha("b"), reading_report=None)
    chunk_id = derive_id("again")
    chunks = (again.chunks[0].model_copy(update={"chunk_id": chunk_id}),)
    await store.store_transcript(again.model_copy(update={"chunks": chunks}))
    found = await report(office, f"revision={REFRESH}")
    assert (found["revision"], names(found)) == (REFRESH, ["interviewer 1", "participant 2"])
    assert found["notices"] == list(REPORT.notices)
