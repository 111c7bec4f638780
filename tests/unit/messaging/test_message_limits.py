"""What one message may take is checked before anything of it is decoded."""

from __future__ import annotations

import json
import time
import tracemalloc
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from messaging.consumer.oversize import DigestScope, OversizeInfo, OversizeValue
from messaging.limits import (
    SIMPLE_BYTES,
    MessageLimits,
    compute_max_headers_size,
    has_more_json_values_than,
)
from messaging.processing.inflight import InFlightMessage

MIB = 1024 * 1024
LIMITS = MessageLimits("probe", max_bytes=1_000, max_values=10_000)

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def values_in(document: Any) -> int:
    """How many values a document is made of."""
    if isinstance(document, dict):
        return 1 + sum(map(values_in, document.values()))
    if isinstance(document, list):
        return 1 + sum(map(values_in, document))
    return 1


@given(documents, st.booleans())
def test_a_document_never_counts_for_less_than_it_is_made_of(document: Any, ascii_: bool) -> None:  # noqa: FBT001 - drawn
    encoded = json.dumps(document, ensure_ascii=ascii_).encode("utf-8", "surrogatepass")
    number = values_in(document)
    empties = encoded.count(b"[]") + encoded.count(b"{}")

    assert has_more_json_values_than(encoded, number - 1)
    assert not has_more_json_values_than(encoded, number + empties)


HOSTILE = {
    "numbers": b"1,",
    "arrays": b"[],",
    "objects": b'{"":0},',
    "texts": b'"",',
    "names": b'{"a":{"b":0}},',
}


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_document_of_millions_of_values_is_refused_at_once_and_in_little_memory(
    piece: bytes,
) -> None:
    document = b'{"a":[' + piece * (32 * MIB // len(piece)) + b"0]}"
    tracemalloc.start()
    began = time.process_time()
    try:
        assert "PROBE_MAX_JSON_VALUES" in LIMITS.complaint_about_json(document)
        assert tracemalloc.get_traced_memory()[1] < 3 * len(document)
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 2


def test_what_stands_in_texts_does_not_count() -> None:
    content = 'A: "x, y", [z] {\\}\n' * (20 * MIB // 20)
    assert not LIMITS.complaint_about_json(json.dumps({"content": content}).encode())


def test_small_documents_are_not_looked_at() -> None:
    assert not LIMITS.complaint_about_json(b"[" * SIMPLE_BYTES)
    assert not LIMITS.complaint_about_json(None)


def record(
    value: bytes | None = b"v", key: bytes | None = None, *headers: tuple[str, bytes]
) -> Any:
    return SimpleNamespace(value=value, key=key, headers=headers)


OVER = {
    "value": (record(bytes(1_001)), "PROBE_MAX_MESSAGE_BYTES"),
    "key": (record(bytes(500), bytes(501)), "PROBE_MAX_MESSAGE_BYTES"),
    "headers": (record(None, None, *[("h", b"")] * 1_001), "1,001 headers"),
    "header": (record(None, None, ("h", bytes(MIB))), "headers have"),
    "name": (record(None, None, ("h" * MIB, b"")), "headers have"),
    "wide name": (record(None, None, ("ü" * (MIB // 4), b"")), "headers have"),
    "batch": (record(OversizeValue.of(OversizeInfo(DigestScope.BATCH, 9, "", "why"))), "why"),
}


@pytest.mark.parametrize(("over", "words"), OVER.values(), ids=OVER.keys())
def test_a_record_over_a_limit_is_refused_by_the_name_of_what_sets_it(
    over: Any, words: str
) -> None:
    assert words in LIMITS.complaint_about(over)


def test_a_record_at_its_limits_is_taken() -> None:
    many = [("h", b"") for _ in range(999)]
    for one in (record(bytes(900), bytes(100)), record(None, None, *many, ("h", b""))):
        assert not LIMITS.complaint_about(one)


@pytest.mark.parametrize(("over", "words"), OVER.values(), ids=OVER.keys())
def test_a_message_that_knows_its_size_is_refused_all_the_same(over: Any, words: str) -> None:
    """Headers are looked at again only if the size says that they might be too large."""
    message = InFlightMessage(over, TopicPartition("t", 0), "t", None, lambda _: None)
    assert words in LIMITS.complaint_about(over, message.size)


@pytest.mark.parametrize("name", ["h", "ü", "語", "🙂"])
def test_the_size_of_a_message_is_a_bound_of_its_headers(name: str) -> None:
    headers: list[Any] = [(name * 20, None), (name, b"v" * 30), (name * 300, b"")] * 50
    message = InFlightMessage(
        record(None, None, *headers), TopicPartition("t", 0), "t", None, lambda _: None
    )
    assert 4 * message.size > compute_max_headers_size(headers)
