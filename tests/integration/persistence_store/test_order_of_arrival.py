"""A draft that comes before its interview is kept, and joined by whoever stores the interview."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from audit import run_audit
from audit.broker import ScanResult
from contracts.events import Event, NotesStored, NotesValidated
from contracts.topics import PERSISTENCE
from database.errors import DatabaseUnavailableError
from database.pool import Connection, Database
from messaging import Delivery, KafkaUnavailableError
from messaging.delivery import MessageOrigin
from persistence.domain import RevisionConflictError, UngroundedWriteError
from persistence.handlers import store_notes, store_transcript
from persistence.overdue import (
    PendingDraftStats,
    resend_overdue_drafts,
)
from persistence.store import NotesStore
from support.interviews import TRANSCRIPT, chunk, evidence, ingested, note, refused, sha, validated

FIRST = note("They pay 40 dollars")
SECOND = note("They would not recommend it")
ROUNDS = 40
"""Of a race: with both locks taken away, each of several runs of this many lost drafts."""


@pytest.fixture
def store(fresh_database: Database) -> NotesStore:
    return NotesStore(fresh_database)


async def pending(database: Database) -> int:
    return int(await database.fetchval("SELECT count(*) FROM pending_drafts"))


def chunks_of(events: Sequence[Event]) -> list[UUID]:
    return [event.chunk_id for event in events if isinstance(event, NotesStored)]


async def test_notes_before_their_interview_are_kept_and_stored_with_it(
    store: NotesStore, fresh_database: Database
) -> None:
    early = validated(FIRST, SECOND, rejected=(refused("Odd"),))
    assert await store.store_notes(early) is None
    assert await pending(fresh_database) == 1
    assert await store.store_transcript(ingested()) == (
        NotesStored(
            transcript_id=TRANSCRIPT,
            study_id="billing",
            chunk_id=early.chunk_id,
            note_ids=(FIRST.note_id, SECOND.note_id),
            rejected_count=1,
        ),
    )
    assert await pending(fresh_database) == 0
    assert await fresh_database.fetchval("SELECT count(*) FROM evidence") == 2


async def test_the_handlers_do_so_too(fresh_database: Database) -> None:
    store = NotesStore(fresh_database)
    delivery = Delivery(MessageOrigin("notes-validated", 3, 7))
    assert await store_notes(validated(FIRST), delivery, store) is None
    kept = "SELECT source_topic, source_partition, source_offset FROM pending_drafts"
    assert [tuple(row) for row in await fresh_database.fetch(kept)] == [("notes-validated", 3, 7)]
    (stored,) = await store_transcript(ingested(), store)
    assert isinstance(stored, NotesStored)
    assert stored.note_ids == (FIRST.note_id,)


async def test_an_interview_without_early_notes_causes_no_event(store: NotesStore) -> None:
    assert await store.store_transcript(ingested()) == ()


async def test_an_early_draft_that_comes_again_is_kept_once(
    store: NotesStore, fresh_database: Database
) -> None:
    for _ in range(3):
        assert await store.store_notes(validated(FIRST)) is None
    assert await pending(fresh_database) == 1


async def test_a_draft_that_comes_again_after_it_was_joined_changes_nothing(
    store: NotesStore, fresh_database: Database
) -> None:
    await store.store_notes(validated(FIRST))
    (joined,) = await store.store_transcript(ingested())
    assert await store.store_notes(validated(FIRST)) == joined
    assert await pending(fresh_database) == 0


async def test_all_drafts_of_a_chunk_wait_and_the_first_final_one_completes_it(
    store: NotesStore, fresh_database: Database
) -> None:
    judged_again = validated(FIRST, SECOND)
    for early in (
        validated(SECOND, attempt=2),
        validated(FIRST, rejected=(refused(),), final=False),
        judged_again,
    ):
        assert await store.store_notes(early) is None
    assert await pending(fresh_database) == 3
    (stored,) = await store.store_transcript(ingested())
    assert isinstance(stored, NotesStored)
    assert stored.complete
    assert set(stored.note_ids) == {FIRST.note_id, SECOND.note_id}
    assert await pending(fresh_database) == 0


async def test_only_the_revision_that_came_is_joined(
    store: NotesStore, fresh_database: Database
) -> None:
    for revision in (1, 2):
        await store.store_notes(validated(FIRST, revision=revision))
    assert chunks_of(await store.store_transcript(ingested(2))) == [chunk(2).chunk_id]
    assert await fresh_database.fetchval("SELECT revision FROM pending_drafts") == 1
    assert chunks_of(await store.store_transcript(ingested(1))) == [chunk(1).chunk_id]


class FailingDatabase(Database):
    """Loses its connection at one of its uses, as PostgreSQL does when it is restarted."""

    def __init__(self, database: Database, fails_at: int) -> None:
        vars(self).update(vars(database))  # on the same connections
        self._uses_left = fails_at

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        self._uses_left -= 1
        async with super().connection() as connection:
            yield connection
            if self._uses_left == 0:
                raise DatabaseUnavailableError("gone")

    @property
    def was_in_time(self) -> bool:
        return self._uses_left > 0


async def test_wherever_joining_is_cut_short_the_next_delivery_tells_of_every_draft(
    fresh_database: Database,
) -> None:
    cut_short = 0
    for revision in range(1, 30):
        store = NotesStore(fresh_database)
        events = [validated(note(f"{revision}/{n}"), revision=revision, index=n) for n in (1, 2)]
        for event in events:
            await store.store_notes(event)
        failing = FailingDatabase(fresh_database, fails_at=revision)
        try:
            await NotesStore(failing).store_transcript(ingested(revision))
        except DatabaseUnavailableError:
            cut_short += 1
        outcomes = await store.store_transcript(ingested(revision))
        assert chunks_of(outcomes) == [event.chunk_id for event in events]
        assert await pending(fresh_database) == 0
        if failing.was_in_time:
            break
    assert cut_short >= 5


@pytest.mark.parametrize("interview_first", [True, False])
async def test_no_draft_is_lost_that_comes_at_the_same_time_as_its_interview(
    store: NotesStore, fresh_database: Database, *, interview_first: bool
) -> None:
    for revision in range(1, ROUNDS + 1):
        drafts = [validated(FIRST, revision=revision, index=index) for index in (1, 2)]
        handlers = [*map(store.store_notes, drafts)]
        place = 0 if interview_first else len(handlers)
        handlers.insert(place, store.store_transcript(ingested(revision)))  # type: ignore[arg-type]
        outcomes = await asyncio.gather(*handlers)
        by_interview = outcomes.pop(place)
        assert isinstance(by_interview, tuple)
        reported_chunks = [
            *(event.chunk_id for event in outcomes if event),
            *chunks_of(by_interview),
        ]
        assert set(reported_chunks) == {draft.chunk_id for draft in drafts}
    assert await pending(fresh_database) == 0
    assert await fresh_database.fetchval("SELECT count(stored_at) FROM chunks") == 2 * ROUNDS


async def test_a_draft_that_cannot_be_stored_goes_back_to_fail_by_itself(
    store: NotesStore, fresh_database: Database
) -> None:
    false = note("False", evidence().model_copy(update={"quote": "I would recommend it now"}))
    bad, good = validated(false, index=1), validated(FIRST, index=2)
    for early in (bad, good):
        await store.store_notes(early)
    for _ in range(2):  # until its own message is handled, a redelivery sends it back again
        stored, returned = await store.store_transcript(ingested())
        assert isinstance(stored, NotesStored)
        assert stored.chunk_id == good.chunk_id
        assert returned == bad
        assert await pending(fresh_database) == 1
    with pytest.raises(UngroundedWriteError):
        await store.store_notes(bad)
    assert await pending(fresh_database) == 0


@pytest.mark.parametrize("interview_first", [True, False])
async def test_notes_of_other_content_than_is_stored_are_a_conflict_and_do_not_wait(
    store: NotesStore, fresh_database: Database, *, interview_first: bool
) -> None:
    other = validated(FIRST).model_copy(update={"chunk_id": UUID(int=7)})
    if not interview_first:
        assert await store.store_notes(other) is None
        assert await store.store_transcript(ingested()) == (other,)
    else:
        await store.store_transcript(ingested())
    with pytest.raises(RevisionConflictError, match="other content"):
        await store.store_notes(other)
    assert await pending(fresh_database) == 0


async def test_drafts_wait_on_while_their_interview_is_refused(
    store: NotesStore, fresh_database: Database
) -> None:
    await store.store_transcript(ingested())
    await store.store_notes(validated(FIRST, revision=2))
    with pytest.raises(RevisionConflictError):
        await store.store_transcript(ingested(content_sha256=sha("b")))
    assert await pending(fresh_database) == 1


class Topic:
    """What was sent to a topic."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def publish(self, events: object) -> None:
        self.events.extend(events)  # type: ignore[arg-type]

    async def refuse(self, _: object) -> None:
        raise KafkaUnavailableError("away")


async def grow_older(database: Database, table: str, column: str, interval: str) -> None:
    await database.execute(f"UPDATE {table} SET {column} = {column} - interval '{interval}'")


async def test_operators_see_how_many_wait_and_for_how_long(
    store: NotesStore, fresh_database: Database
) -> None:
    topic = Topic()
    assert await resend_overdue_drafts(fresh_database, topic.publish) == PendingDraftStats(0, 0.0)
    await store.store_notes(validated(FIRST))
    await grow_older(fresh_database, "pending_drafts", "received_at", "1 hour")
    found = await resend_overdue_drafts(fresh_database, topic.publish)
    assert found.drafts == 1
    assert 3_600 <= found.oldest_s < 3_700
    assert topic.events == []


async def test_a_draft_whose_interview_older_code_stored_is_sent_back_and_handled(
    store: NotesStore, fresh_database: Database
) -> None:
    early = validated(FIRST)
    await store.store_notes(early)
    await fresh_database.execute("ALTER TABLE pending_drafts RENAME TO unknown_to_older_code")
    await fresh_database.execute("CREATE TABLE pending_drafts (LIKE unknown_to_older_code)")
    await store.store_transcript(ingested())
    await fresh_database.execute("DROP TABLE pending_drafts")
    await fresh_database.execute("ALTER TABLE unknown_to_older_code RENAME TO pending_drafts")
    topic = Topic()
    await resend_overdue_drafts(fresh_database, topic.publish)
    assert topic.events == []  # it may be about to be joined
    await grow_older(fresh_database, "pending_drafts", "received_at", "10 minutes")
    await grow_older(fresh_database, "transcripts", "ingested_at", "10 minutes")
    with pytest.raises(KafkaUnavailableError):
        await resend_overdue_drafts(fresh_database, topic.refuse)
    assert await resend_overdue_drafts(fresh_database, topic.publish) == PendingDraftStats(0, 0.0)
    assert topic.events == [early]
    (sent_back,) = topic.events
    assert isinstance(sent_back, NotesValidated)
    stored = await store.store_notes(sent_back)
    assert stored is not None
    assert stored.note_ids == (FIRST.note_id,)
    assert await resend_overdue_drafts(fresh_database, topic.publish) == PendingDraftStats(0, 0.0)


class KafkaReadToItsEnd:
    """A scan of topics of which every record is handled."""

    async def scan(self) -> ScanResult:
        ends = {("notes-validated", 0): 1}
        return ScanResult(unread=(), letters=(), submissions=(), received={PERSISTENCE: ends})

    async def find_partitions_of_recreated_topics(self, _: object) -> dict[tuple[str, int], int]:
        return {}


async def letter_about(database: Database, subject: UUID) -> None:
    await database.execute(
        "INSERT INTO dead_letters (letter_id, service, dlq_topic, dlq_partition, dlq_offset, "
        "consumer_group, error_code, error_type, error_message, attempts, timeouts, failed_at, "
        "fingerprint, subject, headers, size_bytes) VALUES ($1, $2, 'd', 0, 0, 'g', "
        "'invalid_event', 't', 'm', 1, 0, now(), 'f', $3, '{}', 1)",
        UUID(int=1),
        PERSISTENCE,
        str(subject),
    )


async def test_the_audit_counts_a_kept_draft_as_waiting_until_it_is_stored(
    store: NotesStore, fresh_database: Database
) -> None:
    kafka: Any = KafkaReadToItsEnd()
    await store.store_notes(validated(FIRST), ("notes-validated", 0, 0))
    (at,) = (await run_audit(kafka, fresh_database)).services
    assert (at.waiting, at.held, at.handled) == (1, 0, 0)
    await letter_about(fresh_database, TRANSCRIPT)
    balance = await run_audit(kafka, fresh_database)
    assert (balance.services[0].waiting, balance.services[0].held) == (1, 1)
    await store.store_transcript(ingested())
    (at,) = (await run_audit(kafka, fresh_database)).services
    assert (at.waiting, at.held, at.handled) == (0, 0, 1)
