from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts import headers as h
from messaging.delivery import (
    Delivery,
    Headers,
    MessageOrigin,
    Record,
    append_headers,
    build_retry_headers,
    read_delivery_history,
    split_headers,
)

HERE = MessageOrigin("here", 1, 2)
ORIGIN = MessageOrigin("chunks-ready", 3, 41)

names = st.one_of(st.sampled_from([h.ADDED, h.ATTEMPTS, h.DLQ_TOPIC, "same"]), st.text(max_size=5))
values = st.one_of(st.binary(max_size=6), st.integers(0, 9).map(lambda n: str(n).encode()))
header_lists = st.lists(st.tuples(names, values), max_size=8).map(tuple)


@given(original=header_lists, added=header_lists)
@example(original=(("a", b"\xff"), ("a", b"")), added=())
@example(original=((h.ADDED, b"0"),), added=((h.ADDED, b"7"),))
def test_splitting_undoes_appending_byte_for_byte(original: Headers, added: Headers) -> None:
    assert split_headers(append_headers(original, added)) == (original, added)


@given(header_lists)
def test_splitting_foreign_headers_loses_none_of_them(headers: Headers) -> None:
    original, added = split_headers(headers)
    rest = headers[len(original) + len(added) :]
    assert original + added + rest == headers
    assert rest in ((), headers[-1:])


@pytest.mark.parametrize(
    "trailer", [b"", b"-1", b"2", b"1e0", b" 1", b"\xff", b"9" * 5_000, "²".encode(), None]
)
def test_a_forged_trailer_adds_nothing(trailer: bytes) -> None:
    headers = (("a", b"1"), (h.ADDED, trailer))
    assert split_headers(headers) == (headers, ())


def test_a_trailer_that_is_not_last_is_an_original_header() -> None:
    headers = ((h.ADDED, b"0"), ("a", b"1"))
    assert split_headers(headers) == (headers, ())


def test_history_survives_a_retry_topic() -> None:
    delivery = Delivery(
        origin=ORIGIN,
        attempts=5,
        timeouts=2,
        first_failed_at=datetime(2026, 2, 3, 4, 5, 6, 7, tzinfo=UTC),
        replay_of=UUID(int=9),
        replays=3,
        own_outage=True,
    )
    original, added = split_headers(
        append_headers((("a", b"1"),), build_retry_headers(delivery, not_before_ms=17))
    )
    assert original == (("a", b"1"),)
    read = read_delivery_history(added, fallback=HERE, tier=2)
    assert read == Delivery(
        ORIGIN,
        2,
        5,
        2,
        delivery.first_failed_at,
        UUID(int=9),
        replays=3,
        not_before_ms=17,
        own_outage=True,
    )


def test_a_wait_is_never_longer_than_told_whatever_the_clocks_say() -> None:
    def left_s(*, not_before_s: float, delay_s: float, now_s: float) -> float:
        added = build_retry_headers(
            Delivery(ORIGIN), not_before_ms=int(not_before_s * 1_000), delay_ms=int(delay_s * 1_000)
        )
        return read_delivery_history(added, fallback=HERE, tier=1).wait_s(now_s)

    assert left_s(not_before_s=1_010, delay_s=10, now_s=1_000) == 10
    assert left_s(not_before_s=1_010, delay_s=10, now_s=1_007) == 3
    assert left_s(not_before_s=1_010, delay_s=10, now_s=1_011) < 0
    assert left_s(not_before_s=1_010 + 86_400, delay_s=10, now_s=1_000) == 10


@pytest.mark.parametrize("damaged", [b"", b"-1", b"ten", b"9" * 5_000])
def test_a_wait_without_a_length_lasts_until_the_moment_told(damaged: bytes) -> None:
    added = ((h.NOT_BEFORE, b"1050000"), (h.DELAY, damaged))
    assert read_delivery_history(added, fallback=HERE, tier=1).wait_s(1_000.0) == 50


@given(header_lists)
@example(((h.ATTEMPTS, b"9" * 5_000),))
@example(((h.FIRST_FAILED_AT, b"\xff"), (h.REPLAY_OF, b"no uuid")))
def test_damaged_history_counts_as_none(added: Headers) -> None:
    read = read_delivery_history(added, fallback=HERE, tier=1)
    assert read.tier == 1
    assert read.attempts >= 0
    assert read.first_failed_at is None or read.first_failed_at.tzinfo is not None


def test_without_history_the_message_comes_from_where_it_was_read() -> None:
    assert read_delivery_history((), fallback=HERE, tier=0) == Delivery(HERE)


def test_a_failed_try_goes_on_the_account_and_the_first_moment_stays() -> None:
    first, later = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    delivery = Delivery(ORIGIN).failed(timed_out=True, at=first).failed(timed_out=False, at=later)
    assert (delivery.attempts, delivery.timeouts, delivery.first_failed_at) == (2, 1, first)


def test_a_moment_without_a_zone_is_taken_as_utc() -> None:
    read = read_delivery_history(
        ((h.FIRST_FAILED_AT, b"2026-01-01T00:00:00"),), fallback=HERE, tier=0
    )
    assert read.first_failed_at is not None
    assert read.first_failed_at.utcoffset() == timedelta(0)


def test_of_repeated_headers_the_last_one_is_read() -> None:
    record = Record("t", 0, 0, None, None, (("a", b"1"), ("a", b"2"), ("b", b"\xff")))
    assert (record.header("a"), record.header("b"), record.header("c")) == ("2", None, None)
