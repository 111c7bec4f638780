"""The rows of the design's table "When something fails"."""

from __future__ import annotations

import pytest

from contracts.errors import (
    BadMessageError,
    OutageError,
    ParkedError,
    RejectedError,
    RetryableError,
    ThrottledError,
    TimedOutError,
)
from messaging import failures
from messaging.delivery import Delivery, Origin
from messaging.failures import DeadLetter, RetryLater, WaitOut, decide
from messaging.settings import StageSettings

SETTINGS = StageSettings(retry_delays_s=(10.0, 60.0, 600.0))


def at_tier(tier: int) -> Delivery:
    return Delivery(Origin("chunks-ready", 0, 0), tier=tier, attempts=3 * tier)


@pytest.mark.parametrize(
    "error",
    [BadMessageError("x"), ParkedError("x"), RejectedError("x"), KeyError("x"), AssertionError()],
)
def test_what_no_retry_can_help_is_a_dead_letter_at_once(error: Exception) -> None:
    assert decide(error, at_tier(0), SETTINGS) == DeadLetter()
    assert not failures.is_retried_in_place(error)


@pytest.mark.parametrize("error", [RetryableError("x"), TimedOutError("x"), TimeoutError()])
@pytest.mark.parametrize(
    ("tier", "decision"),
    [
        (0, RetryLater(1, 10.0)),
        (1, RetryLater(2, 60.0)),
        (2, RetryLater(3, 600.0)),
        (3, DeadLetter()),
    ],
)
def test_what_may_succeed_later_climbs_the_retry_topics_and_then_dies(
    error: Exception, tier: int, decision: failures.Decision
) -> None:
    assert decide(error, at_tier(tier), SETTINGS) == decision


def test_fewer_delays_mean_fewer_retry_topics() -> None:
    short = StageSettings(retry_delays_s=(1.0,))
    assert decide(RetryableError("x"), at_tier(1), short) == DeadLetter()
    assert decide(RetryableError("x"), at_tier(0), StageSettings(retry_delays_s=())) == DeadLetter()


@pytest.mark.parametrize(("tier", "same"), [(0, 1), (1, 1), (3, 3)])
def test_being_told_to_wait_keeps_the_tier_and_waits_as_told(tier: int, same: int) -> None:
    told = ThrottledError("x", retry_after=77.0)
    assert decide(told, at_tier(tier), SETTINGS) == RetryLater(same, 77.0)


@pytest.mark.parametrize(
    ("told", "waits"), [(float("inf"), 86_400.0), (-5.0, 0.0), (float("nan"), 0.0)]
)
def test_an_absurd_wait_becomes_one_that_ends(told: float, waits: float) -> None:
    error = ThrottledError("x", retry_after=told)
    assert decide(error, at_tier(0), SETTINGS) == RetryLater(1, waits)


def test_an_outage_is_waited_out_and_never_a_dead_letter() -> None:
    assert decide(OutageError("x"), at_tier(3), SETTINGS) == WaitOut()


def test_only_timeouts_count_as_timeouts() -> None:
    assert failures.timed_out(TimedOutError("x"))
    assert failures.timed_out(TimeoutError())
    assert not failures.timed_out(RetryableError("x"))


def test_only_what_nobody_thought_of_is_a_bug() -> None:
    assert failures.is_bug(ZeroDivisionError())
    assert not failures.is_bug(TimeoutError())
    assert not failures.is_bug(BadMessageError("x"))
