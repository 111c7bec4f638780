"""Dead letters as people and the replay see them."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from pydantic import Field

from contracts import headers as h
from contracts.control_api import (
    ControlApiModel,
    DeadLetter,
    DeadLetterState,
    ReplayCursor,
)
from contracts.errors import OnrecordError, OutageError

CLOCK_SKEW: Final = timedelta(days=1)
"""How far clocks of services may be ahead, for those who ask for all letters until now."""


class DeadLetterSortOrder(StrEnum):
    """Sort order of dead letters by time: latest or oldest first."""

    NEWEST_FIRST = "newest_first"
    OLDEST_FIRST = "oldest_first"


class DeadLetterPosition(NamedTuple):
    """Position of a dead letter in its DLQ: topic, partition and offset; sortable.

    ``message_sha256`` tells them from another record's; None for a letter that an earlier version
    indexed, which is known by the id in its headers. ``plan_id`` is of the replay plan that sends
    it, if one does.
    """

    dlq_topic: str
    dlq_partition: int
    dlq_offset: int
    letter_id: UUID
    service: str
    message_sha256: bytes | None = None
    plan_id: UUID | None = None


class DeadLetterListPosition(NamedTuple):
    """Position of a dead letter in a list sorted by time, for pagination."""

    failed_at: datetime
    dlq_topic: str
    dlq_partition: int
    dlq_offset: int

    @classmethod
    def of(cls, letter: DeadLetter) -> DeadLetterListPosition:
        """Return the position of a letter."""
        return cls(letter.failed_at, letter.dlq_topic, letter.dlq_partition, letter.dlq_offset)


class IndexedDeadLetter(DeadLetter):
    """Dead letter in control's index, with internal fields that the API does not return."""

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


def explain_expiry(letter: DeadLetter) -> str:
    """Return why an expired or long closed dead letter has no message any more."""
    reason = letter.state_reason if letter.state is DeadLetterState.EXPIRED else ""
    return (
        f"letter {letter.letter_id} is {letter.state.value}, and its message is not kept any more"
        f"{': ' if reason else ''}{reason}"
    )


def advance_replay_cursor(cursor: ReplayCursor, letter: DeadLetterPosition) -> ReplayCursor:
    """Return a replay cursor that points behind a given dead letter."""
    after = (letter.dlq_topic, letter.dlq_partition, letter.dlq_offset)
    return cursor.model_copy(update={"after": after})


class IndexedSubmission(ControlApiModel):
    """Submitted Kafka record in the control service's index, even if its content cannot be decoded.

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
    submitted_by: str | None = None
    submitted_by_token: UUID | None = None


class DeadLetterLookupError(OnrecordError, LookupError):
    """Base of the errors raised when a text does not identify exactly one dead letter."""


class InvalidDeadLetterIdError(DeadLetterLookupError):
    """Raised when a text is neither a dead letter's id nor the beginning of one."""


class UnknownDeadLetterError(DeadLetterLookupError):
    """Raised when no dead letter has the requested id."""


class AmbiguousDeadLetterIdError(DeadLetterLookupError):
    """Raised when the beginning of an id matches several dead letters."""


class NotFoundError(OnrecordError, LookupError):
    """Raised when a request names an object that does not exist."""


class ConcurrentChangeError(OnrecordError):
    """Raised when the object to change was changed since the caller has read it."""


class BadRequestError(OnrecordError):
    """Raised when a request's parameters contradict each other."""


class NotConfiguredError(OnrecordError):
    """Raised when a request needs what control's settings, or its database, do not have (424)."""


class PreconditionRequiredError(OnrecordError):
    """Raised when a request to change an object lacks ``If-Match`` (HTTP 428)."""


class DeadLetterNotOpenError(OnrecordError):
    """Raised when a dead letter was already replayed or discarded."""


class DeadLetterGoneError(OnrecordError):
    """Raised when a dead letter's bytes are no longer in its DLQ."""


class LettersInHandError(OutageError):
    """Raised when a replay would send letters while others still send those that come before."""


class RetryTopicMissingError(OnrecordError):
    """Raised when the retry topic that a replay writes to does not exist."""
