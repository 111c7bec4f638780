"""A small interview as the services' own writers store it, and what control settles of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid5

from contracts.events import Event, TranscriptSettled
from contracts.ids import NAMESPACE
from control.domain import IndexedDeadLetter, IndexedSubmission
from control.interviews.settling import OutcomePublisher
from control.letters.store import DeadLetterStore
from database.pool import Database
from persistence.store import NotesStore
from support.interviews import TRANSCRIPT, chunk, ingested, note, sha, validated

NOON: Final = datetime(2026, 1, 5, 12, tzinfo=UTC)
TOPIC: Final = "transcripts-submitted"


class SettledInterview:
    """What happens to an interview of two chunks, and the outcomes that are published of it.

    Attributes:
        published: the events that were published, in order.
        refuses: raised by the next publication in place of it.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.letters = DeadLetterStore(database)
        self.notes = NotesStore(database)
        self.settler = OutcomePublisher(database, self._publish)
        self.published: list[TranscriptSettled] = []
        self.refuses: Exception | None = None

    async def submit(
        self, offset: int = 0, revision: int | None = 1, content: str | None = sha("a"), **more: Any
    ) -> None:
        """Index a submission; without content it is invalid."""
        more.setdefault("submitted_at", NOON + timedelta(minutes=offset))
        await self.letters.index_submission(
            IndexedSubmission(
                topic=TOPIC,
                partition=0,
                offset=offset,
                transcript_id=TRANSCRIPT,
                revision=revision,
                content_sha256=content,
                **more,
            )
        )

    async def ingest(self, revision: int = 1) -> None:
        """Store the interview's transcript."""
        await self.notes.store_transcript(ingested(revision))

    async def store(self, index: int, revision: int = 1, **changes: Any) -> None:
        """Store the notes of a chunk."""
        drafted = validated(note(f"{revision}.{index}"), revision=revision, index=index, **changes)
        await self.notes.store_notes(drafted)

    async def dies(self, index: int, number: int = 1, revision: int = 1) -> IndexedDeadLetter:
        """Set a chunk aside."""
        about = str(chunk(revision, index).chunk_id)
        return await self.set_aside(number, subject=about)

    async def refuse(self, offset: int = 0, number: int = 50, **changes: Any) -> IndexedDeadLetter:
        """Set a submission aside at ingestion."""
        letter = {
            "service": "ingestion",
            "source_topic": TOPIC,
            "source_offset": offset,
            "source_sent_at": NOON + timedelta(minutes=offset),
            "error_code": "malformed_transcript",
            "error_message": "line 3 has no time",
        }
        return await self.set_aside(number, **{**letter, **changes})

    async def set_aside(self, number: int, **changes: Any) -> IndexedDeadLetter:
        """Index a letter."""
        letter = IndexedDeadLetter(
            letter_id=uuid5(NAMESPACE, f"letter {number}"),
            service="enrichment",
            dlq_topic="enrichment-dlq",
            dlq_partition=0,
            dlq_offset=number,
            source_topic="chunks-ready",
            source_partition=0,
            source_offset=number,
            consumer_group="enrichment",
            error_code="llm_timeout",
            error_type="LlmTimeoutError",
            error_message="no answer in 30 s",
            attempts=4,
            timeouts=4,
            first_failed_at=NOON,
            failed_at=NOON + timedelta(minutes=number),
            fingerprint="f1",
            size_bytes=1,
        ).model_copy(update=changes)
        await self.letters.index_letter(letter)
        return letter

    async def replay(self, letter: IndexedDeadLetter) -> None:
        """Mark a letter as replayed, as control does."""
        assert await self.letters.claim_for_replay(letter.letter_id)
        await self.letters.mark_many_replayed([letter.letter_id])

    async def settle(self) -> list[TranscriptSettled]:
        """Let control work until nothing is left to do; the outcomes published meanwhile."""
        before = len(self.published)
        while await self.settler.decide() + await self.settler.publish():
            pass
        return self.published[before:]

    async def outcomes(self) -> list[str]:
        """As ``settle``, in one word each."""
        return [event.outcome.value for event in await self.settle()]

    async def _publish(self, events: Sequence[Event]) -> None:
        if self.refuses is not None:
            refusal, self.refuses = self.refuses, None
            raise refusal
        for event in events:
            self.published.append(TranscriptSettled.model_validate_json(body_of(event)))


def body_of(event: Event) -> str:
    """The JSON that is sent of an event."""
    body = getattr(event, "body", None)
    return body if isinstance(body, str) else event.model_dump_json()
