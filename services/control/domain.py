"""Dead letters as people and the replay see them."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, NamedTuple
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
)
from pydantic_core import PydanticCustomError

from contracts import headers as h
from contracts.errors import OnrecordError


class LetterState(StrEnum):
    """State of a dead letter: open → replaying → replayed, or open → discarded."""

    OPEN = "open"
    REPLAYING = "replaying"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


class LetterSortOrder(StrEnum):
    """Sort order of letters, by when they were set aside."""

    NEWEST_FIRST = "newest_first"
    OLDEST_FIRST = "oldest_first"


def _base64(value: bytes) -> str:
    return b64encode(value).decode()


Bytes = Annotated[bytes, PlainSerializer(_base64, when_used="json")]
"""Bytes that become base64 in JSON, in the alphabet that every decoder knows (RFC 4648, 4)."""


class ControlModel(BaseModel):
    """Base of control's immutable models."""

    model_config = ConfigDict(frozen=True)


class LetterPlace(NamedTuple):
    """Letter's id and the place of its bytes, sorted in the order of the DLQs.

    ``message_sha256`` tells them from another record's; None for a letter that an earlier version
    indexed, which is known by the id in its headers.
    """

    dlq_topic: str
    dlq_partition: int
    dlq_offset: int
    letter_id: UUID
    service: str
    message_sha256: bytes | None = None


class Letter(ControlModel):
    """Dead letter as the index has it; its value stays in the DLQ, at the place named here."""

    letter_id: UUID = Field(description="Id of the letter.")
    service: str = Field(description="The service that set it aside.")
    dlq_topic: str = Field(description="The DLQ that holds it.")
    dlq_partition: int = Field(description="Partition of the DLQ.")
    dlq_offset: int = Field(description="Offset in that partition.")
    source_topic: str | None = Field(None, description="Where it failed; None if unknown.")
    source_partition: int | None = Field(None, description="Partition of the source topic.")
    source_offset: int | None = Field(None, description="Offset in that partition.")
    source_sent_at: datetime | None = Field(
        None, description="The message's timestamp there; None if unknown."
    )
    consumer_group: str = Field("", description="The group that consumed it.")
    error_code: str = Field(description="Cause, from `contracts.errors.ErrorCode`.")
    error_type: str = Field("", description="Class of the error.")
    error_message: str = Field("", description="One line for people.")
    attempts: int = Field(0, ge=0, description="How often it was tried.")
    timeouts: int = Field(0, ge=0, description="How many of the tries timed out.")
    first_failed_at: datetime | None = Field(None, description="When it failed first.")
    failed_at: datetime = Field(description="When it was set aside.")
    fingerprint: str = Field("", description="Equal for letters that died of the same cause.")
    replay_of: UUID | None = Field(None, description="The letter whose replay failed again.")
    subject: str | None = Field(
        None,
        description="Id of the transcript or chunk it is about, as its value and its key agree; "
        "None if the value lacks it.",
    )
    revision: int | None = Field(None, description="The transcript's revision, if known.")
    content_sha256: str | None = Field(
        None, description="Hash of that revision's content, if known."
    )
    key: Bytes | None = Field(
        None, description="The record key, or its first KiB; it is its producer's claim."
    )
    message_sha256: bytes | None = Field(
        None, exclude=True, description="Digest of what was set aside; part of its identity."
    )
    headers: tuple[tuple[str, Bytes | None], ...] = Field(
        (), description="In order; of the message's own as many as fit 4 KiB."
    )
    size_bytes: int = Field(0, ge=0, description="Size of the value, in bytes.")
    state: LetterState = Field(LetterState.OPEN, description="Where it stands.")
    state_changed_at: datetime | None = Field(None, description="Since when; set by the index.")
    state_reason: str = Field("", description="Why, for discarded letters.")
    displaced_at: datetime | None = Field(
        None, description="Since when another letter has its place; set by the index."
    )
    indexed_at: datetime | None = Field(None, description="When it was indexed; set by the index.")

    @property
    def claimed_id(self) -> UUID | None:
        """The id in its headers, which may be that of another letter; None if there is none."""
        try:
            return UUID((dict(self.headers).get(h.LETTER_ID) or b"").decode())
        except ValueError:
            return None

    @property
    def place(self) -> LetterPlace:
        """Where its bytes are."""
        return LetterPlace(
            self.dlq_topic,
            self.dlq_partition,
            self.dlq_offset,
            self.letter_id,
            self.service,
            self.message_sha256,
        )


LONGEST_ASKED: Final = 500
"""Characters of what letters are looked up by; the index keeps no longer ones."""


def _storable(text: str) -> str:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise PydanticCustomError("not_text", "has a character that no letter can have")
    return text


Asked = Annotated[str, Field(max_length=LONGEST_ASKED), AfterValidator(_storable)]
"""Text to look letters up by: what PostgreSQL can compare with."""


class LetterFilter(ControlModel):
    """Filter of letters; a field that is None does not narrow it."""

    service: Asked | None = None
    code: Asked | None = None
    state: LetterState | None = None
    fingerprint: Asked | None = None
    subject: Asked | None = None
    key: Asked | None = None


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise PydanticCustomError("not_a_time", "is before the year 1 or after 9999") from error


Partition = Annotated[int, Field(ge=-1, lt=2**31)]
Offset = Annotated[int, Field(ge=-1, lt=2**63)]


class ReplayCursor(ControlModel):
    """Cursor of a replay of many letters: where the next request begins.

    It was asked for at ``until``, so letters set aside later are not meant, and it is behind the
    DLQ, partition and offset ``after``.
    """

    until: Annotated[AwareDatetime, AfterValidator(_in_utc)]
    after: tuple[Asked, Partition, Offset] = ("", -1, -1)

    def behind(self, letter: LetterPlace) -> ReplayCursor:
        """The point behind a letter."""
        after = (letter.dlq_topic, letter.dlq_partition, letter.dlq_offset)
        return self.model_copy(update={"after": after})


@dataclass(slots=True)
class ReplayResult:
    """Result of a replay of many letters.

    Attributes:
        replayed: those that were.
        not_replayed: why the others were not.
        left_out: how many open letters of those meant were not tried, by why not: a cause that no
            replay mends, ``gone`` or ``unknown_source``. Counted at the beginning.
        next: where to go on; None if there are no more.
    """

    replayed: list[UUID] = field(default_factory=list)
    not_replayed: dict[UUID, str] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    next: ReplayCursor | None = None


class LetterCount(ControlModel):
    """Number of letters of one service, cause and state."""

    service: str
    state: LetterState
    error_code: str
    letters: int
    replayable: int = Field(0, description="How many are open, and have a known place and source.")


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


class LetterLookupError(OnrecordError, LookupError):
    """Base of the errors for an id that does not name exactly one letter."""


class BadLetterIdError(LetterLookupError):
    """Error for text that is neither a letter's id nor the beginning of one."""


class UnknownLetterError(LetterLookupError):
    """Error for an id that no letter has."""


class AmbiguousLetterError(LetterLookupError):
    """Error for the beginning of an id that several letters have."""


class BadRequestError(OnrecordError):
    """Error for a request whose parameters contradict each other."""


class LetterNotOpenError(OnrecordError):
    """Error for a letter that was replayed or discarded before."""


class LetterGoneError(OnrecordError):
    """Error for a letter whose bytes its DLQ no longer has."""
