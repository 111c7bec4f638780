"""Models of messages that wait in retry topics, as control's API returns them."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import Field

from contracts.control_api import Asked, Base64Bytes, ControlApiModel
from contracts.pages import PageRequest

MOST_WAITING: Final = 10_000
"""Most messages that one request lists."""


class WaitingMessage(ControlApiModel):
    """Message that waits in a retry topic, with the reason and the time of its next try."""

    service: str = Field(description="The service that tries it again.")
    topic: str = Field(description="The retry topic that has it.")
    partition: int = Field(description="Partition of that topic.")
    offset: int = Field(description="Offset in that partition.")
    due_at: datetime | None = Field(
        None, description="Until when it waits; None: it is replayed, and was due at once."
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


class ListWaitingRequest(PageRequest):
    """Parameters of the request to list the messages that wait in retry topics."""

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
    limit: int = Field(100, ge=1, le=MOST_WAITING, description="At most so many.")
