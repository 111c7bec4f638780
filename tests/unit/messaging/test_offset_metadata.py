from __future__ import annotations

import tracemalloc
from base64 import b64encode
from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.consumer.offset_metadata import (
    BITMAP,
    MAX_CHARACTERS,
    NO_METADATA,
    RUNS,
    UNKNOWN_LOG,
    VERSION,
    CommitMetadata,
    LogIdentity,
    decode_commit_metadata,
    encode_commit_metadata,
)

MOST_MEMORY = 128 * 1024 * 1024
"""What reading one commit's metadata may take at most, in bytes."""

LOG = LogIdentity("cluster1", "topic-id", 7)

offsets = st.integers(0, 2**62)
lengths = st.lists(st.tuples(st.integers(1, 3_000), st.integers(1, 3_000)), max_size=200)
logs = st.sampled_from([UNKNOWN_LOG, LOG, LogIdentity("", "topic-id"), LogIdentity(epoch=0)])


def of_runs(offset: int, runs: Iterable[tuple[int, int]]) -> list[range]:
    """Finished ranges, each behind some that are unfinished."""
    found = []
    for unfinished, finished in runs:
        begin = offset + unfinished
        offset = begin + finished
        found.append(range(begin, offset))
    return found


def members(finished: Iterable[range]) -> list[int]:
    return [offset for one in finished for offset in one]


@given(offset=offsets, runs=lengths, log=logs)
def test_what_was_finished_comes_back_as_it_was(
    offset: int, runs: list[tuple[int, int]], log: LogIdentity
) -> None:
    finished = of_runs(offset, runs)
    text = encode_commit_metadata(offset, finished, log)
    assert len(text) <= MAX_CHARACTERS
    assert text.isascii()
    assert decode_commit_metadata(offset, text) == CommitMetadata(log, tuple(finished))


def test_nothing_beyond_is_told_as_nothing() -> None:
    assert encode_commit_metadata(7, ()) == encode_commit_metadata(7, [range(1, 7)]) == ""
    assert decode_commit_metadata(7, "") == decode_commit_metadata(7, None) == NO_METADATA


def test_which_log_it_is_of_is_told_even_if_nothing_is_finished_beyond() -> None:
    assert decode_commit_metadata(7, encode_commit_metadata(7, (), LOG)) == CommitMetadata(LOG)


@pytest.mark.parametrize("other", [0, 6, 8, 500])
def test_counts_as_nothing_with_another_offset_than_it_was_written_for(other: int) -> None:
    """MirrorMaker 2 translates a group's offsets and copies the metadata as it is."""
    assert (
        decode_commit_metadata(other, encode_commit_metadata(7, [range(9, 12)], LOG)) == NO_METADATA
    )


@pytest.mark.parametrize("density", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("number", [1_000, 20_000, 60_000])
@pytest.mark.parametrize("limit", [0, 20, 64, 512, MAX_CHARACTERS])
def test_is_never_longer_than_a_broker_takes_and_tells_the_first_part(
    density: float, number: int, limit: int
) -> None:
    random = Random(number)
    finished = [range(one, one + 1) for one in range(1, number, 2) if random.random() < density]
    text = encode_commit_metadata(0, finished, LOG, limit)
    assert len(text) <= limit
    told = members(decode_commit_metadata(0, text).finished)
    assert told == members(finished)[: len(told)]
    assert told or limit < 64
    if number <= 20_000 and limit == MAX_CHARACTERS:
        assert len(told) == len(finished)


def test_one_slow_message_among_very_many_costs_a_few_characters() -> None:
    finished = (range(1, 200_000),)
    text = encode_commit_metadata(0, finished)
    assert len(text) < 20
    assert decode_commit_metadata(0, text).finished == finished


def as_told(form: str) -> str:
    return f"{VERSION};5;a.b;1;{form}"


forms = st.one_of(
    st.text(max_size=60),
    st.binary(max_size=200).map(lambda data: RUNS + b64encode(data).decode()),
    st.binary(max_size=200).map(lambda data: BITMAP + b64encode(data).decode()),
    st.text(max_size=30).map(lambda text: RUNS + text),
    st.text(max_size=30).map(lambda text: BITMAP + text),
)


@given(text=st.one_of(st.text(max_size=60), forms.map(as_told)))
def test_anything_else_is_read_without_complaint(text: str) -> None:
    assert all(one.start >= 5 and one for one in decode_commit_metadata(5, text).finished)


@pytest.mark.parametrize(
    "foreign",
    [
        None,
        "",
        "b",
        "r",
        "rAQID",
        "committed by another client",
        '{"version": 1}',
        "1;5;a.b;1;rAQID",
        "2;5;a.b;1",
        as_told("r===="),
        as_told("b\N{SNOWMAN}"),
        as_told("rAA"),
        as_told("x" + b64encode(b"\xff").decode()),
        as_told(RUNS + b64encode(b"\x01\x85").decode()),
        as_told(RUNS + "A" * 2 * MAX_CHARACTERS),
        as_told(BITMAP + "/" * 2 * MAX_CHARACTERS),
    ],
)
def test_foreign_or_damaged_metadata_tells_nothing_as_finished(foreign: str | None) -> None:
    assert decode_commit_metadata(5, foreign).finished == ()


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


@pytest.mark.parametrize(
    "lengths", [(0, 2**24), (1, 2**24 - 1), (0, 2**23, 1, 2**22), (2**70, 2**70), (0, 2**2_000)]
)
def test_hostile_runs_take_no_memory_to_speak_of(lengths: tuple[int, ...]) -> None:
    hostile = as_told(RUNS + b64encode(b"".join(map(varint, lengths))).decode())
    tracemalloc.start()
    try:
        decode_commit_metadata(5, hostile)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < MOST_MEMORY
