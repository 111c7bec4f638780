"""Group commit: concurrent requests share one statement and one transaction.

While a group is at the database the next one gathers, so groups grow with the load: alone, a
request goes at once; on a busy machine, or with a slow server, many share one statement.

::

    group = GroupCommitter(store_all)
    await group.submit(row)          # returns once the group that the row went with is committed
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeAlias, TypeVar

from database.errors import DatabaseTimeoutError, DatabaseUnavailableError

T = TypeVar("T")
R = TypeVar("R")
_Entry: TypeAlias = tuple[T, "asyncio.Future[R]"]

MAX_GROUP_SIZE: Final = 128
"""Largest group: beyond that a statement gains little, and its locks are held for longer."""


def _one_queue(_: Any) -> Hashable:
    return None


def _no_share(_: Any) -> float:
    return 0.0


@dataclass(slots=True)
class _Queue(Generic[T, R]):
    """The waiting requests of one key, and the task that processes them."""

    waiting: deque[_Entry[T, R]] = field(default_factory=deque)
    flush: asyncio.Event = field(default_factory=asyncio.Event)
    worker: asyncio.Task[None] | None = None


class GroupCommitter(Generic[T, R]):
    """Batcher that collects concurrent requests, and runs them together in one transaction.

    A group that fails for another reason than that the database is away or slow is run again one
    by one, so that an error reaches only the request that causes it. Hence ``run`` has to be a
    transaction, or to change nothing when it is run again.

    Args:
        run: works on a group; gives a result for each, in the same order.
        key: requests with equal keys may share a group; groups of different keys run at the same
            time.
        most: largest group.
        share: how much of a group a request fills, where requests differ in size: those of a group
            are 1 in all at most, or a single request that is more.
        linger_s: how long the first of a group waits for others, in seconds: for requests that
            nobody waits for.
    """

    def __init__(
        self,
        run: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        *,
        key: Callable[[T], Hashable] = _one_queue,
        most: int = MAX_GROUP_SIZE,
        share: Callable[[T], float] = _no_share,
        linger_s: float = 0.0,
    ) -> None:
        self._run = run
        self._key = key
        self._most = most
        self._share = share
        self._linger_s = linger_s
        self._queues: dict[Hashable, _Queue[T, R]] = {}

    async def submit(self, request: T) -> R:
        """Run a request with the next group and return its result.

        Cancelled before its group is on its way, the request is withdrawn; later, the cancellation
        waits for the group's end, so that what is done about it comes after it.

        Raises:
            Exception: whatever ``run`` raised for the request's group, or for it alone.
        """
        result: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        entry, key = (request, result), self._key(request)
        queue = self._queues.setdefault(key, _Queue())
        queue.waiting.append(entry)
        if len(queue.waiting) >= self._most:
            queue.flush.set()
        if queue.worker is None:
            queue.worker = asyncio.create_task(self._work(key, queue))
        try:
            return await asyncio.shield(result)
        except asyncio.CancelledError:
            if entry in queue.waiting:
                queue.waiting.remove(entry)
            elif not result.done():
                await asyncio.wait({result})
            raise

    def flush(self) -> None:
        """Run lingering groups at once."""
        for queue in self._queues.values():
            queue.flush.set()

    async def _work(self, key: Hashable, queue: _Queue[T, R]) -> None:
        """Run groups until nothing waits."""
        try:
            while queue.waiting:
                await self._linger(queue)
                await self._settle(self._take_group(queue.waiting))
        finally:
            # No await since the queue was found empty: nothing can have come in between.
            del self._queues[key]

    def _take_group(self, waiting: deque[_Entry[T, R]]) -> list[_Entry[T, R]]:
        """Take the requests of the next group from those that wait, in their order."""
        group: list[_Entry[T, R]] = []
        filled = 0.0
        while waiting and len(group) < self._most:
            filled += self._share(waiting[0][0])
            if group and filled > 1.0:
                break
            group.append(waiting.popleft())
        return group

    async def _linger(self, queue: _Queue[T, R]) -> None:
        if self._linger_s and not queue.flush.is_set():
            waiting = asyncio.ensure_future(queue.flush.wait())
            await asyncio.wait({waiting}, timeout=self._linger_s)
            waiting.cancel()
        queue.flush.clear()

    async def _settle(self, group: Sequence[_Entry[T, R]]) -> None:
        """Run a group and give each request its result."""
        try:
            results = await self._run([request for request, _ in group])
            assert len(results) == len(group), "each request has a result"
        except asyncio.CancelledError:
            for _, result in group:
                result.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - it is raised again where it is waited for
            await self._settle_failed(group, error)
        else:
            for (_, result), value in zip(group, results, strict=True):
                if not result.done():
                    result.set_result(value)

    async def _settle_failed(self, group: Sequence[_Entry[T, R]], error: Exception) -> None:
        if len(group) == 1 or isinstance(error, DatabaseUnavailableError | DatabaseTimeoutError):
            for _, result in group:
                _fail(result, error)
            return
        for one in group:
            await self._settle([one])


def _fail(result: asyncio.Future[Any], error: Exception) -> None:
    if not result.done():
        result.set_exception(error)
        result.exception()  # mark it retrieved: the waiter may have been cancelled
