"""Scripted outcomes of a round's messages, by seed, so that each end is known beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from contracts.errors import ErrorCode

TRIES: Final = 2
"""Tries in place of one delivery."""

TIERS: Final = 2
"""Retry topics a message may go through."""

THROTTLE_CEILING_S: Final = 0.5
"""A longer Retry-After is waited for in a retry topic."""


class Try(StrEnum):
    """The outcomes of a try that is not the last."""

    FAILS = "fails"
    HANGS = "hangs"


class End(StrEnum):
    """The final outcome of a message."""

    WELL = "well"
    BAD = "bad message"
    BUG = "bug"
    FAILING = "fails for ever"
    POISON = "meets an outage whenever it is tried, and no other message does"
    LATE = "hangs until the message's own deadline"
    NOT_UTF8 = "the value is not UTF-8"
    NO_VALUE = "there is no value"
    NO_EVENT = "the value is JSON, but no event"
    OTHER_TYPE = "the headers tell another event"


GARBLED: Final = frozenset({End.NOT_UTF8, End.NO_VALUE, End.NO_EVENT, End.OTHER_TYPE})
"""Messages that no handler ever sees."""

CODES: Final = {
    End.BAD: ErrorCode.MALFORMED_TRANSCRIPT,
    End.BUG: ErrorCode.BUG,
    End.FAILING: ErrorCode.LLM_BAD_OUTPUT,
    End.POISON: ErrorCode.DATABASE_UNAVAILABLE,
    End.LATE: ErrorCode.TIMEOUT,
    End.NOT_UTF8: ErrorCode.UNDECODABLE,
    End.NO_VALUE: ErrorCode.UNDECODABLE,
    End.NO_EVENT: ErrorCode.INVALID_EVENT,
    End.OTHER_TYPE: ErrorCode.INVALID_EVENT,
}
"""What the dead letter says; who is not here ends well."""


@dataclass(frozen=True, slots=True)
class Fate:
    """The scripted tries and end of one message.

    Attributes:
        before: how its first tries end.
        end: how every later try ends.
        retry_after_s: how long it is told to wait, once, before all that; 0 if it is not, seconds.
        latency_s: how long each try takes, in seconds.
    """

    before: tuple[Try, ...] = ()
    end: End = End.WELL
    retry_after_s: float = 0.0
    latency_s: float = 0.0

    @property
    def code(self) -> ErrorCode | None:
        """What its dead letter says; None if it ends well."""
        return CODES.get(self.end)

    @property
    def keeps_its_place(self) -> bool:
        """Whether it is done in its own partition, and so in the order of its key."""
        return (
            len(self.before) < TRIES
            and Try.HANGS not in self.before
            and self.retry_after_s <= THROTTLE_CEILING_S
        )


_FAILS, _HANGS = Try.FAILS, Try.HANGS
_STORIES: Final = (
    *(Fate(),) * 12,
    *(Fate((_FAILS,)),) * 2,
    *(Fate((_FAILS,) * number) for number in (2, 3, 4)),
    *(Fate((_HANGS,)), Fate((_FAILS, _HANGS))),
    *(Fate(retry_after_s=0.05), Fate((_FAILS,), retry_after_s=0.05)),
    *(Fate(retry_after_s=0.7), Fate((_FAILS,), retry_after_s=0.7)),
    *(Fate(end=end) for end in CODES if end is not End.POISON),
    *(Fate((_FAILS,), end=End.BAD), Fate((_FAILS,) * 3, end=End.BUG)),
)
"""Those that end well could fail one try more than they do: a machine that is slow kills nobody."""


POISONS: Final = frozenset({2, 5})
"""The numbers of poisons in every round: early, as only others that pass later give them away."""


def fate(seed: str, number: int) -> Fate:
    """Return the scripted outcome of a message in the round with this seed."""
    if number in POISONS:
        return Fate(end=End.POISON)
    chance = Random(f"{seed}/{number}")
    story = chance.choice(_STORIES)
    latency_s = chance.choice((0.0, 0.005, 0.02, 0.05, 0.1)) * chance.random()
    return Fate(story.before, story.end, story.retry_after_s, latency_s)
