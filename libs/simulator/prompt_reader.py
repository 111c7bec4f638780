"""Reader of prompts that handles long ones in threads, so that they do not block the event loop."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

R = TypeVar("R")

_AT_ONCE = 20_000
"""Characters up to which a prompt is read in some 50 ms; in a thread it would slow down the loop
for longer than that, as both want the global interpreter lock."""

_THREADS = 2  # one long prompt does not hold up the next; more would only fight for one lock
_MAX_REMEMBERED = 256

_Job = tuple[asyncio.Future[R], str]


class CachingPromptParser(Generic[R]):
    """Parser of prompts that caches its results, so that each prompt is parsed once.

    The threads are daemons: what they are at does not delay the end of the process. They end after
    ``close``.

    Args:
        read: reads one prompt; called in a thread if the prompt is long.
    """

    def __init__(self, read: Callable[[str], R]) -> None:
        self._read = read
        self._remembered: OrderedDict[str, asyncio.Future[R]] = OrderedDict()
        self._jobs: queue.SimpleQueue[_Job[R] | None] = queue.SimpleQueue()
        self._threads = 0

    async def read(self, prompt: str) -> R:
        """Return what is read in a prompt; a client that leaves does not stop the reading."""
        reading = self._remembered.get(prompt)
        if reading is None:
            reading = self._remembered[prompt] = self._begin(prompt)
        self._remembered.move_to_end(prompt)
        if len(self._remembered) > _MAX_REMEMBERED:
            self._remembered.popitem(last=False)
        return await asyncio.shield(reading)

    def close(self) -> None:
        """Let the threads end after their present prompts."""
        for _ in range(self._threads):
            self._jobs.put(None)

    def _begin(self, prompt: str) -> asyncio.Future[R]:
        reading: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        if len(prompt) <= _AT_ONCE:
            reading.set_result(self._read(prompt))
        else:
            self._jobs.put((reading, prompt))
            self._employ()
        return reading

    def _employ(self) -> None:
        if self._threads < _THREADS:
            self._threads += 1
            threading.Thread(target=self._work, name="simulator-reading", daemon=True).start()

    def _work(self) -> None:
        while job := self._jobs.get():
            reading, prompt = job
            settle: Callable[[], None]
            try:
                found = self._read(prompt)
            except Exception as error:  # noqa: BLE001 - raised again where it was asked for
                settle = _setter(reading.set_exception, error)
            else:
                settle = _setter(reading.set_result, found)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                reading.get_loop().call_soon_threadsafe(settle)


V = TypeVar("V")


def _setter(method: Callable[[V], None], value: V) -> Callable[[], None]:
    return lambda: method(value)
