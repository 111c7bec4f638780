"""Made-up drafts of interviews: how many notes each has, and how many of them are refused."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from drift.baseline import Group
from drift.metrics import Dimension, DriftMetric, get_shares
from drift.series import AlarmShares, DriftAlarm, DriftSeries, Observation

REFUSED_BY_MODEL = get_shares(DriftMetric.REJECTED_NOTES, Dimension.MODEL)


class Draft(NamedTuple):
    """Refused notes and all notes of a draft, and which interview it is of."""

    refused: int
    notes: int
    interview: str


@dataclass
class Interviews:
    """Interviews that are worked on beside each other; drafts of one resemble each other.

    Args:
        random: draws.
        rate: of refused notes.
        alike: correlation of the notes of one interview.
        alike_in_draft: further correlation of the notes of one draft.
        chunks: of an interview, in the middle.
        at_once: interviews beside each other.
    """

    random: Random
    rate: float
    alike: float = 0.0
    alike_in_draft: float = 0.0
    chunks: int = 15
    at_once: int = 8

    def __post_init__(self) -> None:
        self._number = 0
        self._open: list[tuple[str, float, int]] = []

    def change(self, rate: float) -> None:
        """From now on notes are refused at another rate, in interviews that begin now."""
        self.rate = rate
        self._open.clear()

    def draw(self) -> Draft:
        while len(self._open) < self.at_once:
            self._number += 1
            chunks = self.random.randint(1, 2 * self.chunks - 1)
            self._open.append((str(self._number), self._around(self.rate, self.alike), chunks))
        place = self.random.randrange(len(self._open))
        interview, rate, left = self._open[place]
        if left > 1:
            self._open[place] = interview, rate, left - 1
        else:
            del self._open[place]
        notes = self.random.randint(3, 9)
        rate = self._around(rate, self.alike_in_draft)
        return Draft(sum(self.random.random() < rate for _ in range(notes)), notes, interview)

    def _around(self, rate: float, alike: float) -> float:
        rate = min(max(rate, 1e-6), 1 - 1e-6)
        if not alike:
            return rate
        return self.random.betavariate(rate * (1 / alike - 1), (1 - rate) * (1 / alike - 1))


def observe_draft(
    series: DriftSeries, draft: Draft, at: float = 0.0, shares: AlarmShares = REFUSED_BY_MODEL
) -> DriftAlarm | None:
    """Have a series of refused notes observe a draft."""
    return series.observe(
        Observation(draft.refused, draft.notes), shares, at, Group(draft.interview)
    )


def count_until_alarm(
    series: DriftSeries, work: Interviews, most: int
) -> tuple[int, DriftAlarm | None]:
    """Draw drafts until one raises an alarm; return how many, and the alarm."""
    for number in range(1, most + 1):
        if (alarm := observe_draft(series, work.draw(), float(number))) is not None:
            return number, alarm
    return most, None
