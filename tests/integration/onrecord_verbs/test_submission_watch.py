from uuid import UUID

import pytest

from contracts import ids
from contracts.events import TranscriptSubmitted
from database.pool import Database
from onrecord.errors import UsageError
from onrecord.reading import Reading, TranscriptProgress
from onrecord.waiting import Watch
from persistence.store import NotesStore
from support.interviews import STUDY, TRANSCRIPT, chunk, ingested, note, validated

DIE = """
INSERT INTO dead_letters (
    letter_id, service, dlq_topic, dlq_partition, dlq_offset, consumer_group, error_code,
    error_type, error_message, attempts, timeouts, failed_at, fingerprint, subject, headers,
    size_bytes
) VALUES ($1, 'enrichment', 'enrichment-dlq', 0, $3, '', 'llm_timeout', '', '', 1, 1, now(), '',
          $2, '[]', 0)
"""
SUBMITTED = TranscriptSubmitted(
    transcript_id=TRANSCRIPT, title="Interview 1", study=STUDY, content="Ada: What?\nBo: That."
)


async def die(database: Database, number: int, subject: UUID) -> None:
    await database.execute(DIE, ids.derive("letter", number), str(subject), number)


@pytest.fixture
def store(fresh_database: Database) -> NotesStore:
    return NotesStore(fresh_database)


def progress_of(chunks: int, stored: int, dead: int, notes: int) -> TranscriptProgress:
    return TranscriptProgress(TRANSCRIPT, chunks, stored, dead, notes, refused=False)


async def look(reading: Reading, watch: Watch) -> tuple[TranscriptProgress, bool]:
    seen: list[TranscriptProgress] = []
    (progress,), finished = await watch.until_done(reading, 0, seen.extend)
    assert seen == [progress]
    return progress, finished


async def test_is_done_when_every_chunk_is_stored_or_dead(
    store: NotesStore, fresh_database: Database
) -> None:
    reading = Reading(fresh_database)
    watch = await Watch.begin(reading, [SUBMITTED])
    assert await look(reading, watch) == (progress_of(0, 0, 0, 0), False)
    await store.store_transcript(ingested(content_sha256=SUBMITTED.content_sha256))
    await store.store_notes(validated(note("They pay 40 dollars")))
    assert await look(reading, watch) == (progress_of(2, 1, 0, 1), False)
    await die(fresh_database, 1, chunk(index=2).chunk_id)
    assert await look(reading, watch) == (progress_of(2, 1, 1, 1), True)


async def test_an_interview_that_nobody_can_read_is_done_as_refused(
    fresh_database: Database,
) -> None:
    reading = Reading(fresh_database)
    watch = await Watch.begin(reading, [SUBMITTED])
    await die(fresh_database, 1, TRANSCRIPT)
    progress, finished = await look(reading, watch)
    assert (progress.refused, finished) == (True, True)


async def test_letters_from_before_are_not_this_submissions(
    store: NotesStore, fresh_database: Database
) -> None:
    reading = Reading(fresh_database)
    await store.store_transcript(ingested(content_sha256=SUBMITTED.content_sha256))
    await die(fresh_database, 1, TRANSCRIPT)
    await die(fresh_database, 2, chunk(index=2).chunk_id)
    watch = await Watch.begin(reading, [SUBMITTED])
    progress, finished = await look(reading, watch)
    assert (progress.dead, progress.refused, finished) == (0, False, False)


async def test_other_content_under_a_stored_revision_is_refused_before_it_is_sent(
    store: NotesStore, fresh_database: Database
) -> None:
    await store.store_transcript(ingested())
    with pytest.raises(UsageError, match="--revision 2"):
        await Watch.begin(Reading(fresh_database), [SUBMITTED])
