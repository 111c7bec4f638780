"""Models of how long dead letters are kept, as control's API returns them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pydantic import ConfigDict, Field

from contracts.control_api import ControlApiModel
from contracts.pages import MAX_CURSOR

NEAR_BOUND: Final = 0.8
"""Share of a DLQ's bound from which on its operator is warned."""

MOST_CAUSES: Final = 1_000
"""Most causes that an answer lists: those whose letters expire first."""


class RetentionPolicy(ControlApiModel):
    """Policy on how long dead letters are kept, in days; a study's own, if shorter, prevails.

    A letter that is closed was replayed, discarded or expired.
    """

    open_days: float = Field(description="How long an open letter is kept, in days.")
    closed_days: float = Field(description="How long a closed letter is kept, in days.")
    warning_days: float = Field(description="How long before that open letters are warned of.")


class CauseExpiry(ControlApiModel):
    """Expiry of the open dead letters of one cause: their number, first and last expiry time."""

    service: str = Field(description="The service that set them aside.")
    cause_id: str = Field(description="Their cause.")
    error_code: str = Field(description="Its code.")
    summary: str = Field("", description="The error's text, without what differs by letter.")
    letters: int = Field(ge=0, description="How many are open.")
    expiring: int = Field(ge=0, description="How many of them expire within the policy's warning.")
    gone: int = Field(
        ge=0,
        description="How many of them their DLQ does not have any more: they expire within "
        "an hour, unless they are read again.",
    )
    first_expires_at: datetime = Field(description="When the first of them expires.")
    last_expires_at: datetime = Field(description="When the last of them expires.")


class DlqSize(ControlApiModel):
    """Size of one partition of a DLQ, and how much it may hold until Kafka deletes the oldest."""

    topic: str = Field(description="The DLQ.")
    partition: int
    letters: int = Field(ge=0, description="How many letters it has.")
    bytes: int = Field(ge=0, description="Their values' bytes, uncompressed.")
    max_bytes: int | None = Field(
        None, description="Kafka's `retention.bytes` of it; None: no bound, or it is not readable."
    )
    share: float | None = Field(None, description="`bytes` of `max_bytes`; None without a bound.")
    oldest_failed_at: datetime | None = Field(
        None, description="When the oldest of its letters was set aside."
    )

    @property
    def is_near_bound(self) -> bool:
        """Whether its operator is to be warned."""
        return self.share is not None and self.share >= NEAR_BOUND


class LetterRetention(ControlApiModel):
    """Report on when which open dead letters expire, and on how full the DLQs are."""

    policy: RetentionPolicy
    letters: int = Field(ge=0, description="How many letters are open.")
    expiring: int = Field(ge=0, description="How many of them expire within the policy's warning.")
    gone: int = Field(ge=0, description="How many of them their DLQ does not have any more.")
    causes: tuple[CauseExpiry, ...] = Field(
        description=f"By cause, those that expire first; {MOST_CAUSES:,} at most."
    )
    cause_count: int = Field(ge=0, description="How many causes have open letters.")
    dlqs: tuple[DlqSize, ...] = Field(description="The DLQs that there are, by partition.")
    missing_dlqs: tuple[str, ...] = Field(
        (), description="DLQs that the broker does not have: their letters are left as they are."
    )


class ReindexRequest(ControlApiModel):
    """Parameters of the request to read the DLQs again into control's index of dead letters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cursor: str | None = Field(
        None, max_length=MAX_CURSOR, description="`next` of the answer before."
    )


class ReindexResult(ControlApiModel):
    """Result of reading the DLQs again: the records read, and the dead letters new to the index."""

    read: int = Field(ge=0, description="How many records.")
    new: int = Field(ge=0, description="How many of their letters the index did not have.")
    next: str | None = Field(None, description="`cursor` of the next request; None: that was all.")
