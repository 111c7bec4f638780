"""When an endpoint counts as down, and when it is tried again."""

from __future__ import annotations

import random

import pytest

from model_client.errors import ModelUnavailableError
from model_client.limits.circuit_breaker import (
    FAILURES,
    FAILURES_WITHOUT_SUCCESS,
    SILENCE_S,
    CircuitBreaker,
    FailureAttributor,
)


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
def breaker(clock: ManualClock) -> CircuitBreaker:
    return CircuitBreaker(clock=clock)


def opened(breaker: CircuitBreaker) -> CircuitBreaker:
    for _ in range(FAILURES):
        breaker.record_failure("it answered 503")
    assert breaker.is_open
    return breaker


def test_failures_in_a_row_open_it_while_others_are_served(breaker: CircuitBreaker) -> None:
    breaker.record_success()
    for _ in range(FAILURES - 1):
        breaker.record_failure("503")
    assert not breaker.is_open
    breaker.record_failure("503")
    assert breaker.is_open


def test_fewer_are_enough_when_nobody_was_served_of_late(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    breaker.record_success()
    clock.now += SILENCE_S + 1
    for _ in range(FAILURES_WITHOUT_SUCCESS):
        assert not breaker.is_open
        breaker.record_failure("503")
    assert breaker.is_open


def test_a_success_between_keeps_it_closed(breaker: CircuitBreaker) -> None:
    for _ in range(20):
        breaker.record_failure("503")
        breaker.record_success()
    assert not breaker.is_open


def test_settings_that_cannot_work_open_it_at_once(breaker: CircuitBreaker) -> None:
    breaker.record_success()
    breaker.trip("401; check OPENAI_API_KEY")
    with pytest.raises(ModelUnavailableError, match="OPENAI_API_KEY"):
        breaker.admit()


def test_open_it_lets_nobody_pass_until_the_pause_is_over(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    opened(breaker)
    with pytest.raises(ModelUnavailableError, match="503"):
        breaker.admit()
    clock.now += 0.6
    assert breaker.admit() is True


def test_one_probe_at_a_time_passes_also_a_forced_one(breaker: CircuitBreaker) -> None:
    opened(breaker)
    assert breaker.admit(forced=True) is True
    with pytest.raises(ModelUnavailableError):
        breaker.admit(forced=True)


def test_the_first_success_closes_it(breaker: CircuitBreaker) -> None:
    opened(breaker)
    assert breaker.admit(forced=True)
    breaker.record_success()
    assert breaker.admit() is False
    assert breaker.admit() is False


def test_each_failed_probe_makes_the_next_pause_longer_up_to_a_limit(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    opened(breaker)
    pauses = []
    for _ in range(5):
        begin = clock.now
        while True:
            try:
                breaker.admit()
                break
            except ModelUnavailableError:
                clock.now += 0.25
        pauses.append(clock.now - begin)
        breaker.record_failure("503", probe=True)
    assert pauses == [0.5, 1.0, 2.0, 2.0, 2.0]


def test_calls_that_fail_late_neither_end_a_probe_nor_lengthen_the_pause(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    opened(breaker)
    assert breaker.admit(forced=True)
    for _ in range(10):
        breaker.record_failure("no answer in time")
    with pytest.raises(ModelUnavailableError):
        breaker.admit(forced=True)
    clock.now += 0.6
    with pytest.raises(ModelUnavailableError):
        breaker.admit()


def test_a_probe_that_is_given_up_makes_way_for_another(breaker: CircuitBreaker) -> None:
    opened(breaker)
    assert breaker.admit(forced=True)
    breaker.release_probe(probe=True)
    assert breaker.admit(forced=True) is True


def test_a_question_is_to_blame_if_others_were_served_since_it_failed_before() -> None:
    blame = FailureAttributor()
    assert not blame.record_failure("poison"), "once may be anybody's"
    assert not blame.record_failure("another")
    for one in range(2):
        blame.record_success(one, blame.start_call())
    assert blame.record_failure("poison")
    assert blame.record_failure("another")


def test_a_call_that_was_under_way_before_says_nothing_of_now() -> None:
    blame = FailureAttributor()
    began = blame.start_call()
    blame.record_failure("poison")
    blame.record_success("good", began)
    assert not blame.record_failure("poison")


def test_in_an_outage_nobody_is_to_blame_whatever_was_before() -> None:
    blame = FailureAttributor()
    blame.record_failure("poison")
    blame.record_success("good", blame.start_call())
    assert blame.record_failure("poison")
    # Now the endpoint goes down for everybody.
    for _ in range(10):
        assert not blame.record_failure("poison")
        assert not blame.record_failure("another")


def test_where_most_calls_fail_next_to_nobody_is_to_blame() -> None:
    chance, blame, blamed, calls = random.Random(3), FailureAttributor(), 0, 2_000
    for number in range(calls):
        request = number % 20
        if chance.random() < 0.1:
            blame.record_success(request, blame.start_call())
        else:
            blamed += blame.record_failure(request)
    assert blamed < 0.01 * calls


def test_several_poisons_do_not_cover_for_each_other() -> None:
    chance, blame = random.Random(3), FailureAttributor()
    fates: dict[int, bool] = {}
    for number in range(200):
        if chance.random() < 0.5:
            poison = chance.randrange(7)
            fates[poison] = blame.record_failure(poison)
        else:
            blame.record_success(f"good {number}", blame.start_call())
    assert sum(fates.values()) >= 6


def test_once_the_endpoint_has_answered_poisons_do_not_cover_for_each_other() -> None:
    blame, poisons = FailureAttributor(), range(7)

    def fail_all() -> list[bool]:
        return [blame.record_failure(one) for one in poisons]

    assert not any(fail_all() + fail_all())
    blame.record_available(blame.start_call())
    assert all(fail_all())
    # An outage that begins then is nobody's.
    assert not any(fail_all() + fail_all())


def test_only_so_many_questions_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model_client.limits.circuit_breaker.QUESTIONS_REMEMBERED", 2)
    blame = FailureAttributor()
    for request in ("first", "second", "third"):
        blame.record_failure(request)
    for one in range(5):
        blame.record_success(one, blame.start_call())
    assert not blame.record_failure("first")
    assert blame.record_failure("third")
