from datetime import timedelta

import pytest

from onrecord.errors import UsageError
from onrecord.time_spans import parse_time_span


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
