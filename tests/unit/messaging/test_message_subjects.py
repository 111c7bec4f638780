"""Whom a message is about, and what it takes in memory."""

from __future__ import annotations

import pytest

from contracts import headers as h
from messaging.codec import encode_event
from messaging.delivery import Headers
from messaging.processing.inflight import InFlightMessage
from support.chunks import CHUNK, INTERVIEW
from unit.messaging.fetched import P0, Received, nothing


def made(
    key: bytes | None = None, value: bytes | None = None, headers: Headers = ()
) -> InFlightMessage:
    return InFlightMessage(Received(0, key, value, headers), P0, P0.topic, None, nothing)


def test_a_chunk_is_about_its_interview() -> None:
    key, value, headers = encode_event(CHUNK, source="/test")
    assert key != str(INTERVIEW).encode()
    assert made(key, value, tuple(headers)).subject == str(INTERVIEW).encode()


@pytest.mark.parametrize(
    ("key", "headers", "subject"),
    [
        (b"k", ((h.CE_SUBJECT, b"s"), (h.TRANSCRIPT_ID, b"t")), b"t"),
        (b"k", ((h.TRANSCRIPT_ID, b"t"), (h.CE_SUBJECT, b"s")), b"t"),
        (b"k", ((h.CE_SUBJECT, b"s"),), b"s"),
        (b"k", ((h.TRANSCRIPT_ID, b""), (h.CE_SUBJECT, b"")), b"k"),
        (b"k", (), b"k"),
        (b"", (), P0),
        (None, (), P0),
    ],
)
def test_others_are_about_the_next_best_that_they_name(
    key: bytes | None, headers: Headers, subject: object
) -> None:
    assert made(key, headers=headers).subject == subject


def test_a_header_without_a_value_names_nobody() -> None:
    headers: list[tuple[str, bytes | None]] = [(h.TRANSCRIPT_ID, None), ("a", None)]
    assert made(b"k", headers=tuple(headers)).subject == b"k"  # type: ignore[arg-type]


def test_everything_of_a_record_counts_for_its_size() -> None:
    nothing_in_it = made().size
    assert made(bytes(100)).size == nothing_in_it + 100
    assert made(value=bytes(1_000)).size == nothing_in_it + 1_000
    assert made(headers=(("a", bytes(5_000)),)).size >= nothing_in_it + 5_000
    assert made(headers=(("a", b""),) * 1_000).size >= nothing_in_it + 50_000
