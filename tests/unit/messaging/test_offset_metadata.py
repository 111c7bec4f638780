from __future__ import annotations

import tracemalloc
from base64 import b64encode
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.offset_metadata import BITMAP, FARTHEST, LIMIT, RUNS, decode, encode

MOST_MEMORY = 128 * 1024 * 1024
"""What reading one commit's metadata may take at most, in bytes."""

offsets = st.integers(0, 2**62)
dense = st.sets(st.integers(1, 400))
wide = st.sets(st.integers(1, 2 * FARTHEST), max_size=200)
runs = st.lists(st.tuples(st.integers(1, 3_000), st.integers(1, 3_000)), max_size=20)


def of_runs(lengths: list[tuple[int, int]]) -> set[int]:
    found: set[int] = set()
    at = 0
    for unfinished, finished in lengths:
        found.update(range(at + unfinished, at + unfinished + finished))
        at += unfinished + finished
    return found


@given(offset=offsets, beyond=st.one_of(dense, wide, runs.map(of_runs)))
def test_what_was_finished_comes_back_as_it_was(offset: int, beyond: set[int]) -> None:
    finished = {offset + one for one in beyond}
    text = encode(offset, finished)
    assert len(text) <= LIMIT
    assert text.isascii()
    assert decode(offset, text) == {one for one in finished if one <= offset + FARTHEST}


@given(offset=st.integers(0, 500), finished=st.sets(st.integers(0, 1_000)))
def test_leaves_out_what_the_commit_itself_says(offset: int, finished: set[int]) -> None:
    beyond = {one for one in finished if one >= offset}
    assert decode(offset, encode(offset, finished)) == beyond


def test_nothing_beyond_is_told_as_nothing() -> None:
    assert encode(7, ()) == encode(7, {1, 6}) == ""
    assert decode(7, "") == decode(7, None) == frozenset()


@pytest.mark.parametrize("density", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("number", [1_000, 20_000, 60_000])
def test_is_never_longer_than_a_broker_takes_and_complete_or_empty(
    density: float, number: int
) -> None:
    random = Random(number)
    finished = {one for one in range(1, number) if random.random() < density}
    text = encode(0, finished)
    assert len(text) <= LIMIT
    assert decode(0, text) == (finished if text else set())


def test_what_does_not_fit_is_told_as_nothing() -> None:
    assert encode(0, range(1, 100_000, 2)) == ""


def test_one_slow_message_among_very_many_costs_a_few_characters() -> None:
    finished = range(1, 200_000)
    text = encode(0, finished)
    assert len(text) < 12
    assert decode(0, text) == set(finished)


def test_a_window_of_a_thousand_messages_always_fits() -> None:
    every_other = set(range(1, 20_000, 2))
    text = encode(0, every_other)
    assert text
    assert decode(0, text) == every_other


texts = st.one_of(
    st.text(max_size=60),
    st.binary(max_size=200).map(lambda data: RUNS + b64encode(data).decode()),
    st.binary(max_size=200).map(lambda data: BITMAP + b64encode(data).decode()),
    st.text(max_size=30).map(lambda text: RUNS + text),
    st.text(max_size=30).map(lambda text: BITMAP + text),
)


@given(offset=offsets, text=texts)
def test_anything_else_is_read_without_complaint(offset: int, text: str) -> None:
    assert all(one >= offset for one in decode(offset, text))


@pytest.mark.parametrize(
    "foreign",
    [
        None,
        "",
        "b",
        "r",
        "committed by another client",
        '{"version": 1}',
        "r====",
        "b\N{SNOWMAN}",
        "rAA",
        "x" + b64encode(b"\xff").decode(),
        RUNS + b64encode(b"\x01\x85").decode(),
        RUNS + "A" * 2 * LIMIT,
        BITMAP + "/" * 2 * LIMIT,
    ],
)
def test_foreign_or_damaged_metadata_counts_as_nothing(foreign: str | None) -> None:
    assert decode(5, foreign) == frozenset()


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
    hostile = RUNS + b64encode(b"".join(map(varint, lengths))).decode()
    tracemalloc.start()
    try:
        decode(0, hostile)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < MOST_MEMORY
