from __future__ import annotations

from datetime import UTC, datetime, timedelta

from contracts.errors import ThrottledError
from messaging.dead_letters.headers import describe_failure
from messaging.processing.throttle import ThrottledMessages

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
BUSY = describe_failure(ThrottledError("quota used up", retry_after=1.0), "enrichment")


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_tells_how_many_wait_until_when_and_why_and_nothing_afterwards() -> None:
    throttle = ThrottledMessages()
    assert throttle.describe(NOW) == ""
    throttle.note(BUSY, 3_600.0, 300.0, NOW)
    throttle.note(BUSY, 10.0, 10.0, after(1))
    told = throttle.describe(after(2))
    assert told.startswith("2 messages were asked to wait, until 2026-11-27T12:05:00+00:00 at most")
    assert "llm_rate_limited: quota used up" in told
    assert throttle.describe(after(300)) == ""


def test_says_that_it_asks_earlier_than_it_was_told() -> None:
    throttle = ThrottledMessages()
    throttle.note(BUSY, float("inf"), 300.0, NOW)
    assert "asked to wait inf s, asks again after 300 s" in throttle.describe(NOW)


def test_counts_anew_once_the_last_wait_is_over() -> None:
    throttle = ThrottledMessages()
    for _ in range(5):
        throttle.note(BUSY, 10.0, 10.0, NOW)
    throttle.note(BUSY, 10.0, 10.0, after(20))
    assert throttle.describe(after(21)).startswith("1 messages")
