"""What is read of rate-limit headers, and what of nonsense: nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_client.transport.rate_limit_headers import (
    MAX_RETRY_AFTER_S,
    RateLimitStatus,
    parse_rate_limit,
    parse_retry_after,
)

NEW_YEAR_S = 1_798_761_600.0  # 2027-01-01T00:00:00Z


def openai_style(limit: str, remaining: str, reset: str | None = None) -> dict[str, str]:
    headers = {"x-ratelimit-limit-tokens": limit, "x-ratelimit-remaining-tokens": remaining}
    return headers if reset is None else headers | {"x-ratelimit-reset-tokens": reset}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360.0),
        ("1.5s", 1.5),
        ("20ms", 0.02),
        ("1h2m3.5s", 3_723.5),
        ("1d", 86_400.0),
        ("7", 7.0),
        ("2027-01-01T00:00:30Z", 30.0),
        ("2026-12-31T23:59:00Z", 0.0),
        ("2027-01-01T00:00:30", None),
        ("soon", None),
        ("5s and then some", None),
        ("9" * 400 + "s", None),
        ("-3", None),
        ("", None),
        (None, None),
    ],
)
def test_reads_when_a_limit_is_whole_again(text: str | None, seconds: float | None) -> None:
    status = parse_rate_limit(openai_style("600", "30", text), "tokens", NEW_YEAR_S)
    assert status == RateLimitStatus(600.0, 30.0, seconds)


@pytest.mark.parametrize(
    ("limit", "remaining"),
    [("", "5"), ("600", ""), ("many", "5"), ("600", "nan"), ("-1", "0"), ("0", "0"), ("inf", "5")],
)
def test_a_limit_that_makes_no_sense_is_none(limit: str, remaining: str) -> None:
    assert parse_rate_limit(openai_style(limit, remaining, "1s"), "tokens", NEW_YEAR_S) is None


def test_reads_the_limit_that_is_asked_for() -> None:
    assert parse_rate_limit(openai_style("600", "30"), "requests", NEW_YEAR_S) is None


def test_reads_anthropics_headers() -> None:
    headers = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "20",
        "anthropic-ratelimit-requests-reset": "2027-01-01T00:00:36Z",
    }
    assert parse_rate_limit(headers, "requests", NEW_YEAR_S) == RateLimitStatus(50.0, 20.0, 36.0)


@pytest.mark.parametrize(
    ("status", "a_minute"),
    [
        (RateLimitStatus(600, 300, None), 600),
        (RateLimitStatus(600, 300, 30.0), 600),
        (RateLimitStatus(600, 599, 0.101), 600),
        (RateLimitStatus(600, 600, 0.0), 600),
        (RateLimitStatus(600, 5, 0.5), 600),
        (RateLimitStatus(14_400, 14_370, 180.0), 10),
    ],
    ids=["untold", "a minute's", "rounded", "unused", "a small bucket", "a day's"],
)
def test_how_fast_a_limit_comes_back_shows_in_how_long_it_takes(
    status: RateLimitStatus, a_minute: float
) -> None:
    assert status.rate * 60 == pytest.approx(a_minute)


def test_the_most_that_can_be_left_shows_in_when_it_is_reached() -> None:
    assert RateLimitStatus(600, 300, None).capacity == 600
    assert RateLimitStatus(600, 300, 30.0).capacity == pytest.approx(600)
    assert RateLimitStatus(600, 5, 0.5).capacity == pytest.approx(10)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after": "Fri, 01 Jan 2027 00:00:09 GMT"}, 9.0),
        ({"retry-after": "Fri, 01 Jan 2027 00:00:09 -0000"}, 9.0),
        ({"retry-after": "Thu, 31 Dec 2026 23:00:00 GMT"}, 0.0),
        ({"retry-after": "1e9"}, MAX_RETRY_AFTER_S),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "later"}, None),
        ({"retry-after": f"Fri, 01 Jan {'9' * 30} 00:00:09 GMT"}, None),
        ({"retry-after": f"Fri, 01 Jan 2027 00:00:09 +{'9' * 30}"}, None),
        ({}, None),
    ],
)
def test_reads_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert parse_retry_after(headers, NEW_YEAR_S) == seconds


@given(text=st.text(max_size=40), now=st.floats(0, 4e9))
def test_no_text_in_a_header_is_an_error(text: str, now: float) -> None:
    parse_retry_after({"retry-after": text, "retry-after-ms": text}, now)
    parse_rate_limit(openai_style("600", "30", text), "tokens", now)
    parse_rate_limit(openai_style(text, text, text), "tokens", now)
