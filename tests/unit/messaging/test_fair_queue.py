"""Messages take turns by subject: the one with the fewest at work comes first."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from random import Random

import pytest
from aiokafka import TopicPartition

from messaging.consumer.fair_queue import FairQueue
from messaging.processing.inflight import InFlightMessage, Subject
from unit.messaging.fetched import P0, P1, job


def of(subject: bytes, offset: int = 0, tier: int | None = None) -> InFlightMessage:
    return job(P0, offset, subject=subject, tier=tier)


def test_a_small_interview_behind_a_huge_one_is_handed_out_next() -> None:
    turns = FairQueue()
    huge = [of(b"huge", offset) for offset in range(1_560)]
    for one in huge:
        turns.put(one)
    at_work = [turns.take() for _ in range(64)]
    assert at_work == huge[:64]
    small = [of(b"small", offset) for offset in range(3)]
    for one in small:
        turns.put(one)
    assert [turns.take() for _ in range(3)] == small
    assert turns.take() is huge[64]


def test_subjects_share_the_places_evenly_while_all_have_messages_waiting() -> None:
    turns = FairQueue()
    for subject in (b"a", b"b", b"c"):
        for offset in range(100):
            turns.put(of(subject, offset))
    at_work = [turns.take() for _ in range(60)]
    assert set(Counter(one.subject for one in at_work).values()) == {20}
    # One whose calls are quick gets no more than those whose calls hang: it gets its own back.
    quick = [one for one in at_work if one.subject == b"a"]
    for one in quick:
        turns.mark_ended(one)
    assert {turns.take().subject for _ in quick} == {b"a"}


def test_a_subject_keeps_its_order() -> None:
    turns = FairQueue()
    jobs = [of(b"a", offset) for offset in range(5)]
    for one in jobs:
        turns.put(one)
    assert [turns.take() for _ in jobs] == jobs


def test_one_that_is_put_first_goes_before_the_others_of_its_subject() -> None:
    turns = FairQueue()
    turns.put(of(b"a", 1))
    first = of(b"a", 0)
    turns.put(first, first=True)
    assert turns.take() is first


def test_retried_messages_and_fresh_ones_alternate() -> None:
    turns = FairQueue()
    fresh = [of(b"%d" % offset, offset) for offset in range(1_000)]
    for one in fresh:
        turns.put(one)
    retried = [of(b"again", offset, tier=1) for offset in range(3)]
    for one in retried:
        turns.put(one)
    handed_out = [turns.take() for _ in range(6)]
    assert handed_out[::2] == retried
    assert handed_out[1::2] == fresh[:3]
    assert turns.take() is fresh[3]


def test_nothing_is_handed_out_when_nothing_waits() -> None:
    with pytest.raises(LookupError):
        FairQueue().take()


def test_taking_out_a_partition_leaves_the_others() -> None:
    turns = FairQueue()
    going, staying = [job(P1, n, subject=b"a") for n in range(2)], [of(b"a", 7), of(b"b", 8)]
    for one in (going[0], *staying, going[1]):
        turns.put(one)
    assert turns.remove({P1}) == going
    assert turns.waiting == 2
    assert [turns.take(), turns.take()] == staying


class Model:
    """What is promised, said with plain lists."""

    def __init__(self) -> None:
        self.waiting: defaultdict[Subject, deque[InFlightMessage]] = defaultdict(deque)
        self.at_work: list[InFlightMessage] = []

    def candidates(self) -> set[InFlightMessage]:
        """Those of which one has to come next: the first of a subject with the fewest at work."""
        load = Counter(one.subject for one in self.at_work)
        least = min(load[subject] for subject, jobs in self.waiting.items() if jobs)
        return {
            jobs[0] for subject, jobs in self.waiting.items() if jobs and load[subject] == least
        }


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_plain_lists_whatever_happens(seed: int) -> None:
    random, turns, model = Random(seed), FairQueue(), Model()
    for offset in range(2_000):
        match random.choices(("put", "take", "end", "remove"), (6, 4, 4, 0.1))[0]:
            case "put":
                partition = TopicPartition("chunks-ready", random.randrange(3))
                one = job(partition, offset, subject=random.choice((b"a", b"b", b"c", b"d")))
                turns.put(one)
                model.waiting[one.subject].append(one)
            case "take" if turns.waiting:
                may_come = model.candidates()
                one = turns.take()
                assert one in may_come
                assert model.waiting[one.subject].popleft() is one
                model.at_work.append(one)
            case "end" if model.at_work:
                one = model.at_work.pop(random.randrange(len(model.at_work)))
                turns.mark_ended(one)
            case "remove":
                turns.remove({P1})
                for jobs in model.waiting.values():
                    for one in [one for one in jobs if one.partition == P1]:
                        jobs.remove(one)
        assert turns.waiting == sum(map(len, model.waiting.values()))
    while turns.waiting:
        turns.mark_ended(turns.take())
    for one in model.at_work:
        turns.mark_ended(one)
    assert not turns._at_work
    assert turns._queues == turns._levels == ({}, {})
