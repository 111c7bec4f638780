"""Drift, as control's API has it: series that are watched, alarms, and what explains them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from contracts.control_api import ControlApiModel


class ChangedFactorReport(ControlApiModel):
    """Factor that changed when a drift began."""

    factor: str = Field(
        description="`model`, `fingerprint`, `asked model`, `prompt`, `deploy`, `producer`, "
        "`format`, `length` or `interview`."
    )
    side: str = Field(description="Whose it is: `they_changed`, `we_changed`, `the_input_changed`.")
    before: str = Field(description="Its most frequent value before.")
    after: str = Field(description="The value of which there is most more since.")
    explains: bool = Field(
        description="Whether chunks for which it did not change did not drift as much."
    )


class DriftAlarmReport(ControlApiModel):
    """Alarm: a rate or a value is no longer what was usual for a model, prompt or producer."""

    alarm_id: UUID = Field(description="Its id.")
    metric: str = Field(description="What has drifted, such as `rejected_notes`.")
    dimension: str = Field(
        description="`all`, `model`, `fingerprint`, `prompt` or `producer`: by what it is watched."
    )
    value: str = Field(description="Which one, such as the model's name.")
    direction: str = Field(description="`up` or `down`.")
    raised_at: datetime = Field(description="When the observation was made that raised it.")
    begun_at: datetime = Field(description="When the drift began, about.")
    observations: int = Field(description="How many observations there were since, about.")
    before_rate: float = Field(
        description="The usual rate; of values: how often they are usually beyond `bound`."
    )
    after_rate: float = Field(description="The same since the drift began.")
    bound: float | None = Field(
        description="Of values such as seconds: what nine of ten usually were not above, or below."
    )
    side: str | None = Field(
        description="Which side it comes from: `they_changed`, `we_changed`, `the_input_changed` "
        "or `cannot_tell`; null: it is being looked for."
    )
    factors: tuple[ChangedFactorReport, ...] = Field(description="What changed with it.")
    ended_at: datetime | None = Field(
        description="When what is usual since was learned, whether or not it is as it was before; "
        "null: it is still being learned."
    )


class DriftReport(ControlApiModel):
    """Report on drift: the latest alarms, and how much is watched."""

    alarms: tuple[DriftAlarmReport, ...] = Field(
        description="Those of which it is not known yet what is usual since, then the others, "
        "latest first; at most 100."
    )
    total_alarms: int = Field(description="How many alarms there are.")
    open_alarms: int = Field(
        description="How many of them are of series that still learn what is usual since."
    )
    series: int = Field(description="Series that are watched.")
    learning: int = Field(
        description="Those of them of which it is not known yet what is usual; they raise no alarm."
    )
    drafts_observed_until: datetime = Field(description="Up to when drafts have been observed.")
    calls_observed_until: datetime = Field(
        description="Up to when calls of models have been observed."
    )
