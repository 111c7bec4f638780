"""Buckets give what flows in and no more, whatever is asked of them and when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.limits import ModelRateLimits, RateQuota, TokenBucket, format_openai_duration


class Hand:
    """Manual time, in seconds."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def bucket(per_minute: float = 60, burst_s: float = 10) -> TokenBucket:
    return TokenBucket(per_minute, burst_s, 0.0)


def test_a_bucket_is_full_at_first_and_fills_up_again_continuously() -> None:
    one = bucket()
    assert one.remaining == 10
    one.take(10)
    assert (one.remaining, one.until_full()) == (0, 10)
    one.fill(2.5)
    assert (one.level, one.remaining) == (2.5, 2)
    one.fill(1_000)
    assert one.level == one.capacity


def test_a_bucket_holds_one_request_however_short_its_burst() -> None:
    assert bucket(6, 0.001).remaining == 1


@given(
    st.lists(st.tuples(st.floats(0, 5), st.integers(0, 30)), max_size=50),
    st.floats(1, 600),
    st.floats(0.1, 60),
)
def test_no_more_is_taken_than_is_available(
    steps: list[tuple[float, int]], per_minute: float, burst_s: float
) -> None:
    one, now = bucket(per_minute, burst_s), 0.0
    for passed, amount in steps:
        now += passed
        one.fill(now)
        if amount <= one.remaining:
            one.take(amount)
        assert one.taken <= one.available + 1e-3
        assert -1e-3 <= one.level <= one.capacity


@given(st.floats(1, 10_000), st.floats(0.1, 60), st.integers(1, 10_000), st.integers(0, 10_000))
def test_the_wait_that_is_told_is_enough_and_no_longer(
    per_minute: float, burst_s: float, amount: int, taken: int
) -> None:
    one = bucket(per_minute, burst_s)
    one.take(taken)
    wait = one.wait(amount)
    one.fill(wait * 0.99)
    assert wait == 0 or one.wait(amount) > 0
    one.fill(wait + 1e-4)
    assert one.wait(amount) == 0


def test_what_is_larger_than_a_full_bucket_leaves_a_debt() -> None:
    one = bucket(60, 10)
    assert (one.wait(30), one.too_large(30)) == (0, False)
    one.take(30)
    assert (one.level, one.remaining, one.wait(1)) == (-20, 0, 21)


def test_nobody_gets_more_than_a_minutes_quota_at_once() -> None:
    assert bucket(60, 10).too_large(61)
    assert not bucket(60, 120).too_large(61)


def test_a_smaller_quota_holds_from_the_change_on() -> None:
    one = bucket(60, 10)
    one.take(10)
    one.change(30, 10, 4.0)
    assert one.level == 4
    one.fill(6.0)
    assert (one.level, one.available) == (5, 10 + 4 + 1)
    one.change(6, 10, 6.0)
    assert one.level == 1


def test_a_request_is_admitted_by_both_limits_or_takes_from_neither() -> None:
    limits = ModelRateLimits(RateQuota(60, 100, 60), Hand())
    assert limits.admit(90) is None
    excess = limits.admit(50)
    assert excess
    assert (excess.kind, excess.per_minute, excess.wait) == ("tokens", 100, 24)
    left = {kind: expected["remaining"] for kind, expected in limits.summary().items()}
    assert left == {"requests": 59, "tokens": 10}


def test_the_longer_wait_of_two_is_told() -> None:
    limits = ModelRateLimits(RateQuota(1, 6_000, 60), Hand())
    assert limits.admit(6_000) is None
    excess = limits.admit(1)
    assert excess
    assert (excess.kind, excess.wait) == ("requests", 60)


def test_what_can_never_be_admitted_is_told_so() -> None:
    excess = ModelRateLimits(RateQuota(1, 100, 60), Hand()).admit(101)
    assert excess
    assert (excess.kind, excess.wait) == ("tokens", None)


def test_limits_come_and_go() -> None:
    hand = Hand()
    limits = ModelRateLimits(RateQuota(None, None, 60), hand)
    assert limits.headers() == {}
    limits.change(RateQuota(60, None, 60))
    assert limits.headers()["x-ratelimit-remaining-requests"] == "60"
    limits.change(RateQuota(None, None, 60))
    assert limits.headers() == {}


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0ms"),
        (0.0001, "1ms"),
        (0.12, "120ms"),
        (1, "1s"),
        (6.5, "6.5s"),
        (60, "1m0s"),
        (86.4, "1m26.4s"),
        (359.9999, "6m0s"),
    ],
)
def test_durations_are_written_as_openai_writes_them(seconds: float, expected: str) -> None:
    assert format_openai_duration(seconds) == expected
