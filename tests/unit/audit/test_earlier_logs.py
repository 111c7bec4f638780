"""Letters of a log that was there before a topic was created anew are told by their timestamps."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from audit.earlier_logs import Partition, find_partitions_of_recreated_topics
from audit.facts import AuditFacts, DatedDeadLetter
from audit.reconciliation import reconcile_submissions
from audit.results import MessageCounts

TOPIC = "chunks-ready"
HERE: Partition = (TOPIC, 0)


class Log:
    """A partition's present log.

    Args:
        timestamps: of its records, from ``begin`` on.
        begin: its first offset.
    """

    def __init__(self, timestamps: Sequence[int], begin: int = 0) -> None:
        self.begin = begin
        self.end = begin + len(timestamps)
        self._timestamps = timestamps
        self.reads = 0

    async def read(self, places: Mapping[Partition, int]) -> dict[Partition, int]:
        self.reads += len(places)
        assert all(self.begin <= offset < self.end for offset in places.values())
        return {one: self._timestamps[offset - self.begin] for one, offset in places.items()}


def letter(offset: int, sent_at: int | None) -> DatedDeadLetter:
    return DatedDeadLetter("enrichment", (*HERE, offset), "", discarded=False, sent_at=sent_at)


def found(log: Log, *letters: DatedDeadLetter) -> dict[Partition, int]:
    return asyncio.run(
        find_partitions_of_recreated_topics(letters, {HERE: log.begin}, {HERE: log.end}, log.read)
    )


def counted(log: Log, *letters: DatedDeadLetter) -> MessageCounts:
    books = AuditFacts(
        letters=letters,
        received={"enrichment": {HERE: log.end}},
        earlier_logs=found(log, *letters),
    )
    (counts,) = reconcile_submissions(books).services
    return counts


def test_letters_of_an_earlier_log_count_no_more_and_those_of_this_one_do() -> None:
    log = Log([1_100, 1_105, 1_107])
    old = (letter(0, 1_000), letter(1, 1_001), letter(2, 1_002))
    counts = counted(log, *old, letter(1, 1_105))
    assert (counts.dead, counts.handled) == (1, 2)
    counts = counted(log, *old)
    assert (counts.dead, counts.handled) == (0, 3)


def test_letters_of_a_log_that_was_never_made_anew_all_count() -> None:
    log = Log([1_000, 1_001, 1_002], begin=7)
    assert counted(log, letter(7, 1_000), letter(9, 1_002), letter(8, 1_001)).dead == 3


def test_a_producer_with_a_clock_ahead_makes_no_earlier_log() -> None:
    # Its record comes first in the log; the others seem to be from before the log.
    log = Log([9_999, 1_001, 1_002])
    assert found(log, letter(1, 1_001), letter(2, 1_002)) == {}


def test_what_is_not_known_of_a_letter_is_not_held_against_it() -> None:
    log = Log([1_100, 1_105, 1_107], begin=5)
    unknown = (letter(6, None), letter(2, 1_000), letter(8, 1_000))
    assert found(log, *unknown) == {}
    assert log.reads == 0, "none of them is at hand"


def test_a_partition_costs_two_reads_however_many_letters_it_has() -> None:
    log = Log(range(1_000, 1_500))
    assert found(log, *(letter(offset, offset) for offset in range(500))) == {HERE: 499}
    assert log.reads == 2


sizes = st.integers(0, 12)


@given(earlier=sizes, present=sizes, lettered=st.data(), step=st.integers(1, 5))
def test_letters_of_the_present_log_count_in_whatever_order_its_records_have_times(
    earlier: int, present: int, lettered: st.DataObject, step: int
) -> None:
    olds = [1_000 + step * number for number in range(earlier)]
    news = [2_000 + step * number for number in range(present)]
    log = Log(lettered.draw(st.permutations(news)))  # clocks of producers differ
    chosen = lettered.draw(st.sets(st.integers(0, max(0, present - 1)))) if present else set()
    letters = [letter(offset, log._timestamps[offset]) for offset in chosen]
    old = [letter(offset, sent_at) for offset, sent_at in enumerate(olds)]
    until = found(log, *old, *letters).get(HERE, -1)
    assert not [one for one in letters if (one.sent_at or 0) <= until]
