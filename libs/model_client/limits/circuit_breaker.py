"""A circuit breaker: tells an endpoint that is down for everybody from a question it fails on.

Closed, everybody may call. Open, nobody may until a pause is over; then one at a time may, as a
probe, and the first success closes it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

from model_client import errors

FAILURES: Final = 5
"""So many calls in a row that fail tell that an endpoint is down, whoever has just been served."""

FAILURES_IN_SILENCE: Final = 3
"""So many are enough if nobody was served of late: one question's tries, when it is alone."""

SILENCE_S: Final = 30.0
"""How long ago "of late" is, in seconds: beyond the waits between one question's tries."""

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 2.0
"""Pauses before a probe double from the first to the longest, in seconds."""

QUESTIONS_REMEMBERED: Final = 10_000
"""Questions that failed last; of one that is forgotten the next failure counts as its first."""


QUESTIONS_COMPARED: Final = 256
"""Questions that were served last, and that failed last, by which another is judged."""


class Blame:
    """Tells a question that fails by itself from an endpoint that fails for everybody.

    A question is to blame if, since it failed before, more others were served than failed; of calls
    that began since. As long as nobody is served, as in an outage, no question is; where the
    endpoint fails on most, next to none is. Questions that are to blame count for nothing, so that
    several do not cover for each other.
    """

    def __init__(self) -> None:
        self._tick = 0
        self._served: OrderedDict[Hashable, int] = OrderedDict()
        self._fell: OrderedDict[Hashable, int] = OrderedDict()
        self._failed: OrderedDict[Hashable, int] = OrderedDict()

    def begin(self) -> int:
        """Note that a call begins; returns its place in time, for ``served``."""
        self._tick += 1
        return self._tick

    def served(self, question: Hashable, began: int) -> None:
        """Note that the endpoint answered a call."""
        _note(self._served, question, began, most=QUESTIONS_COMPARED)

    def failed(self, question: Hashable) -> bool:
        """Note that the endpoint failed on a question; returns whether the question is to blame."""
        before = self._failed.get(question)
        self._fell.pop(question, None)
        now = self.begin()
        _note(self._failed, question, now, most=QUESTIONS_REMEMBERED)
        if before is not None and _since(before, self._served) > _since(before, self._fell):
            return True
        _note(self._fell, question, now, most=QUESTIONS_COMPARED)
        return False


def _note(kept: OrderedDict[Hashable, int], question: Hashable, at: int, *, most: int) -> None:
    kept.pop(question, None)
    kept[question] = at
    if len(kept) > most:
        kept.popitem(last=False)


def _since(moment: int, kept: OrderedDict[Hashable, int]) -> int:
    return sum(at > moment for at in kept.values())


class Breaker:
    """The breaker of one endpoint.

    Args:
        clock: the loop's, in seconds.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._in_a_row = 0
        self._served_at = float("-inf")
        self._pause_s = FIRST_PAUSE_S
        self._due = 0.0
        self._probing = False
        self.is_open = False
        self.reason = ""

    def check(self, *, forced: bool = False) -> None:
        """Raise as ``admit`` would, without taking the turn to probe.

        Raises:
            errors.ModelUnavailableError: nobody may call now.
        """
        if self.is_open and (self._probing or not (forced or self._clock() >= self._due)):
            raise errors.ModelUnavailableError(self.reason)

    def admit(self, *, forced: bool = False) -> bool:
        """Let a call pass; what it showed has then to be told, whatever it was.

        Args:
            forced: probe before the pause is over: the caller knows how to wait.

        Returns:
            Whether the call is a probe.

        Raises:
            errors.ModelUnavailableError: nobody may call now.
        """
        self.check(forced=forced)
        self._probing = self.is_open
        return self._probing

    def succeeded(self) -> None:
        """Note that the endpoint answered, if only to say no."""
        self._in_a_row, self._served_at = 0, self._clock()
        self._pause_s = FIRST_PAUSE_S
        self.is_open, self._probing, self.reason = False, False, ""

    def failed(self, reason: str, *, probe: bool = False) -> None:
        """Note that the endpoint failed on a call, which may be the call's own fault.

        Args:
            reason: why, in a line for people.
            probe: whether the call was one; others may end long after the breaker has opened.
        """
        self._in_a_row += 1
        silent = self._clock() - self._served_at > SILENCE_S
        if probe:
            self.broken(reason, probe=True)
        elif not self.is_open and self._in_a_row >= (FAILURES_IN_SILENCE if silent else FAILURES):
            self._open(reason)

    def broken(self, reason: str, *, probe: bool = False) -> None:
        """Note that the endpoint serves nobody with these settings.

        Args:
            reason: why, in a line for people.
            probe: whether the call was one.
        """
        if probe:
            self._probing = False
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        self._open(reason)

    def given_up(self, *, probe: bool = False) -> None:
        """Note that a call ended without showing anything of the endpoint."""
        if probe:
            self._probing = False

    def _open(self, reason: str) -> None:
        self.is_open, self.reason = True, reason
        self._due = self._clock() + self._pause_s
