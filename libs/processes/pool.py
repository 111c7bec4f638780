"""A pool of worker processes, each with its own connection, so that any can be ended alone.

    pool = WorkerPool(read, processes=2, limits=TaskLimits(...), doing="reading the transcript")
    async with pool as read_in_process:
        result = await read_in_process(argument)

A task waits for a free worker; its time begins when it has one. A worker is started when it is
first needed, and again after it was ended, was lost, or kept too much memory. Processes are
forked from a server process that has imported the function's module and nothing else: this
process has threads and connections that must not be copied.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import pickle
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from multiprocessing.context import ForkServerContext, ForkServerProcess
from threading import Lock
from types import ModuleType, TracebackType
from typing import Any, Final, Generic, ParamSpec, Self, TypeVar

from contracts.topics import MIB
from processes.bounds import TaskLimits
from processes.errors import TaskTimedOutError, TooCostlyError, WorkerLostError
from processes.worker import ENDS, AnswerTag, serve_tasks

P = ParamSpec("P")
R = TypeVar("R")

_ENDING_S: Final = 5.0
"""How long a worker whose connection was closed may take to end by itself, in seconds."""

_LOCK: Final = Lock()
"""Held where processes are started and looked at.

multiprocessing looks at all processes of the program when it starts one, and an exit code can be
read only once: two threads that look at the same process would get it wrong.
"""


class WorkerPool(Generic[P, R]):
    """Pool of worker processes that all run one function; an async context manager.

    Args:
        function: a function of a module, with arguments and a result that can be pickled.
        processes: how many may run at once.
        limits: what each call may use.
        doing: what the function does, for errors, such as "reading the transcript".
        prepare: called in each process before its first task, to load what all tasks need; what
            it takes counts for none of them.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        processes: int,
        limits: TaskLimits,
        doing: str,
        prepare: Callable[[], object] | None = None,
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([function.__module__, serve_tasks.__module__])
        self._doing = doing
        self._limits = limits
        self._is_closed = False
        self._workers = [_Worker(context, function, limits, prepare) for _ in range(processes)]
        self._free: asyncio.Queue[_Worker] = asyncio.Queue()
        for worker in self._workers:
            self._free.put_nowait(worker)
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="worker-pool")

    @property
    def pids(self) -> list[int]:
        """Ids of the running processes, idle ones included."""
        return [worker.pid for worker in self._workers if worker.pid is not None]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all processes, also those that are at work."""
        self._is_closed = True
        for worker in self._workers:
            worker.give_up()
        await asyncio.to_thread(self._threads.shutdown)
        for worker in self._workers:
            await asyncio.to_thread(worker.join)

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function as ``call_after_wait`` does."""
        return await self.call_after_wait(nullcontext(), *args, **kwargs)

    async def call_after_wait(
        self, waiting: AbstractContextManager[object], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Call the function in one of the processes; if cancelled, its process is ended.

        Args:
            waiting: entered while the call waits for a free process.
            args: of the function.
            kwargs: of the function.

        Raises:
            TooCostlyError: it used up its CPU time or memory.
            TaskTimedOutError: it took too long by the clock.
            WorkerLostError: its process was ended by something else.
            Exception: what the function raised.
        """
        with waiting:
            worker = await self._free.get()
        if self._is_closed:
            self._free.put_nowait(worker)
            raise WorkerLostError(f"{self._doing}: its pool of processes is closed")
        worker.begin()
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._threads, worker.call, (args, kwargs))
        work.add_done_callback(lambda _: self._free.put_nowait(worker))
        try:
            answer = await asyncio.shield(work)
        except asyncio.CancelledError:
            worker.give_up()
            work.add_done_callback(_consume)
            raise
        except TimeoutError as error:
            raise TaskTimedOutError(
                f"{self._doing} took longer than {self._limits.timeout_s:g} s"
            ) from error
        except _EndedError as error:
            raise self._meaning_of(error.exit_code) from error
        return self._value(*answer)

    def _value(self, tag: AnswerTag, value: Any) -> R:
        if tag is AnswerTag.OUT_OF_MEMORY:
            raise self._out_of_memory()
        if tag is AnswerTag.ERROR:
            try:
                raise value
            finally:
                del value  # a traceback that leads to its own error keeps the arguments alive
        result: R = value
        return result

    def _meaning_of(self, exit_code: int | None) -> Exception:
        if exit_code == -signal.SIGXCPU:
            return TooCostlyError(
                f"{self._doing} takes more than {self._limits.cpu_s:g} s of CPU time"
            )
        if exit_code == -signal.SIGABRT:
            return self._out_of_memory()
        return WorkerLostError(f"{self._doing}: its process ended with code {exit_code}")

    def _out_of_memory(self) -> TooCostlyError:
        memory = self._limits.memory_bytes // MIB
        return TooCostlyError(f"{self._doing} takes more than {memory:,} MiB of memory")


class _EndedError(Exception):
    """A worker's process ended before it answered."""

    def __init__(self, exit_code: int | None) -> None:
        super().__init__(f"exit code {exit_code}")
        self.exit_code = exit_code


class _Worker:
    """A worker process and its connection; runs one task at a time, in a thread."""

    def __init__(
        self,
        context: ForkServerContext,
        function: Callable[..., Any],
        limits: TaskLimits,
        prepare: Callable[[], object] | None,
    ) -> None:
        self._context = context
        self._function = function
        self._prepare = prepare
        self._limits = limits
        self._process: ForkServerProcess | None = None
        self._connection: Any = None
        self._is_given_up = False

    @property
    def pid(self) -> int | None:
        process = self._process
        return None if process is None else process.pid

    def begin(self) -> None:
        """Mark that a task is about to start, which ``give_up`` may end from now on."""
        self._is_given_up = False

    def give_up(self) -> None:
        """Kill the process, whatever it is doing; callable from any thread."""
        self._is_given_up = True
        if (process := self._process) is not None:
            with suppress(AttributeError, ValueError):  # joined meanwhile by the working thread
                process.kill()

    def call(self, task: tuple[Any, ...]) -> tuple[AnswerTag, Any]:
        """Run a task in the process and return its answer.

        Raises:
            TimeoutError: there was no answer in time; the process was ended.
            _EndedError: the process ended before it answered.
        """
        self._ensure_process()
        try:
            self._connection.send_bytes(pickle.dumps(task))
            is_answered = not self._is_given_up and self._connection.poll(self._limits.timeout_s)
            answer = self._receive() if is_answered else None
        except (EOFError, OSError) as error:
            raise _EndedError(self.join()) from error
        if answer is None:
            self.give_up()
            self.join()
            raise TimeoutError
        return answer

    def _receive(self) -> tuple[AnswerTag, Any]:
        tag = AnswerTag(self._connection.recv_bytes())
        answer = self._connection.recv_bytes()
        if self._connection.recv_bytes() == ENDS:
            self.join()
        return tag, pickle.loads(answer) if answer else None  # noqa: S301 - our own process's

    def _ensure_process(self) -> None:
        if self._process is not None:
            with _LOCK:
                is_alive = self._process.is_alive()
            if is_alive:
                return
            self.join()  # it was lost while it had nothing to do
        self._connection, theirs = self._context.Pipe()
        arguments = (theirs, self._function, self._limits, self._prepare)
        process = self._context.Process(target=serve_tasks, args=arguments, daemon=True)
        with theirs, _LOCK, _without_main():
            process.start()
        self._process = process

    def join(self) -> int | None:
        """Wait until the process has ended, by force if needed; return its exit code."""
        process, self._process = self._process, None
        if process is None:
            return None
        self._connection.close()
        with _LOCK:
            process.join(_ENDING_S)
            if process.is_alive():
                process.kill()
                process.join()
            code = process.exitcode
            process.close()
        return code


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep a starting process from importing the program that this process runs.

    The program of a service imports Kafka's client and more, none of which a worker needs.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _consume(work: asyncio.Future[Any]) -> None:
    """Retrieve the exception of abandoned work, so that asyncio does not warn about it."""
    if not work.cancelled():
        work.exception()
