"""Interviews that are erased: nothing is left of them, nothing comes back; a receipt says so."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts import ids
from contracts.access import Role
from contracts.erasures import SignedErasureReceipt
from contracts.events import SettledOutcome, TranscriptIngested, TranscriptSettled
from contracts.notes import Evidence, Note, Usage
from contracts.transcript import Role as SpeakerRole
from contracts.transcript import Segment
from control.domain import IndexedSubmission
from control.erasures.receipts import CopiesElsewhere
from control.erasures.runner import ErasureRunner
from control.erasures.store import UNKNOWN
from control.interviews.settling import OutcomePublisher
from database.lazy import LazilyConnectedDatabase
from database.pool import Database
from database.settings import PostgresSettings
from messaging import KafkaUnavailableError
from model_client.cache.store import (
    CacheClaimRelease,
    CachedResponse,
    CacheQuery,
    CacheSettings,
    CacheStore,
)
from onrecord.erasing import verify_receipt
from onrecord.errors import FailedError
from persistence.store import NotesStore
from support.chunks import CHUNK
from support.control_office import Office, as_role
from support.deciding import decided
from support.interviews import STUDY, TRANSCRIPT, chunk, ingested, note, refused, sha, validated
from support.marked_words import find_marked

MARKER: Final = "zanzibarquell"
"""A word that only the interview to erase has."""

STEM: Final = MARKER[:9]
"""What search keeps of it."""

OTHER: Final = ids.derive_transcript_id("billing", "interview-2")
ELSEWHERE: Final = CopiesElsewhere(timedelta(days=30), None, timedelta(days=210))
WHY: Final = {"reason": "consent was withdrawn", "reference": "T-311"}
PATH: Final = "/v1/erasures"


def interview(
    transcript_id: UUID = TRANSCRIPT, speaker: str = f"Bo {MARKER}", **changes: Any
) -> TranscriptIngested:
    """An interview whose title, speaker and words have the marker, with two chunks of its own."""
    turns = (
        Segment(number=1, speaker="Ada", role=SpeakerRole.INTERVIEWER, text=f"Why {MARKER}?"),
        Segment(
            number=2, speaker=speaker, role=SpeakerRole.PARTICIPANT, text=f"I said {MARKER} again."
        ),
    )
    chunks = tuple(
        one.model_copy(update={"chunk_id": chunk_id(transcript_id, one.index)})
        for one in (chunk(1, 1), chunk(1, 2))
    )
    return ingested(
        transcript_id=transcript_id,
        title=f"About {MARKER}",
        segments=turns,
        chunks=chunks,
        **changes,
    )


def chunk_id(transcript_id: UUID, index: int) -> UUID:
    return ids.derive_chunk_id(transcript_id, 1, sha("a"), index)


def quoting(transcript_id: UUID, speaker: str = f"Bo {MARKER}") -> Note:
    quote = f"I said {MARKER} again"
    cited = Evidence(
        segment=2,
        start=0,
        length=len(quote),
        quote=quote,
        speaker=speaker,
        role=SpeakerRole.PARTICIPANT,
    )
    written = note(f"They say {MARKER} of {transcript_id}", cited)
    return written.model_copy(update={"note_id": ids.derive_id("note", transcript_id)})


async def store(database: Database, transcript_id: UUID = TRANSCRIPT, **changes: Any) -> None:
    """Store an interview with a note, a refused one, and a draft that waits for a revision."""
    storing = NotesStore(database)
    event = interview(transcript_id, **changes)
    await storing.store_transcript(event)
    draft = validated(
        quoting(transcript_id, event.segments[1].speaker),
        rejected=(refused(f"Nobody likes {MARKER}"),),
        transcript_id=transcript_id,
        chunk_id=chunk_id(transcript_id, 1),
    )
    await storing.store_notes(draft)
    waiting = draft.model_copy(
        update={"revision": 2, "chunk_id": ids.derive_id("waits", transcript_id)}
    )
    await storing.store_notes(waiting)


async def submit(office: Office, transcript_id: UUID = TRANSCRIPT, offset: int = 7) -> None:
    await office.context.store.index_submission(
        IndexedSubmission(
            topic="transcripts-submitted",
            partition=0,
            offset=offset,
            transcript_id=transcript_id,
            revision=1,
            content_sha256=sha("a"),
            submitted_at=datetime(2026, 1, 2, tzinfo=UTC),
        )
    )


async def cache_answer(postgres: PostgresSettings, subject: UUID, key: str) -> None:
    """Have the cache of models' responses keep one about a chunk."""
    async with LazilyConnectedDatabase(postgres) as lazy:
        cache = CacheStore(lazy, CacheSettings(), lambda: datetime.now(UTC))
        usage = Usage(input_tokens=1, output_tokens=1)
        response = CachedResponse(f"{{{MARKER}}}", "m", "", usage, Decimal(0))
        search = CacheQuery([key], claims=True, subject=str(subject))
        await cache.search(search)
        await cache.complete(CacheClaimRelease(key, (key, response), subject=str(subject)))


async def handle_all(office: Office, service: str = "control") -> None:
    """Commit all that there is for a service, as it does itself once it has handled it."""
    kafka = office.bench.kafka
    consumer = AIOKafkaConsumer(
        **kafka.client_options(), group_id=kafka.topic(service), enable_auto_commit=False
    )
    await consumer.start()
    try:
        places = [TopicPartition(kafka.topic(name), 0) for name in ("enrichment-dlq",)]
        consumer.assign(places)
        await consumer.commit(await consumer.end_offsets(places))
    finally:
        await consumer.stop()


def build_runner(office: Office) -> ErasureRunner:
    return ErasureRunner(office.context.database, office.bench.kafka, ELSEWHERE)


async def erase(office: Office, **wanted: Any) -> dict[str, Any]:
    """Erase and wait until it is complete; the erasure."""
    status, begun = await office.ask("POST", PATH, {**WHY, **wanted})
    assert status == 202, begun
    await handle_all(office)
    runner = build_runner(office)
    for _ in range(5):
        if not await runner.run_once():
            break
    _, done = await office.ask("GET", f"{PATH}/{begun['erasure_id']}")
    assert done["state"] == "complete", done
    return dict(done)


async def test_nothing_of_an_interview_is_left_but_its_ids(
    office: Office, fresh_database: Database, postgres_settings: PostgresSettings
) -> None:
    await store(fresh_database)
    await submit(office)
    await cache_answer(postgres_settings, chunk_id(TRANSCRIPT, 1), "k1")
    message = CHUNK.model_copy(
        update={
            "chunk_id": chunk_id(TRANSCRIPT, 2),
            "transcript_id": TRANSCRIPT,
            "title": f"About {MARKER}",
        }
    )
    letter = await office.died_of(message, 1)
    edited = message.model_dump(mode="json") | {"title": f"Not about {MARKER}"}
    answer = await office.client.put(
        f"{office.url}/v1/letters/{letter}/edit",
        json={"value": edited, "reason": f"it is {MARKER}"},
        headers={"If-Match": "*"},
    )
    assert answer.status_code == 200, answer.text
    noted = await fresh_database.fetchval("SELECT note_id FROM notes WHERE same_as IS NULL LIMIT 1")
    await decided(office, noted, kind="comment", comment=f"Is it {MARKER}?")
    # The version is gone when the interview is erased, and what is said of it stands in the trail.
    words = f"I said {MARKER} again"
    version = await decided(office, noted, kind="edited", statement=words, unproven=True)
    await decided(office, version["note_id"], kind="hidden", reason=f"{MARKER} wants it")
    await decided(office, noted, kind="withdrawn", withdraws=2, reason=f"{MARKER} does not")
    withdrawn = {"reason": f"{MARKER} asked for it"}
    assert (await office.ask("POST", f"/v1/transcripts/{TRANSCRIPT}/withdraw", withdrawn))[0] == 200
    await fresh_database.execute("ANALYZE")
    found = await find_marked(fresh_database, STEM)
    assert {*found} >= {
        "note_decisions",
        "pg_stats",
        *("transcripts", "segments", "speakers", "notes", "evidence", "rejected_notes"),
        *("pending_drafts", "llm_answers", "letter_edits", "trail", "search_documents"),
    }

    done = await erase(office, transcript_id=str(TRANSCRIPT))

    assert await find_marked(fresh_database, STEM) == {}
    assert (done["transcripts"], done["erased"]) == (1, 1)
    status, body = await office.ask("GET", f"/v1/transcripts/{TRANSCRIPT}")
    assert status == 404, body
    _, shown = await office.ask("GET", f"/v1/letters/{letter}")
    assert shown["value"] is None
    assert (shown["letter"]["state"], shown["letter"]["state_reason"]) == (
        "expired",
        "its interview was erased",
    )


async def test_reasons_of_decisions_go_with_notes_whose_time_is_over_and_with_the_interview(
    office: Office, fresh_database: Database
) -> None:
    await store(fresh_database)
    noted = await fresh_database.fetchval("SELECT note_id FROM notes WHERE same_as IS NULL LIMIT 1")
    await decided(office, noted, kind="accepted", reason=f"{MARKER} said so")
    reasons = "SELECT count(*) FROM trail WHERE action = 'note.decide' AND reason <> ''"
    assert await fresh_database.fetchval(reasons) == 1
    await fresh_database.execute("DELETE FROM notes")
    await fresh_database.execute("UPDATE transcripts SET notes_expired_at = now()")
    assert await fresh_database.fetchval(reasons) == 0
    # One that is written down after that names no note that there is any more.
    await fresh_database.execute(
        "INSERT INTO trail (at, actor, action, target, reason, study_id)"
        " SELECT now(), actor, action, target, $1, study_id FROM trail"
        " WHERE action = 'note.decide'",
        f"{MARKER} again",
    )
    await erase(office, transcript_id=str(TRANSCRIPT))
    assert await find_marked(fresh_database, STEM) == {}


async def test_the_receipt_says_what_was_deleted_and_what_remains_and_is_signed(
    office: Office, fresh_database: Database
) -> None:
    await store(fresh_database)
    await fresh_database.execute(
        "INSERT INTO search_embeddings SELECT document_id, 'm', '{1}' FROM search_documents"
    )
    done = await erase(office, transcript_id=str(TRANSCRIPT))
    answer = await office.client.get(f"{office.url}{PATH}/{done['erasure_id']}/receipt")
    signed = SignedErasureReceipt.model_validate_json(answer.content)
    _, key = await office.ask("GET", f"{PATH}/key")
    assert key["public_key"] == answer.json()["public_key"]
    receipt = verify_receipt(signed, signed.public_key)
    assert [one.transcript_id for one in receipt.transcripts] == [TRANSCRIPT]
    deleted = {name: number for name, number in receipt.rows_deleted.items() if number}
    assert deleted == {
        "transcripts": 1,
        "segments": 2,
        "speakers": 2,
        "reading_reports": 1,
        "chunks": 2,
        "drafts": 1,
        "notes": 1,
        "evidence": 1,
        "rejected_notes": 1,
        "pending_drafts": 1,
        "search_documents": deleted["search_documents"],
        "search_embeddings": deleted["search_documents"],
    }
    assert MARKER not in signed.receipt
    assert receipt.reference == "T-311"
    remains = {one.place: one for one in receipt.remains}
    assert remains["backups of the database and of the broker"].until == (
        receipt.completed_at + timedelta(days=30)
    )
    (retry,) = (copy for place, copy in remains.items() if "enrichment-retry-0" in place)
    assert retry.until is not None
    assert timedelta(days=7) < retry.until - receipt.completed_at < timedelta(days=30)

    changed = signed.model_copy(update={"receipt": signed.receipt.replace("T-311", "T-312")})
    with pytest.raises(FailedError, match="the receipt was changed"):
        verify_receipt(changed, signed.public_key)


async def test_what_arrives_of_it_later_is_dropped(
    office: Office, fresh_database: Database
) -> None:
    await store(fresh_database)
    await erase(office, transcript_id=str(TRANSCRIPT))
    storing = NotesStore(fresh_database)
    assert await storing.store_transcript(interview()) == ()
    assert await storing.store_transcript(interview(revision=2)) == ()
    draft = validated(quoting(TRANSCRIPT))
    assert await storing.store_notes(draft) is None
    assert await find_marked(fresh_database, STEM) == {}


async def test_a_letter_that_comes_later_is_closed_and_emptied(
    office: Office, fresh_database: Database
) -> None:
    await store(fresh_database)
    await erase(office, transcript_id=str(TRANSCRIPT))
    message = CHUNK.model_copy(
        update={"chunk_id": chunk_id(TRANSCRIPT, 2), "transcript_id": TRANSCRIPT}
    )
    late = await office.died_of(message, 1)
    unrelated = await office.died_of(CHUNK, 2)
    assert (await office.ask("GET", f"/v1/letters/{late}"))[1]["letter"]["state"] == "open"
    await build_runner(office).run_once()
    assert (await office.ask("GET", f"/v1/letters/{late}"))[1]["letter"]["state"] == "expired"
    assert (await office.ask("GET", f"/v1/letters/{unrelated}"))[1]["letter"]["state"] == "open"


async def test_an_interview_that_was_never_stored_is_known_by_its_chunks(
    office: Office, fresh_database: Database, postgres_settings: PostgresSettings
) -> None:
    await submit(office)
    await cache_answer(postgres_settings, chunk_id(TRANSCRIPT, 3), "k3")
    await cache_answer(postgres_settings, chunk_id(OTHER, 3), "other")
    message = CHUNK.model_copy(
        update={"chunk_id": chunk_id(TRANSCRIPT, 4), "transcript_id": TRANSCRIPT}
    )
    letter = await office.died_of(message, 1)
    await erase(office, transcript_id=str(TRANSCRIPT))
    assert (await office.ask("GET", f"/v1/letters/{letter}"))[1]["letter"]["state"] == "expired"
    kept = await fresh_database.fetch("SELECT key FROM llm_answers")
    assert [row["key"] for row in kept] == ["other"]


async def test_a_participants_interviews_are_erased_and_no_others(
    office: Office, fresh_database: Database
) -> None:
    await store(fresh_database, speaker="Bo Quill")
    await store(fresh_database, OTHER, speaker="Bo Quillon")
    wanted = {"study_id": STUDY.study_id, "participant": "bo quill"}
    status, plan = await office.ask("POST", PATH, {**WHY, **wanted, "dry_run": True})
    assert (status, plan["transcripts"], plan["notes"]) == (200, 1, 1)
    assert plan["named"][0]["transcript_id"] == str(TRANSCRIPT)
    assert await find_marked(fresh_database, "Bo Quill\\M") != {}
    await erase(office, **wanted)
    assert await find_marked(fresh_database, "Bo Quill\\M") == {}
    assert (await office.ask("GET", f"/v1/transcripts/{OTHER}"))[0] == 200
    status, body = await office.ask("POST", PATH, {**WHY, **wanted})
    assert status == 404, body


async def test_a_study_is_erased_and_takes_no_more(
    office: Office, fresh_database: Database
) -> None:
    created = STUDY.model_dump(mode="json", exclude={"version"})
    assert (await office.ask("POST", "/v1/studies", created))[0] == 201
    await store(fresh_database)
    await store(fresh_database, OTHER)
    done = await erase(office, study_id=STUDY.study_id)
    assert done["transcripts"] == 2
    assert await find_marked(fresh_database, STEM) == {}
    archived = await fresh_database.fetchval("SELECT archived_at IS NOT NULL FROM studies")
    assert archived


async def test_it_waits_for_services_that_have_messages_on_their_way(
    office: Office, fresh_database: Database
) -> None:
    await store(fresh_database)
    await office.died_of(CHUNK, 1)  # control has not handled it
    _, begun = await office.ask("POST", PATH, {**WHY, "transcript_id": str(TRANSCRIPT)})
    runner = build_runner(office)
    assert await runner.run_once()
    assert await runner.run_once()
    assert await find_marked(fresh_database, STEM) == {}
    found = await office.context.erasures.find(UUID(begun["erasure_id"]))
    assert found.state == "draining"
    waits = await runner.find_what_it_waits_for(found)
    assert waits == ("control: 1 messages that were on their way",)
    status, problem = await office.ask("GET", f"{PATH}/{begun['erasure_id']}/receipt")
    assert (status, "is not complete" in problem["detail"]) == (409, True)
    await handle_all(office)
    assert not await runner.run_once()


async def test_its_producer_is_told_and_told_again(
    office: Office, fresh_database: Database
) -> None:
    await submit(office)
    await store(fresh_database)
    await erase(office, transcript_id=str(TRANSCRIPT))
    assert await settle(fresh_database) == [(SettledOutcome.ERASED, 1, 0)]
    await submit(office, offset=8)
    assert await settle(fresh_database) == [(SettledOutcome.ERASED, 2, 0)]


async def settle(database: Database) -> list[tuple[SettledOutcome, int, int]]:
    """The outcomes that are published: each with its number, and its chunks."""
    published: list[TranscriptSettled] = []

    async def publish(events: Sequence[Any]) -> None:
        published.extend(TranscriptSettled.model_validate_json(one.body) for one in events)

    publisher = OutcomePublisher(database, publish)
    while await publisher.decide():
        pass
    await publisher.publish()
    return [(one.outcome, one.number, one.chunks) for one in published]


@pytest.mark.parametrize(
    ("role", "study", "status"),
    [
        (Role.RESEARCHER, None, 202),
        (Role.RESEARCHER, STUDY.study_id, 202),
        (Role.RESEARCHER, "another", 404),
        (Role.OPERATOR, None, 403),
        (Role.EVIDENCE_READER, None, 403),
    ],
)
async def test_whoever_edits_the_study_may_erase(
    office: Office, fresh_database: Database, role: Role, study: str | None, status: int
) -> None:
    await store(fresh_database)
    await as_role(office, role, study)
    found, body = await office.ask("POST", PATH, {**WHY, "transcript_id": str(TRANSCRIPT)})
    assert found == status, body
    tombstones = await fresh_database.fetchval("SELECT count(*) FROM erased_transcripts")
    assert tombstones == (status == 202)
    listed, page = await office.ask("GET", PATH)
    assert listed == (403 if status == 403 else 200)
    if listed == 200:
        assert len(page["erasures"]) == (status == 202)


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"transcript_id": str(TRANSCRIPT), "study_id": "billing"},
        {"transcript_id": str(TRANSCRIPT), "participant": "Bo"},
        {"participant": "Bo"},
        {"study_id": "billing", "participant": " "},
        {"study_id": "billing", "participants": "Bo"},
    ],
)
async def test_a_request_that_names_not_one_thing_is_refused(
    office: Office, wanted: dict[str, Any]
) -> None:
    status, body = await office.ask("POST", PATH, {**WHY, **wanted})
    assert status == 400, body


async def test_erasing_while_it_is_being_stored_leaves_nothing(
    office: Office, fresh_database: Database
) -> None:
    """Whoever stores and whoever erases overlook each other in no order of their steps."""
    for number in range(20):
        transcript_id = ids.derive_transcript_id("billing", f"raced-{number}")
        await submit(office, transcript_id, offset=100 + number)

        async def erase_it(wanted: UUID = transcript_id, after_s: float = number / 1_000) -> None:
            await asyncio.sleep(after_s)
            await erase(office, transcript_id=str(wanted))

        await asyncio.gather(store(fresh_database, transcript_id), erase_it())
    assert await find_marked(fresh_database, STEM) == {}


@pytest.mark.parametrize("participant", ["Bo", "Nobody", None])
async def test_of_anothers_study_nothing_is_said(
    office: Office, fresh_database: Database, participant: str | None
) -> None:
    await store(fresh_database, speaker="Bo")
    await as_role(office, Role.RESEARCHER, "another")
    wanted = {"study_id": STUDY.study_id, "participant": participant}
    found = [
        await office.ask("POST", PATH, {**WHY, **one, "dry_run": True})
        for one in (wanted, {"study_id": "nothing", "participant": participant})
    ]
    found.append(await office.ask("POST", PATH, {**WHY, "transcript_id": str(TRANSCRIPT)}))
    found.append(await office.ask("POST", PATH, {**WHY, "transcript_id": str(OTHER)}))
    assert {(status, body["detail"]) for status, body in found} == {(404, UNKNOWN)}


async def test_a_request_that_is_sent_again_has_the_same_answer(
    office: Office, fresh_database: Database
) -> None:
    await store(fresh_database)
    body = {**WHY, "study_id": STUDY.study_id}
    headers = {"Idempotency-Key": "0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d"}
    answers = [
        await office.client.post(f"{office.url}{PATH}", json=body, headers=headers)
        for _ in range(2)
    ]
    assert [one.status_code for one in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()


async def test_what_was_not_shown_before_is_not_erased(
    office: Office, fresh_database: Database
) -> None:
    await store(fresh_database)
    await store(fresh_database, OTHER)
    wanted = {**WHY, "study_id": STUDY.study_id}
    status, body = await office.ask("POST", PATH, {**wanted, "expected": 1})
    assert (status, "2 interviews" in body["detail"]) == (409, True), body
    assert await fresh_database.fetchval("SELECT count(*) FROM erased_transcripts") == 0
    assert (await office.ask("POST", PATH, {**wanted, "expected": 2}))[0] == 202


async def test_an_erasure_ends_though_its_topics_were_made_anew(
    office: Office, fresh_database: Database
) -> None:
    await store(fresh_database)
    _, begun = await office.ask("POST", PATH, {**WHY, "transcript_id": str(TRANSCRIPT)})
    runner = build_runner(office)
    assert await runner.run_once()
    await fresh_database.execute(
        "UPDATE erasures SET topic_ends ="
        ' \'{"enrichment-dlq": {"0": 500}, "chunks-ready": {"0": 70, "9": 3}}\''
    )
    assert not await runner.run_once()
    assert (await office.context.erasures.find(UUID(begun["erasure_id"]))).state == "complete"


async def test_what_a_model_answers_later_is_deleted_too(
    office: Office, fresh_database: Database, postgres_settings: PostgresSettings
) -> None:
    await store(fresh_database)
    await erase(office, transcript_id=str(TRANSCRIPT))
    await cache_answer(postgres_settings, chunk_id(TRANSCRIPT, 1), "late")
    await cache_answer(postgres_settings, chunk_id(OTHER, 1), "other")
    await build_runner(office).run_once()
    kept = await fresh_database.fetch("SELECT key FROM llm_answers")
    assert [row["key"] for row in kept] == ["other"]


async def test_a_studys_interview_that_ingestion_had_not_read_is_erased_with_it(
    office: Office, fresh_database: Database
) -> None:
    await store(fresh_database)
    _, begun = await office.ask("POST", PATH, {**WHY, "study_id": STUDY.study_id})
    runner = build_runner(office)
    assert await runner.run_once()
    await store(fresh_database, OTHER)  # it was on its way
    for _ in range(5):
        if not await runner.run_once():
            break
    done = await office.context.erasures.find(UUID(begun["erasure_id"]))
    assert (done.state, done.transcripts, done.erased) == ("complete", 2, 2)
    assert await find_marked(fresh_database, STEM) == {}


async def test_a_letter_that_is_being_replayed_is_waited_for(
    office: Office, fresh_database: Database
) -> None:
    await store(fresh_database)
    message = CHUNK.model_copy(
        update={"chunk_id": chunk_id(TRANSCRIPT, 2), "transcript_id": TRANSCRIPT}
    )
    letter = await office.died_of(message, 1)
    await fresh_database.execute("UPDATE dead_letters SET state = 'replaying'")
    await handle_all(office)
    await office.ask("POST", PATH, {**WHY, "transcript_id": str(TRANSCRIPT)})
    runner = build_runner(office)
    for _ in range(3):
        assert await runner.run_once()
    await fresh_database.execute("UPDATE dead_letters SET state = 'replayed'")
    assert not await runner.run_once()
    emptied = await fresh_database.fetchval(
        "SELECT emptied_at IS NOT NULL FROM dead_letters WHERE letter_id = $1", letter
    )
    assert emptied


async def test_one_erasure_that_fails_holds_up_no_other(
    office: Office, fresh_database: Database
) -> None:
    await store(fresh_database)
    await store(fresh_database, OTHER)
    await office.ask("POST", PATH, {**WHY, "transcript_id": str(TRANSCRIPT)})
    runner = build_runner(office)
    assert await runner.run_once()
    await office.ask("POST", PATH, {**WHY, "transcript_id": str(OTHER)})
    without_kafka = ErasureRunner(
        fresh_database,
        office.bench.kafka.model_copy(update={"bootstrap_servers": "127.0.0.1:1"}),
        ELSEWHERE,
    )
    with pytest.raises(KafkaUnavailableError):
        await without_kafka.run_once()
    assert await find_marked(fresh_database, STEM) == {}
