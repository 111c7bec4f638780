"""Waits that a 429 tells: kept to up to a ceiling, then probed by one call for all."""

from __future__ import annotations

import asyncio

import pytest

from model_client.errors import RateLimitedError
from model_client.limits.rate_limits import PROBE_S, Admission, Limits

CEILING_S = 300.0
AN_HOUR = {"retry-after": "3600"}


class Hands:
    """A clock that moves when it is told to, in seconds."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def limits(hands: Hands) -> Limits:
    return Limits(clock=hands, wall=lambda: 0.0, ceiling_s=CEILING_S)


async def admitted(limits: Limits) -> Admission:
    """A turn that comes at once."""
    async with asyncio.timeout(5):
        return await limits.admit(10, latest=float("inf"))


async def told_to_wait(limits: Limits) -> float:
    """For how long a call is turned away, in seconds."""
    with pytest.raises(RateLimitedError) as caught:
        await limits.admit(10, latest=0.0)
    return caught.value.retry_after


async def throttled(limits: Limits, headers: dict[str, str] = AN_HOUR) -> None:
    (await admitted(limits)).refused(headers)


async def test_a_wait_beyond_the_ceiling_is_shortened_to_it(limits: Limits, hands: Hands) -> None:
    await throttled(limits)
    assert await told_to_wait(limits) == CEILING_S
    hands.now += 200
    assert await told_to_wait(limits) == CEILING_S - 200


async def test_then_one_call_probes_while_the_others_wait(limits: Limits, hands: Hands) -> None:
    await throttled(limits)
    hands.now += CEILING_S
    probe = await admitted(limits)
    assert probe.probes
    assert await told_to_wait(limits) == PROBE_S
    probe.let_in()
    assert not (await admitted(limits)).probes
    assert limits.hold is None


async def test_a_probe_that_is_refused_is_learnt_from(limits: Limits, hands: Hands) -> None:
    await throttled(limits)
    hands.now += CEILING_S
    await throttled(limits, {"retry-after": "40"})
    assert await told_to_wait(limits) == 40
    hands.now += 40
    assert not (await admitted(limits)).probes, "what was told last is over"


async def test_a_probe_that_shows_nothing_makes_way_for_the_next(
    limits: Limits, hands: Hands
) -> None:
    await throttled(limits)
    hands.now += CEILING_S
    (await admitted(limits)).given_up()
    assert (await admitted(limits)).probes


async def test_a_probe_whose_end_nobody_hears_of_does_not_hold_up_others_for_ever(
    limits: Limits, hands: Hands
) -> None:
    await throttled(limits)
    hands.now += CEILING_S
    await admitted(limits)
    hands.now += PROBE_S
    assert (await admitted(limits)).probes


async def test_calls_that_were_under_way_neither_end_a_wait_nor_prolong_its_probe(
    limits: Limits, hands: Hands
) -> None:
    early, late = await admitted(limits), await admitted(limits)
    await throttled(limits)
    early.let_in()
    late.refused({"retry-after": "1"})
    assert await told_to_wait(limits) == CEILING_S


async def test_a_wait_below_the_ceiling_is_kept_to_without_a_probe(
    limits: Limits, hands: Hands
) -> None:
    await throttled(limits, {"retry-after": "30"})
    hands.now += 29
    assert await told_to_wait(limits) == 1
    hands.now += 1
    assert not (await admitted(limits)).probes


async def test_a_long_wait_is_told_in_figures_that_people_read(limits: Limits) -> None:
    await throttled(limits)
    with pytest.raises(RateLimitedError, match=r"no turn for 300 s; .* after 3,600 s"):
        await limits.admit(10, latest=0.0)
