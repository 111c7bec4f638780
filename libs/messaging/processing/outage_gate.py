"""A gate that holds a stage during an outage, and detects a message that causes its own.

An outage is everybody's, so one message that meets it holds them all. But one message may bring
its outage along: a statement that crashes the database, a row that takes all memory. It fails for
ever, while others would pass. What tells them apart is what happens after a failure:

    M fails: the gate closes ─▶ others probe too ─┬─▶ they fail: an outage, M waits with them
                                                  └─▶ one passes: the gate opens, M is tried again
                                                                    │ fails again, a strike
                                                                    ▼
        M no longer holds up others; it waits, and is tried one at a time with its likes
                                                                    │ ``STRIKES``, while most of
                                                                    ▼  the others passed
                                              the outage is M's own (``SingleMessageOutageError``)

A message for which that was proved at an earlier delivery begins where it left off: it holds up
nobody any more, and is given up after a few tries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import structlog

from contracts.errors import HandlerTimedOutError, OutageError
from messaging.processing.failure_policy import DeadlinePassedError, SingleMessageOutageError
from messaging.processing.gates import ProbeGate, ignore_closing

log = structlog.get_logger(__name__)
T = TypeVar("T")

MAX_TIMEOUTS: Final = 3
"""Probes of one message that may run out of time: it may be the message, not the dependency."""

STRIKES: Final = 2
"""Failures in a row of one message, each after another message has passed since the one before."""

TRIES: Final = 3
"""Failures in a row of a message whose outage was its own at an earlier delivery."""

_MAX_DOUBLINGS: Final = 20


class _Trial:
    """The outages that one message has met.

    Attributes:
        failures: tries that ended in an outage.
        failed_at: the gate's count of outages after the latest of them.
        strikes: those before which another message had passed since the failure before.
        passes: the gate's count of messages that passed, at the first strike.
        fails: the gate's count of tries that failed, at the first strike.
        timeouts: probes in a row that ran out of time.
        proved: whether the outage was the message's own at an earlier delivery.
    """

    __slots__ = ("failed_at", "fails", "failures", "passes", "proved", "strikes", "timeouts")

    def __init__(self, *, proved: bool = False) -> None:
        self.proved = proved
        self.failures = self.failed_at = self.strikes = 0
        self.passes = self.fails = self.timeouts = 0


class OutageGate(ProbeGate):
    """Gate that closes during a dependency's outage, and opens when a probe succeeds.

    Success shows it, and so does a failure of the probe's own; running out of time does not, unless
    the dependency is known to answer others (``HandlerTimedOutError.dependency_answers``). A
    message whose probes ran out of time ``MAX_TIMEOUTS`` times in a row makes way for others.

    Attributes:
        suspects: how many messages meet an outage while others pass.
        suspicion: what the latest of them met, for people.
    """

    def __init__(
        self, pause_s: float, pause_max_s: float, on_close: Callable[[str], None] = ignore_closing
    ) -> None:
        super().__init__(pause_s, pause_max_s, on_close)
        self.suspects = 0
        self.suspicion = ""
        self._one_suspect = asyncio.Lock()
        self._outages = 0
        # Counts of tries, without those of suspects, who would be counted again and again.
        self._passes = self._fails = 0
        self._passed_since = 0
        """How many outages there had been when the latest try began that passed."""

    async def run(
        self,
        step: Callable[..., Awaitable[T]],
        *about: Any,
        may_be_its_own: bool = False,
        proved: bool = False,
    ) -> T:
        """Run a step of a message, repeatedly until it ends in something other than an outage.

        Args:
            step: the step.
            about: its arguments.
            may_be_its_own: whether to give up on a message whose outage is its own; else it is
                tried for ever.
            proved: whether its outage was its own at an earlier delivery.

        Raises:
            SingleMessageOutageError: the outage is the message's own.
            Exception: whatever else the step raises.
        """
        trial: _Trial | None = None
        if self.is_open and not proved:
            began = self._outages
            try:
                result = await step(*about)
            except OutageError as outage:
                trial = self._failed(_Trial(), outage, probes=False)
            else:
                self._passed(began)
                return result
        trial = trial or _Trial(proved=proved)
        while not (trial.strikes or trial.proved):
            with suppress(OutageError):
                return await self._try(trial, step, about)
        return await self._suspected(trial, step, about, may_be_its_own=may_be_its_own)

    async def run_once(self, step: Callable[..., Awaitable[T]], *about: Any) -> T:
        """Run a step of many messages once, while the gate is open; each is tried again by itself.

        Args:
            step: the step.
            about: its arguments.

        Raises:
            OutageError: an outage; the gate is closed.
            Exception: whatever else the step raises.
        """
        began = self._outages
        try:
            result = await step(*about)
        except OutageError as outage:
            self._failed(_Trial(), outage, probes=False)
            raise
        self._passed(began)
        return result

    async def _suspected(
        self, trial: _Trial, step: Callable[..., Awaitable[T]], about: Any, *, may_be_its_own: bool
    ) -> T:
        while True:
            await self._wait_as_suspect(trial)
            try:
                return await self._try(trial, step, about)
            except OutageError as outage:
                if may_be_its_own and self._is_its_own(trial):
                    raise SingleMessageOutageError(outage) from outage
            finally:
                self._one_suspect.release()

    async def _wait_as_suspect(self, trial: _Trial) -> None:
        """Wait before the next try, and for a turn among suspects: one at a time.

        So whoever takes the dependency down takes no other suspect along.
        """
        self.waiting += 1
        self.suspects += 1
        try:
            doublings = min(max(trial.strikes, trial.failures) - 1, _MAX_DOUBLINGS)
            pause_s = self._first_pause_s * 2**doublings if trial.failures else 0.0
            await asyncio.sleep(min(pause_s, self._pause_max_s))
            await self._one_suspect.acquire()
        finally:
            self.waiting -= 1
            self.suspects -= 1

    async def _try(self, trial: _Trial, step: Callable[..., Awaitable[T]], about: Any) -> T:
        """Try a step once, as a probe if the gate is closed.

        Raises:
            OutageError: it is to be tried again.
            Exception: whatever else the step raises.
        """
        while True:
            probes = await self.wait_for_turn(trial.failures)
            try:
                return await self._once(trial, step, about, probes=probes)
            except (TimeoutError, HandlerTimedOutError) as error:
                if not probes or _is_its_own_timeout(error):
                    raise
                self.probe_failed(self.reason)
                trial.timeouts += 1
                if trial.timeouts == MAX_TIMEOUTS:
                    raise
            finally:
                if probes:
                    self.end_turn()

    async def _once(
        self, trial: _Trial, step: Callable[..., Awaitable[T]], about: Any, *, probes: bool
    ) -> T:
        began = self._outages
        try:
            result = await step(*about)
        except OutageError as outage:
            self._failed(trial, outage, probes=probes)
            raise
        except (TimeoutError, HandlerTimedOutError, DeadlinePassedError) as error:
            if probes and _is_its_own_timeout(error):
                self.open()
            raise  # any other is no evidence about the dependency
        except Exception:
            if probes:
                self.open()
            raise
        self._passed(began, suspect=bool(trial.strikes or trial.proved))
        if probes:
            self.open()
        return result

    def _passed(self, began: int, *, suspect: bool = False) -> None:
        if began > self._passed_since:  # noqa: PLR1730 - ``max`` would take longer, for every message
            self._passed_since = began
        if not suspect:
            self._passes += 1

    def _failed(self, trial: _Trial, outage: OutageError, *, probes: bool) -> _Trial:
        log.warning("outage", code=outage.code.value, reason=str(outage))
        trial.timeouts = 0
        self._outages += 1
        if not (trial.strikes or trial.proved):
            self._fails += 1
        others_passed = trial.failures > 0 and self._passed_since >= trial.failed_at
        if others_passed:
            trial.strikes += 1
            if trial.strikes == 1:
                trial.passes, trial.fails = self._passes, self._fails
        trial.failures += 1
        trial.failed_at = self._outages
        reason = f"{outage.code}: {outage}"
        if trial.strikes or trial.proved:
            self.suspicion = reason
        if probes:
            self.probe_failed(reason)
        elif not (others_passed or trial.proved):
            self.close(reason)
        return trial

    def _is_its_own(self, trial: _Trial) -> bool:
        if trial.proved:
            return trial.failures >= TRIES
        passed, failed = self._passes - trial.passes, self._fails - trial.fails
        return trial.strikes >= STRIKES and passed > failed


def _is_its_own_timeout(error: BaseException) -> bool:
    return isinstance(error, HandlerTimedOutError) and error.dependency_answers
