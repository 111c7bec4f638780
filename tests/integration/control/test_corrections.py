"""Interviews that people correct: a new revision of the stored words, submitted by nobody."""

from __future__ import annotations

import asyncio
from datetime import UTC
from typing import Any, Final

import pytest

from contracts.access import CreateTokenRequest, Role, RoleGrant
from contracts.events import TranscriptIngested, TranscriptSubmitted
from contracts.study import PersonalData
from contracts.topics import TRANSCRIPTS_SUBMITTED
from contracts.transcript import Role as SpeakerRole
from contracts.transcript import WordTiming
from database.pool import Database
from ingestion.domain import ChunkSizes
from ingestion.errors import (
    RevisionCorrectedError,
    RevisionWithdrawnError,
    UnknownCorrectionError,
)
from ingestion.readers import build_encoded_events_of_stored
from ingestion.registry import StudyRegistry
from persistence.store import NotesStore
from support.control_office import Office
from support.interviews import STUDY, TRANSCRIPT, TURNS, chunk, ingested, note, sha, validated

INTERVIEW: Final = f"/v1/transcripts/{TRANSCRIPT}"
PATH: Final = f"{INTERVIEW}/fix"
ASKED: Final = STUDY.model_copy(update={"version": 1})
WORDS: Final = (
    WordTiming(offset=0, start_ms=1_000, end_ms=1_200),
    WordTiming(offset=3, start_ms=1_300, end_ms=2_000),
)
TIMED: Final = (TURNS[0], TURNS[1].model_copy(update={"words": WORDS}))
RENAMED: Final = {"speakers": [{"label": "Bo", "name": "Amara Okafor"}]}


@pytest.fixture
async def stored(fresh_database: Database) -> None:
    """An interview that its producer submitted, with notes on both of its chunks."""
    registry = StudyRegistry(fresh_database, is_open=True, cache_s=0)
    await registry.admit(submission(1), None)
    await store(fresh_database, ingested(study=ASKED, segments=TIMED))


def submission(revision: int, **fields: Any) -> TranscriptSubmitted:
    given = {"study": STUDY, "content": "x", "title": "x"} | fields
    return TranscriptSubmitted(transcript_id=TRANSCRIPT, revision=revision, **given)


def correction(revision: int, corrects: int) -> TranscriptSubmitted:
    return submission(revision, study=None, study_id=STUDY.study_id, content="", corrects=corrects)


async def store(database: Database, event: TranscriptIngested, chunks: int = 2) -> None:
    storing = NotesStore(database)
    await storing.store_transcript(event)
    speaker = event.segments[1].speaker
    for index in range(1, chunks + 1):
        said = note(f"{event.revision} {index}")
        quotes = tuple(one.model_copy(update={"speaker": speaker}) for one in said.evidence)
        said = said.model_copy(update={"evidence": quotes})
        draft = validated(said, revision=event.revision, index=index)
        chunk_id = event.chunks[index - 1].chunk_id
        await storing.store_notes(draft.model_copy(update={"chunk_id": chunk_id}))


async def fix(
    office: Office, body: dict[str, Any], if_match: str | None = '"1"', **headers: str
) -> tuple[int, Any]:
    if if_match is not None:
        headers["If-Match"] = if_match
    answer = await office.client.post(f"{office.url}{PATH}", json=body, headers=headers)
    return answer.status_code, answer.json()


async def speakers(office: Office) -> tuple[int, list[str]]:
    _, page = await office.ask("GET", f"{INTERVIEW}/segments?exact=true")
    return page["revision"], [one["speaker"] for one in page["segments"]]


async def ingest(database: Database, revision: int, corrects: int) -> TranscriptIngested:
    """What ingestion makes of a correction."""
    registry = StudyRegistry(database, is_open=True, cache_s=0)
    admitted = await registry.admit(correction(revision, corrects), None)
    assert admitted.stored is not None
    encoded, *_ = build_encoded_events_of_stored(
        admitted.submitted, admitted.stored, admitted.study, ChunkSizes(6_000, 800)
    )
    return TranscriptIngested.model_validate_json(encoded.body)


@pytest.mark.usefixtures("stored")
async def test_a_corrected_interview_has_its_words_and_takes_the_place_of_the_one_before(
    office: Office, fresh_database: Database
) -> None:
    body = {
        "title": "Amara, 3 May",
        "speakers": [{"label": "Bo", "name": "Amara Okafor", "role": "unknown"}],
        "reason": "she said so",
    }
    status, made = await fix(office, body)
    assert (status, made["corrects"], made["revision"]) == (200, 1, 2)
    assert await office.bench.size(TRANSCRIPTS_SUBMITTED.name) == 1

    event = await ingest(fresh_database, 2, 1)
    assert (event.title, event.revision) == ("Amara, 3 May", 2)
    assert event.study == ASKED
    assert event.segments == (
        TIMED[0],
        TIMED[1].model_copy(update={"speaker": "Amara Okafor", "role": SpeakerRole.UNKNOWN}),
    )
    assert event.reading_report is not None
    assert [one.label for one in event.reading_report.speakers] == ["Ada", "Amara Okafor"]
    assert (
        event.reading_report.notices[0] == "corrected by people: speakers or roles (1 of 2 turns)"
    )

    storing = NotesStore(fresh_database)
    await storing.store_transcript(event)
    assert await speakers(office) == (1, ["Ada", "Bo"]), "until its notes are stored"
    _, owned = await office.ask("POST", f"{INTERVIEW}/handover", {"to": "/a", "reason": "x"})
    assert (owned["current"], owned["highest"]) == (1, 2)
    await fresh_database.execute(
        "UPDATE chunks SET stored_at = now(), attempt = 1, model = '', "
        "model_fingerprint = '', prompt_version = '', input_tokens = 0, "
        "output_tokens = 0 WHERE revision = 2"
    )
    assert await speakers(office) == (2, ["Ada", "Amara Okafor"])
    (entry,) = (await office.context.trail.page(action="transcript.fix")).entries
    assert entry.target == f"{TRANSCRIPT} revision 1: title, 1 speakers"
    assert entry.reason == "she said so"


@pytest.mark.usefixtures("stored")
async def test_what_a_correction_found_is_new_when_its_last_chunk_is_stored(
    office: Office, fresh_database: Database
) -> None:
    await fix(office, {**RENAMED, "reason": "she said so"})
    event = await ingest(fresh_database, 2, 1)
    event = event.model_copy(update={"chunks": (chunk(2, 1), chunk(2, 2))})
    await store(fresh_database, event, chunks=1)
    between = await fresh_database.fetchval("SELECT clock_timestamp()")
    since = f"{between.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    path = f"/v1/studies/{STUDY.study_id}/notes?since={since}"
    assert (await office.ask("GET", path))[1]["notes"] == []
    await store(fresh_database, event, chunks=2)
    found = (await office.ask("GET", path))[1]["notes"]
    assert {one["revision"] for one in found} == {2}
    assert len(found) == 2


@pytest.mark.usefixtures("stored")
async def test_what_people_decided_about_notes_holds_once_the_correction_is_complete(
    office: Office, fresh_database: Database
) -> None:
    hidden = note("1 1").note_id
    answer = await office.client.post(
        f"{office.url}/v1/notes/{hidden}/decisions",
        json={"kind": "hidden"},
        headers={"If-Match": "*"},
    )
    assert answer.status_code == 200, answer.text
    await fix(office, RENAMED)
    event = await ingest(fresh_database, 2, 1)
    event = event.model_copy(update={"chunks": (chunk(2, 1), chunk(2, 2))})
    path = f"/v1/studies/{STUDY.study_id}/notes?decision=hidden"
    await store(fresh_database, event, chunks=1)
    (shown,) = (await office.ask("GET", path))[1]["notes"]
    assert (shown["note_id"], shown["revision"]) == (str(hidden), 1)
    await store(fresh_database, event, chunks=2)
    (shown,) = (await office.ask("GET", path))[1]["notes"]
    assert (shown["revision"], shown["evidence"][0]["speaker"]) == (2, "Amara Okafor")
    _, page = await office.ask("GET", f"/v1/studies/{STUDY.study_id}/notes")
    assert len(page["notes"]) == 1


@pytest.mark.usefixtures("stored")
async def test_a_dry_run_says_what_would_change_and_changes_nothing(
    office: Office, fresh_database: Database
) -> None:
    answer = await office.client.post(f"{office.url}{PATH}", json=RENAMED | {"dry_run": True})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    assert answer.json() | {"transcript_id": None} == {
        "transcript_id": None,
        "study_id": "billing",
        "corrects": 1,
        "revision": None,
        "changes_title": False,
        "turns": 1,
        "quotes": 2,
        "chunks": 2,
        "asked_again": [1, 2],
        "notes": 2,
        "notes_asked_again": 2,
        "is_estimate": True,
    }
    title = {"title": "Another", "dry_run": True}
    _, planned = await fix(office, title, None)
    assert (planned["changes_title"], planned["asked_again"], planned["notes_asked_again"]) == (
        *(True, [], 0),
    )
    assert await fresh_database.fetchval("SELECT count(*) FROM corrections") == 0
    assert await office.bench.size(TRANSCRIPTS_SUBMITTED.name) == 0
    assert (await office.context.trail.page(action="transcript.fix")).entries == ()


@pytest.mark.usefixtures("stored")
async def test_corrections_say_what_they_correct_and_take_no_others_place(
    office: Office, fresh_database: Database
) -> None:
    assert (await fix(office, RENAMED, None))[0] == 428
    status, problem = await fix(office, RENAMED, '"7"')
    assert (status, "revision 1 is current now, not 7" in problem["detail"]) == (412, True)
    status, problem = await fix(office, {"title": "Interview 1"})
    assert (status, "changes nothing" in problem["detail"]) == (400, True)
    status, problem = await fix(office, {"speakers": [{"label": "Zoe", "name": "Zoë"}]})
    assert (status, problem["detail"]) == (
        *(400, "speakers: nobody is called 'Zoe' in this interview: 'Ada', 'Bo'"),
    )
    assert (await fix(office, {}))[0] == 400

    made = [await fix(office, RENAMED, **{"Idempotency-Key": "k1"}) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0][1]["revision"] == 2
    status, problem = await fix(office, {"title": "Another"})
    assert (status, "revision 2 of this interview is on its way" in problem["detail"]) == (
        409,
        True,
    )
    assert await office.bench.size(TRANSCRIPTS_SUBMITTED.name) == 1

    registry = StudyRegistry(fresh_database, is_open=True, cache_s=0)
    with pytest.raises(RevisionCorrectedError, match="submit what is newer as revision 3"):
        await registry.admit(submission(2), None)
    await registry.admit(submission(3), None)
    status, problem = await fix(office, {"title": "Another"})
    assert (status, "revision 3 of this interview is on its way" in problem["detail"]) == (
        409,
        True,
    )


@pytest.mark.usefixtures("stored")
async def test_of_requests_at_the_same_time_one_is_made(
    office: Office, fresh_database: Database
) -> None:
    titles = [{"title": f"Title {number}"} for number in range(4)]
    answers = await asyncio.gather(*(fix(office, one) for one in titles))
    assert sorted(status for status, _ in answers) == [200, 409, 409, 409]
    assert await fresh_database.fetchval("SELECT count(*) FROM corrections") == 1


@pytest.mark.usefixtures("stored")
async def test_what_was_claimed_before_a_crash_is_published_by_the_next_request(
    office: Office, fresh_database: Database
) -> None:
    await fix(office, RENAMED)
    await fresh_database.execute("UPDATE corrections SET published_at = NULL")
    status, again = await fix(office, RENAMED)
    assert (status, again["revision"]) == (200, 2)
    assert await office.bench.size(TRANSCRIPTS_SUBMITTED.name) == 2
    await fresh_database.execute("UPDATE corrections SET published_at = NULL")
    assert (await fix(office, {"title": "Another"}))[0] == 409
    assert await office.bench.size(TRANSCRIPTS_SUBMITTED.name) == 3
    assert await fresh_database.fetchval("SELECT count(*) FROM corrections") == 1


@pytest.mark.usefixtures("stored")
async def test_ingestion_takes_only_what_was_asked_for_and_the_stricter_policy(
    office: Office, fresh_database: Database
) -> None:
    registry = StudyRegistry(fresh_database, is_open=True, cache_s=0)
    with pytest.raises(UnknownCorrectionError):
        await registry.admit(correction(2, 1), None)
    edited = {"personal_data": "mask", "themes": [{"id": "speed", "name": "Speed"}]}
    await office.client.patch(
        f"{office.url}/v1/studies/{STUDY.study_id}/registration",
        json=edited,
        headers={"If-Match": "*"},
    )
    await fix(office, RENAMED)
    event = await ingest(fresh_database, 2, 1)
    assert event.study.personal_data is PersonalData.MASK
    assert (event.study.version, event.study.themes) == (1, STUDY.themes), "as it was asked"
    await fresh_database.execute("SELECT withdraw_revision($1, 2)", TRANSCRIPT)
    with pytest.raises(RevisionWithdrawnError):
        await registry.admit(correction(2, 1), None)
    status, made = await fix(office, RENAMED)
    assert (status, made["revision"]) == (200, 3), "a withdrawn number is not used again"


@pytest.mark.usefixtures("stored")
async def test_a_correction_is_corrected_and_a_refresh_too(
    office: Office, fresh_database: Database
) -> None:
    await fix(office, RENAMED)
    event = await ingest(fresh_database, 2, 1)
    await store(fresh_database, event.model_copy(update={"content_sha256": sha("b")}), 1)
    assert (await speakers(office))[0] == 2
    await office.client.patch(
        f"{office.url}/v1/studies/{STUDY.study_id}/registration",
        json={"themes": [{"id": "speed", "name": "Speed"}]},
        headers={"If-Match": "*"},
    )
    await office.ask("POST", f"/v1/studies/{STUDY.study_id}/refresh", {})
    status, problem = await fix(office, {"title": "Another"}, '"2"')
    assert (status, "on its way" in problem["detail"]) == (409, True)
    first = 1_000_000_001
    registry = StudyRegistry(fresh_database, is_open=True, cache_s=0)
    refreshed = await registry.admit(
        submission(first, study=None, study_id=STUDY.study_id, content="", refresh_version=2), None
    )
    assert refreshed.stored is not None
    assert refreshed.stored.segments == event.segments, "with the times of words"
    (again, *_) = build_encoded_events_of_stored(
        refreshed.submitted, refreshed.stored, refreshed.study, ChunkSizes(6_000, 800)
    )
    await store(fresh_database, TranscriptIngested.model_validate_json(again.body), 1)
    assert await speakers(office) == (first, ["Ada", "Amara Okafor"])
    status, made = await fix(office, {"title": "Another"}, f'"{first}"')
    assert (status, made["revision"]) == (200, 3)
    event = await ingest(fresh_database, 3, first)
    assert (event.study.version, event.segments[1].speaker) == (2, "Amara Okafor")


@pytest.mark.usefixtures("stored")
async def test_whoever_may_not_submit_to_the_study_corrects_nothing(
    office: Office, fresh_database: Database
) -> None:
    statuses = {}
    for role, study in (
        *((Role.READER, None), (Role.OPERATOR, None)),
        *((Role.RESEARCHER, "another"), (Role.RESEARCHER, STUDY.study_id)),
    ):
        wanted = CreateTokenRequest(name="x", grants=(RoleGrant(role=role, study_id=study),))
        made = await office.context.tokens.create(wanted, "a test")
        headers = {"Authorization": f"Bearer {made.secret}"}
        statuses[role, study] = (await fix(office, RENAMED, **headers))[0]
    assert list(statuses.values()) == [403, 403, 404, 200]
    del fresh_database


@pytest.mark.usefixtures("stored")
async def test_where_names_are_masked_an_error_names_pseudonyms(
    office: Office, fresh_database: Database
) -> None:
    await office.client.patch(
        f"{office.url}/v1/studies/{STUDY.study_id}/registration",
        json={"personal_data": "mask"},
        headers={"If-Match": "*"},
    )
    wanted = CreateTokenRequest(name="x", grants=(RoleGrant(role=Role.RESEARCHER),))
    made = await office.context.tokens.create(wanted, "a test")
    headers = {"Authorization": f"Bearer {made.secret}"}
    _, problem = await fix(office, {"speakers": [{"label": "Z", "name": "Y"}]}, **headers)
    assert problem["detail"].endswith("'interviewer 1', 'participant 2'")
    by_pseudonym = {"speakers": [{"label": "participant 2", "name": "Amara"}]}
    assert (await fix(office, by_pseudonym, **headers))[0] == 200
    event = await ingest(fresh_database, 2, 1)
    assert [one.speaker for one in event.segments] == ["Ada", "Amara"]
