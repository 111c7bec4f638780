"""Stops processes in reverse order, first by asking, then by force."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from signal import Signals
from typing import Final

from local_stack.processes import Process
from local_stack.progress import ProcessProgress, ProgressStep, Report
from local_stack.spec import ProcessSpec, StackSpec

POLL_S: Final = 0.02
UNKNOWN: Final = ProcessSpec(command=("",), ready="exit")
"""How to stop what is in ``stack.json`` but no longer in ``stack.yaml``."""


class StackShutdown:
    """Shutdown of the local stack: stops its processes in reverse order of their start.

    Args:
        spec: which process needs which, and how each is asked to stop.
        processes: what to stop.
        hurry: whether to use force at once; asked again and again.
        report: is called with every step, and with each process's end once.
        never_ready: names of those that were still starting.
    """

    def __init__(
        self,
        spec: StackSpec,
        processes: Mapping[str, Process],
        *,
        hurry: Callable[[], bool],
        report: Report,
        never_ready: Collection[str] = (),
    ) -> None:
        self._spec = spec
        self._left = dict(processes)
        self._hurry = hurry
        self._report = report
        self._never_ready = frozenset(never_ready)
        self._signalled_at: dict[str, float] = {}
        self._killed: set[str] = set()

    def run(self) -> None:
        """Stop everything; returns when nothing of it runs."""
        while self._left:
            for name in list(self._left):
                self._advance(name)
            time.sleep(POLL_S if self._left else 0)

    def _advance(self, name: str) -> None:
        process = self._left[name]
        if not process.alive():
            del self._left[name]
            took = time.monotonic() - self._signalled_at.get(name, time.monotonic())
            self._report(ProcessProgress(name, self._end_of(name), took))
        elif self._hurry() or self._is_late(name):
            self._kill(name)
        elif name not in self._signalled_at and not self._is_needed(name):
            self._signalled_at[name] = time.monotonic()
            self._report(ProcessProgress(name, ProgressStep.STOPPING))
            process.signal(self._how(name).stop_signal)

    def _kill(self, name: str) -> None:
        if name not in self._killed:
            self._killed.add(name)
            self._signalled_at.setdefault(name, time.monotonic())
            self._left[name].signal(Signals.SIGKILL, group=True)

    def _end_of(self, name: str) -> ProgressStep:
        if name in self._never_ready:
            return ProgressStep.GIVEN_UP
        return ProgressStep.KILLED if name in self._killed else ProgressStep.STOPPED

    def _is_late(self, name: str) -> bool:
        return (
            time.monotonic() - self._signalled_at.get(name, time.monotonic())
            > self._how(name).grace_s
        )

    def _is_needed(self, name: str) -> bool:
        return any(
            name in self._spec.needs(other) for other in self._left if other in self._spec.processes
        )

    def _how(self, name: str) -> ProcessSpec:
        return self._spec.processes.get(name, UNKNOWN)
