"""Revisions that are withdrawn: kept, current nowhere, and back once they are restored."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from contracts import ids
from contracts.events import TranscriptSubmitted
from contracts.notes import Note
from contracts.submissions import Submitter, SubmitTranscriptRequest
from control.domain import IndexedSubmission
from control.interviews.settling import OutcomePublisher
from control.interviews.submitting import RevisionConflictError
from database.pool import Database
from persistence.store import NotesStore
from support.control_office import Office
from support.interviews import STUDY, TRANSCRIPT, ingested, note, refused, sha, validated

PATH: Final = f"/v1/transcripts/{TRANSCRIPT}"
UNKNOWN: Final = UUID(int=1)
WHY: Final = {"reason": "the wrong file"}
OLD: Final = note("She would not recommend it")
NEW: Final = note("She would never recommend it")


async def store(database: Database, revision: int, *notes: Note) -> None:
    """A revision with notes on its first chunk, and a refused one; its second chunk has none."""
    storing = NotesStore(database)
    await storing.store_transcript(
        ingested(revision, title=f"Revision {revision}", content_sha256=sha(str(revision)))
    )
    rejected = (refused(f"Everybody loves {revision}"),)
    await storing.store_notes(validated(*notes, revision=revision, rejected=rejected))
    await storing.store_notes(validated(revision=revision, index=2))


@pytest.fixture
async def two_revisions(fresh_database: Database) -> None:
    await store(fresh_database, 1, OLD)
    await store(fresh_database, 2, NEW)


async def read_all(office: Office) -> dict[str, Any]:
    """What every reader of a study's current interviews answers."""
    study = f"/v1/studies/{STUDY.study_id}"
    found = {}
    for path in (
        "/v1/studies",
        study,
        f"{study}/coverage",
        f"{study}/transcripts",
        f"{study}/notes",
        f"{study}/notes/counts",
        f"{study}/notes/rejected",
        f"{study}/speakers",
        PATH,
        f"{PATH}/segments",
        f"{PATH}/reading-report",
    ):
        status, body = await office.ask("GET", path)
        if isinstance(body, dict):
            body.pop("outcomes", None)
        found[path] = (status, body)
    return found


async def test_every_reader_shows_the_revision_before_the_one_withdrawn(
    office: Office, fresh_database: Database
) -> None:
    await store(fresh_database, 1, OLD)
    before = await read_all(office)
    assert OLD.statement in str(before)
    await store(fresh_database, 2, NEW)
    newer = await read_all(office)
    assert newer != before

    status, changed = await office.ask("POST", f"{PATH}/withdraw", WHY)
    assert (status, changed["revision"], changed["transcript"]["current"]) == (200, 2, 1)
    assert changed["transcript"]["withdrawn"] == [2]
    assert await read_all(office) == before

    status, changed = await office.ask("POST", f"{PATH}/restore", WHY)
    assert (status, changed["revision"], changed["transcript"]["current"]) == (200, 2, 2)
    assert await read_all(office) == newer


@pytest.mark.usefixtures("two_revisions")
async def test_what_is_withdrawn_is_found_by_no_id_either(
    office: Office, fresh_database: Database
) -> None:
    rejected = await fresh_database.fetchval(
        "SELECT rejected_id FROM rejected_notes JOIN chunks USING (chunk_id) WHERE revision = 2"
    )
    paths = [
        f"/v1/notes/{NEW.note_id}",
        f"/v1/notes/{NEW.note_id}/evidence",
        f"/v1/notes/{NEW.note_id}/explanation",
        f"/v1/notes/{rejected}/explanation",
        f"{PATH}/segments?revision=2",
        f"{PATH}/segments?revision=2&exact=true",
        f"{PATH}/reading-report?revision=2",
        f"{PATH}/reading-report?revision=2&exact=true",
    ]
    assert [(await office.ask("GET", path))[0] for path in paths] == [200] * len(paths)
    await office.ask("POST", f"{PATH}/withdraw", {"revision": 2, **WHY})
    assert [(await office.ask("GET", path))[0] for path in paths] == [404] * len(paths)
    kept = await fresh_database.fetchval("SELECT count(*) FROM segments WHERE revision = 2")
    assert kept == 2


@pytest.mark.usefixtures("two_revisions")
async def test_an_earlier_revision_that_is_withdrawn_is_not_counted_as_an_earlier_one(
    office: Office,
) -> None:
    path = f"/v1/studies/{STUDY.study_id}/coverage"
    _, before = await office.ask("GET", path)
    assert before["questions"][0]["earlier_notes"] == 1
    await office.ask("POST", f"{PATH}/withdraw", {"revision": 1, **WHY})
    _, after = await office.ask("GET", path)
    assert after["questions"][0]["earlier_notes"] == 0
    assert (await office.ask("GET", PATH))[1]["transcript"]["revision"] == 2


@pytest.mark.usefixtures("two_revisions")
async def test_of_an_interview_whose_revisions_are_all_withdrawn_nothing_is_shown(
    office: Office,
) -> None:
    for revision in (1, 2):
        await office.ask("POST", f"{PATH}/withdraw", {"revision": revision, **WHY})
    found = await read_all(office)
    assert OLD.statement not in str(found)
    assert "cafe" not in str(found), "nor a turn of it"
    assert (await office.ask("GET", PATH))[0] == 404
    assert (await office.ask("GET", f"{PATH}/segments"))[0] == 404


async def test_work_on_its_way_does_not_bring_a_withdrawn_revision_back(
    office: Office, fresh_database: Database
) -> None:
    await store(fresh_database, 1, OLD)
    await claim(fresh_database, 2)
    status, changed = await office.ask("POST", f"{PATH}/withdraw", WHY)
    assert (status, changed["revision"], changed["transcript"]["highest"]) == (200, 2, 1)
    before = await read_all(office)
    await store(fresh_database, 2, NEW)
    assert await read_all(office) == before
    kinds = await fresh_database.fetch("SELECT kind, data FROM changes")
    assert not any('"revision": 2' in row["data"] for row in kinds)
    await office.ask("POST", f"{PATH}/restore", WHY)
    assert (await office.ask("GET", PATH))[1]["transcript"]["revision"] == 2


async def test_a_revision_that_is_stored_while_it_is_withdrawn_is_withdrawn(
    office: Office, fresh_database: Database
) -> None:
    for number in range(20):
        transcript = ids.derive_id("race", str(number))
        await claim(fresh_database, 1, transcript)
        event = ingested(transcript_id=transcript, content_sha256=sha("a"), chunks=())
        await asyncio.gather(
            NotesStore(fresh_database).store_transcript(event),
            office.context.ownership.withdraw(transcript, 1),
        )
    assert await fresh_database.fetchval("SELECT count(*) FROM current_transcripts") == 0
    assert await fresh_database.fetchval("SELECT count(*) FROM transcripts") == 20


@pytest.mark.usefixtures("two_revisions")
async def test_withdrawing_is_in_the_trail_and_among_the_changes(
    office: Office, fresh_database: Database
) -> None:
    await office.ask("POST", f"{PATH}/withdraw", {"revision": 2, **WHY})
    await office.ask("POST", f"{PATH}/withdraw", {"revision": 2, **WHY})
    await office.ask("POST", f"{PATH}/restore", {"revision": 2, "reason": "it was right"})
    entries = (await office.context.trail.page(study_id=STUDY.study_id)).entries
    assert [(one.action, one.reason) for one in entries] == [
        ("transcript.restore", "it was right"),
        ("transcript.withdraw", "the wrong file"),
        ("transcript.withdraw", "the wrong file"),
    ]
    assert entries[0].target == f"{TRANSCRIPT} revision 2"
    kinds = await fresh_database.fetch(
        "SELECT kind, study_id FROM changes WHERE kind LIKE 'notes.%' ORDER BY change_id DESC "
        "LIMIT 2"
    )
    assert [tuple(row) for row in kinds] == [
        ("notes.restored", STUDY.study_id),
        ("notes.withdrawn", STUDY.study_id),
    ]


@pytest.mark.usefixtures("two_revisions")
async def test_the_same_request_sent_again_withdraws_no_other_revision(office: Office) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    for _ in range(2):
        answer = await office.client.post(f"{office.url}{PATH}/withdraw", json=WHY, headers=headers)
        assert (answer.status_code, answer.json()["revision"]) == (200, 2)
    assert (await office.ask("GET", PATH))[1]["transcript"]["revision"] == 1


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"{PATH}/withdraw", {"revision": 3, **WHY}, 404),
        (f"{PATH}/restore", {"revision": 2, **WHY}, 404),
        (f"{PATH}/restore", WHY, 404),
        (f"/v1/transcripts/{UNKNOWN}/withdraw", WHY, 404),
        (f"{PATH}/withdraw", {"revision": 2}, 400),
        (f"{PATH}/withdraw", {"reason": " "}, 400),
        (f"{PATH}/withdraw", {"revision": 0, **WHY}, 400),
        (f"{PATH}/withdraw", {"revision": 2**31, **WHY}, 400),
    ],
)
@pytest.mark.usefixtures("two_revisions")
async def test_what_cannot_be_withdrawn_or_restored_changes_nothing(
    office: Office, path: str, body: dict[str, Any], status: int
) -> None:
    assert (await office.ask("POST", path, body))[0] == status
    assert (await office.ask("GET", PATH))[1]["transcript"]["revision"] == 2


@pytest.mark.usefixtures("two_revisions")
async def test_both_revisions_are_settled_anew(office: Office, fresh_database: Database) -> None:
    for offset, revision in enumerate((1, 2)):
        await index_submission(office, offset, revision)
    assert await settle(fresh_database) == {1: ("superseded", False), 2: ("complete", False)}
    await office.ask("POST", f"{PATH}/withdraw", WHY)
    assert await settle(fresh_database) == {1: ("complete", False), 2: ("superseded", True)}
    await office.ask("POST", f"{PATH}/restore", WHY)
    assert await settle(fresh_database) == {1: ("superseded", False), 2: ("complete", False)}


async def test_a_withdrawn_revision_is_refused_before_it_is_published(
    office: Office, fresh_database: Database
) -> None:
    request = SubmitTranscriptRequest(
        source="ana.txt", title="Ana", study=STUDY, content="Ada: What do you pay?"
    )
    transcript = request.to_event().transcript_id
    await claim(fresh_database, 1, transcript, producer="token:admin")
    await office.context.ownership.withdraw(transcript, 1)
    body = request.model_dump(mode="json", exclude_defaults=True)
    status, problem = await office.ask("POST", "/v1/transcripts", body)
    assert (status, "was withdrawn" in problem["detail"]) == (409, True)


async def claim(
    database: Database, revision: int, transcript: UUID = TRANSCRIPT, producer: str = "/portal"
) -> None:
    await database.execute(
        "SELECT claim_transcript($1, $2, $3, $4, 1)",
        *(transcript, STUDY.study_id, producer, revision),
    )


async def index_submission(office: Office, offset: int, revision: int) -> None:
    await office.context.store.index_submission(
        IndexedSubmission(
            topic="transcripts-submitted",
            partition=0,
            offset=offset,
            transcript_id=TRANSCRIPT,
            revision=revision,
            content_sha256=sha(str(revision)),
            submitted_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
    )


async def settle(database: Database) -> dict[int, tuple[str, bool]]:
    """The latest outcome of each revision, and whether it says that it is withdrawn."""

    async def publish(_: Any) -> None:
        return None

    publisher = OutcomePublisher(database, publish)
    await publisher.decide()
    rows = await database.fetch(
        "SELECT revision, event::jsonb ->> 'outcome' AS outcome, "
        "coalesce((event::jsonb ->> 'withdrawn')::boolean, false) AS withdrawn FROM settlements"
    )
    return {row["revision"]: (row["outcome"], row["withdrawn"]) for row in rows}


@pytest.mark.usefixtures("two_revisions")
async def test_a_number_that_nobody_used_is_not_withdrawn_and_leaves_no_trace(
    office: Office, fresh_database: Database
) -> None:
    await NotesStore(fresh_database).store_transcript(ingested(9, content_sha256=sha("9")))
    before = await office.context.trail.page()
    for verb, revision in (("withdraw", 5), ("withdraw", 10), ("restore", 2)):
        body = {"revision": revision, **WHY}
        assert (await office.ask("POST", f"{PATH}/{verb}", body))[0] == 404
    assert await office.context.trail.page() == before
    assert await fresh_database.fetchval("SELECT count(*) FROM withdrawn_revisions") == 0
    await fresh_database.execute(
        "INSERT INTO submissions (topic, partition, record_offset, transcript_id, revision, "
        "submitted_at) VALUES ('t', 0, 0, $1, 5, now())",
        TRANSCRIPT,
    )
    status, _ = await office.ask("POST", f"{PATH}/withdraw", {"revision": 5, **WHY})
    assert status == 200, "it is on its way"


@pytest.mark.usefixtures("two_revisions")
async def test_nothing_is_said_of_another_study_s_revisions(
    office: Office, fresh_database: Database
) -> None:
    await office.ask("POST", f"{PATH}/withdraw", {"revision": 2, **WHY})
    other = STUDY.model_copy(update={"study_id": "another"})
    for revision in (1, 2):
        event = TranscriptSubmitted(
            transcript_id=TRANSCRIPT, revision=revision, title="x", study=other, content="x"
        )
        submitter = Submitter(token_id=uuid4(), name="ada")
        await office.context.submitter.check(event, submitter)
        mine = event.model_copy(update={"study": STUDY})
        with pytest.raises(RevisionConflictError):
            await office.context.submitter.check(mine, submitter)
