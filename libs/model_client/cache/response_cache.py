"""Pays for no answer twice: gives kept ones, and lets equal questions wait for the first."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, TypeVar

import asyncpg
import structlog

from contracts.errors import OnrecordError
from database.errors import DatabaseUnavailableError
from database.lazy import LazyDatabase
from model_client import metrics
from model_client.cache.store import AnswerStore, CacheSettings, Ending, Found, Kept, Search
from model_client.requests import Question

__all__ = ["Answers", "CacheSettings", "Kept", "key"]

log = structlog.get_logger(__name__)
T = TypeVar("T")

Make: TypeAlias = Callable[[], Awaitable[tuple[str, Kept]]]
Flight: TypeAlias = "asyncio.Future[tuple[str, Kept] | None]"

PATIENCE_S: Final = 2.0
"""Longest wait for the database, in seconds: an answer kept is worth about a call's time."""

PAUSE_S: Final = 5.0
"""How long a database that was away or slow is left alone, in seconds."""

LEASE_S: Final = 10.0
"""How long others wait for a process that was killed, in seconds."""

SWEEP_EVERY_S: Final = 300.0
"""Seconds between two looks at age and size of what is kept."""

FIRST_POLL_S: Final = 0.05
LONGEST_POLL_S: Final = 1.0
"""Pauses between looks for another process's answer double from the first to the longest."""

FAILURES: Final = (OnrecordError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)
"""Whatever is wrong with the cache: the question is asked without it."""

AWAY: Final = (DatabaseUnavailableError, TimeoutError)


def key(question: Question[Any], model: str, parameters: Mapping[str, Any]) -> str:
    """Names all that decides an answer but the endpoint's fingerprint.

    Args:
        question: what is asked.
        model: the model's name at the endpoint.
        parameters: such as the temperature.

    Returns:
        The prompt's version, a slash, and the hex SHA-256 of the canonical JSON of it all.
    """
    asked = {
        "model": model,
        "parameters": dict(parameters),
        "prompt_version": question.prompt_version,
        "schema": question.schema,
        "messages": list(question.messages),
        "attempt": question.attempt,
    }
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":"), default=str)
    return f"{question.prompt_version}/{hashlib.sha256(canonical.encode()).hexdigest()}"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Answers:
    """Kept answers, shared by all processes on a database; an async context manager.

    Without the database, or with a slow one, questions are asked as if nothing was kept; equal
    ones in this process still wait for the first.

    Args:
        lazy: the database.
        settings: what is kept, and what is given.
        clock: the time, by which answers grow old.
        lease_s: how long others wait for this process should it be killed, in seconds.
    """

    def __init__(
        self,
        lazy: LazyDatabase,
        settings: CacheSettings,
        *,
        clock: Callable[[], datetime] = _utc_now,
        lease_s: float = LEASE_S,
    ) -> None:
        self._store = AnswerStore(lazy, settings, clock, lease_s)
        self._is_on = settings.switch == "on"
        self._lease_s = lease_s
        self._flights: dict[str, Flight] = {}
        self._claimed: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._not_before = float("-inf")
        self._is_away = False

    async def __aenter__(self) -> Self:
        """Begin to renew claims, and to sweep out what is old."""
        self._upkeep = asyncio.create_task(self._keep_up())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let others ask what was asked here; what is being kept still is."""
        self._upkeep.cancel()
        with suppress(asyncio.CancelledError):
            await self._upkeep
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def once(
        self,
        keys: Sequence[str],
        make: Make,
        *,
        deadline: float = float("inf"),
        takes_cut_off: bool = False,
    ) -> tuple[Kept, bool]:
        """The kept answer of the first key that has one; else what ``make`` gives, which is kept.

        Of those who want it at once, here and in other processes, one makes it. If that fails, the
        error is its own, and the next one tries.

        Args:
            keys: what the question is called with each model that may answer it, best first.
            make: asks; gives an answer and which of the keys it is for.
            deadline: until when to wait for others, by the event loop's clock, in seconds; after
                it, ``make`` is called at once.
            takes_cut_off: whether it is an answer that one was cut off before.

        Returns:
            The answer, and whether it cost nothing now.
        """
        if not self._is_on:
            return (await make())[1], False
        name = keys[0]
        while flight := self._flights.get(name):
            await asyncio.wait({flight}, timeout=_left_s(deadline))
            if not flight.done():
                return (await make())[1], False
            landed = flight.result()
            if landed is not None and (takes_cut_off or landed[1].content is not None):
                await self._try(self._store.count_hit(*landed))
                return _hit(landed[1])
        self._flights[name] = flight = asyncio.get_running_loop().create_future()
        try:
            search = Search(keys, takes_cut_off=takes_cut_off, claims=True)
            found, cached = await self._lead(search, make, deadline)
            flight.set_result(found)
        finally:
            del self._flights[name]
            if not flight.done():
                flight.set_result(None)
        return _hit(found[1]) if cached else (found[1], False)

    async def _lead(
        self, search: Search, make: Make, deadline: float
    ) -> tuple[tuple[str, Kept], bool]:
        """Find the answer, or make it, for all who wait for it in this process."""
        name = search.keys[0]
        made: tuple[str, Kept] | None = None
        try:
            if (found := await self._find_or_claim(search, deadline)) is not None:
                return found, True
            made = await make()
            metrics.CACHE_MISSES.labels(made[1].model).inc()
            return made, False
        finally:
            if made is not None or name in self._claimed:
                # On its own, so that what was paid for is kept even if the message is given up.
                await asyncio.shield(self._spawn(self._finish(name, made)))

    async def _find_or_claim(self, search: Search, deadline: float) -> tuple[str, Kept] | None:
        """An answer; or None: make it. Waits while another process does."""
        pause_s = FIRST_POLL_S
        while (found := await self._search(search)) is not None:
            if found.answer is not None:
                return found.answer
            if found.is_claimed:
                # Whoever held the claim until just now has kept an answer since the first look.
                again = await self._try(self._store.search(replace(search, claims=False)))
                return None if again is None else again.answer
            left_s = _left_s(deadline)
            if left_s == 0:
                return None
            await asyncio.sleep(pause_s if left_s is None else min(pause_s, left_s))
            pause_s = min(2 * pause_s, LONGEST_POLL_S)
        return None  # there is no database to say whether another process has it

    async def _search(self, search: Search) -> Found | None:
        """What is found; None if there is no database to look in.

        The first key counts as claimed until it is known not to be: a search that is given up may
        have claimed it.
        """
        name = search.keys[0]
        self._claimed.add(name)
        found = await self._try(self._store.search(search))
        if found is not None and not found.is_claimed:
            self._claimed.discard(name)
        return found

    async def _finish(self, name: str, made: tuple[str, Kept] | None) -> None:
        self._claimed.discard(name)
        await self._try(self._store.end(Ending(name, made)))

    async def _keep_up(self) -> None:
        loop = asyncio.get_running_loop()
        sweep_at = loop.time()
        while self._is_on:
            if self._claimed:
                await self._try(self._store.renew(self._claimed))
            if loop.time() >= sweep_at:
                sweep_at = loop.time() + SWEEP_EVERY_S
                await self._try(self._store.sweep())
            await asyncio.sleep(self._lease_s / 3)

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever still waits is told it; nobody else need be

    async def _try(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What work on the database gives; None if it cannot be done."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._not_before:
            work.close()
            return None
        try:
            done = await self._in_time(work)
        except FAILURES as error:
            self._note_failure(error)
            return None
        if self._is_away:
            self._is_away = False
            log.info("cache_back")
        return done

    async def _in_time(self, work: Coroutine[Any, Any, T]) -> T:
        """What work gives; nobody waits for the end of what is given up, which takes a while."""
        task = self._spawn(work)
        try:
            await asyncio.wait({task}, timeout=PATIENCE_S)
        except asyncio.CancelledError:
            task.cancel()
            # What was begun is not to happen after what is done next about it.
            await asyncio.wait({task})
            raise
        if not task.done():
            task.cancel()
            raise TimeoutError
        return task.result()

    def _note_failure(self, error: Exception) -> None:
        metrics.CACHE_FAILURES.inc()
        if isinstance(error, AWAY):
            self._not_before = asyncio.get_running_loop().time() + PAUSE_S
        if not self._is_away:
            self._is_away = True
            # Its text may quote what was to be kept.
            log.warning("cache_away", error=type(error).__name__)


def _left_s(deadline: float) -> float | None:
    """Seconds until then, at least 0; None if there is no end."""
    if deadline == float("inf"):
        return None
    return max(0.0, deadline - asyncio.get_running_loop().time())


def _hit(kept: Kept) -> tuple[Kept, bool]:
    metrics.CACHE_HITS.labels(kept.model).inc()
    metrics.CACHE_SAVED_DOLLARS.labels(kept.model).inc(float(kept.cost_usd or 0))
    return kept, True
