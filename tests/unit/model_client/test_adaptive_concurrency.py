"""How many calls are made at once, by how those before ended."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from model_client.errors import RateLimitWaitTooLongError
from model_client.limits.adaptive_concurrency import AdaptiveConcurrencyLimiter
from support.waiting import until


async def rounds(
    places: AdaptiveConcurrencyLimiter, number: int, end: Callable[[int, random.Random], None]
) -> None:
    """Make calls, always more wanted than there are places; ``end`` ends each."""
    chance = random.Random(7)
    for _ in range(number):
        todo = [asyncio.create_task(one(places, end, chance)) for _ in range(3 * places.limit)]
        await asyncio.gather(*todo)


async def one(
    places: AdaptiveConcurrencyLimiter,
    end: Callable[[int, random.Random], None],
    chance: random.Random,
) -> None:
    async with places.slot():
        await asyncio.sleep(0)
        end(places.in_use, chance)


def answered(
    places: AdaptiveConcurrencyLimiter, seconds: float = 0.5
) -> Callable[[int, random.Random], None]:
    return lambda *_: places.record_success(seconds)


async def test_it_doubles_until_all_are_in_use_that_may_be() -> None:
    places = AdaptiveConcurrencyLimiter(most=64)
    await rounds(places, 4, answered(places))
    assert places.limit == 64


async def test_no_more_than_the_limit_are_made_at_once() -> None:
    places = AdaptiveConcurrencyLimiter(most=5)
    seen: list[int] = []

    def end(in_use: int, _: random.Random) -> None:
        seen.append(in_use)
        places.record_success(0.5)

    await rounds(places, 5, end)
    assert max(seen) == 5
    assert places.in_use == 0


async def test_places_that_nobody_asks_for_are_not_added() -> None:
    places = AdaptiveConcurrencyLimiter(most=64)
    for _ in range(200):
        async with places.slot():
            places.record_success(0.5)
    assert places.limit == 16


async def test_refusals_shrink_it_and_answers_add_one_a_round() -> None:
    places = AdaptiveConcurrencyLimiter(most=64)
    await rounds(places, 4, answered(places))
    for _ in range(64):
        places.record_throttled()
    assert places.limit == 32
    await rounds(places, 1, answered(places))
    assert 33 <= places.limit <= 36


async def test_an_endpoint_that_refuses_everybody_leaves_one_place() -> None:
    places = AdaptiveConcurrencyLimiter(most=64)
    for _ in range(200):
        places.record_throttled()
    assert places.limit == 1


async def test_it_settles_near_what_the_endpoint_bears() -> None:
    places, bears = AdaptiveConcurrencyLimiter(most=64), 20

    def end(in_use: int, _: random.Random) -> None:
        if in_use > bears:
            places.record_throttled()
        else:
            places.record_success(0.5)

    await rounds(places, 60, end)
    assert 12 <= places.limit <= 28


async def test_two_hanging_calls_in_a_hundred_leave_the_others_their_places() -> None:
    places = AdaptiveConcurrencyLimiter(most=64)

    def end(_: int, chance: random.Random) -> None:
        if chance.random() < 0.02:
            places.record_timeout()
        else:
            places.record_success(0.5)

    await rounds(places, 60, end)
    assert places.limit >= 48


async def test_answers_that_take_much_longer_than_usual_shrink_it() -> None:
    places = AdaptiveConcurrencyLimiter(most=64)

    def end(in_use: int, _: random.Random) -> None:
        places.record_success(0.5 * max(1.0, in_use / 10))

    await rounds(places, 60, end)
    assert 10 <= places.limit <= 32


@pytest.mark.parametrize(
    "latency",
    [
        lambda chance: chance.lognormvariate(-0.2, 0.5),
        lambda chance: 0.3 * chance.paretovariate(1.5),
        lambda chance: chance.uniform(0.1, 2.0),
    ],
    ids=["lognormal", "pareto", "uniform"],
)
async def test_noise_does_not_shrink_it(latency: Callable[[random.Random], float]) -> None:
    places = AdaptiveConcurrencyLimiter(most=64)
    await rounds(places, 30, lambda _, chance: places.record_success(latency(chance)))
    assert places.limit >= 48


async def test_places_are_handed_out_in_the_order_they_were_asked_for() -> None:
    places, order = AdaptiveConcurrencyLimiter(most=1), list[int]()

    async def call(number: int) -> None:
        async with places.slot():
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(call(number) for number in range(10)))
    assert order == list(range(10))


async def test_who_gives_up_waiting_takes_no_place_along() -> None:
    places = AdaptiveConcurrencyLimiter(most=1)
    async with places.slot():
        waiting = [
            asyncio.create_task(one(places, lambda *_: None, random.Random(1))) for _ in "ab"
        ]
        await until(lambda: len(places._waiting) == 2)
        waiting[0].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert places.in_use == 0
    async with asyncio.timeout(1), places.slot():
        assert places.in_use == 1


async def test_who_finds_no_place_in_time_is_told_to_come_back() -> None:
    places, now = AdaptiveConcurrencyLimiter(most=1), asyncio.get_running_loop().time()
    async with places.slot():
        with pytest.raises(RateLimitWaitTooLongError, match="taken"):
            async with places.slot(latest=now + 0.05):
                pass
    assert places.in_use == 0


async def test_a_first_token_is_waited_for_some_times_the_slowest_of_late() -> None:
    places = AdaptiveConcurrencyLimiter(most=8)
    assert places.first_token_timeout(30.0) == places.first_token_timeout(30.0, probe=True) == 30.0
    places.record_success(0.1)
    assert (places.first_token_timeout(30.0), places.first_token_timeout(30.0, probe=True)) == (
        10.0,
        2.0,
    )
    places.record_success(1.5)
    assert (places.first_token_timeout(30.0), places.first_token_timeout(30.0, probe=True)) == (
        15.0,
        6.0,
    )
    assert (places.first_token_timeout(3.0), places.first_token_timeout(3.0, probe=True)) == (
        3.0,
        3.0,
    )
