"""Processes that assess drafts, so that the event loop is free to keep the membership alive.

A pool of `pebble`_, since it ends a single process that takes too long or is lost, and goes on
with the others.

.. _pebble: https://pebble.readthedocs.io
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Final, Protocol, Self

import structlog
from pebble import ProcessExpired, ProcessPool

from contracts.errors import ErrorCode, RetryableError, TimedOutError
from contracts.events import NotesDrafted
from grounding import Weighed
from guardrail.domain import LIGHT, Standards, assess

log = structlog.get_logger(__name__)

_CLOSE_S: Final = 5.0
"""How long closing waits for processes to end by themselves, in seconds."""


class Assess(Protocol):
    """Holds each note of a draft against its chunk."""

    async def __call__(self, drafted: NotesDrafted) -> tuple[Weighed, ...]:
        """The notes in the draft's order."""
        ...


class AssessorLostError(RetryableError):
    """The process that assessed a draft ended before it was done; it may have been killed."""

    code = ErrorCode.BUG


class AssessmentTimedOutError(TimedOutError):
    """A draft took longer to assess than drafts may."""


async def assess_here(drafted: NotesDrafted) -> tuple[Weighed, ...]:
    """Assess in a thread of this process: for tests, and hosts that may not start processes."""
    return await asyncio.to_thread(assess, drafted)


class Assessors:
    """A pool of processes; an async context manager.

    Args:
        processes: how many.
        timeout_s: how long one draft may take, in seconds; its process is ended then.
        standards: how drafts are assessed.
    """

    def __init__(self, *, processes: int, timeout_s: float, standards: Standards = LIGHT) -> None:
        self._processes = processes
        self._timeout_s = timeout_s
        self._standards = standards
        self._is_closed = False
        self._ending: set[asyncio.Task[None]] = set()
        # A server that forks: this process has threads and connections that must not be copied.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["guardrail.domain"])
        self._pool = self._new_pool()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_closed = True
        self._pool.close()
        try:
            await asyncio.to_thread(self._pool.join, _CLOSE_S)
        except TimeoutError:
            self._pool.stop()
            await asyncio.to_thread(self._pool.join)
        await asyncio.gather(*self._ending)

    async def __call__(self, drafted: NotesDrafted) -> tuple[Weighed, ...]:
        """Assess a draft in one of the processes.

        Raises:
            AssessmentTimedOutError: it took too long.
            AssessorLostError: the process ended before it was done.
        """
        future = self._schedule(drafted)
        try:
            return await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise AssessmentTimedOutError(
                f"assessing the draft took longer than {self._timeout_s:g} s"
            ) from error
        except ProcessExpired as error:
            raise AssessorLostError(
                f"the process that assessed the draft ended with code {error.exitcode}"
            ) from error
        except BrokenProcessPool as error:
            raise AssessorLostError("the processes that assess drafts were lost") from error

    def _schedule(self, drafted: NotesDrafted) -> Future[tuple[Weighed, ...]]:
        """Give a draft to the pool; to a new one, if that is broken.

        A pool breaks for good when one of its processes is lost while none has anything to do.
        """
        try:
            return self._submit(drafted)
        except RuntimeError:
            if self._is_closed:
                raise
            log.warning("assessors_renewed", processes=self._processes)
            self._end(self._pool)
            self._pool = self._new_pool()
            return self._submit(drafted)

    def _submit(self, drafted: NotesDrafted) -> Future[tuple[Weighed, ...]]:
        future: Future[tuple[Weighed, ...]] = self._pool.schedule(
            assess, args=(drafted, self._standards), timeout=self._timeout_s
        )
        return future

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self._processes,
            initializer=_leave_signals_to_parent,
            context=self._context,
        )

    def _end(self, pool: ProcessPool) -> None:
        """End what is left of a broken pool's processes, meanwhile."""
        pool.stop()
        ending = asyncio.create_task(asyncio.to_thread(pool.join))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)


def _leave_signals_to_parent() -> None:
    """Ctrl-C in a terminal reaches all processes; this one ends when the pool says so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
