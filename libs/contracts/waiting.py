"""Models of messages that wait in retry topics, and of what operators decide about them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from contracts.control_api import Asked, Base64Bytes, ControlApiModel, Moment
from contracts.letter_changes import Reason
from contracts.pages import PageRequest
from contracts.waiting_decisions import WaitingAction

MOST_WAITING: Final = 10_000
"""Most messages that one request lists."""

MOST_DECIDED: Final = 50_000
"""Most messages that one request decides about."""


class WaitingMessage(ControlApiModel):
    """Message that waits in a retry topic, with the reason and the time of its next try."""

    service: str = Field(description="The service that tries it again.")
    topic: str = Field(description="The retry topic that has it.")
    partition: int = Field(description="Partition of that topic.")
    offset: int = Field(description="Offset in that partition.")
    due_at: datetime | None = Field(
        None, description="Until when it waits; None: it is replayed, and was due at once."
    )
    held_until: datetime | None = Field(
        None, description="Until when an operator holds it; None: nobody does."
    )
    error_code: str = Field(
        "", description="Why it failed, from `contracts.errors.ErrorCode`; empty: not said."
    )
    error_message: str = Field("", description="One line for people.")
    attempts: int = Field(0, ge=0, description="How often it was tried.")
    timeouts: int = Field(0, ge=0, description="How many of the tries timed out.")
    first_failed_at: datetime | None = Field(None, description="When it failed first.")
    replay_of: UUID | None = Field(None, description="The letter that it is a replay of.")
    source_topic: str = Field(description="Where it was first read.")
    source_partition: int = Field(description="Partition of the source topic.")
    source_offset: int = Field(description="Offset in that partition.")
    subject: str | None = Field(
        None, description="Id of the transcript or chunk it is about; None: its value has none."
    )
    study_id: str | None = Field(None, description="Its study, if the value says so.")
    producer: str | None = Field(
        None, description="`ce_source` of a submission: its producer's claim."
    )
    key: Base64Bytes | None = Field(None, description="The record key, or its first KiB.")


class WaitingPage(ControlApiModel):
    """Page of the messages that wait in retry topics, the next due first."""

    messages: tuple[WaitingMessage, ...]
    next: str | None = Field(None, description="`cursor` of the next page; None: there is none.")
    matching: int = Field(ge=0, description="How many match; at least as many as are listed.")
    by_service: dict[str, int] = Field(description="How many of those that match, by service.")
    is_partial: bool = Field(
        default=False,
        description="Whether there are more in the topics than one request reads.",
    )


class WaitingFilter(ControlApiModel):
    """Filter of messages that wait in retry topics; a field that is None matches all."""

    service: Asked | None = Field(None, description="Only of this service.")
    code: Asked | None = Field(None, description="Only with this code, such as `llm_timeout`.")
    subject: Asked | None = Field(None, description="Only about this transcript or chunk.")
    study: Asked | None = Field(None, description="Only about interviews of this study.")
    producer: Asked | None = Field(None, description="Only submissions of this producer.")
    text: Asked | None = Field(
        None, description="Only with this in the error's text, in capital or small letters."
    )
    min_attempts: int | None = Field(
        None, ge=0, le=2**31 - 1, description="Only what was tried so often, or more."
    )
    held: bool | None = Field(
        None, description="Only what an operator holds; `false`: only what nobody holds."
    )


class ListWaitingRequest(WaitingFilter, PageRequest):
    """Parameters of the request to list the messages that wait in retry topics."""

    limit: int = Field(100, ge=1, le=MOST_WAITING, description="At most so many.")


class ReleaseWaitingRequest(WaitingFilter):
    """Request to try messages that wait in retry topics at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(
        MOST_DECIDED, ge=1, le=MOST_DECIDED, description="At most so many, the next due first."
    )
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1_000)] = Field(
        "", description="Why; it goes into the trail."
    )


class HoldWaitingRequest(ReleaseWaitingRequest):
    """Request not to try waiting messages before a time, or until they are released."""

    held_until: Moment | None = Field(
        None,
        description="Until when: within 7 days; a day, if not given. Then each is tried as if its "
        "time had come.",
    )


class GiveUpWaitingRequest(ReleaseWaitingRequest):
    """Request to turn messages that wait in retry topics into dead letters."""

    reason: Reason = Field(description="Why; it goes into the trail and into the letters.")


class WaitingDecisionResult(ControlApiModel):
    """Result of releasing, holding or giving up waiting messages: their number by service.

    Their services do what was decided within a second or two. A message whose try has begun by
    then is not decided about any more.
    """

    decision_id: UUID = Field(description="Names the decision in the services' logs.")
    action: WaitingAction
    messages: int = Field(ge=0, description="How many were decided about.")
    by_service: dict[str, int] = Field(description="How many of them, by service.")
    held_until: datetime | None = Field(None, description="Of a hold: until when.")
    is_partial: bool = Field(
        default=False,
        description="Whether there are more in the topics than one request reads.",
    )
