"""When an endpoint counts as down, and when it is tried again."""

from __future__ import annotations

import random

import pytest

from model_client.errors import ModelUnavailableError
from model_client.limits.circuit_breaker import (
    FAILURES,
    FAILURES_IN_SILENCE,
    SILENCE_S,
    Blame,
    Breaker,
)


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
def breaker(hands: Hands) -> Breaker:
    return Breaker(clock=hands)


def opened(breaker: Breaker) -> Breaker:
    for _ in range(FAILURES):
        breaker.failed("it answered 503")
    assert breaker.is_open
    return breaker


def test_failures_in_a_row_open_it_while_others_are_served(breaker: Breaker) -> None:
    breaker.succeeded()
    for _ in range(FAILURES - 1):
        breaker.failed("503")
    assert not breaker.is_open
    breaker.failed("503")
    assert breaker.is_open


def test_fewer_are_enough_when_nobody_was_served_of_late(breaker: Breaker, hands: Hands) -> None:
    breaker.succeeded()
    hands.now += SILENCE_S + 1
    for _ in range(FAILURES_IN_SILENCE):
        assert not breaker.is_open
        breaker.failed("503")
    assert breaker.is_open


def test_a_success_between_keeps_it_closed(breaker: Breaker) -> None:
    for _ in range(20):
        breaker.failed("503")
        breaker.succeeded()
    assert not breaker.is_open


def test_settings_that_cannot_work_open_it_at_once(breaker: Breaker) -> None:
    breaker.succeeded()
    breaker.broken("401; check OPENAI_API_KEY")
    with pytest.raises(ModelUnavailableError, match="OPENAI_API_KEY"):
        breaker.admit()


def test_open_it_lets_nobody_pass_until_the_pause_is_over(breaker: Breaker, hands: Hands) -> None:
    opened(breaker)
    with pytest.raises(ModelUnavailableError, match="503"):
        breaker.admit()
    hands.now += 0.6
    assert breaker.admit() is True


def test_one_probe_at_a_time_passes_also_a_forced_one(breaker: Breaker) -> None:
    opened(breaker)
    assert breaker.admit(forced=True) is True
    with pytest.raises(ModelUnavailableError):
        breaker.admit(forced=True)


def test_the_first_success_closes_it(breaker: Breaker) -> None:
    opened(breaker)
    assert breaker.admit(forced=True)
    breaker.succeeded()
    assert breaker.admit() is False
    assert breaker.admit() is False


def test_each_failed_probe_makes_the_next_pause_longer_up_to_a_limit(
    breaker: Breaker, hands: Hands
) -> None:
    opened(breaker)
    pauses = []
    for _ in range(5):
        begin = hands.now
        while True:
            try:
                breaker.admit()
                break
            except ModelUnavailableError:
                hands.now += 0.25
        pauses.append(hands.now - begin)
        breaker.failed("503", probe=True)
    assert pauses == [0.5, 1.0, 2.0, 2.0, 2.0]


def test_calls_that_fail_late_neither_end_a_probe_nor_lengthen_the_pause(
    breaker: Breaker, hands: Hands
) -> None:
    opened(breaker)
    assert breaker.admit(forced=True)
    for _ in range(10):
        breaker.failed("no answer in time")
    with pytest.raises(ModelUnavailableError):
        breaker.admit(forced=True)
    hands.now += 0.6
    with pytest.raises(ModelUnavailableError):
        breaker.admit()


def test_a_probe_that_is_given_up_makes_way_for_another(breaker: Breaker) -> None:
    opened(breaker)
    assert breaker.admit(forced=True)
    breaker.given_up(probe=True)
    assert breaker.admit(forced=True) is True


def test_a_question_is_to_blame_if_others_were_served_since_it_failed_before() -> None:
    blame = Blame()
    assert not blame.failed("poison"), "once may be anybody's"
    assert not blame.failed("another")
    for one in range(2):
        blame.served(one, blame.begin())
    assert blame.failed("poison")
    assert blame.failed("another")


def test_a_call_that_was_under_way_before_says_nothing_of_now() -> None:
    blame = Blame()
    began = blame.begin()
    blame.failed("poison")
    blame.served("good", began)
    assert not blame.failed("poison")


def test_in_an_outage_nobody_is_to_blame_whatever_was_before() -> None:
    blame = Blame()
    blame.failed("poison")
    blame.served("good", blame.begin())
    assert blame.failed("poison")
    # Now the endpoint goes down for everybody.
    for _ in range(10):
        assert not blame.failed("poison")
        assert not blame.failed("another")


def test_where_most_calls_fail_next_to_nobody_is_to_blame() -> None:
    chance, blame, blamed, calls = random.Random(3), Blame(), 0, 2_000
    for number in range(calls):
        question = number % 20
        if chance.random() < 0.1:
            blame.served(question, blame.begin())
        else:
            blamed += blame.failed(question)
    assert blamed < 0.01 * calls


def test_several_poisons_do_not_cover_for_each_other() -> None:
    chance, blame = random.Random(3), Blame()
    fates: dict[int, bool] = {}
    for number in range(200):
        if chance.random() < 0.5:
            poison = chance.randrange(7)
            fates[poison] = blame.failed(poison)
        else:
            blame.served(f"good {number}", blame.begin())
    assert sum(fates.values()) >= 6


def test_only_so_many_questions_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model_client.limits.circuit_breaker.QUESTIONS_REMEMBERED", 2)
    blame = Blame()
    for question in ("first", "second", "third"):
        blame.failed(question)
    for one in range(5):
        blame.served(one, blame.begin())
    assert not blame.failed("first")
    assert blame.failed("third")
