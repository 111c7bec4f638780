"""Circuit breaker, and the test whether one request fails by itself or the endpoint for everybody.

::

    CLOSED --- FAILURES in a row ---> OPEN --- pause over ---> HALF-OPEN (one probe)
       ^                               ^                            |
       |                               +------- probe fails --------+
       +---------------------- any success -------------------------+

Closed, all may call. Open, none may until the pause is over; half-open, one at a time may, as a
probe, and its success closes the breaker.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

from model_client import errors

FAILURES: Final = 5
"""Failures in a row that open the breaker although somebody has just been served."""

FAILURES_WITHOUT_SUCCESS: Final = 3
"""Failures that are enough if nobody was served of late: one request's tries, when it is alone."""

SILENCE_S: Final = 30.0
"""How long ago “of late” is, in seconds: beyond the waits between one request's tries."""

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 2.0
"""Pauses before a probe double from the first to the longest, in seconds."""

QUESTIONS_REMEMBERED: Final = 10_000
"""Requests whose last failure is remembered; a forgotten one's next failure counts as its first."""


QUESTIONS_COMPARED: Final = 256
"""Requests that were last served, and that last failed, with which another is compared."""


class FailureAttributor:
    """Tracker that decides whether failed calls are the fault of the request or the endpoint.

    A request is to blame if, since it failed before, more other requests were served than failed;
    only calls that began since count. As long as nobody is served, as in an outage, no request is
    to blame; where the endpoint fails on most, next to none is. Requests that are to blame count
    for nothing, so that several do not cover for each other.
    """

    def __init__(self) -> None:
        self._tick = 0
        self._served: OrderedDict[Hashable, int] = OrderedDict()
        self._fell: OrderedDict[Hashable, int] = OrderedDict()
        self._failed: OrderedDict[Hashable, int] = OrderedDict()

    def start_call(self) -> int:
        """Record that a call begins; return its position in time, for ``record_success``."""
        self._tick += 1
        return self._tick

    def record_success(self, request: Hashable, began: int) -> None:
        """Record that the endpoint answered a call."""
        _note(self._served, request, began, most=QUESTIONS_COMPARED)

    def record_available(self, began: int) -> None:
        """Record that the endpoint answered when it was asked whether it works."""
        self._fell.clear()
        self.record_success(began, began)

    def record_failure(self, request: Hashable) -> bool:
        """Record that the endpoint failed on a request; return whether the request is to blame."""
        # Compared only from its second failure on: the first one may be anybody's.
        before = self._failed.get(request)
        self._fell.pop(request, None)
        now = self.start_call()
        _note(self._failed, request, now, most=QUESTIONS_REMEMBERED)
        if before is not None and _since(before, self._served) > _since(before, self._fell):
            return True
        _note(self._fell, request, now, most=QUESTIONS_COMPARED)
        return False

    def has_failed(self, request: Hashable) -> bool:
        """Return whether a request is known to have failed before."""
        return request in self._failed


def _note(kept: OrderedDict[Hashable, int], request: Hashable, at: int, *, most: int) -> None:
    kept.pop(request, None)
    kept[request] = at
    if len(kept) > most:
        kept.popitem(last=False)


def _since(moment: int, kept: OrderedDict[Hashable, int]) -> int:
    return sum(at > moment for at in kept.values())


class CircuitBreaker:
    """Circuit breaker of one endpoint: closed, open, or half-open with one probe at a time.

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
        """Let a call pass; its result has to be reported to one of the ``record`` methods.

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

    def record_success(self) -> None:
        """Record that the endpoint answered, if only with a refusal; closes the breaker."""
        # Any success closes the breaker, not only a probe's: the endpoint evidently answers.
        self._in_a_row, self._served_at = 0, self._clock()
        self._pause_s = FIRST_PAUSE_S
        self.is_open, self._probing, self.reason = False, False, ""

    def record_failure(self, reason: str, *, probe: bool = False) -> None:
        """Record that the endpoint failed on a call, which may be the call's own fault.

        Args:
            reason: why, in a line for people.
            probe: whether the call was one; others may end long after the breaker has opened.
        """
        self._in_a_row += 1
        silent = self._clock() - self._served_at > SILENCE_S
        # Calls that began before the breaker opened may fail long after; only a probe's failure
        # lengthens the pause.
        if probe:
            self.trip(reason, probe=True)
        elif not self.is_open and self._in_a_row >= (
            FAILURES_WITHOUT_SUCCESS if silent else FAILURES
        ):
            self._open(reason)

    def trip(self, reason: str, *, probe: bool = False) -> None:
        """Open the breaker: the endpoint serves nobody with these settings.

        Args:
            reason: why, in a line for people.
            probe: whether the call was one.
        """
        if probe:
            self._probing = False
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        self._open(reason)

    def release_probe(self, *, probe: bool = False) -> None:
        """Record that a call ended without showing anything about the endpoint."""
        if probe:
            self._probing = False

    def _open(self, reason: str) -> None:
        self.is_open, self.reason = True, reason
        self._due = self._clock() + self._pause_s
