"""Starts what is missing of a stack, each process once all it needs is ready."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from local_stack.errors import StackFailedError
from local_stack.interrupts import SignalRecorder
from local_stack.probes import (
    FREE_WITHIN_S,
    ReadinessProbeKind,
    ReadinessResult,
    probe_port,
    wait_until_port_free,
)
from local_stack.processes import Process, get_exit_code, start_process
from local_stack.progress import ProcessProgress, ProgressStep, Report
from local_stack.resolve import PlaceholderResolver, ResolvedProcess
from local_stack.spec import StackSpec
from local_stack.state import RunningProcess, StackFolder, StackState

POLL_S: Final = 0.03
SHOWN_LOG_LINES: Final = 15
PAUSE_BETWEEN_ATTEMPTS_S: Final = 0.5
UNKNOWN_CODE: Final = 1  # only a parent gets to know it


@dataclass(slots=True)
class _Start:
    """A process on its way to ready."""

    process: Process
    log: Path
    log_begin: int
    fingerprint: str
    since: float
    attempt: int  # 0 for a process that ran already: it is no child of ours
    again_at: float | None = None


@dataclass(slots=True)
class StackStartup:
    """Startup of the local stack: starts those of its processes that are not running.

    Attributes:
        spec: the wanted part of the stack.
        home: where it lives.
        state: what is known of it; changed and saved as processes start.
        resolver: fills in commands and settings.
        attached: whether the processes die with this one.
        interrupts: asked at safe points.
        report: is called with every step.
        started: names of what this run started, in order.
    """

    spec: StackSpec
    home: StackFolder
    state: StackState
    resolver: PlaceholderResolver
    attached: bool
    interrupts: SignalRecorder
    report: Report
    started: list[str] = field(default_factory=list)
    _up_to_date: frozenset[str] = frozenset()
    _ready: set[str] = field(default_factory=set)
    _starts: dict[str, _Start] = field(default_factory=dict)

    def run(self, up_to_date: frozenset[str]) -> None:
        """Bring everything up.

        Args:
            up_to_date: names that run as they should already; they are only waited for.

        Raises:
            StackFailedError: a process ended, or was not ready in its time.
            KeyboardInterrupt, SystemExit: a signal came.
        """
        self._up_to_date = up_to_date
        waiting = list(self.spec.processes)
        while waiting or self._starts:
            for name in list(waiting):
                if self._ready.issuperset(self.spec.processes[name].after):
                    waiting.remove(name)
                    self._begin(name)
            for name in list(self._starts):
                self._follow(name)
            self.interrupts.check()
            time.sleep(POLL_S)

    @property
    def unready(self) -> frozenset[str]:
        """Names of what is still on its way to ready."""
        return frozenset(self._starts)

    def _begin(self, name: str) -> None:
        if name in self._up_to_date:
            self._adopt(name)
            return
        if self.spec.processes[name].is_task and not self._is_due(name):
            self._ready.add(name)
            return
        self.report(ProcessProgress(name, ProgressStep.STARTING))
        self._starts[name] = self._launch(name, attempt=1, since=time.monotonic())

    def _adopt(self, name: str) -> None:
        """Take up what runs already; it may have to recover from what it needs being away."""
        if self._answers(name).ready:
            self._ready.add(name)
            self.report(
                ProcessProgress(name, ProgressStep.UNCHANGED, port=self.state.ports.get(name))
            )
            return
        running, log = self.state.processes[name], self.home.logs / f"{name}.log"
        log_begin = log.stat().st_size if log.exists() else 0
        self.report(ProcessProgress(name, ProgressStep.STARTING))
        self._starts[name] = _Start(
            running.process, log, log_begin, running.fingerprint, time.monotonic(), attempt=0
        )

    def _is_due(self, name: str) -> bool:
        """A task runs again when anything it builds on was started, or its settings changed."""
        fingerprint = self.resolver.resolve(name, self.state).fingerprint
        return self.state.tasks_done.get(name) != fingerprint or bool(
            self.spec.needs(name).intersection(self.started)
        )

    def _launch(self, name: str, *, attempt: int, since: float) -> _Start:
        process = self.spec.processes[name]
        if process.listens:
            self._wait_for_port(name)
        resolved = self.resolver.resolve(name, self.state)
        log = self.home.log(name)
        log_begin = log.stat().st_size if log.exists() else 0
        started = start_process(
            resolved.command,
            env=self.resolver.full_env(name, resolved),
            log=log,
            die_with_us=process.orphan_signal if self.attached else None,
            record=lambda it: self._record(name, it, resolved),
        )
        return _Start(started, log, log_begin, resolved.fingerprint, since, attempt)

    def _wait_for_port(self, name: str) -> None:
        """Wait until the process that had the port before has let go of it.

        Raises:
            StackFailedError: another program has taken it since the ports were chosen.
        """
        port = self.state.ports[name]
        if not wait_until_port_free(port, FREE_WITHIN_S):
            raise StackFailedError(
                f"port {port} of {name} is taken by another program; end it, or start again: "
                "another port is chosen then"
            )

    def _record(self, name: str, process: Process, resolved: ResolvedProcess) -> None:
        if name not in self.started:
            self.started.append(name)
        self.state.processes[name] = RunningProcess(
            pid=process.pid,
            born=process.born,
            fingerprint=resolved.fingerprint,
            started_at=time.time(),
            hashes=resolved.hashes,
        )
        self.state.client_env = self.resolver.client_env(self.state)
        self.home.save(self.state)

    def _follow(self, name: str) -> None:
        start, process = self._starts[name], self.spec.processes[name]
        now = time.monotonic()
        if start.again_at is not None:
            if now >= start.again_at:
                self._starts[name] = self._launch(
                    name, attempt=start.attempt + 1, since=start.since
                )
            return
        code = _code(start)
        if code == 0 and process.is_task:
            self.state.tasks_done[name] = start.fingerprint
            del self.state.processes[name]
            self.home.save(self.state)
            self._done(name, start)
        elif code is not None:
            self._ended(name, start, code)
        elif self._answers(name).ready:
            self._done(name, start)
        elif now - start.since > process.start_timeout_s:
            reason = self._answers(name).reason or "still running"
            raise _failure(
                f"{name} was not ready in {process.start_timeout_s:g} s ({reason})", start
            )

    def _answers(self, name: str) -> ReadinessResult:
        process = self.spec.processes[name]
        if process.ready is ReadinessProbeKind.EXIT:
            return ReadinessResult(ready=False)
        return probe_port(process.ready, self.state.ports[name], process.ready_path)

    def _ended(self, name: str, start: _Start, code: int) -> None:
        process = self.spec.processes[name]
        if process.is_task or start.attempt >= process.attempts:
            how = f"exit code {code}" if code >= 0 else f"signal {-code}"
            raise _failure(f"{name} ended with {how} instead of getting ready", start)
        self.report(ProcessProgress(name, ProgressStep.TRYING_AGAIN))
        start.again_at = time.monotonic() + PAUSE_BETWEEN_ATTEMPTS_S

    def _done(self, name: str, start: _Start) -> None:
        self._ready.add(name)
        del self._starts[name]
        took = time.monotonic() - start.since
        self.report(ProcessProgress(name, ProgressStep.READY, took, self.state.ports.get(name)))


def _code(start: _Start) -> int | None:
    if start.attempt:
        return get_exit_code(start.process.pid)
    return None if start.process.alive() else UNKNOWN_CODE


def _failure(message: str, start: _Start) -> StackFailedError:
    with start.log.open(encoding="utf-8", errors="replace") as log:
        log.seek(start.log_begin)
        lines = log.read().splitlines()
    return StackFailedError(f"{message}; its log is {start.log}", details=lines[-SHOWN_LOG_LINES:])
