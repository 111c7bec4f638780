"""A wait for one's own interviews, beside whatever strangers send under their ids."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from contracts.errors import BadMessageError, OnrecordError
from contracts.events import TranscriptSubmitted
from control.indexing import build_indexed_dead_letter, build_indexed_submission
from control.store import DeadLetterStore
from database.pool import Database
from messaging import Delivery, MessageOrigin, Record
from messaging.dead_letters.headers import build_dead_letter_headers, describe_failure
from messaging.dead_letters.record_digest import digest_record
from messaging.delivery import append_headers
from onrecord.errors import UsageError
from onrecord.submit.waiting import SubmissionWatcher
from persistence.store import NotesStore
from read_model.queries import ReadModelQueries, TranscriptProgress
from support.interviews import STUDY, TRANSCRIPT, chunk, ingested, note, validated

SUBMITTED = TranscriptSubmitted(
    transcript_id=TRANSCRIPT, title="Interview 1", study=STUDY, content="Ada: What?\nBo: That."
)
THEIRS = SUBMITTED.model_copy(update={"content": "Eve: Something else."})
KEY = str(TRANSCRIPT).encode()
AT = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass
class Topics:
    """What control finds on its topics."""

    store: DeadLetterStore
    ends: dict[str, int] = field(default_factory=dict)

    def _write(self, topic: str, key: bytes, value: bytes, headers: object = ()) -> Record:
        offset = self.ends[topic] = self.ends.get(topic, -1) + 1
        return Record(topic, 0, offset, key, value, headers, 1_000 + offset)  # type: ignore[arg-type]

    async def submit(self, value: bytes, key: bytes = KEY) -> Record:
        """A record on the topic of submissions."""
        record = self._write("transcripts-submitted", key, value)
        await self.store.index_submission(build_indexed_submission(record))
        return record

    async def die(self, service: str, source: Record, error: OnrecordError | None = None) -> None:
        """A record that a service sets aside."""
        origin = MessageOrigin(source.topic, source.partition, source.offset, source.timestamp_ms)
        content = digest_record(source.key, source.value, ())
        failure = describe_failure(error or BadMessageError("why"), service)
        added = build_dead_letter_headers(
            failure, Delivery(origin), content, service=service, group="g", at=AT
        )
        assert source.key is not None
        assert source.value is not None
        letter = self._write(f"{service}-dlq", source.key, source.value, append_headers((), added))
        await self.store.index_letter(build_indexed_dead_letter(letter))

    def read(self, topic: str, event: object, key: bytes = KEY) -> Record:
        """A record on another topic."""
        return self._write(topic, key, event.model_dump_json().encode())  # type: ignore[attr-defined]


@pytest.fixture
def store(fresh_database: Database) -> NotesStore:
    return NotesStore(fresh_database)


@pytest.fixture
def reading(fresh_database: Database) -> ReadModelQueries:
    return ReadModelQueries(fresh_database)


@pytest.fixture
def topics(fresh_database: Database) -> Topics:
    return Topics(DeadLetterStore(fresh_database))


def progress_of(chunks: int, stored: int, dead: int, notes: int) -> TranscriptProgress:
    return TranscriptProgress(TRANSCRIPT, chunks, stored, dead, notes, refused=False)


async def look(
    reading: ReadModelQueries, watch: SubmissionWatcher
) -> tuple[TranscriptProgress, bool]:
    seen: list[TranscriptProgress] = []
    (progress,), finished = await watch.until_done(reading, 0, seen.extend)
    assert seen == [progress]
    return progress, finished


def ready(index: int) -> tuple[object, bytes]:
    """A message about a chunk, with its key."""
    event = validated(index=index)
    return event, str(event.chunk_id).encode()


async def test_is_done_when_every_chunk_is_stored_or_dead(
    store: NotesStore, reading: ReadModelQueries, topics: Topics
) -> None:
    watch = await SubmissionWatcher.begin(reading, [SUBMITTED])
    assert await look(reading, watch) == (progress_of(0, 0, 0, 0), False)
    await store.store_transcript(ingested(content_sha256=SUBMITTED.content_sha256))
    await store.store_notes(validated(note("They pay 40 dollars")))
    assert await look(reading, watch) == (progress_of(2, 1, 0, 1), False)
    await topics.die("persistence", topics.read("notes-validated", *ready(index=2)))
    assert await look(reading, watch) == (progress_of(2, 1, 1, 1), True)


async def test_garbage_under_a_chunks_key_makes_no_chunk_dead(
    store: NotesStore, reading: ReadModelQueries, topics: Topics
) -> None:
    watch = await SubmissionWatcher.begin(reading, [SUBMITTED])
    await store.store_transcript(ingested(content_sha256=SUBMITTED.content_sha256))
    key = str(chunk(index=2).chunk_id).encode()
    garbage = Record("chunks-ready", 0, 9, key, b"garbage", (), 1)
    await topics.die("enrichment", garbage)
    assert await look(reading, watch) == (progress_of(2, 0, 0, 0), False)


async def test_an_interview_that_nobody_can_read_is_done_as_refused(
    reading: ReadModelQueries, topics: Topics
) -> None:
    watch = await SubmissionWatcher.begin(reading, [SUBMITTED])
    mine = await topics.submit(SUBMITTED.model_dump_json().encode())
    await topics.die("ingestion", mine)
    progress, finished = await look(reading, watch)
    assert (progress.refused, finished) == (True, True)


@pytest.mark.parametrize(
    "value", [b"garbage", b"{}", THEIRS.model_dump_json().encode()], ids=["no", "empty", "other"]
)
async def test_what_strangers_send_with_its_key_does_not_refuse_an_interview(
    reading: ReadModelQueries, topics: Topics, value: bytes
) -> None:
    watch = await SubmissionWatcher.begin(reading, [SUBMITTED])
    await topics.submit(SUBMITTED.model_dump_json().encode())
    await topics.die("ingestion", await topics.submit(value))
    progress, finished = await look(reading, watch)
    assert (progress.refused, finished) == (False, False)


async def test_other_content_that_the_database_refuses_does_not_refuse_an_interview(
    store: NotesStore, reading: ReadModelQueries, topics: Topics
) -> None:
    watch = await SubmissionWatcher.begin(reading, [SUBMITTED])
    theirs = ingested(content_sha256=THEIRS.content_sha256)
    await topics.die("persistence", topics.read("transcripts-ingested", theirs))
    assert not (await look(reading, watch))[0].refused
    mine = ingested(content_sha256=SUBMITTED.content_sha256)
    await topics.die("persistence", topics.read("transcripts-ingested", mine))
    assert (await look(reading, watch))[0].refused


async def test_letters_from_before_are_not_this_submissions(
    store: NotesStore, reading: ReadModelQueries, topics: Topics
) -> None:
    await store.store_transcript(ingested(content_sha256=SUBMITTED.content_sha256))
    await topics.die("ingestion", await topics.submit(SUBMITTED.model_dump_json().encode()))
    await topics.die("persistence", topics.read("notes-validated", *ready(index=2)))
    watch = await SubmissionWatcher.begin(reading, [SUBMITTED])
    progress, finished = await look(reading, watch)
    assert (progress.dead, progress.refused, finished) == (0, False, False)


async def test_other_content_under_a_stored_revision_is_refused_before_it_is_sent(
    store: NotesStore, reading: ReadModelQueries
) -> None:
    await store.store_transcript(ingested())
    with pytest.raises(UsageError, match="--revision 2"):
        await SubmissionWatcher.begin(reading, [SUBMITTED])
