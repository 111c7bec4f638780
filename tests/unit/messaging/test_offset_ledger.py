from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.offsets import OffsetLedger

gaps = st.lists(st.integers(1, 5), max_size=30)


def naive_position(started: list[int], finished: set[int]) -> int | None:
    """The promise itself: one past the last message of the finished run at the front."""
    position = None
    for offset in started:
        if offset not in finished:
            return position
        position = offset + 1
    return position


def told(ledger: OffsetLedger) -> tuple[int | None, set[int]]:
    """What a commit would tell now."""
    return ledger.uncommitted(), set(ledger.finished_beyond)


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
    assert ledger.uncommitted() is None
    assert ledger.position is None


def test_tells_of_what_is_finished_beyond_the_first_by_committing_the_first_again() -> None:
    ledger = OffsetLedger()
    for offset in (7, 8, 9):
        ledger.start(offset)
    ledger.finish(8)
    assert ledger.position is None
    assert told(ledger) == (7, {8})
    ledger.committed(7, 1)
    assert ledger.uncommitted() is None
    ledger.finish(9)
    assert told(ledger) == (7, {8, 9})
    ledger.finish(7)
    assert told(ledger) == (10, set())


def test_what_an_earlier_owner_has_finished_is_not_worked_on_again() -> None:
    ledger = OffsetLedger(done={8, 9})
    assert [ledger.start(offset) for offset in (7, 8, 9, 10)] == [True, False, False, True]
    assert ledger.unfinished == 2
    ledger.finish(7)
    assert ledger.position == 10


def test_moves_at_once_over_what_an_earlier_owner_has_finished_at_the_front() -> None:
    ledger = OffsetLedger(done={7, 8})
    assert not ledger.start(7)
    assert ledger.position == 8
    assert ledger.finished_beyond == {8}


def test_what_an_earlier_owner_has_finished_is_told_on_before_it_is_fetched_again() -> None:
    ledger = OffsetLedger(done={9, 12})
    ledger.start(7)
    ledger.finish(7)
    assert told(ledger) == (8, {9, 12})


def test_says_nothing_twice_while_an_earlier_owners_work_lies_ahead() -> None:
    ledger = OffsetLedger(done={9})
    ledger.start(7)
    ledger.finish(7)
    ledger.committed(8, len(ledger.finished_beyond))
    assert ledger.uncommitted() is None


def test_news_counts_even_if_as_much_is_finished_as_an_earlier_owner_had() -> None:
    ledger = OffsetLedger(done={9})  # which is never fetched again
    for offset in (7, 8, 10):
        ledger.start(offset)
    ledger.finish(7)
    ledger.committed(8, len(ledger.finished_beyond))
    ledger.finish(10)
    assert ledger.uncommitted() == 8


def test_says_nothing_twice() -> None:
    ledger = OffsetLedger()
    ledger.start(7)
    ledger.finish(7)
    assert ledger.uncommitted() == 8
    ledger.committed(8)
    assert ledger.uncommitted() is None


def test_commits_again_what_finished_while_a_commit_was_under_way() -> None:
    ledger = OffsetLedger()
    for offset in (7, 8):
        ledger.start(offset)
    ledger.finish(7)
    due = ledger.uncommitted()
    ledger.finish(8)
    assert due is not None
    ledger.committed(due)
    assert ledger.uncommitted() == 9


@pytest.mark.parametrize("offset", [4, 5])
def test_refuses_an_offset_that_is_not_beyond_those_in_work(offset: int) -> None:
    ledger = OffsetLedger()
    ledger.start(5)
    with pytest.raises(ValueError, match="after 5"):
        ledger.start(offset)


def test_refuses_an_offset_that_was_finished_before() -> None:
    ledger = OffsetLedger()
    ledger.start(5)
    ledger.finish(5)
    with pytest.raises(ValueError, match="position 6"):
        ledger.start(5)
