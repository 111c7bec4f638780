from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.consumer.offset_metadata import (
    MAX_CHARACTERS,
    LogIdentity,
    decode_commit_metadata,
    encode_commit_metadata,
)
from messaging.consumer.offsets import (
    MAX_DISTANCE,
    MAX_ENCODED_SPAN,
    OffsetLedger,
    OffsetWentBackError,
)

LONGEST_IDENTITY = LogIdentity("c" * 8, "t" * 8, 2**31 - 1)


class Counted:
    """Yields ranges and counts how many are taken: what they cost is their number."""

    def __init__(self, ranges: Iterator[range]) -> None:
        self._ranges = ranges
        self.taken = 0

    def __iter__(self) -> Iterator[range]:
        for one in self._ranges:
            self.taken += 1
            yield one


gaps = st.lists(st.integers(1, 5), max_size=30)


def naive_position(started: list[int], finished: set[int]) -> int | None:
    """The promise itself: the first unfinished message, or one past the last that was started."""
    for offset in started:
        if offset not in finished:
            return offset if offset != started[0] else None
    return started[-1] + 1 if started else None


def beyond(ledger: OffsetLedger) -> set[int]:
    """What is told as finished beyond the first unfinished message."""
    return {offset for one in ledger.finished_beyond() for offset in one}


def told(ledger: OffsetLedger) -> tuple[int | None, set[int]]:
    """What a commit would tell now."""
    return ledger.offset_to_commit(), beyond(ledger)


def ranges(*offsets: int) -> list[range]:
    """Each offset as a range of its own."""
    return [range(offset, offset + 1) for offset in offsets]


@given(gaps=gaps, data=st.data())
def test_moves_over_the_finished_run_whatever_the_order(
    gaps: list[int], data: st.DataObject
) -> None:
    offsets = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    ledger = OffsetLedger()
    started: list[int] = []
    finished: set[int] = set()
    waiting = list(offsets)
    while waiting or len(finished) < len(started):
        open_ones = [offset for offset in started if offset not in finished]
        if waiting and (not open_ones or data.draw(st.booleans())):
            started.append(waiting.pop(0))
            ledger.start(started[-1])
        else:
            done = data.draw(st.sampled_from(open_ones))
            finished.add(done)
            ledger.finish(done)
        assert ledger.position == naive_position(started, finished)
        assert ledger.unfinished == len(started) - len(finished)


def test_has_nothing_to_commit_while_nothing_is_finished() -> None:
    ledger = OffsetLedger()
    ledger.start(7)
    assert ledger.offset_to_commit() is None
    assert ledger.position is None


def test_tells_of_what_is_finished_beyond_the_first_by_committing_the_first_again() -> None:
    ledger = OffsetLedger()
    for offset in (7, 8, 9):
        ledger.start(offset)
    ledger.finish(8)
    assert ledger.position is None
    assert told(ledger) == (7, {8})
    ledger.mark_committed(7, ledger.version)
    assert ledger.offset_to_commit() is None
    ledger.finish(9)
    assert told(ledger) == (7, {8, 9})
    ledger.finish(7)
    assert told(ledger) == (10, set())


def test_what_an_earlier_owner_has_finished_is_not_worked_on_again() -> None:
    ledger = OffsetLedger(done=[range(8, 10)])
    assert [ledger.start(offset) for offset in (7, 8, 9, 10)] == [True, False, False, True]
    assert ledger.unfinished == 2
    ledger.finish(7)
    assert ledger.position == 10


def test_moves_at_once_over_what_an_earlier_owner_has_finished_at_the_front() -> None:
    ledger = OffsetLedger(done=[range(7, 9)])
    assert not ledger.start(7)
    assert ledger.position == 8
    assert beyond(ledger) == {8}


def test_what_an_earlier_owner_has_finished_is_told_on_before_it_is_fetched_again() -> None:
    ledger = OffsetLedger(done=ranges(9, 12))
    ledger.start(7)
    ledger.finish(7)
    assert told(ledger) == (8, {9, 12})


def test_says_nothing_twice_while_an_earlier_owners_work_lies_ahead() -> None:
    ledger = OffsetLedger(done=ranges(9))
    ledger.start(7)
    ledger.finish(7)
    ledger.mark_committed(8, ledger.version)
    assert ledger.offset_to_commit() is None


def test_news_counts_even_if_as_much_is_finished_as_an_earlier_owner_had() -> None:
    ledger = OffsetLedger(done=ranges(9))  # which is never fetched again
    for offset in (7, 8, 10):
        ledger.start(offset)
    ledger.finish(7)
    ledger.mark_committed(8, ledger.version)
    ledger.finish(10)
    assert ledger.offset_to_commit() == 8


def test_says_nothing_twice() -> None:
    ledger = OffsetLedger()
    ledger.start(7)
    ledger.finish(7)
    assert ledger.offset_to_commit() == 8
    ledger.mark_committed(8, ledger.version)
    assert ledger.offset_to_commit() is None


def test_commits_again_what_finished_while_a_commit_was_under_way() -> None:
    ledger = OffsetLedger()
    for offset in (7, 8):
        ledger.start(offset)
    ledger.finish(7)
    due, news = ledger.offset_to_commit(), ledger.version
    ledger.finish(8)
    assert due is not None
    ledger.mark_committed(due, news)
    assert ledger.offset_to_commit() == 9


@pytest.mark.parametrize("offset", [4, 5])
def test_refuses_an_offset_that_is_not_beyond_those_in_work(offset: int) -> None:
    ledger = OffsetLedger()
    ledger.start(5)
    with pytest.raises(OffsetWentBackError, match="after 5"):
        ledger.start(offset)


def test_refuses_an_offset_that_was_finished_before() -> None:
    ledger = OffsetLedger()
    ledger.start(5)
    ledger.finish(5)
    with pytest.raises(OffsetWentBackError, match="after 5"):
        ledger.start(5)


def test_offsets_without_messages_are_passed_over_when_nothing_is_unfinished() -> None:
    ledger = OffsetLedger()
    ledger.start(5)
    ledger.skip_to(8)
    assert ledger.offset_to_commit() is None, "5 is unfinished"
    ledger.finish(5)
    assert ledger.offset_to_commit() == 8
    ledger.mark_committed(8, ledger.version)
    ledger.skip_to(8)
    assert ledger.offset_to_commit() is None
    ledger.skip_to(9)
    assert ledger.offset_to_commit() == 9
    with pytest.raises(OffsetWentBackError, match="position 9"):
        ledger.start(8)


def test_passes_over_a_log_that_holds_no_message_at_all() -> None:
    ledger = OffsetLedger()
    ledger.skip_to(4)
    assert (ledger.offset_to_commit(), ledger.next) == (4, 4)


@pytest.mark.parametrize(
    ("unfinished", "last", "has_metadata_room"),
    [
        ([0], MAX_ENCODED_SPAN + 1, True),
        ([0], MAX_DISTANCE + 1, False),
        (range(0, MAX_ENCODED_SPAN - 2, 2), MAX_ENCODED_SPAN - 1, True),
        (range(0, MAX_ENCODED_SPAN - 2, 2), MAX_ENCODED_SPAN, False),
        ([], MAX_DISTANCE + 1, True),
    ],
)
def test_takes_more_while_what_is_finished_can_be_told(
    unfinished: Sequence[int], last: int, *, has_metadata_room: bool
) -> None:
    ledger = OffsetLedger()
    for offset in unfinished:
        ledger.start(offset)
    ledger.start(last)
    ledger.finish(last)
    assert ledger.has_metadata_room is has_metadata_room
    if has_metadata_room and unfinished:
        text = encode_commit_metadata(0, ledger.finished_beyond(), LONGEST_IDENTITY)
        assert last in decode_commit_metadata(0, text)


def test_a_commit_costs_little_however_much_is_finished_beyond_one_message() -> None:
    ledger = OffsetLedger()
    for offset in range(1_000_000):
        ledger.start(offset)
        if offset:
            ledger.finish(offset)
    ranges = Counted(ledger.finished_beyond())
    text = encode_commit_metadata(0, ranges)
    assert decode_commit_metadata(0, text).finished == (range(1, 1_000_000),)
    assert ranges.taken == 1


def test_of_more_than_fits_the_first_part_is_told_and_the_rest_is_not_looked_at() -> None:
    ledger = OffsetLedger()
    for offset in range(100_000):
        ledger.start(offset)
        if offset % 2:
            ledger.finish(offset)
    ranges = Counted(ledger.finished_beyond())
    text = encode_commit_metadata(0, ranges)
    told_of = [offset for one in decode_commit_metadata(0, text).finished for offset in one]
    assert len(text) <= MAX_CHARACTERS
    assert told_of == list(range(1, told_of[-1] + 1, 2))
    assert told_of[-1] > MAX_ENCODED_SPAN
    # Two bits of a bitmap for each.
    assert ranges.taken <= MAX_CHARACTERS * 8 / 2


def test_where_reading_begins_is_no_news() -> None:
    ledger = OffsetLedger(begin=7)
    assert (ledger.next, ledger.offset_to_commit()) == (7, None)
    ledger.start(7)
    assert ledger.offset_to_commit() is None
    ledger.finish(7)
    assert ledger.offset_to_commit() == 8
