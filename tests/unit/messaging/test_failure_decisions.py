"""The rows of the design's table "When something fails"."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contracts import errors
from contracts.errors import (
    BadMessageError,
    BugTriggeredByMessageError,
    ErrorCode,
    HandlerTimedOutError,
    OnrecordError,
    OutageError,
    ParkedError,
    RejectedError,
    RetryableError,
    ThrottledError,
)
from messaging.delivery import Delivery, MessageOrigin
from messaging.processing import failure_policy
from messaging.processing.failure_policy import (
    TABLE,
    DeadlinePassedError,
    RetryLater,
    SendToDlq,
    SingleMessageOutageError,
    WaitForDependency,
    find_policy_row,
)
from messaging.settings import StageSettings

SETTINGS = StageSettings(retry_delays_s=(10.0, 60.0, 600.0))
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def decide(
    error: BaseException, delivery: Delivery, settings: StageSettings = SETTINGS
) -> failure_policy.Decision:
    return failure_policy.decide_next_step(error, delivery, settings, now=NOW)


def at_tier(tier: int) -> Delivery:
    return Delivery(MessageOrigin("chunks-ready", 0, 0), tier=tier, attempts=3 * tier)


@pytest.mark.parametrize(
    "error",
    [BadMessageError("x"), ParkedError("x"), RejectedError("x"), KeyError("x"), AssertionError()],
)
def test_what_no_retry_can_help_is_a_dead_letter_at_once(error: Exception) -> None:
    assert decide(error, at_tier(0)) == SendToDlq()
    assert not failure_policy.is_retried_in_place(error)


@pytest.mark.parametrize("error", [RetryableError("x"), HandlerTimedOutError("x"), TimeoutError()])
@pytest.mark.parametrize(
    ("tier", "decision"),
    [
        (0, RetryLater(1, 10.0)),
        (1, RetryLater(2, 60.0)),
        (2, RetryLater(3, 600.0)),
        (3, SendToDlq()),
    ],
)
def test_what_may_succeed_later_climbs_the_retry_topics_and_then_dies(
    error: Exception, tier: int, decision: failure_policy.Decision
) -> None:
    assert decide(error, at_tier(tier)) == decision


def test_fewer_delays_mean_fewer_retry_topics() -> None:
    short = StageSettings(retry_delays_s=(1.0,))
    assert decide(RetryableError("x"), at_tier(1), short) == SendToDlq()
    assert decide(RetryableError("x"), at_tier(0), StageSettings(retry_delays_s=())) == SendToDlq()


@pytest.mark.parametrize(("tier", "same"), [(0, 1), (1, 1), (3, 3)])
def test_being_told_to_wait_keeps_the_tier_and_waits_as_told(tier: int, same: int) -> None:
    told = ThrottledError("x", retry_after=77.0)
    assert decide(told, at_tier(tier)) == RetryLater(same, 77.0)


@pytest.mark.parametrize(
    ("told", "waits"),
    [(299.0, 299.0), (3_600.0, 300.0), (float("inf"), 300.0), (-5.0, 0.0), (float("nan"), 0.0)],
)
def test_a_long_wait_ends_at_the_ceiling_so_that_somebody_asks_again(
    told: float, waits: float
) -> None:
    error = ThrottledError("x", retry_after=told)
    assert decide(error, at_tier(0)) == RetryLater(1, waits)


def test_an_outage_is_waited_out_and_never_a_dead_letter() -> None:
    assert decide(OutageError("x"), at_tier(3)) == WaitForDependency()


def test_only_timeouts_count_as_timeouts() -> None:
    assert failure_policy.is_timeout_failure(HandlerTimedOutError("x"))
    assert failure_policy.is_timeout_failure(TimeoutError())
    assert not failure_policy.is_timeout_failure(RetryableError("x"))


def test_only_what_nobody_thought_of_is_a_bug() -> None:
    assert failure_policy.is_unexpected_error(ZeroDivisionError())
    assert not failure_policy.is_unexpected_error(TimeoutError())
    assert not failure_policy.is_unexpected_error(BadMessageError("x"))


OWN = SingleMessageOutageError(OutageError("connection lost", code=ErrorCode.DATABASE_UNAVAILABLE))

ROWS = [
    # error, tried again in place, where it goes, whether it counts towards stopping the stage
    (OutageError("x"), False, "stays", False),
    (OWN, False, "tiers", False),
    (ThrottledError("x", retry_after=77.0), False, "as asked", False),
    (BadMessageError("x"), False, "letter", False),
    (DeadlinePassedError("x"), False, "letter", False),
    (ParkedError("x"), False, "letter", False),
    (RejectedError("x"), False, "letter", False),
    (BugTriggeredByMessageError("x"), False, "letter", False),
    (RetryableError("x", code=ErrorCode.LLM_REFUSED), True, "tiers", False),
    (RetryableError("x", code=ErrorCode.LLM_CONTENT_FILTERED), True, "tiers", False),
    (RetryableError("x", code=ErrorCode.LLM_CONTEXT_TOO_LONG), True, "tiers", False),
    (RetryableError("x", code=ErrorCode.LLM_CUT_OFF), True, "tiers", False),
    (RetryableError("x", code=ErrorCode.NOT_YET_INGESTED), True, "tiers", False),
    (RetryableError("x", code=ErrorCode.LLM_BAD_OUTPUT), True, "tiers", True),
    (RetryableError("x", code=ErrorCode.LLM_SERVER_ERROR), True, "tiers", True),
    (RetryableError("x", code=ErrorCode.CONFLICT), True, "tiers", True),
    (HandlerTimedOutError("x", code=ErrorCode.LLM_TIMEOUT), True, "tiers", True),
    (HandlerTimedOutError("x"), True, "tiers", True),
    (TimeoutError(), False, "tiers", True),
    (ZeroDivisionError("x"), False, "letter", True),
    (OnrecordError("x", code=ErrorCode.BUG), False, "letter", True),
]
WAYS = {
    "stays": WaitForDependency(),
    "tiers": RetryLater(1, 10.0),
    "as asked": RetryLater(1, 77.0),
    "letter": SendToDlq(),
}


@pytest.mark.parametrize(
    ("error", "in_place", "way", "counts"), ROWS, ids=lambda one: repr(one)[:40]
)
def test_the_table_row_by_row(
    error: BaseException, *, in_place: bool, way: str, counts: bool
) -> None:
    assert failure_policy.is_retried_in_place(error) is in_place
    assert decide(error, at_tier(0)) == WAYS[way]
    assert failure_policy.counts_towards_failure_rate(error) is counts


def test_every_row_of_the_table_has_an_error_that_it_decides_about() -> None:
    assert {id(find_policy_row(error)) for error, *_ in ROWS} == {id(row) for row in TABLE}


def test_every_branch_of_the_tree_has_a_row_of_its_own() -> None:
    branches = {one for one in OnrecordError.__subclasses__() if one.__module__ == errors.__name__}
    assert branches <= {row.branch for row in TABLE}


@pytest.mark.parametrize("code", ErrorCode)
def test_no_code_makes_what_a_producer_alone_can_send_count(code: ErrorCode) -> None:
    for branch in (BadMessageError, ParkedError, RejectedError):
        assert not failure_policy.counts_towards_failure_rate(branch("x", code=code))


@pytest.mark.parametrize(
    ("tier", "failing_for_s", "decision"),
    [
        (0, 0.0, RetryLater(1, 10.0)),
        (1, 5.0, RetryLater(2, 60.0)),
        (2, 5.0, RetryLater(3, 600.0)),
        (3, 3_599.0, RetryLater(3, 600.0)),
        (3, 3_600.0, SendToDlq()),
        (0, 7_200.0, RetryLater(1, 10.0)),
    ],
)
def test_an_outage_of_its_own_stays_in_the_last_retry_topic_for_some_time(
    tier: int, failing_for_s: float, decision: failure_policy.Decision
) -> None:
    first = NOW - timedelta(seconds=failing_for_s)
    delivery = Delivery(MessageOrigin("chunks-ready", 0, 0), tier=tier, first_failed_at=first)
    assert decide(OWN, delivery) == decision


def test_without_retry_topics_an_outage_of_its_own_is_a_letter() -> None:
    assert decide(OWN, at_tier(0), StageSettings(retry_delays_s=())) == SendToDlq()
