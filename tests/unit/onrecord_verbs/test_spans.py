from datetime import UTC, datetime, timedelta

import pytest

from onrecord.errors import UsageError
from onrecord.time_spans import parse_past_time, parse_time_span


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("24h", timedelta(days=1)),
        ("7d", timedelta(days=7)),
        (" 2 W ", timedelta(days=14)),
    ],
)
def test_a_span_is_a_number_and_a_unit(text: str, meant: timedelta) -> None:
    assert parse_time_span(text) == meant


@pytest.mark.parametrize("text", ["", "7", "d", "-7d", "1.5h", "7 days", "9999999w"])
def test_anything_else_is_told_to_be_no_span(text: str) -> None:
    with pytest.raises(UsageError, match="is no span of time"):
        parse_time_span(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("24h", datetime(2026, 5, 3, 12, tzinfo=UTC)),
        ("2026-05-04T12:30Z", datetime(2026, 5, 4, 12, 30, tzinfo=UTC)),
        ("2026-05-04T12:30+02:00", datetime(2026, 5, 4, 10, 30, tzinfo=UTC)),
        ("2026-05-04", datetime(2026, 5, 4).astimezone(UTC)),
    ],
)
def test_a_past_time_is_a_span_before_now_or_a_date_or_a_time(text: str, meant: datetime) -> None:
    assert parse_past_time("--since", text, datetime(2026, 5, 4, 12, tzinfo=UTC)) == meant


@pytest.mark.parametrize("text", ["", "yesterday", "999999w", "0001-01-01T00:00+14:00", "12:30"])
def test_what_is_no_time_is_named_with_its_option(text: str) -> None:
    with pytest.raises(UsageError, match=r"--since: .* is no time"):
        parse_past_time("--since", text, datetime(2026, 5, 4, 12, tzinfo=UTC))
