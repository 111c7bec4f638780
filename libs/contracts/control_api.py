"""Models of control's HTTP API, used by the service and by its clients."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    TypeAdapter,
)
from pydantic_core import PydanticCustomError

from contracts.pages import PageRequest

MOST_LETTERS: Final = 10_000
"""Most letters one request lists or replays."""

LONGEST_ASKED: Final = 500
"""Characters of what letters are looked up by; the index keeps no longer ones."""


class DeadLetterState(StrEnum):
    """State of a dead letter, such as open, replayed or discarded.

    ``replayed`` is sent again, and nobody knows yet what became of it; then it is ``resolved``, as
    its message went through the stage, or ``failed_again``. ``expired`` is given up because its
    time was over, or because its DLQ does not have its message any more.
    """

    OPEN = "open"
    REPLAYING = "replaying"
    REPLAYED = "replayed"
    RESOLVED = "resolved"
    FAILED_AGAIN = "failed_again"
    DISCARDED = "discarded"
    EXPIRED = "expired"


def _encode_base64(value: bytes) -> str:
    return b64encode(value).decode()


def _decode_base64(value: Any) -> Any:
    # In JSON it is text; code passes bytes.
    return b64decode(value, validate=True) if isinstance(value, str) else value


Base64Bytes = Annotated[
    bytes, BeforeValidator(_decode_base64), PlainSerializer(_encode_base64, when_used="json")
]
"""Bytes that are base64 in JSON, in the alphabet that every decoder knows (RFC 4648, section 4)."""


class ControlApiModel(BaseModel):
    """Base of all pydantic models of the control service's HTTP API; immutable."""

    model_config = ConfigDict(frozen=True)


class DeadLetter(ControlApiModel):
    """Dead letter as the control service's API returns it, without the message's value."""

    letter_id: UUID = Field(description="Id of the letter.")
    service: str = Field(description="The service that set it aside.")
    dlq_topic: str = Field(description="The DLQ that holds it.")
    dlq_partition: int = Field(description="Partition of the DLQ.")
    dlq_offset: int = Field(description="Offset in that partition.")
    source_topic: str | None = Field(None, description="Where it failed; None if unknown.")
    source_partition: int | None = Field(
        None, description="Partition of the source topic; None if unknown."
    )
    source_offset: int | None = Field(
        None, description="Offset in that partition; None if unknown."
    )
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
        "None if the value lacks it, or if the service did not write the letter.",
    )
    study_id: str | None = Field(None, description="Its study, if the value says so.")
    producer: str | None = Field(
        None, description="`ce_source` of a submission: its producer's claim."
    )
    cause_id: str = Field("", description="Its cause; set by the index.")
    model: str | None = Field(
        None,
        description="The model that was asked last for a draft of it, by the ledger of calls; set "
        "by the index.",
    )
    prompt_version: str | None = Field(
        None, description="The version of the prompt that it was asked with; set by the index."
    )
    revision: int | None = Field(None, description="The transcript's revision, if known.")
    content_sha256: str | None = Field(
        None, description="Hash of that revision's content, if known."
    )
    key: Base64Bytes | None = Field(
        None, description="The record key, or its first KiB; it is its producer's claim."
    )
    headers: tuple[tuple[str, Base64Bytes | None], ...] = Field(
        (), description="In order; of the message's own as many as fit 4 KiB."
    )
    size_bytes: int = Field(0, ge=0, description="Size of the value, in bytes.")
    state: DeadLetterState = Field(DeadLetterState.OPEN, description="Where it stands.")
    state_changed_at: datetime | None = Field(None, description="Since when; set by the index.")
    state_reason: str = Field("", description="Why, for discarded and expired letters.")
    outcome_at: datetime | None = Field(
        None, description="Since when it is known what became of its replay; set by the index."
    )
    became: UUID | None = Field(
        None, description="The letter that its message became, if it failed again."
    )
    plan_id: UUID | None = Field(None, description="The replay plan that sent it last.")
    edit: int | None = Field(
        None, description="Number of the edit that a replay sends; None: the message as it is."
    )
    displaced_at: datetime | None = Field(
        None, description="Since when another letter has its place; set by the index."
    )
    snoozed_until: datetime | None = Field(
        None, description="Lists of open letters and replays of many leave it out until then."
    )
    discard_id: UUID | None = Field(
        None, description="The latest discard of many letters that it was part of."
    )
    indexed_at: datetime | None = Field(None, description="When it was indexed; set by the index.")
    emptied_at: datetime | None = Field(
        None,
        description="Since when its headers, key and edits are deleted, as its time was over; its "
        "message, once its DLQ has no earlier one that is kept.",
    )
    title: str = Field(
        "",
        description="What its subject is called: the interview, and which chunk of it. Only in an "
        "answer to who may read notes of its study; empty if it is not stored.",
    )


class DeadLetterWithValue(ControlApiModel):
    """Dead letter with the message's bytes, or the reason why they are no longer in the DLQ."""

    letter: DeadLetter
    value: Base64Bytes | None = Field(
        description="The record's value, byte for byte; base64 in JSON. Of a large one its first "
        "MiB; `/v1/letters/{letter_id}/value` has it whole."
    )
    gone: str = Field("", description="Why there is no value, if the DLQ has it no more.")


class DeadLetterCount(ControlApiModel):
    """Number of dead letters of one service, error code and state."""

    service: str
    state: DeadLetterState
    error_code: str
    letters: int
    replayable: int = Field(0, description="How many are open, and have a known place and source.")


def _refuse_what_no_column_holds(text: str) -> str:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise PydanticCustomError("not_text", "has a character that no letter can have")
    return text


ColumnText = Annotated[str, AfterValidator(_refuse_what_no_column_holds)]
"""Text that a column of PostgreSQL holds."""

Asked = Annotated[
    str, Field(max_length=LONGEST_ASKED), AfterValidator(_refuse_what_no_column_holds)
]
"""Text to look letters up by: what PostgreSQL can compare with."""


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise PydanticCustomError("not_a_time", "is before the year 1 or after 9999") from error


Partition = Annotated[int, Field(ge=-1, lt=2**31)]
Offset = Annotated[int, Field(ge=-1, lt=2**63)]


_NUMBER: Final = re.compile(r"[-+]?[0-9.]+")
_AWARE: Final = TypeAdapter(AwareDatetime)


def _parse_moment(moment: Any) -> Any:
    # pydantic takes a number for seconds or milliseconds since 1970, by its size, as text too.
    is_text = isinstance(moment, str)
    if isinstance(moment, int | float) or (is_text and _NUMBER.fullmatch(moment)):
        raise PydanticCustomError("not_a_time", "is no time such as 2026-01-31T12:00:00Z")
    # Here, as text in JSON is only Python's once a function has seen it, and strictly no time.
    return _AWARE.validate_python(moment) if is_text else moment


Moment = Annotated[AwareDatetime, BeforeValidator(_parse_moment), AfterValidator(_in_utc)]
"""Point in time that PostgreSQL and Python can both hold, in UTC."""


class DeadLetterPage(ControlApiModel):
    """Page of a list of dead letters, the latest first."""

    letters: tuple[DeadLetter, ...]
    next: str | None = Field(None, description="`cursor` of the next page; None: there is none.")
    snoozed: int = Field(
        0, ge=0, description="How many more match, but are snoozed; counted for the first page."
    )


class ReplayableLetterCounts(ControlApiModel):
    """Counts of the open dead letters that match a filter, and of those a bulk replay tries."""

    letters: int = Field(ge=0, description="How many are open.")
    replayable: int = Field(ge=0, description="How many of them a replay of many tries.")
    snoozed: int = Field(
        0, ge=0, description="How many of them are snoozed: a discard of many leaves them out, too."
    )
    left_out: dict[str, int] = Field(
        default_factory=dict, description="How many of them a replay of many leaves out, by why."
    )


class DeadLetterFilter(ControlApiModel):
    """Filter of dead letters; a field that is None matches all dead letters."""

    service: Asked | None = Field(None, description="Only what this service set aside.")
    code: Asked | None = Field(None, description="Only of this cause, such as `llm_timeout`.")
    state: DeadLetterState | None = Field(None, description="Only in this state.")
    fingerprint: Asked | None = Field(None, description="Only with this fingerprint.")
    subject: Asked | None = Field(None, description="Only about this transcript or chunk.")
    key: Asked | None = Field(None, description="Only with this record key, as text.")
    cause: Asked | None = Field(None, description="Only of this cause, by its id.")
    study: Asked | None = Field(None, description="Only about interviews of this study.")
    producer: Asked | None = Field(
        None, description="Only submissions of this producer, by its `ce_source`."
    )
    model: Asked | None = Field(
        None, description="Only what this model drafted last, by its name at its endpoint."
    )
    prompt: Asked | None = Field(
        None, description="Only what was drafted last with this version of the prompt."
    )
    text: Asked | None = Field(
        None, description="Only with this in the error's text, in capital or small letters."
    )
    min_attempts: int | None = Field(
        None, ge=0, le=2**31 - 1, description="Only what was tried so often, or more."
    )
    since: Moment | None = Field(None, description="Only what failed then or later.")
    before: Moment | None = Field(None, description="Only what failed earlier.")


class ReplayCursor(ControlApiModel):
    """Position in the dead letter queues from which the next request of a replay continues.

    The replay was begun at ``until``, so letters set aside later are not part of it, and it goes on
    behind the DLQ, partition and offset ``after``.
    """

    until: Moment
    after: tuple[Asked, Partition, Offset] = ("", -1, -1)


class ListDeadLettersRequest(DeadLetterFilter, PageRequest):
    """Parameters of the request to list the dead letters that match a filter."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(100, ge=1, le=MOST_LETTERS, description="At most so many.")
    snoozed: bool = Field(
        default=False, description="With `state=open`: those that are snoozed now, too."
    )


class CountReplayableLettersRequest(DeadLetterFilter):
    """Parameters of the request to count the open dead letters that match a filter."""

    model_config = ConfigDict(extra="forbid")


class ReplayRequest(DeadLetterFilter):
    """Parameters of the request to replay open dead letters that match a filter."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(MOST_LETTERS, ge=1, le=MOST_LETTERS, description="At most so many.")
    begin: ReplayCursor | None = None


class DiscardRequest(BaseModel):
    """Body of the request to discard a dead letter: the reason."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]


class ReplayResult(BaseModel):
    """Result of a replay request: the dead letters sent, those not sent, and the cursor.

    Attributes:
        replayed: ids of the letters that were sent.
        not_replayed: why others were not, by their ids.
        left_out: how many open letters that match were not tried, by why not: a cause that no
            replay mends, ``gone``, ``unknown_source`` or ``snoozed``. Counted at the beginning.
        next: where to go on; None if there are no more.
    """

    replayed: list[UUID] = Field(default_factory=list)
    not_replayed: dict[UUID, str] = Field(default_factory=dict)
    left_out: dict[str, int] = Field(default_factory=dict)
    next: ReplayCursor | None = None
