"""The ledger and its encoding, from owner to owner, against an account that is a plain set."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.consumer import offset_metadata
from messaging.consumer.offsets import OffsetLedger

ACTIONS = ("start", "start", "finish", "finish", "commit", "lost commit", "take over")


@dataclass
class Partition:
    """A partition's records, its group's commit, and owners that come and go."""

    offsets: list[int]
    committed: tuple[int, str] = (0, "")
    finished: Counter[int] = field(default_factory=Counter)
    told: set[int] = field(default_factory=set)
    ledger: OffsetLedger = field(default_factory=OffsetLedger)
    waiting: list[int] = field(default_factory=list)
    working: list[int] = field(default_factory=list)
    known: set[int] = field(default_factory=set)
    """What this owner has finished, or was told that an earlier one has."""

    def __post_init__(self) -> None:
        self.waiting = list(self.offsets)

    def start(self) -> None:
        if not self.waiting:
            return
        offset = self.waiting.pop(0)
        to_do = self.ledger.start(offset)
        assert to_do is (offset not in self.told), "what was told to be done, and only that"
        if to_do:
            self.working.append(offset)

    def finish(self, random: Random) -> None:
        if self.working:
            offset = self.working.pop(random.randrange(len(self.working)))
            self.ledger.finish(offset)
            self.finished[offset] += 1
            self.known.add(offset)

    def commit(self, *, acknowledged: bool = True) -> None:
        offset = self.ledger.offset_to_commit()
        if offset is None:
            return
        self.committed = (
            offset,
            offset_metadata.encode_commit_metadata(offset, self.ledger.finished_beyond()),
        )
        if acknowledged:
            self.ledger.mark_committed(offset, self.ledger.version)

    def take_over(self) -> None:
        position, metadata = self.committed
        account = offset_metadata.decode_commit_metadata(position, metadata)
        self.ledger = OffsetLedger(done=account.finished)
        done = self.told_by(position, metadata)
        self.waiting = [offset for offset in self.offsets if offset >= position]
        self.working = []
        # The naive account: what is before the position, and what the metadata says.
        assert done <= set(self.finished), "only what is finished is told to be"
        self.told = set(done)
        self.known = set(done)

    def nothing_is_passed_over(self) -> None:
        position, metadata = self.committed
        before = {offset for offset in self.offsets if offset < position}
        assert before <= set(self.finished), "committed past an unfinished message"
        assert self.told_by(position, metadata) <= set(self.finished)

    def told_by(self, position: int, metadata: str) -> set[int]:
        account = offset_metadata.decode_commit_metadata(position, metadata)
        told = {offset for one in account.finished for offset in one}
        return told.intersection(self.offsets)

    def a_commit_tells_everything(self) -> None:
        """After a commit, what its owner knows is before the position or in the metadata."""
        position, metadata = self.committed
        beyond = self.told_by(position, metadata)
        lost = {offset for offset in self.known if offset >= position} - beyond
        assert not lost or len(self.offsets) > offset_metadata.MAX_CHARACTERS


def play(partition: Partition, action: str, random: Random) -> None:
    match action:
        case "start":
            partition.start()
        case "finish":
            partition.finish(random)
        case "commit":
            partition.commit()
            partition.a_commit_tells_everything()
        case "lost commit":
            partition.commit(acknowledged=False)
        case "take over":
            partition.take_over()
    partition.nothing_is_passed_over()


def finish_everything(partition: Partition, random: Random) -> None:
    partition.take_over()
    while partition.waiting:
        partition.start()
    while partition.working:
        partition.finish(random)
    partition.commit()
    partition.nothing_is_passed_over()
    assert set(partition.finished) == set(partition.offsets)
    assert partition.committed[0] == (partition.offsets[-1] + 1 if partition.offsets else 0)


@given(
    gaps=st.lists(st.integers(1, 9), max_size=40),
    actions=st.lists(st.sampled_from(ACTIONS), max_size=120),
    random=st.randoms(use_true_random=False),
)
def test_owners_lose_nothing_and_do_nothing_again_that_was_told(
    gaps: list[int], actions: list[str], random: Random
) -> None:
    partition = Partition(list(accumulate(gaps)))
    for action in actions:
        play(partition, action, random)
    finish_everything(partition, random)


@pytest.mark.parametrize("seed", range(5))
def test_a_commit_before_each_takeover_makes_every_message_be_done_once(seed: int) -> None:
    random = Random(seed)
    partition = Partition(list(accumulate(random.choices((1, 2, 7), k=3_000))))
    for _ in range(12):
        for _ in range(random.randrange(600)):
            play(partition, random.choice(("start", "start", "finish")), random)
        partition.commit()
        partition.take_over()
        partition.nothing_is_passed_over()
    finish_everything(partition, random)
    assert set(partition.finished.values()) == {1}
