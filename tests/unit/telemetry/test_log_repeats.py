"""A library that repeats itself is heard once an interval, and nobody else is held back."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from telemetry.repeats import RepeatedLogFilter

UNABLE = "Unable connect to node with id %s: %s"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


Heard = Callable[..., str | None]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def heard(clock: Clock) -> Heard:
    """Log a line; tells what of it is written, or nothing."""
    repeats = RepeatedLogFilter(interval_s=30, clock=clock)

    def log(
        message: object, *arguments: object, name: str = "aiokafka", level: int = logging.ERROR
    ) -> str | None:
        record = logging.LogRecord(name, level, __file__, 1, message, arguments, None)
        return record.getMessage() if repeats.filter(record) else None

    return log


def test_the_first_line_is_heard_and_its_repeats_are_counted(heard: Heard, clock: Clock) -> None:
    assert heard(UNABLE, 1, "refused") == "Unable connect to node with id 1: refused"
    for _ in range(299):
        clock.now += 0.1
        assert heard(UNABLE, 2, "100% refused") is None
    clock.now += 0.1
    output = heard(UNABLE, 3, "100% refused")
    assert output == "Unable connect to node with id 3: 100% refused (299 more like it in 30 s)"


def test_a_line_that_comes_seldom_says_nothing_of_others(heard: Heard, clock: Clock) -> None:
    assert heard(UNABLE, 1, "refused")
    clock.now += 31
    assert heard(UNABLE, 1, "refused") == "Unable connect to node with id 1: refused"


def test_other_loggers_levels_and_templates_are_other_lines(heard: Heard) -> None:
    assert heard(UNABLE, 1, "refused")
    assert heard(UNABLE, 1, "refused", name="aiokafka.cluster")
    assert heard(UNABLE, 1, "refused", level=logging.WARNING)
    assert heard("Topic %s is not available", "a")


def test_a_template_without_words_is_told_apart_by_what_is_filled_in(heard: Heard) -> None:
    assert heard("%s", "the disk is full")
    assert heard("%s", "the lease was lost")
    assert heard("%s", "the disk is full") is None


def test_our_own_lines_always_go_through(heard: Heard) -> None:
    assert heard({"event": "retried"})
    assert heard({"event": "retried"})


def test_remembers_only_so_many_lines(heard: Heard) -> None:
    assert heard("line zero")
    for number in range(1_000):
        assert heard(f"line {number}")
    assert heard("line zero")
