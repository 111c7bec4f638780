"""Models of replay plans, as control's API takes and returns them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from contracts.control_api import ColumnText, ControlApiModel, DeadLetterFilter, DeadLetterState
from contracts.pages import PageRequest
from contracts.replay_options import NO_OVERRIDES, ReplayOverrides

CANARY_ABOVE: Final = 100
"""Letters above which a plan goes in steps, unless it is told otherwise."""

MAX_FAILED: Final = 0.2
"""Share of letters failing again above which a plan stops by itself, unless told otherwise."""

STEP_WAIT_S: Final = 3_600
"""Longest wait for what became of a step's letters, in seconds: a message that times out at every
try takes 19 minutes until it is a letter (4 deliveries of 120 s, and 671 s in retry topics), and
longer in a queue."""

MOST_PLANS: Final = 1_000
"""Most plans on one page."""

MOST_LETTERS_SHOWN: Final = 10_000
"""Most letters on one page of a report."""


MOST_NAMED: Final = 1_000
"""Most letters that a plan can name."""


class ReplayPlanState(StrEnum):
    """State of a replay plan, such as ready, running, paused or finished.

    ``freezing`` until its set is written, behind the answer if it is large: 15 seconds a million
    letters at most. ``ready`` is not started yet. ``paused`` by somebody, and ``stopped`` by
    itself, go on when they are resumed; ``cancelled`` and ``finished`` do not.
    """

    FREEZING = "freezing"
    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    FINISHED = "finished"


class ReplayPlanFilter(DeadLetterFilter):
    """Filter of the open dead letters that a replay plan is made of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: None = Field(None, description="Not to be given: a plan is made of open letters.")
    letter_ids: tuple[UUID, ...] | None = Field(
        None,
        min_length=1,
        max_length=MOST_NAMED,
        description="Only these letters, also of causes that no replay mends.",
    )


class CreateReplayPlanRequest(ControlApiModel):
    """Request to make a replay plan of the open dead letters that match a filter."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    which: ReplayPlanFilter = Field(
        default_factory=ReplayPlanFilter, description="Which open letters; all if empty."
    )
    limit: int | None = Field(
        None, ge=1, le=2**31 - 1, description="At most so many, in the order of the DLQs."
    )
    force: bool = Field(
        default=False, description="Whether letters go back that no replay mends, or not as it is."
    )
    rate: float | None = Field(
        None, gt=0, le=1_000_000, description="Letters a second; as fast as it goes if None."
    )
    canary: bool | None = Field(
        None,
        description="Whether it goes in steps of 1, 5, 25 and 100 % of the letters; by default, if "
        "there are more than 100.",
    )
    max_failed: float = Field(
        MAX_FAILED,
        ge=0,
        le=1,
        description="It stops when a greater share of its letters has failed again, of at least "
        "ten, or of a step.",
    )
    step_wait_s: int = Field(
        STEP_WAIT_S,
        ge=1,
        le=86_400,
        description="Longest wait for what became of a step's letters, in seconds. A plan stops if "
        "fewer than half of the letters that were sent have an outcome by then, or none was sent.",
    )
    overrides: ReplayOverrides = Field(
        NO_OVERRIDES,
        description="What holds for these messages alone, in place of settings and of the study.",
    )


class ReplayPlanLetterCounts(ControlApiModel):
    """Counts of a replay plan's dead letters by state: waiting, sent, resolved, failed again."""

    waiting: int = Field(0, ge=0, description="Not sent yet.")
    replaying: int = Field(0, ge=0, description="Being sent.")
    replayed: int = Field(0, ge=0, description="Sent; what became of them is not known yet.")
    resolved: int = Field(0, ge=0, description="Gone through the stage that had failed.")
    failed_again: int = Field(0, ge=0, description="Another letter by now.")
    not_sent: int = Field(
        0, ge=0, description="Not open when their turn came, or they could not be sent."
    )


class ReplayPlan(ControlApiModel):
    """Replay plan: a fixed set of dead letters, the rate of sending them, and the progress."""

    plan_id: UUID
    state: ReplayPlanState
    state_reason: str = Field("", description="Why it was stopped, or by whom it was changed.")
    version: int = Field(ge=1, description="Counts the changes of its state.")
    created_at: datetime
    created_by: str = Field(description="Who made it.")
    which: ReplayPlanFilter = Field(description="Which letters were asked for.")
    limit: int | None = Field(None, description="At most how many were asked for.")
    force: bool = Field(default=False, description="Whether hopeless letters go back, too.")
    letters: int = Field(
        ge=0,
        description="How many letters are in the set; about so many while it is being frozen.",
    )
    set_sha256: str = Field(
        description="SHA-256 of the letters' ids in their order, as text, joined by line feeds."
    )
    left_out: dict[str, int] = Field(
        description="Letters that match or are named and are not in the set, by why not: a cause "
        "that no replay mends, `gone`, `unknown_source` or `snoozed`; of those that are named and "
        "not open, their state."
    )
    steps: tuple[int, ...] = Field(description="Letters sent by the end of each step.")
    step: int = Field(ge=0, description="The current step, from 1; 0 before the start.")
    rate: float | None = Field(description="Letters a second; None: as fast as it goes.")
    max_failed: float = Field(description="Share failing again above which it stops.")
    overrides: ReplayOverrides = Field(
        NO_OVERRIDES, description="What holds for its messages alone."
    )
    spent_usd: Decimal | None = Field(
        None,
        description="Of a plan with a budget: what calls for its messages cost by the ledger, "
        "those that are under way at the most that they can cost, in US dollars.",
    )
    step_wait_s: int = Field(description="Longest wait for what became of a step's letters.")
    counts: ReplayPlanLetterCounts
    not_sent: dict[str, int] = Field(
        default_factory=dict, description="Why letters were not sent, and how many."
    )
    failed_causes: dict[str, int] = Field(
        default_factory=dict, description="Causes of which letters failed again, by id."
    )
    started_at: datetime | None = None
    finished_at: datetime | None = None
    seconds_left: float | None = Field(
        None, description="Until all are sent, at the rate so far, without waits between steps."
    )


class ReplayPlanPage(ControlApiModel):
    """Page of the replay plans, the latest first."""

    plans: tuple[ReplayPlan, ...]
    next: str | None = Field(None, description="`cursor` of the next page; None: there is none.")


class EstimatedRange(ControlApiModel):
    """Estimated range of a number, such as a cost: its lowest and highest value."""

    low: Decimal
    high: Decimal


class ReplayPlanPart(ControlApiModel):
    """Part of a replay plan's preview: its dead letters of one service and error code."""

    service: str
    error_code: str
    letters: int = Field(ge=0)
    topic: str = Field(description="Where they are sent.")
    closed: int = Field(ge=0, description="Not open any more: they are not sent.")
    stored: int = Field(ge=0, description="About chunks that are stored: sending does nothing.")
    withdrawn: int = Field(ge=0, description="About withdrawn revisions: nobody reads the notes.")
    hopeless: dict[str, int] = Field(
        default_factory=dict,
        description="Letters that are not sent, unless it is forced, since that cannot succeed as "
        "things are, by why: `stored`, `withdrawn`, `superseded`, `study_archived`, "
        "`unknown_study`, or a cause that is in the database, such as `revision_conflict`.",
    )
    calls: EstimatedRange | None = Field(
        None, description="Calls of models; None: the service calls none, or there are none yet."
    )
    usd: EstimatedRange | None = Field(
        None, description="What they cost; None: there are no prices."
    )


class ReplayPlanPreview(ControlApiModel):
    """Preview of a replay plan: target topics, likely cost, and letters that cannot succeed.

    Costs are what nine of ten chunks took of late (of the latest 10,000 calls), times the chunks of
    the letters; the low end is zero calls where an answer may be cached. An interview that was not
    ingested counts as many chunks as 95 in 100 interviews have at most.
    """

    parts: tuple[ReplayPlanPart, ...]


class ReplayPlanLetter(ControlApiModel):
    """Dead letter in a replay plan, with its state, and the letter it became if it failed."""

    number: int = Field(ge=0, description="Its place in the set, from 0.")
    letter_id: UUID
    service: str | None
    error_code: str | None
    subject: str | None
    state: DeadLetterState | None = Field(description="None: the index has no such letter.")
    by_this_plan: bool = Field(description="Whether this plan sent it, and no other since.")
    became: UUID | None = Field(None, description="The letter that it became.")
    became_code: str | None = Field(None, description="The code with which it failed again.")


class ReplayPlanLetterPage(ControlApiModel):
    """Page of the dead letters in a replay plan, in the order in which they are sent."""

    letters: tuple[ReplayPlanLetter, ...]
    next: str | None = Field(None, description="`cursor` of the next page; None: there is none.")


class ListReplayPlansRequest(PageRequest):
    """Parameters of the request to list replay plans."""

    limit: int = Field(100, ge=1, le=MOST_PLANS, description="At most so many.")


class ListReplayPlanLettersRequest(PageRequest):
    """Parameters of the request to list a replay plan's dead letters with their states."""

    limit: int = Field(1_000, ge=1, le=MOST_LETTERS_SHOWN, description="At most so many.")


PlanReason = Annotated[ColumnText, StringConstraints(strip_whitespace=True, max_length=1_000)]
"""Why somebody changes a plan."""
