from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from model_client.durations import format_clock_time, format_seconds


@pytest.mark.parametrize(
    ("duration_s", "expected"),
    [(0.25, "0.25 s"), (2.0, "2 s"), (3.5, "3.5 s"), (59.7, "60 s"), (3600.0, "3,600 s")],
)
def test_a_duration_has_as_many_digits_as_matter(duration_s: float, expected: str) -> None:
    assert format_seconds(duration_s) == expected


def test_a_moment_has_its_date_only_if_that_is_another_days() -> None:
    now = datetime(2026, 11, 27, 23, 50, tzinfo=UTC)
    assert format_clock_time(now + timedelta(minutes=5), now) == "23:55"
    assert format_clock_time(now + timedelta(minutes=15), now) == "2026-11-28 00:05"
