"""Models of the causes of dead letters, as control's API returns them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from contracts.control_api import (
    Asked,
    ColumnText,
    ControlApiModel,
    DeadLetterState,
    Moment,
)
from contracts.pages import PageRequest

CAUSE_ID: Final = r"^[0-9a-f]{16}$"
"""Pattern of a cause's id."""

HOURS_SHOWN: Final = 24
"""Hours of which a cause has the number of letters, the current one included."""

MOST_CAUSES: Final = 1_000
"""Most causes on one page."""


class CauseTrend(StrEnum):
    """Trend of the dead letters of one cause: the latest hour compared with earlier hours."""

    NEW = "new"
    RISING = "rising"
    STEADY = "steady"
    FALLING = "falling"
    QUIET = "quiet"


class StudyLetterCount(ControlApiModel):
    """Number of one study's dead letters that have one cause."""

    study_id: str = Field(description="The study; empty: unknown.")
    letters: int = Field(ge=0)


class LetterCause(ControlApiModel):
    """Group of dead letters of one service with the same error code and error message.

    Ids, numbers, addresses and quoted text do not tell two messages apart.
    """

    cause_id: str = Field(pattern=CAUSE_ID, description="Id of the cause.")
    service: str = Field(description="The service that set the letters aside.")
    error_code: str = Field(description="Cause, from `contracts.errors.ErrorCode`.")
    error_type: str = Field("", description="Class of the error.")
    summary: str = Field("", description="The error's text, without what differs by letter.")
    letters: dict[DeadLetterState, int] = Field(description="Number of letters by state.")
    snoozed: int = Field(0, ge=0, description="How many of the open ones are snoozed now.")
    first_failed_at: datetime = Field(description="When the first of them failed.")
    last_failed_at: datetime = Field(description="When the latest of them failed.")
    by_hour: tuple[int, ...] = Field(
        description="Letters of the latest 24 hours, one number an hour, the current hour last."
    )
    trend: CauseTrend = Field(description="The current hour beside those before it.")
    studies: tuple[StudyLetterCount, ...] = Field(
        (), description="Studies with the most of its letters, ten at most."
    )
    study_count: int = Field(0, ge=0, description="How many studies have its letters.")
    example: UUID = Field(description="Id of one of the letters.")
    replay_helps: bool = Field(description="Whether the same bytes can succeed later.")
    assignee: str = Field("", description="Who looks after it, as an operator noted.")
    remark: str = Field("", description="What an operator noted about it.")
    muted_until: datetime | None = Field(
        None, description="Lists leave it out until then, unless they are asked for muted causes."
    )
    version: int = Field(1, ge=1, description="Counts the changes of what operators noted.")


class LetterCausePage(ControlApiModel):
    """Page of the list of dead letter causes, the one with the most dead letters first."""

    causes: tuple[LetterCause, ...]
    next: str | None = Field(None, description="`cursor` of the next page; None: there is none.")
    muted: int = Field(
        0, ge=0, description="How many more match, but are muted; counted for the first page."
    )
    snoozed: int = Field(
        0,
        ge=0,
        description="How many more match, but have no open letter that is not snoozed; counted "
        "for the first page.",
    )
    expiring: int = Field(
        0, ge=0, description="How many open letters, of any cause, expire soon, as last counted."
    )


class ChangeBeforeCause(ControlApiModel):
    """Change, such as a deploy or a new prompt, shortly before a cause's first dead letter."""

    at: datetime = Field(description="When.")
    kind: str = Field(
        description="What: a `prompt` version, `model`, `endpoint`, `answered_by` (what the "
        "endpoint calls the model), `fingerprint`, `study`, `budget`, or `deploy`: a start of a "
        "service with another version, digest of its sources or commit than the start before."
    )
    value: str = Field(description="Which.")


class CauseBackground(ControlApiModel):
    """Background of a cause of dead letters: the model calls' cost, and what changed before it."""

    cause_id: str = Field(pattern=CAUSE_ID)
    cost_usd: Decimal = Field(
        description="What calls about its letters' chunks came to, as far as known; without "
        "letters that are replayed."
    )
    calls: int = Field(ge=0, description="How many calls those were.")
    unpriced: int = Field(ge=0, description="How many of them nobody knows the price of.")
    letters: int = Field(ge=0, description="Of how many letters, the latest 100,000 at most.")
    began_at: datetime = Field(description="When its first letter failed.")
    window_s: float = Field(description="In how long before that changes are looked for.")
    changes: tuple[ChangeBeforeCause, ...] = Field(
        description="What was used for the first time in that while, and not in the day before "
        "it, or was changed in it; the latest first."
    )


class ListCausesRequest(PageRequest):
    """Parameters of the request to list the causes of dead letters that match a filter."""

    service: Asked | None = Field(None, description="Only of this service.")
    code: Asked | None = Field(None, description="Only with this code, such as `llm_timeout`.")
    study: Asked | None = Field(None, description="Only letters of this study.")
    model: Asked | None = Field(None, description="Only letters that this model drafted last.")
    prompt: Asked | None = Field(
        None, description="Only letters that were drafted last with this version of the prompt."
    )
    state: DeadLetterState | Literal["all"] = Field(
        DeadLetterState.OPEN, description="Only causes that have letters in this state; `all`: any."
    )
    muted: bool = Field(default=False, description="Muted causes too.")
    snoozed: bool = Field(
        default=False, description="With `state=open`: those too whose letters are all snoozed."
    )
    limit: int = Field(100, ge=1, le=MOST_CAUSES, description="At most so many.")


Remark = Annotated[ColumnText, StringConstraints(strip_whitespace=True, max_length=1_000)]


class EditCauseRequest(ControlApiModel):
    """Request to assign, annotate or mute a cause of dead letters; absent fields stay."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    assignee: Remark | None = Field(None, description="Who looks after it; empty: nobody.")
    remark: Remark | None = Field(None, description="What is known about it.")
    muted_until: Moment | None = Field(None, description="Mute it until then; null: unmute it.")
