"""Planned outages, in which a model or the whole endpoint fails for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from simulator.schedule import Moment, SimulatorClock


class OutageKind(StrEnum):
    """Kind of failure that clients see during a simulated outage."""

    DISCONNECT = "disconnect"
    HANG = "hang"
    SERVER_ERROR = "server_error"


class Outage(BaseModel):
    """Planned outage of the simulated API: its start, duration and kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: OutageKind = Field(
        OutageKind.SERVER_ERROR, description="Kind of failure that clients see."
    )
    at: Moment = Field(
        0.0, description="Start: seconds from the simulator's start, or a date and time."
    )
    lasts: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Duration in seconds; without end if absent."
    )
    status: int = Field(503, ge=500, le=599, description="HTTP status of a `server_error`.")
    model: str | None = Field(
        None, min_length=1, description="Only model that it applies to; all of `/v1` if absent."
    )

    @model_validator(mode="after")
    def _status_belongs_to_errors(self) -> Self:
        if "status" in self.model_fields_set and self.kind is not OutageKind.SERVER_ERROR:
            raise ValueError(f"`status` belongs to server_error, not to {self.kind}")
        return self


class OutageSchedule:
    """Schedule of planned outages, which returns the one in progress.

    Args:
        planned: the first that is on counts.
        clock: time source; seconds are counted from now.
    """

    def __init__(self, planned: Sequence[Outage], clock: SimulatorClock) -> None:
        self.planned = tuple(planned)
        self._clock = clock
        self._began = clock.monotonic()

    def current(self, model: str | None) -> Outage | None:
        """Return the outage in progress, for a model or for requests that concern none."""
        return next((one for one in self.planned if self._is_on(one, model)), None)

    def _is_on(self, outage: Outage, model: str | None) -> bool:
        if outage.model not in {None, model}:
            return False
        passed = self._clock.since(outage.at, self._began)
        return passed >= 0 and (outage.lasts is None or passed < outage.lasts)
