"""How much of a limit is used and how often it is met, in a world whose time is ours."""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from model_client.errors import RateLimitedError
from model_client.limits.rate_limits import RateLimiter
from model_client.limits.token_bucket import AdaptiveTokenBucket
from model_client.transport.rate_limit_headers import RateLimitStatus
from simulator.limits import TokenBucket as ServersBucket

STEP_S = 0.005


@dataclass
class World:
    """An endpoint's bucket, and replicas that always want more than it bears.

    Attributes:
        per_minute: the limit.
        shares: of the replicas that ask.
        cost: of a call.
        burst_s: how many seconds' worth pile up.
        latency_s: the median until a response's headers are there; they vary.
        late: whether headers report the state when they are sent, not when the call came.
    """

    per_minute: float
    shares: tuple[float, ...]
    cost: float = 1.0
    burst_s: float = 1.0
    latency_s: float = 0.4
    late: bool = False
    now: float = 0.0
    calls: int = 0
    refused: int = 0
    _arrivals: list[tuple[float, int, AdaptiveTokenBucket, RateLimitStatus | None, float]] = field(
        default_factory=list
    )

    def __post_init__(self) -> None:
        self._server = ServersBucket(self.per_minute, self.burst_s, 0.0)
        self._replicas: list[AdaptiveTokenBucket] = []
        self._held: list[float] = []
        self._chance, self._numbers = random.Random(7), count()
        self.join(*self.shares)

    def join(self, *shares: float) -> None:
        self._replicas += [AdaptiveTokenBucket(None, _always(share)) for share in shares]
        self._held += [self.now] * len(shares)

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += STEP_S
            self._deliver()
            for place, replica in enumerate(self._replicas):
                while self._held[place] <= self.now and replica.wait(self.cost, self.now) <= 0:
                    self._call(place, replica)

    def halve(self) -> None:
        self.per_minute /= 2
        self._server.change(self.per_minute, self.burst_s, self.now)

    def count_anew(self) -> None:
        self._server.fill(self.now)
        self._server.reset_counts()
        self.calls = self.refused = 0

    @property
    def used(self) -> float:
        self._server.fill(self.now)
        return self._server.taken / self._server.available

    def _call(self, place: int, replica: AdaptiveTokenBucket) -> None:
        server, status = self._server, None
        replica.take(self.cost, self.now)
        self.calls += 1
        delay_s = self._chance.lognormvariate(0, 0.4) * self.latency_s
        server.fill(self.now)
        if (wait_s := server.wait(self.cost)) > 0:
            self.refused += 1
            self._held[place], delay_s = self.now + wait_s, 0.0
        else:
            server.take(self.cost)
        if not self.late:
            status = self._status()
        arrival = (self.now + delay_s, next(self._numbers), replica, status, self.now)
        heapq.heappush(self._arrivals, arrival)

    def _deliver(self) -> None:
        while self._arrivals and self._arrivals[0][0] <= self.now:
            _, _, replica, status, sent_at = heapq.heappop(self._arrivals)
            replica.update(status or self._status(), sent_at)

    def _status(self) -> RateLimitStatus:
        self._server.fill(self.now)
        return RateLimitStatus(self.per_minute, self._server.remaining, self._server.until_full())


def _always(share: float) -> Callable[[], float]:
    return lambda: share


THIRDS = (1 / 3,) * 3
WORLDS: dict[str, dict[str, Any]] = {
    "one replica": {"per_minute": 900, "shares": (1.0,)},
    "three replicas": {"per_minute": 900, "shares": THIRDS},
    "uneven shares": {"per_minute": 900, "shares": (0.5, 0.25, 0.25)},
    "two of three are idle": {"per_minute": 900, "shares": (1 / 3,)},
    "a low limit": {"per_minute": 60, "shares": (1.0,), "burst_s": 5},
    "a high limit": {"per_minute": 12_000, "shares": THIRDS},
    "a bucket of a minute": {"per_minute": 900, "shares": THIRDS, "burst_s": 60},
    "a slow endpoint": {"per_minute": 900, "shares": THIRDS, "latency_s": 2.0, "burst_s": 5},
    "tokens": {"per_minute": 900_000, "shares": (1.0,), "cost": 1_750},
    "tokens, three replicas": {"per_minute": 900_000, "shares": THIRDS, "cost": 1_750},
    "tokens, two of three are idle": {"per_minute": 900_000, "shares": (1 / 3,), "cost": 1_750},
}
LATE = pytest.mark.parametrize("late", [False, True], ids=["reported as it came", "reported late"])


@LATE
@pytest.mark.parametrize("name", WORLDS)
def test_nearly_all_of_the_quota_is_used_and_next_to_nothing_refused(
    name: str, *, late: bool
) -> None:
    world = World(**WORLDS[name], late=late)
    world.run(60)
    world.count_anew()
    world.run(120)
    assert world.used >= 0.97
    assert world.refused <= 0.005 * world.calls


@LATE
@pytest.mark.parametrize("shares", [(1.0,), THIRDS], ids=["one replica", "three replicas"])
def test_a_quota_that_halves_is_followed(shares: tuple[float, ...], *, late: bool) -> None:
    world = World(900, shares, late=late)
    world.run(60)
    world.count_anew()
    world.run(30)
    world.halve()
    world.run(60)
    assert world.used >= 0.97
    assert world.refused <= max(3, 0.005 * world.calls)


@LATE
def test_replicas_that_were_idle_get_their_shares_as_soon_as_they_call(*, late: bool) -> None:
    world = World(900, (1 / 3,), late=late)
    world.run(60)
    world.count_anew()
    world.join(1 / 3, 1 / 3)
    world.run(60)
    assert world.used >= 0.97
    assert world.refused <= 0.01 * world.calls


def test_a_limit_of_a_day_is_paced_by_what_comes_back() -> None:
    bucket = AdaptiveTokenBucket(None, _always(1.0))
    bucket.update(RateLimitStatus(14_400, 0, 86_400.0), sent_at=0.0)
    bucket.wait(1.0, 1.0)
    bucket.take(1.0, 1.0)
    assert bucket.wait(1.0, 1.0) > 5.0


def limits(**more: Any) -> RateLimiter:
    return RateLimiter(clock=asyncio.get_running_loop().time, **more)


def soon(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_without_a_known_limit_nobody_waits() -> None:
    unknown = limits()
    async with asyncio.timeout(1):
        for _ in range(100):
            await unknown.admit(1_000, latest=float("inf"))


async def test_a_limit_of_ones_own_holds_before_anything_is_heard() -> None:
    own = limits(requests_per_minute=60)
    await own.admit(10, latest=soon(2.5))
    with pytest.raises(RateLimitedError) as caught:
        await own.admit(10, latest=soon(0.1))
    assert 0 < caught.value.retry_after <= 1.5


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"retry-after": "30"}, 29, 30),
        ({"retry-after-ms": "20500", "retry-after": "7"}, 20, 20.5),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, 49, 50),
        ({}, 0.9, 1),
        ({"retry-after": "soon"}, 0.9, 1),
    ],
)
async def test_after_a_refusal_nobody_is_admitted_before_the_time_told(
    headers: dict[str, str], least: float, most: float
) -> None:
    limiter = limits(wall=lambda: 10.0)
    admission = await limiter.admit(10, latest=soon(1))
    admission.record_throttled(headers)
    with pytest.raises(RateLimitedError) as caught:
        await limiter.admit(10, latest=soon(0.05))
    assert least < caught.value.retry_after <= most


async def test_turns_come_in_the_order_they_were_asked_for() -> None:
    own, order = limits(requests_per_minute=6_000), list[int]()

    async def call(number: int) -> None:
        await own.admit(10, latest=float("inf"))
        order.append(number)

    await asyncio.gather(*(call(number) for number in range(10)))
    assert order == list(range(10))


async def test_who_is_cancelled_holds_up_nobody() -> None:
    own = limits(requests_per_minute=600)
    await own.admit(10, latest=float("inf"))
    waiting = [asyncio.create_task(own.admit(10, latest=float("inf"))) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(*waiting[1:])


def test_a_response_that_was_overtaken_is_not_believed() -> None:
    bucket = AdaptiveTokenBucket(None, _always(1.0))
    bucket.update(RateLimitStatus(600, 5, 0.5), sent_at=10.0)
    bucket.update(RateLimitStatus(600, 500, 0.0), sent_at=9.0)
    assert bucket._remaining == 5
