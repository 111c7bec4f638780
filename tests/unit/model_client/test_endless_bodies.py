"""Bodies that do not end are given up, and not held in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from model_client.errors import BadOutputError
from model_client.transport import response_stream

PART = b"a" * 1_000
PARTS = 20


@pytest.fixture(autouse=True)
def _little_is_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_stream, "LONGEST_BODY", len(PART) * PARTS)


async def parts(number: int, begin: bytes = b"") -> AsyncIterator[bytes]:
    yield begin
    for _ in range(number):
        yield PART


async def test_a_line_without_end_is_given_up() -> None:
    with pytest.raises(BadOutputError, match="has no end"):
        [event async for event in response_stream.iter_sse_data(parts(PARTS + 1, b"data: "))]


async def test_a_line_up_to_the_limit_is_read() -> None:
    (event,) = [one async for one in response_stream.iter_sse_data(parts(PARTS - 1, b"data: "))]
    assert event == (PART * (PARTS - 1)).decode()


async def test_a_whole_body_without_end_is_given_up() -> None:
    with pytest.raises(BadOutputError, match="has no end"):
        await response_stream.read_whole_body(parts(PARTS + 1))
    assert len(await response_stream.read_whole_body(parts(PARTS))) == len(PART) * PARTS
