"""What the chaos worker's handler does with each message, by seed, so that its end is known."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

TRIES: Final = 2
"""Tries in place of one delivery."""

TIERS: Final = 2
"""Retry topics a message may go through."""

ATTEMPTS: Final = TRIES * (1 + TIERS)
"""Failed tries after which a message is a dead letter."""

_FAILURES: Final = (0,) * 12 + (1, 1, 2, 3, 4, ATTEMPTS)
_BAD: Final = 0.08


@dataclass(frozen=True, slots=True)
class Fate:
    """One message's story.

    Attributes:
        latency_s: how long each try takes, in seconds.
        failures: how many tries fail in a way that may pass.
        bad: whether the try after those finds the message to be past help.
    """

    latency_s: float
    failures: int
    bad: bool

    @property
    def dies(self) -> bool:
        """Whether it ends as a dead letter."""
        return self.bad or self.failures >= ATTEMPTS

    @property
    def is_retried(self) -> bool:
        """Whether it leaves its partition for a retry topic, and with it the order of its key."""
        return self.failures >= TRIES


def fate(seed: str, number: int) -> Fate:
    """The fate of the message with this number in the round with this seed."""
    chance = Random(f"{seed}/{number}")
    return Fate(
        latency_s=chance.choice((0.0, 0.005, 0.02, 0.05, 0.1)) * chance.random(),
        failures=chance.choice(_FAILURES),
        bad=chance.random() < _BAD,
    )
