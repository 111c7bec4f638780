"""Starts, stops and watches the stack of one folder."""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from local_stack.errors import StackFailedError
from local_stack.interrupts import SignalRecorder
from local_stack.probes import FREE_WITHIN_S, probe_port, wait_until_port_free
from local_stack.progress import ProcessProgress, ProgressStep, Report, ignore_progress
from local_stack.resolve import PlaceholderResolver, choose_free_port, find_changed_settings
from local_stack.shutdown import StackShutdown
from local_stack.spec import find_stack_file, load_stack_spec
from local_stack.startup import StackStartup
from local_stack.state import ModelInUse, RunningProcess, StackFolder, StackLock, StackState


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """Status of a process of the local stack: ready, or the reason why it is not.

    Attributes:
        name: as in ``stack.yaml``.
        running: whether it runs.
        ready: whether its probe finds it ready.
        reason: why not, or what goes badly all the same; empty when all is well.
        port: where it listens on loopback, if it does.
        pid: its process id, when it runs.
        uptime_s: seconds since it was started, when it runs.
    """

    name: str
    running: bool
    ready: bool
    reason: str
    port: int | None
    pid: int | None = None
    uptime_s: float | None = None


ASKS_A_MODEL: Final = "enrichment"
SIMULATOR: Final = "simulator"
LOCAL_MODEL: Final = "local-model"


class LocalStack:
    """Local stack: starts, stops and monitors the processes described in ``stack.yaml``.

    As a context manager it starts them on entry and stops them on exit; on SIGINT, SIGTERM and
    SIGHUP too, at whatever moment they come, and a second signal while stopping uses force.

    Args:
        home: the folder for state, logs and data, usually ``.onrecord``.
        env: settings for all processes; they win over ``stack.yaml`` and the environment.
        services: names of the processes to run, with all they need; None for all.
        attached: whether they die with this process, even of kill -9 (Linux); if not, they stay
            until ``stop`` is called, by any process.
        file: another ``stack.yaml``.
        report: is called with every step.
    """

    def __init__(  # noqa: PLR0913 - each is a choice of its own, all but one with a default
        self,
        home: Path,
        *,
        env: Mapping[str, str] | None = None,
        services: Iterable[str] | None = None,
        attached: bool = True,
        file: Path | None = None,
        report: Report = ignore_progress,
    ) -> None:
        self.home = StackFolder(home)
        self._environ = dict(os.environ) | dict(env or {})
        self._whole = load_stack_spec(file or find_stack_file(self._environ))
        self._partial = services is not None
        self._spec = self._whole.select(self._environ, services)
        self._resolver = PlaceholderResolver(self._spec, self.home, os.environ, env or {})
        self._attached = attached
        self._report = report
        self._interrupts = SignalRecorder()
        self._lock = StackLock(self.home)

    def __enter__(self) -> Self:
        self._interrupts.__enter__()
        try:
            self.start()
        except BaseException:
            self._interrupts.__exit__()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._interrupts.deferred():
            try:
                if self._attached:
                    self.stop()
            finally:
                self._interrupts.__exit__()
        if error is None:
            self._interrupts.check()

    def start(self) -> None:
        """Start what is missing and wait until all is ready; what runs as it should is left alone.

        Raises:
            StackFailedError: a process did not get ready, be it one that ran before, or another
                command is at work here; what this call started is stopped again.
        """
        fresh = not self._lock.held
        with self._interrupts.deferred(), self._locked(keep=self._attached):
            if fresh:
                self._take_over()
            self._start()

    def stop(self, *, purge: bool = False) -> None:
        """Stop everything that runs, in reverse order; a no-op where nothing does.

        Args:
            purge: delete data, logs and ports afterwards.

        Raises:
            StackFailedError: another command is at work here.
        """
        if not self.home.path.exists():
            return
        with self._interrupts.deferred(), self._locked():
            state = self.home.load()
            self._stop(state, state.alive())
            state.wanted, state.model = [], None
            self.home.save(state)
            if purge:
                self.home.purge()

    def kill(self, name: str) -> None:
        """Send SIGKILL to one process and wait for its end.

        Raises:
            StackFailedError: it does not run.
        """
        with self._interrupts.deferred():
            running = self._running(name)
            StackShutdown(
                self._spec,
                {name: running.process},
                hurry=lambda: True,
                report=self._report_progress,
            ).run()

    def restart(self, name: str) -> None:
        """Start one process again, after stopping it if it runs; wait until all is ready.

        Raises:
            StackFailedError: it, or another process, did not get ready.
        """
        with self._interrupts.deferred(), self._locked(keep=self._lock.held):
            state = self.home.load()
            self._stop(state, {k: v for k, v in state.alive().items() if k == name})
            self._start()

    def status(self) -> list[ProcessStatus]:
        """How every process is that was started and is to run, in order of start."""
        state = self.home.load()
        alive = state.alive()
        return [self._status(name, state, alive.get(name)) for name in state.wanted]

    def pid(self, name: str) -> int:
        """Return the process id of one process.

        Raises:
            StackFailedError: it does not run.
        """
        return self._running(name).pid

    def client_env(self) -> dict[str, str]:
        """Settings with which clients reach the stack: ``KAFKA_BOOTSTRAP_SERVERS`` and others."""
        return self._resolver.client_env(self.home.load())

    def model(self) -> ModelInUse | None:
        """Return the model that the services ask, as of the last start; None if none asks."""
        return self.home.load().model

    def _start(self) -> None:
        state = self.home.load()
        self._choose_ports(state)
        self._stop(state, self._unwanted(state))
        startup = StackStartup(
            self._spec,
            self.home,
            state,
            self._resolver,
            attached=self._attached,
            interrupts=self._interrupts,
            report=self._report_progress,
        )
        try:
            startup.run(frozenset(name for name in state.alive() if name in self._spec.processes))
            self._remember(state)
            self._interrupts.check()
        except BaseException:
            alive = state.alive()
            targets = {name: alive[name] for name in startup.started if name in alive}
            self._stop(state, targets, never_ready=startup.unready)
            raise

    def _remember(self, state: StackState) -> None:
        """Note what is to run from now on, and which model it asks."""
        before = state.wanted if self._partial else []
        state.wanted = [
            name
            for name, process in self._whole.processes.items()
            if not process.is_task and (name in self._spec.processes or name in before)
        ]
        if ASKS_A_MODEL in self._spec.processes:
            simulated = SIMULATOR in self._spec.processes
            ours = simulated or LOCAL_MODEL in self._spec.processes
            env = self._environ | (state.client_env if ours else {})
            state.model = ModelInUse(
                name=env.get("ONRECORD_MODEL"),
                base_url=env.get("OPENAI_BASE_URL"),
                simulated=simulated,
            )
        self.home.save(state)

    def _take_over(self) -> None:
        """Clear away what a killed parent left of an attached stack; leave a detached one alone."""
        state = self.home.load()
        alive = state.alive()
        if state.attached:
            self._stop(state, alive)
        elif self._attached and alive:
            raise StackFailedError(
                f"a stack already runs in {self.home.path}; `onrecord down` stops it"
            )
        state.attached = self._attached
        self.home.save(state)

    def _choose_ports(self, state: StackState) -> None:
        """Keep each process's port, once chosen; report ports that another program has taken.

        All are chosen before anything is compared or started: whoever needs a process whose port
        moves has other settings then.
        """
        alive, chance = state.alive(), random.Random()  # noqa: S311 - which port is no secret
        for name, process in self._spec.processes.items():
            last_port = state.ports.get(name)
            if not process.listens or name in alive:
                continue
            if last_port is not None and wait_until_port_free(last_port, FREE_WITHIN_S):
                continue
            state.ports[name] = choose_free_port(state, name, chance)
            if last_port is not None:
                why = f"another program listens on {last_port}, where it was"
                self._report_progress(
                    ProcessProgress(name, ProgressStep.PORT_MOVED, port=state.ports[name], why=why)
                )

    def _unwanted(self, state: StackState) -> dict[str, RunningProcess]:
        """What has to go first: out of date or, where everything is wanted, not listed any more."""
        return {
            name: running
            for name, running in state.alive().items()
            if not (
                self._is_current(name, running, state)
                if name in self._spec.processes
                else self._partial
            )
        }

    def _is_current(self, name: str, running: RunningProcess, state: StackState) -> bool:
        """Return whether a process runs with the settings it would get now; report it if not."""
        if self._spec.processes[name].is_task:
            return False
        resolved = self._resolver.resolve(name, state)
        if running.fingerprint == resolved.fingerprint:
            return True
        changed = find_changed_settings(running.hashes, resolved.hashes) if running.hashes else ()
        why = f"because {', '.join(changed)} changed" if changed else "because settings changed"
        self._report_progress(ProcessProgress(name, ProgressStep.OUT_OF_DATE, why=why))
        return False

    def _stop(
        self,
        state: StackState,
        targets: Mapping[str, RunningProcess],
        never_ready: Collection[str] = (),
    ) -> None:
        before = self._interrupts.count
        StackShutdown(
            self._whole,
            {name: running.process for name, running in targets.items()},
            hurry=lambda: self._interrupts.count > before,
            report=self._report_progress,
            never_ready=never_ready,
        ).run()
        for name in targets:
            del state.processes[name]
        if targets:
            self.home.save(state)

    def _running(self, name: str) -> RunningProcess:
        running = self.home.load().alive().get(name)
        if running is None:
            raise StackFailedError(f"{name} does not run in {self.home.path}")
        return running

    def _status(
        self, name: str, state: StackState, running: RunningProcess | None
    ) -> ProcessStatus:
        port = state.ports.get(name)
        if running is None:
            return ProcessStatus(name, running=False, ready=False, reason="not running", port=port)
        process = self._whole.processes[name]
        ready, reason = probe_port(process.ready, port or 0, process.ready_path)
        return ProcessStatus(
            name,
            running=True,
            ready=ready,
            reason=reason,
            port=port,
            pid=running.pid,
            uptime_s=time.time() - running.started_at,
        )

    @contextlib.contextmanager
    def _locked(self, *, keep: bool = False) -> Iterator[None]:
        """Hold the lock within, and afterwards too if it is to be kept and all went well."""
        self._lock.acquire()
        try:
            yield
        except BaseException:
            self._lock.release()
            raise
        if not keep:
            self._lock.release()

    def _report_progress(self, progress: ProcessProgress) -> None:
        """Report without letting a closed terminal keep us from stopping the rest."""
        with contextlib.suppress(OSError):
            self._report(progress)
