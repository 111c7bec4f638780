"""Interviews that are asked again: their notes change once, when all of the new ones are there."""

from __future__ import annotations

import asyncio
from datetime import UTC
from typing import Any, Final

import pytest

from contracts import ids
from contracts.events import TranscriptSubmitted
from contracts.study import PersonalData, Theme
from contracts.topics import TRANSCRIPTS_SUBMITTED
from control.interviews.settling import OutcomePublisher
from control.interviews.submitted_contents import list_transcript_outcomes
from database.pool import Database
from ingestion.errors import RevisionWithdrawnError, UnknownRefreshError
from ingestion.registry import StudyRegistry
from persistence.store import NotesStore
from support.control_office import Office
from support.interviews import (
    STUDY,
    TRANSCRIPT,
    TURNS,
    chunk,
    ingested,
    note,
    refused,
    sha,
    validated,
)

FIRST: Final = 1_000_000_001
PATH: Final = f"/v1/studies/{STUDY.study_id}/refresh"
INTERVIEW: Final = f"/v1/transcripts/{TRANSCRIPT}"
ASKED: Final = STUDY.model_copy(update={"version": 1})
CALLS = """
INSERT INTO llm_calls (call_id, study_id, subject, purpose, prompt_version, endpoint, model, day,
                       started_at, worst_usd, settled_at, outcome, answered_by, fingerprint,
                       input_tokens, cached_tokens, output_tokens, cost_usd, estimated, latency_s)
VALUES (gen_random_uuid(), 'billing', $1, 'draft', 'notes-1', '', 'm', now()::date, now(), 1, now(),
        $2, 'm', '', $3, 0, 10, $4, false, 1)
"""


@pytest.fixture
async def edited(office: Office, fresh_database: Database) -> None:
    """A study of version 2, with an interview that was asked version 1."""
    registry = StudyRegistry(fresh_database, is_open=True, cache_s=9)
    await registry.admit(submission(1, study=STUDY, study_id=None, content="x"), None)
    await store(fresh_database, 1)
    themes = [{"id": "speed", "name": "Speed"}]
    answer = await office.client.patch(
        f"{office.url}/v1/studies/{STUDY.study_id}/registration",
        json={"themes": themes},
        headers={"If-Match": "*"},
    )
    assert answer.json()["version"] == 2


def submission(revision: int, **fields: Any) -> TranscriptSubmitted:
    given = {"study_id": STUDY.study_id, "content": "", "title": "x"} | fields
    return TranscriptSubmitted(transcript_id=TRANSCRIPT, revision=revision, **given)


async def store(database: Database, revision: int, version: int = 1, chunks: int = 2) -> None:
    storing = NotesStore(database)
    study = STUDY.model_copy(update={"version": version})
    await storing.store_transcript(
        ingested(revision, study=study, content_sha256=sha(str(version)))
    )
    for index in range(1, chunks + 1):
        said = note(f"{revision} {index}")
        await storing.store_notes(validated(said, revision=revision, index=index))


async def shown(office: Office) -> list[tuple[int, int, str]]:
    _, page = await office.ask("GET", f"/v1/studies/{STUDY.study_id}/notes")
    return [(one["revision"], one["study_version"], one["model_reading"]) for one in page["notes"]]


@pytest.mark.usefixtures("edited")
async def test_notes_change_once_all_chunks_are_stored(
    office: Office, fresh_database: Database
) -> None:
    before = await shown(office)
    assert [one[:2] for one in before] == [(1, 1)] * 2
    status, found = await office.ask("POST", PATH, {})
    assert (status, found["requested"], found["in_progress"], found["outdated"]) == (200, 1, 1, 0)
    await store(fresh_database, FIRST, 2, chunks=1)
    assert await shown(office) == before
    assert (await office.ask("GET", INTERVIEW))[1]["transcript"]["revision"] == 1
    _, segments = await office.ask("GET", f"{INTERVIEW}/segments")
    assert segments["revision"] == 1
    await store(fresh_database, FIRST, 2, chunks=2)
    assert [one[:2] for one in await shown(office)] == [(FIRST, 2)] * 2
    _, found = await office.ask("POST", PATH, {"dry_run": True})
    assert (found["up_to_date"], found["in_progress"], found["outdated"]) == (1, 0, 0)
    assert await fresh_database.fetchval("SELECT count(*) FROM notes WHERE revision = 1") == 2


@pytest.mark.usefixtures("edited")
async def test_what_a_refresh_found_is_new_when_its_last_chunk_is_stored(
    office: Office, fresh_database: Database
) -> None:
    storing = NotesStore(fresh_database)
    earlier = await read_clock(fresh_database)
    await office.ask("POST", PATH, {})
    study = STUDY.model_copy(update={"version": 2})
    await storing.store_transcript(ingested(FIRST, study=study, content_sha256=sha("2")))
    said = validated(note("It is new"), revision=FIRST, rejected=(refused(),))
    await storing.store_notes(said)
    between = await read_clock(fresh_database)
    # Until then the notes of the revision before are read, which are older.
    assert await count_since(office, earlier) == await count_since(office, between) == (0, 0, 0)
    await storing.store_notes(validated(revision=FIRST, index=2))
    assert await count_since(office, earlier) == await count_since(office, between) == (1, 1, 1)
    assert await count_since(office, await read_clock(fresh_database)) == (0, 0, 0)


async def test_what_is_read_chunk_by_chunk_is_new_when_it_is_stored(
    office: Office, fresh_database: Database
) -> None:
    await store(fresh_database, 1, chunks=1)
    between = await read_clock(fresh_database)
    await store(fresh_database, 1, chunks=2)
    assert await count_since(office, between) == (1, 1, 0)


async def read_clock(database: Database) -> str:
    """The database's time, as a parameter of a request."""
    now = await database.fetchval("SELECT clock_timestamp()")
    return f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


async def count_since(office: Office, since: str) -> tuple[int, int, int]:
    """How many notes are listed and counted, and how many refused ones listed."""
    path = f"/v1/studies/{STUDY.study_id}/notes"
    _, listed = await office.ask("GET", f"{path}?since={since}")
    _, counted = await office.ask("GET", f"{path}/counts?since={since}")
    _, refusals = await office.ask("GET", f"{path}/rejected?since={since}")
    assert counted["rejected"] == len(refusals["notes"])
    return len(listed["notes"]), counted["total"], len(refusals["notes"])


@pytest.mark.usefixtures("edited")
@pytest.mark.parametrize("chunks", [1, 2])
@pytest.mark.parametrize("has_owner", [True, False])
async def test_owners_count_the_content_and_no_refresh(
    office: Office,
    fresh_database: Database,
    chunks: int,
    has_owner: bool,  # noqa: FBT001 - a parameter
) -> None:
    if not has_owner:  # as what was stored before owners were recorded
        await fresh_database.execute("DELETE FROM transcript_owners")
    await office.ask("POST", PATH, {})
    await store(fresh_database, FIRST, 2, chunks=chunks)
    handed = {"to": "/portal", "reason": "a test"}
    status, owned = await office.ask("POST", f"{INTERVIEW}/handover", handed)
    assert (status, owned["current"], owned["highest"]) == (200, 1, 1)
    status, taken = await office.ask("POST", f"{INTERVIEW}/withdraw", {"reason": "a test"})
    assert (status, taken["revision"], taken["transcript"]["current"]) == (200, 1, None)
    assert await shown(office) == []


@pytest.mark.usefixtures("edited")
async def test_a_studys_handover_takes_interviews_along_that_have_no_owner(
    office: Office, fresh_database: Database
) -> None:
    await fresh_database.execute("DELETE FROM transcript_owners")
    path = f"/v1/studies/{STUDY.study_id}/handover"
    some = {"to": "/portal", "of": "/another", "reason": "a test"}
    assert (await office.ask("POST", path, some))[1]["transcripts"] == 0
    every = {"to": "/portal", "reason": "a test"}
    assert (await office.ask("POST", path, every))[1]["transcripts"] == 1
    assert (await office.ask("POST", path, every))[1]["transcripts"] == 0
    row = await fresh_database.fetchrow("SELECT producer, revision FROM transcript_owners")
    assert row is not None
    assert tuple(row) == ("/portal", 1)


@pytest.mark.usefixtures("edited")
async def test_asking_twice_asks_nothing_twice(office: Office, fresh_database: Database) -> None:
    answers = await asyncio.gather(*(office.ask("POST", PATH, {}) for _ in range(3)))
    assert {status for status, _ in answers} == {200}
    assert await fresh_database.fetchval("SELECT count(*) FROM refreshes") == 1
    assert sum(found["requested"] for _, found in answers) == 1
    assert await office.bench.size(TRANSCRIPTS_SUBMITTED.name) == 1
    again = await office.ask("POST", PATH, {})
    assert (again[1]["requested"], again[1]["in_progress"]) == (0, 1)
    entries = (await office.context.trail.page(action="study.refresh")).entries
    assert {one.target for one in entries} == {"billing version 2: all"}


@pytest.mark.usefixtures("edited")
async def test_a_dry_run_says_what_it_costs_and_asks_nothing(
    office: Office, fresh_database: Database
) -> None:
    chunk = await fresh_database.fetchval("SELECT chunk_id::text FROM chunks WHERE index = 1")
    for outcome, tokens, usd in (("answered", 100, 2), ("timeout", 50, 1), ("answered", 140, 3)):
        await fresh_database.execute(CALLS, chunk, outcome, tokens, usd)
    status, found = await office.ask("POST", PATH, {"dry_run": True})
    assert (status, found["outdated"], found["requested"]) == (200, 1, 0)
    assert found["estimate"] == {
        "chunks": 2,
        "measured_chunks": 1,
        "cached_chunks": 0,
        "calls_low": 2,
        "calls_high": 6,
        "tokens_low": 220,
        "tokens_high": 640,
        "usd_low": 4.0,
        "usd_high": 12.0,
    }
    assert await fresh_database.fetchval("SELECT count(*) FROM refreshes") == 0
    assert (await office.context.trail.page(action="study.refresh")).entries == ()


@pytest.mark.usefixtures("edited")
async def test_what_was_asked_before_may_be_answered_by_the_cache(
    office: Office, fresh_database: Database
) -> None:
    back = {"themes": [one.model_dump() for one in STUDY.themes]}
    await office.client.patch(
        f"{office.url}/v1/studies/{STUDY.study_id}/registration",
        json=back,
        headers={"If-Match": "*"},
    )
    _, found = await office.ask("POST", PATH, {"dry_run": True})
    assert (found["version"], found["outdated"], found["estimate"]["cached_chunks"]) == (3, 1, 2)


@pytest.mark.usefixtures("edited")
async def test_ingestion_reads_what_is_stored_and_asks_the_current_version(
    office: Office, fresh_database: Database
) -> None:
    registry = StudyRegistry(fresh_database, is_open=True, cache_s=99)
    with pytest.raises(UnknownRefreshError):
        await registry.admit(submission(FIRST, refresh_version=2), None)
    await office.ask("POST", PATH, {})
    admitted = await registry.admit(submission(FIRST, refresh_version=2), None)
    assert admitted.study.version == 2
    assert admitted.study.themes == (Theme(id="speed", name="Speed"),)
    assert admitted.stored is not None
    assert admitted.stored.segments == TURNS
    with pytest.raises(UnknownRefreshError):
        await registry.admit(submission(FIRST + 1, refresh_version=2), None)
    await fresh_database.execute("SELECT withdraw_revision($1, 1)", TRANSCRIPT)
    with pytest.raises(RevisionWithdrawnError, match=r"onrecord study refresh"):
        await registry.admit(submission(FIRST, refresh_version=2), None)


@pytest.mark.usefixtures("edited")
async def test_the_stricter_policy_of_the_interview_and_the_study_counts(
    office: Office, fresh_database: Database
) -> None:
    await fresh_database.execute(
        'UPDATE transcripts SET study = study || \'{"personal_data": "mask"}\''
    )
    await office.ask("POST", PATH, {})
    registry = StudyRegistry(fresh_database, is_open=True, cache_s=99)
    admitted = await registry.admit(submission(FIRST, refresh_version=2), None)
    assert admitted.study.personal_data is PersonalData.MASK


@pytest.mark.usefixtures("edited")
async def test_a_refresh_takes_no_number_of_the_producers_and_no_place_of_newer_content(
    office: Office, fresh_database: Database
) -> None:
    await office.ask("POST", PATH, {})
    await store(fresh_database, 2, 1)
    await store(fresh_database, FIRST, 2)
    assert {one[0] for one in await shown(office)} == {2}
    claimed = await fresh_database.fetchrow(
        "SELECT * FROM claim_transcript($1, 'billing', '', 2, NULL)", TRANSCRIPT
    )
    assert claimed is not None
    assert claimed["refusal"] is None
    _, found = await office.ask("POST", PATH, {"dry_run": True})
    assert found["outdated"] == 1, "the newer content was asked version 1"


@pytest.mark.usefixtures("edited")
async def test_withdrawn_content_is_withdrawn_with_its_refreshes(
    office: Office, fresh_database: Database
) -> None:
    await office.ask("POST", PATH, {})
    await store(fresh_database, FIRST, 2)
    why = {"reason": "the wrong file"}
    status, changed = await office.ask("POST", f"{INTERVIEW}/withdraw", why)
    assert (status, changed["revision"], changed["transcript"]["current"]) == (200, 1, None)
    assert (await office.ask("GET", INTERVIEW))[0] == 404
    await office.ask("POST", f"{INTERVIEW}/restore", why)
    assert (await office.ask("GET", INTERVIEW))[1]["transcript"]["revision"] == FIRST
    await office.ask("POST", f"{INTERVIEW}/withdraw", {"revision": FIRST, **why})
    assert (await office.ask("GET", INTERVIEW))[1]["transcript"]["revision"] == 1
    _, found = await office.ask("POST", PATH, {})
    assert found["requested"] == 1, "it is asked again under another number"


async def test_two_that_store_the_last_chunks_at_once_complete_a_refresh(
    office: Office, fresh_database: Database
) -> None:
    del office
    storing = NotesStore(fresh_database)
    for number in range(1, 11):
        await fresh_database.execute(
            "INSERT INTO refreshes VALUES ($1, $2, 1, 'billing', 2, 'ada')",
            *(TRANSCRIPT, FIRST + number),
        )
        await storing.store_transcript(ingested(FIRST + number, study=ASKED))
        both = [validated(revision=FIRST + number, index=index) for index in (1, 2)]
        await asyncio.gather(*(storing.store_notes(one) for one in both))
    pending = await fresh_database.fetchval("SELECT count(*) FROM transcripts WHERE is_pending")
    assert pending == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [({"transcript_ids": ["x"]}, 400), ({"dry": True}, 400), ({"transcript_ids": []}, 200)],
)
@pytest.mark.usefixtures("edited")
async def test_what_cannot_be_asked_again(office: Office, body: Any, status: int) -> None:
    assert (await office.ask("POST", PATH, body))[0] == status
    other = {"transcript_ids": [str(ids.derive_id("another"))]}
    assert (await office.ask("POST", PATH, other))[1]["requested"] == 0
    assert (await office.ask("POST", "/v1/studies/none/refresh", {}))[0] == 404


@pytest.mark.usefixtures("edited")
async def test_an_archived_study_is_not_asked_again(office: Office) -> None:
    await office.client.patch(
        f"{office.url}/v1/studies/{STUDY.study_id}/registration",
        json={"archived": True},
        headers={"If-Match": "*"},
    )
    status, problem = await office.ask("POST", PATH, {})
    assert (status, "is archived" in problem["detail"]) == (409, True)


async def put_letter(database: Database, subject: str, state: str, revision: int | None) -> None:
    await database.execute(
        "INSERT INTO dead_letters (letter_id, service, dlq_topic, dlq_partition, dlq_offset, "
        "consumer_group, error_code, error_type, error_message, attempts, timeouts, failed_at, "
        "fingerprint, subject, headers, size_bytes, state, state_reason, revision) "
        "SELECT gen_random_uuid(), 'ingestion', 't', 0, count(*), 'g', 'c', 'e', 'm', 1, 0, now(), "
        "'f', $1, '{}', 1, $2, 'a test', $3 FROM dead_letters",
        *(subject, state, revision),
    )


@pytest.mark.usefixtures("edited")
@pytest.mark.parametrize("of", ["its submission", "a chunk"])
async def test_a_refresh_whose_letters_were_discarded_can_be_asked_for_again(
    office: Office, fresh_database: Database, of: str
) -> None:
    await office.ask("POST", PATH, {})
    subject, revision = str(TRANSCRIPT), FIRST if of == "its submission" else None
    if of == "a chunk":
        await store(fresh_database, FIRST, 2, chunks=1)
        subject = str(chunk(FIRST, 2).chunk_id)

    async def ask() -> tuple[int, int]:
        _, found = await office.ask("POST", PATH, {})
        return found["requested"], found["in_progress"]

    await put_letter(fresh_database, subject, "open", revision)
    assert await ask() == (0, 1)
    await put_letter(fresh_database, subject, "discarded", revision)
    assert await ask() == (0, 1), "one of them may still be replayed"
    await fresh_database.execute(
        "UPDATE dead_letters SET state = 'discarded', state_reason = 'a test'"
    )
    assert await ask() == (1, 1)
    assert await ask() == (0, 1)
    await store(fresh_database, FIRST + 1, 2)
    _, found = await office.ask("POST", PATH, {"dry_run": True})
    assert (found["up_to_date"], found["in_progress"], found["outdated"]) == (1, 0, 0)
    assert {one[0] for one in await shown(office)} == {FIRST + 1}


@pytest.mark.usefixtures("edited")
async def test_readers_are_informed_of_a_refresh_once_they_are_shown_it(
    office: Office, fresh_database: Database
) -> None:
    await office.ask("POST", PATH, {})
    await fresh_database.execute("DELETE FROM changes")

    async def changes() -> list[tuple[str, int, int | None]]:
        rows = await fresh_database.fetch(
            "SELECT kind, (data ->> 'revision')::int, (data ->> 'chunks')::int AS chunks "
            "FROM changes ORDER BY change_id"
        )
        return [tuple(row) for row in rows]

    await store(fresh_database, FIRST, 2, chunks=1)
    assert await changes() == []
    await store(fresh_database, FIRST, 2, chunks=2)
    assert await changes() == [
        ("transcripts.ingested", FIRST, None),
        ("notes.stored", FIRST, 2),
    ]


@pytest.mark.usefixtures("edited")
async def test_outcomes_of_a_refresh_say_so_and_it_is_none_of_the_producers_revisions(
    office: Office, fresh_database: Database
) -> None:
    for revision in (1, FIRST):
        await fresh_database.execute(
            "INSERT INTO submissions (topic, partition, record_offset, transcript_id, revision, "
            "content_sha256, submitted_at) VALUES ('t' || $2::int, 0, 0, $1, $2, $3, now())",
            *(TRANSCRIPT, revision, sha("1" if revision == 1 else "2")),
        )
    await office.ask("POST", PATH, {})
    await store(fresh_database, FIRST, 2)

    async def publish(_: Any) -> None:
        """It stays in the database."""

    await OutcomePublisher(fresh_database, publish).decide()
    outcomes = await list_transcript_outcomes(fresh_database, TRANSCRIPT, None)
    assert [(one.revision, one.outcome.value, one.refreshes) for one in outcomes] == [
        (FIRST, "complete", 1),
        (1, "superseded", None),
    ]
    state = await office.context.submitter.state(TRANSCRIPT, STUDY.study_id)
    assert [one.revision for one in state.stored] == [1]
