"""Cache of model responses: returns stored ones, and makes one call for equal requests."""

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
from database.lazy import LazilyConnectedDatabase
from model_client.background_tasks import BackgroundTasks
from model_client.cache.freshness import get_oldest_usable_time
from model_client.cache.store import (
    CacheClaimRelease,
    CachedResponse,
    CacheLookupResult,
    CacheQuery,
    CacheSettings,
    CacheStore,
)
from model_client.requests import ModelRequest
from telemetry import metrics

__all__ = ["CacheSettings", "CachedResponse", "ResponseCache", "build_cache_key"]

log = structlog.get_logger(__name__)
T = TypeVar("T")

ResponseFactory: TypeAlias = Callable[[], Awaitable[tuple[str, CachedResponse]]]
PendingKey: TypeAlias = tuple[str, datetime | None]
PendingResponse: TypeAlias = "asyncio.Future[tuple[str, CachedResponse] | None]"

PATIENCE_S: Final = 2.0
"""Longest wait for the database, in seconds: a cached response saves about a call's time."""

PAUSE_S: Final = 5.0
"""How long a database that was away or slow is not asked again, in seconds."""

LEASE_S: Final = 10.0
"""How long a killed process's claim keeps others waiting, in seconds."""

SWEEP_EVERY_S: Final = 300.0
"""Seconds between two evictions of what is too old or too much."""

FIRST_POLL_S: Final = 0.05
LONGEST_POLL_S: Final = 1.0
"""Pauses between looks for another process's response double from the first to the longest."""

FAILURES: Final = (OnrecordError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)
"""Errors of the cache's database: the model is asked as if nothing were cached."""

AWAY: Final = (DatabaseUnavailableError, TimeoutError)


def build_cache_key(request: ModelRequest[Any], model: str, parameters: Mapping[str, Any]) -> str:
    """Build the cache key of a request: a hash of prompt, model and parameters.

    Args:
        request: the request.
        model: the model's name at the endpoint.
        parameters: such as the temperature.

    Returns:
        The prompt's version, a slash, and the hex SHA-256 of the canonical JSON of it all.
    """
    asked = {
        "model": model,
        "parameters": dict(parameters),
        "prompt_version": request.prompt_version,
        "schema": request.schema,
        "messages": list(request.messages),
        "attempt": request.attempt,
    }
    if request.parameters or request.max_output_tokens:
        # Only where there are any, so that responses cached without them are found.
        asked["body"] = [dict(request.parameters), request.max_output_tokens]
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":"), default=str)
    return f"{request.prompt_version}/{hashlib.sha256(canonical.encode()).hexdigest()}"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ResponseCache:
    """Cache of model responses in PostgreSQL, shared by all processes; an async context manager.

    Without the database, or with a slow one, models are asked as if nothing were cached; equal
    requests in this process still share one call.

    Args:
        lazy: the database.
        settings: what is stored, for how long, and which responses count as hits.
        clock: the time, by which answers grow old.
        lease_s: how long others wait for this process should it be killed, in seconds.
    """

    def __init__(
        self,
        lazy: LazilyConnectedDatabase,
        settings: CacheSettings,
        *,
        clock: Callable[[], datetime] = _utc_now,
        lease_s: float = LEASE_S,
    ) -> None:
        self._store = CacheStore(lazy, settings, clock, lease_s)
        self._is_on = settings.switch == "on"
        self._lease_s = lease_s
        self._pending: dict[PendingKey, PendingResponse] = {}
        self._claimed: set[str] = set()
        self._tasks = BackgroundTasks()
        self._not_before = float("-inf")
        self._is_away = False

    async def __aenter__(self) -> Self:
        """Start renewing claims and evicting old responses."""
        self._upkeep = asyncio.create_task(self._keep_up())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release this process's claims, once what is being stored is stored."""
        self._upkeep.cancel()
        with suppress(asyncio.CancelledError):
            await self._upkeep
        await self._tasks.wait()

    async def get_or_create(
        self,
        keys: Sequence[str],
        make: ResponseFactory,
        *,
        deadline: float = float("inf"),
        accepts_truncated: bool = False,
        subject: str = "",
    ) -> tuple[CachedResponse, bool]:
        """Return the cached response of the first key that has one, else call ``make``.

        Of those who want it at once, here and in other processes, one makes it. If that fails, the
        error is its own, and the next one tries. Within ``use_only_answers_since``, older ones
        count as none, and are deleted once there is a new one.

        Args:
            keys: cache keys of the request for each model that may answer it, best first.
            make: calls the model; returns the key that the response is for, and the response.
            deadline: until when to wait for others, by the event loop's clock, in seconds; after
                it, ``make`` is called at once.
            accepts_truncated: whether a cached truncation counts as a response.
            subject: id of what is asked about; the response is deleted when that is erased.

        Returns:
            The response, and whether it cost nothing now.
        """
        if not self._is_on:
            return (await make())[1], False
        since = get_oldest_usable_time()
        key = keys[0], since
        # A loop, since after a failure one of those who waited makes the call, and the others wait
        # for that one.
        while pending := self._pending.get(key):
            await asyncio.wait({pending}, timeout=_left_s(deadline))
            if not pending.done():
                # The deadline leaves no time to wait: paying twice is better than failing.
                return (await make())[1], False
            shared = pending.result()
            if shared is not None and (accepts_truncated or shared[1].content is not None):
                await self._try(self._store.count_hit(*shared, subject))
                return _hit(shared[1])
        self._pending[key] = pending = asyncio.get_running_loop().create_future()
        try:
            search = CacheQuery(
                keys,
                accepts_truncated=accepts_truncated,
                claims=True,
                since=since,
                subject=subject,
            )
            found, cached = await self._find_or_make(search, make, deadline)
            pending.set_result(found)
        finally:
            del self._pending[key]
            if not pending.done():
                # None and not the error, which is this caller's own: the next one tries.
                pending.set_result(None)
        return _hit(found[1]) if cached else (found[1], False)

    async def find(
        self, keys: Sequence[str], *, accepts_truncated: bool = False
    ) -> CachedResponse | None:
        """Return the cached response of the first key that has one, without counting a hit.

        Without the database, or with a slow one, nothing is found.
        """
        if not self._is_on:
            return None
        since = get_oldest_usable_time()
        return await self._try(
            self._store.peek(keys, accepts_truncated=accepts_truncated, since=since)
        )

    async def _find_or_make(
        self, search: CacheQuery, make: ResponseFactory, deadline: float
    ) -> tuple[tuple[str, CachedResponse], bool]:
        """Return the stored response, or make it, for all who wait for it in this process."""
        key = search.keys[0]
        made: tuple[str, CachedResponse] | None = None
        try:
            if (found := await self._find_or_claim(search, deadline)) is not None:
                return found, True
            made = await make()
            metrics.LLM_CACHE_MISSES.labels(made[1].model).inc()
            return made, False
        finally:
            if made is not None or key in self._claimed:
                # On its own, so that what was paid for is stored even if the message is given up.
                await asyncio.shield(self._tasks.start(self._finish(search, made)))

    async def _find_or_claim(
        self, search: CacheQuery, deadline: float
    ) -> tuple[str, CachedResponse] | None:
        """Return the stored response, or None if this process is to make it.

        Waits while another process makes it.
        """
        pause_s = FIRST_POLL_S
        # Polls, since a notification would need a connection of its own (LISTEN) in each process.
        while (found := await self._search(search)) is not None:
            if found.answer is not None or found.is_new:
                return found.answer
            if found.is_claimed:
                # The previous holder of the claim may have stored a response since the first look.
                again = await self._try(self._store.search(replace(search, claims=False)))
                return None if again is None else again.answer
            left_s = _left_s(deadline)
            if left_s == 0:
                return None
            await asyncio.sleep(pause_s if left_s is None else min(pause_s, left_s))
            pause_s = min(2 * pause_s, LONGEST_POLL_S)
        return None  # without a database nobody knows whether another process has it

    async def _search(self, search: CacheQuery) -> CacheLookupResult | None:
        """Look a request up; return None if there is no database to look in.

        The first key counts as claimed until it is known not to be: a search that is given up may
        have claimed it.
        """
        key = search.keys[0]
        self._claimed.add(key)
        found = await self._try(self._store.search(search))
        if found is not None and not found.is_claimed:
            self._claimed.discard(key)
        return found

    async def _finish(self, search: CacheQuery, made: tuple[str, CachedResponse] | None) -> None:
        key = search.keys[0]
        self._claimed.discard(key)
        # What could not be asked anew leaves what was kept.
        replaced = search.keys if made is not None and search.since is not None else ()
        ending = CacheClaimRelease(key, made, replaced, search.since, search.subject)
        await self._try(self._store.complete(ending))

    async def _keep_up(self) -> None:
        loop = asyncio.get_running_loop()
        sweep_at = loop.time()
        while self._is_on:
            if self._claimed:
                await self._try(self._store.renew(self._claimed))
            if loop.time() >= sweep_at:
                sweep_at = loop.time() + SWEEP_EVERY_S
                await self._try(self._store.evict())
            # Thrice a lease, so that one slow statement does not lose a claim.
            await asyncio.sleep(self._lease_s / 3)

    async def _try(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Return the result of work on the database; None if it cannot be done."""
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
        """Return the result of work, or raise ``TimeoutError``.

        Nobody waits for the end of work that is given up, which takes a while.
        """
        task = self._tasks.start(work)
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
        metrics.LLM_CACHE_FAILURES.inc()
        if isinstance(error, AWAY):
            self._not_before = asyncio.get_running_loop().time() + PAUSE_S
        if not self._is_away:
            self._is_away = True
            # Its text may quote what was to be stored.
            log.warning("cache_away", error=type(error).__name__)


def _left_s(deadline: float) -> float | None:
    """Return the seconds until a deadline, at least 0; None if there is none."""
    if deadline == float("inf"):
        return None
    return max(0.0, deadline - asyncio.get_running_loop().time())


def _hit(response: CachedResponse) -> tuple[CachedResponse, bool]:
    metrics.LLM_CACHE_HITS.labels(response.model).inc()
    metrics.LLM_CACHE_SAVED_DOLLARS.labels(response.model).inc(float(response.cost_usd or 0))
    return response, True
