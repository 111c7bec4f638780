"""Limits on requests: how many each token may make, and how many heavy ones run at once."""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from contracts.errors import OnrecordError
from control.access.rights import NotAuthenticatedError

MAX_TOKENS: Final = 10_000
"""Most tokens or addresses whose requests are counted; the one that asked longest ago is
forgotten."""

MAX_UNKNOWN_PER_S: Final = 20.0
"""Most unknown tokens and sessions of one address that are looked up a second, in the long run;
twice as many at once. Each costs a query."""


class TooManyRequestsError(OnrecordError):
    """Raised when a token or an IP address exceeds its request rate (HTTP 429).

    Attributes:
        retry_after_s: when it may make the next one, in seconds.
    """

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("these are more requests than may be made; wait a little")
        self.retry_after_s = max(1, math.ceil(retry_after_s))


class TooBusyError(OnrecordError):
    """Raised when too many expensive requests run at the same time (HTTP 429)."""

    retry_after_s = 2

    def __init__(self) -> None:
        super().__init__("control is busy with other large requests; try again soon")


class RequestRateLimiter:
    """Rate limiter with a token bucket for each client.

    Each replica of control counts by itself.

    Args:
        per_second: requests of one client, in the long run; None for no limit.
        clock: monotonic time in seconds.
    """

    def __init__(
        self, per_second: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._clock = clock
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, client: Hashable) -> None:
        """Count a request.

        Args:
            client: whose it is: an access token's id or, without one, an address.

        Raises:
            TooManyRequestsError: it has made too many.
        """
        if self._per_second is None:
            return
        self.check(client)
        left, now = self._left(client, self._per_second)
        self._buckets.pop(client, None)
        self._buckets[client] = (left - 1, now)
        if len(self._buckets) > MAX_TOKENS:
            self._buckets.popitem(last=False)

    def check(self, client: Hashable) -> None:
        """Check that a client may make a request now, and count none.

        Raises:
            TooManyRequestsError: it has made too many.
        """
        if self._per_second is None:
            return
        left, _ = self._left(client, self._per_second)
        if left < 1:
            raise TooManyRequestsError((1 - left) / self._per_second)

    def _left(self, client: Hashable, per_second: float) -> tuple[float, float]:
        """Return how many requests a client may make now, and the time."""
        burst, now = max(1.0, 2 * per_second), self._clock()
        left, at = self._buckets.get(client, (burst, now))
        return min(burst, left + (now - at) * per_second), now


class CredentialLimiter:
    """Limiter of lookups of unknown tokens and sessions per IP address, against guessing.

    What was valid a while ago is always looked up: others' guesses from the same address, such as a
    proxy's, lock nobody out who is at work.

    Args:
        per_second: unknown ones of one address that are looked up, in the long run.
        clock: monotonic time in seconds.
    """

    def __init__(
        self,
        per_second: float = MAX_UNKNOWN_PER_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._unknown = RequestRateLimiter(per_second, clock)
        self._known: OrderedDict[bytes, None] = OrderedDict()

    @contextmanager
    def look_up(self, secret: str, address: str) -> Iterator[None]:
        """Let a token's or session's secret be looked up within the ``with`` block.

        Args:
            secret: the secret.
            address: where the request came from.

        Raises:
            TooManyRequestsError: as many unknown ones came from there as may.
        """
        key = hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
        if key not in self._known:
            self._unknown.check(address)
        try:
            yield
        except NotAuthenticatedError:
            self._known.pop(key, None)
            with suppress(TooManyRequestsError):  # of those that came at once
                self._unknown.take(address)
            raise
        self._known[key] = None
        self._known.move_to_end(key)
        if len(self._known) > MAX_TOKENS:
            self._known.popitem(last=False)


class HeavyRequestLimiter:
    """Limiter of how many expensive requests run at the same time, in total and per client.

    One client has all places but one at most, so that it cannot keep all others out by itself.

    Args:
        places: how many run at once.
        wait_s: longest that one waits for a place, in seconds.
        share: most places of one client; all but one if not given.
    """

    def __init__(self, places: int = 4, wait_s: float = 2.0, share: int | None = None) -> None:
        self._free = asyncio.Semaphore(places)
        self._places_per_client = share or max(1, places - 1)
        self._shares: dict[Hashable, _Share] = {}
        self._wait_s = wait_s

    @property
    def clients(self) -> frozenset[Hashable]:
        """The clients that have or await a place."""
        return frozenset(self._shares)

    @asynccontextmanager
    async def place(self, client: Hashable) -> AsyncIterator[None]:
        """Hold a place within the ``async with`` block.

        Args:
            client: whose request it is: an access token's id or, without one, an address.

        Raises:
            TooBusyError: none was free in time, or the client has as many as it may.
        """
        share = self._shares.get(client)
        if share is None:
            share = self._shares[client] = _Share(asyncio.Semaphore(self._places_per_client))
        share.users += 1
        try:
            async with AsyncExitStack() as held:
                try:
                    async with asyncio.timeout(self._wait_s):
                        # First the client's own, so that what awaits it holds no common place.
                        await held.enter_async_context(share.free)
                        await held.enter_async_context(self._free)
                except TimeoutError:
                    raise TooBusyError from None
                yield
        finally:
            share.users -= 1
            if not share.users:
                del self._shares[client]


@dataclass(slots=True)
class _Share:
    """A client's own places, and how many requests have or await one."""

    free: asyncio.Semaphore
    users: int = 0
