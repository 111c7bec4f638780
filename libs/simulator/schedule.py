"""Replaceable clock, and moments given as seconds after the start or as a date."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator

_FORMS = "seconds from the start, or a date and time such as 2026-12-01T08:00:00Z"


def _moment(value: Any) -> float | datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(_FORMS) from None
    if isinstance(value, datetime):  # which is a date too, so it comes first
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and math.isfinite(value) and value >= 0:
        return float(value)
    raise ValueError(_FORMS)


Moment = Annotated[float | datetime, BeforeValidator(_moment)]
"""Seconds from the start, or an absolute time; one without a zone is in UTC."""


@dataclass(frozen=True, slots=True)
class SimulatorClock:
    """Clock of the simulator (monotonic and wall time), which tests can replace.

    Attributes:
        monotonic: seconds that only grow, from an arbitrary zero.
        wall: seconds since 1970.
    """

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time

    def since(self, moment: float | datetime, began: float) -> float:
        """Return the seconds that have passed since a moment; negative while it is to come.

        Args:
            moment: an absolute time, or seconds from ``began``.
            began: what relative moments are counted from, as ``monotonic`` returned it.
        """
        if isinstance(moment, datetime):
            return self.wall() - moment.timestamp()
        return self.monotonic() - began - moment
