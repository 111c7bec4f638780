"""Dead letters as people and the replay see them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from pydantic import Field

from contracts import headers as h
from contracts.control_api import ControlModel, DeadLetter, ReplayCursor
from contracts.errors import OnrecordError


class DeadLetterSortOrder(StrEnum):
    """Sort order of dead letters, by the time they were written."""

    NEWEST_FIRST = "newest_first"
    OLDEST_FIRST = "oldest_first"


class DeadLetterPosition(NamedTuple):
    """Position of a dead letter in its DLQ, with its id; sortable.

    ``message_sha256`` tells them from another record's; None for a letter that an earlier version
    indexed, which is known by the id in its headers.
    """

    dlq_topic: str
    dlq_partition: int
    dlq_offset: int
    letter_id: UUID
    service: str
    message_sha256: bytes | None = None


class IndexedDeadLetter(DeadLetter):
    """Dead letter with what only the index knows of it."""

    message_sha256: bytes | None = Field(
        None, exclude=True, description="Digest of what was set aside; part of its identity."
    )

    @property
    def claimed_id(self) -> UUID | None:
        """The id in its headers, which may be that of another letter; None if there is none."""
        try:
            return UUID((dict(self.headers).get(h.LETTER_ID) or b"").decode())
        except ValueError:
            return None

    @property
    def place(self) -> DeadLetterPosition:
        """Where its bytes are."""
        return DeadLetterPosition(
            self.dlq_topic,
            self.dlq_partition,
            self.dlq_offset,
            self.letter_id,
            self.service,
            self.message_sha256,
        )


def build_cursor_after(cursor: ReplayCursor, letter: DeadLetterPosition) -> ReplayCursor:
    """Return the cursor that continues after a dead letter."""
    after = (letter.dlq_topic, letter.dlq_partition, letter.dlq_offset)
    return cursor.model_copy(update={"after": after})


class IndexedSubmission(ControlModel):
    """Record on the topic of submissions as the index has it, readable or not.

    ``transcript_id`` is None for a record that is no interview; ``revision`` and
    ``content_sha256`` are None where it has no valid one.
    """

    topic: str
    partition: int
    offset: int
    transcript_id: UUID | None = None
    revision: int | None = None
    content_sha256: str | None = None
    submitted_at: datetime


class DeadLetterLookupError(OnrecordError, LookupError):
    """Base of the errors for an id that does not name exactly one dead letter."""


class InvalidDeadLetterIdError(DeadLetterLookupError):
    """Error for text that is neither a dead letter's id nor the beginning of one."""


class UnknownDeadLetterError(DeadLetterLookupError):
    """Error for an id that no dead letter has."""


class AmbiguousDeadLetterIdError(DeadLetterLookupError):
    """Error for the beginning of an id that several dead letters have."""


class BadRequestError(OnrecordError):
    """Error for a request whose parameters contradict each other."""


class DeadLetterNotOpenError(OnrecordError):
    """Error for a dead letter that was replayed or discarded before."""


class DeadLetterGoneError(OnrecordError):
    """Error for a dead letter whose bytes are no longer in its DLQ."""


class RetryTopicMissingError(OnrecordError):
    """Error for a replay of a dead letter whose retry topic does not exist."""
