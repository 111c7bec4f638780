"""Waits that a 429 asks for: obeyed up to a ceiling, then probed by one call for all."""

from __future__ import annotations

import asyncio

import pytest

from model_client.errors import RateLimitedError
from model_client.limits.rate_limits import PROBE_S, RateLimiter, RateLimitPermit

CEILING_S = 300.0
AN_HOUR = {"retry-after": "3600"}


class ManualClock:
    """Manual clock, in seconds."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def limits(clock: ManualClock) -> RateLimiter:
    return RateLimiter(clock=clock, wall=lambda: 0.0, ceiling_s=CEILING_S)


async def admitted(limits: RateLimiter) -> RateLimitPermit:
    """A turn that comes at once."""
    async with asyncio.timeout(5):
        return await limits.admit(10, latest=float("inf"))


async def retry_after_of(limits: RateLimiter) -> float:
    """For how long a call is turned away, in seconds."""
    with pytest.raises(RateLimitedError) as caught:
        await limits.admit(10, latest=0.0)
    return caught.value.retry_after


async def throttled(limits: RateLimiter, headers: dict[str, str] = AN_HOUR) -> None:
    (await admitted(limits)).record_throttled(headers)


async def test_a_wait_beyond_the_ceiling_is_shortened_to_it(
    limits: RateLimiter, clock: ManualClock
) -> None:
    await throttled(limits)
    assert await retry_after_of(limits) == CEILING_S
    clock.now += 200
    assert await retry_after_of(limits) == CEILING_S - 200


async def test_then_one_call_probes_while_the_others_wait(
    limits: RateLimiter, clock: ManualClock
) -> None:
    await throttled(limits)
    clock.now += CEILING_S
    probe = await admitted(limits)
    assert probe.probes
    assert await retry_after_of(limits) == PROBE_S
    probe.record_accepted()
    assert not (await admitted(limits)).probes
    assert limits.hold is None


async def test_a_probe_that_is_refused_is_learnt_from(
    limits: RateLimiter, clock: ManualClock
) -> None:
    await throttled(limits)
    clock.now += CEILING_S
    await throttled(limits, {"retry-after": "40"})
    assert await retry_after_of(limits) == 40
    clock.now += 40
    assert not (await admitted(limits)).probes, "the last wait is over"


async def test_a_probe_that_shows_nothing_makes_way_for_the_next(
    limits: RateLimiter, clock: ManualClock
) -> None:
    await throttled(limits)
    clock.now += CEILING_S
    (await admitted(limits)).release_probe()
    assert (await admitted(limits)).probes


async def test_a_probe_whose_end_nobody_hears_of_does_not_hold_up_others_for_ever(
    limits: RateLimiter, clock: ManualClock
) -> None:
    await throttled(limits)
    clock.now += CEILING_S
    await admitted(limits)
    clock.now += PROBE_S
    assert (await admitted(limits)).probes


async def test_calls_that_were_under_way_neither_end_a_wait_nor_prolong_its_probe(
    limits: RateLimiter, clock: ManualClock
) -> None:
    early, late = await admitted(limits), await admitted(limits)
    await throttled(limits)
    early.record_accepted()
    late.record_throttled({"retry-after": "1"})
    assert await retry_after_of(limits) == CEILING_S


async def test_a_wait_below_the_ceiling_is_kept_to_without_a_probe(
    limits: RateLimiter, clock: ManualClock
) -> None:
    await throttled(limits, {"retry-after": "30"})
    clock.now += 29
    assert await retry_after_of(limits) == 1
    clock.now += 1
    assert not (await admitted(limits)).probes


async def test_a_long_wait_is_told_in_figures_that_people_read(limits: RateLimiter) -> None:
    await throttled(limits)
    with pytest.raises(RateLimitedError, match=r"no turn for 300 s; .* after 3,600 s"):
        await limits.admit(10, latest=0.0)
