"""What is held in memory of messages that nobody works on is bounded in bytes and in number."""

from __future__ import annotations

from random import Random

import pytest
from aiokafka import TopicPartition

from messaging.consumer.prefetch import PrefetchBudget
from messaging.processing.inflight import InFlightMessage
from unit.messaging.fetched import P0, P1, P2, RETRY, job

LIMIT_BYTES = 8_000_000
FOR_SOURCES = 6_000_000


def large(partition: TopicPartition, offset: int, size: int = 100_000) -> InFlightMessage:
    return job(partition, offset, value=b"x" * size, tier=1 if partition == RETRY else None)


def filled(read_ahead: PrefetchBudget, partition: TopicPartition) -> list[InFlightMessage]:
    """Messages until no more are wanted."""
    held: list[InFlightMessage] = []
    while read_ahead.wants(partition):
        held.append(large(partition, len(held)))
        read_ahead.add(held[-1])
    return held


def test_one_partition_may_be_read_far_ahead_and_leaves_the_others_their_share() -> None:
    read_ahead = PrefetchBudget(10_000, LIMIT_BYTES)
    read_ahead.set_partitions({P0, P1})
    first = filled(read_ahead, P0)
    # Its own share is a quarter of what is for sources, and half of that is common.
    assert sum(one.size for one in first) == pytest.approx(FOR_SOURCES * 3 / 4, abs=200_000)
    second = filled(read_ahead, P1)
    assert sum(one.size for one in second) == pytest.approx(FOR_SOURCES / 4, abs=200_000)
    assert read_ahead.held <= FOR_SOURCES + 200_000


def test_a_single_partition_has_all_the_room() -> None:
    read_ahead = PrefetchBudget(10_000, LIMIT_BYTES)
    read_ahead.set_partitions({P0})
    assert sum(one.size for one in filled(read_ahead, P0)) == pytest.approx(
        FOR_SOURCES, abs=200_000
    )


def test_no_more_than_so_many_are_held_however_small() -> None:
    read_ahead = PrefetchBudget(100, LIMIT_BYTES)
    read_ahead.set_partitions({P0})
    number = 0
    while read_ahead.wants(P0):
        read_ahead.add(job(P0, number))
        number += 1
    assert number == 75  # the rest is for retry topics


@pytest.mark.parametrize("limit_bytes", range(1_000_000, 1_000_100, 13))
@pytest.mark.parametrize("partitions", [(P0,), (P0, P1), (P0, P1, P2)])
def test_a_partition_is_wanted_only_if_a_small_message_fits(
    partitions: tuple[TopicPartition, ...], limit_bytes: int
) -> None:
    read_ahead = PrefetchBudget(100, limit_bytes)
    read_ahead.set_partitions(set(partitions))
    for partition in partitions:
        while read_ahead.wants(partition):
            # One that does not fit would be fetched in vain.
            assert read_ahead.room(partition) >= read_ahead.cost(0)
            read_ahead.add(job(partition))


def test_a_message_of_any_size_is_taken_while_nothing_else_is_held() -> None:
    read_ahead = PrefetchBudget(100, 150_000)
    read_ahead.set_partitions({P0, P1})
    read_ahead.add(large(P0, 0))
    assert not read_ahead.wants(P0)
    assert read_ahead.wants(P1)
    assert read_ahead.has_room_for_retry(200_000, due=True)


def test_partitions_do_not_hold_a_huge_message_each() -> None:
    read_ahead = PrefetchBudget(100, 150_000)
    read_ahead.set_partitions({P0, P1, P2})
    held = [large(P0, 0), large(P1, 0)]
    for one in held:
        read_ahead.add(one)
    assert not read_ahead.wants(P2)
    read_ahead.remove(held[0])
    assert read_ahead.wants(P2)
    assert read_ahead.has_room_for_retry(100_000, due=False)


def test_a_full_partition_is_fetched_again_when_a_quarter_is_free() -> None:
    read_ahead = PrefetchBudget(10_000, LIMIT_BYTES)
    read_ahead.set_partitions({P0})
    held = filled(read_ahead, P0)
    freed = 0
    while not read_ahead.wants(P0):
        one = held.pop(0)
        freed += one.size
        read_ahead.remove(one)
    assert freed == pytest.approx(FOR_SOURCES / 4, abs=200_000)


def test_messages_that_wait_long_leave_room_for_those_that_are_due() -> None:
    read_ahead = PrefetchBudget(10_000, LIMIT_BYTES)
    number = 0
    while read_ahead.has_room_for_retry(100_000, due=False):
        one = large(RETRY, number)
        read_ahead.add(one)
        read_ahead.mark_delayed(one)
        number += 1
    assert read_ahead.not_due == pytest.approx(1_000_000, abs=200_000)
    assert read_ahead.refetch_room() == pytest.approx(1_000_000, abs=200_000)
    while read_ahead.has_room_for_retry(100_000, due=True):
        read_ahead.add(large(RETRY, number))
        number += 1
    assert read_ahead.retried == pytest.approx(2_000_000, abs=200_000)
    assert read_ahead.refetch_room() <= 200_000


@pytest.mark.parametrize("seed", range(5))
def test_the_account_comes_out_even_whatever_happens(seed: int) -> None:
    random, read_ahead = Random(seed), PrefetchBudget(10_000, LIMIT_BYTES)
    partitions = [TopicPartition("chunks-ready", number) for number in range(5)]
    held: list[InFlightMessage] = []
    for offset in range(3_000):
        read_ahead.set_partitions(frozenset(random.sample(partitions, random.randint(1, 5))))
        partition = random.choice(partitions)
        if random.random() < 0.6 and read_ahead.wants(partition):
            held.append(large(partition, offset, random.randrange(200_000)))
            read_ahead.add(held[-1])
        elif held:
            read_ahead.remove(held.pop(random.randrange(len(held))))
        assert read_ahead.held <= LIMIT_BYTES + 5 * 200_000
    for one in held:
        read_ahead.remove(one)
    assert read_ahead.held == 0
    assert read_ahead.room(partitions[0]) == pytest.approx(FOR_SOURCES, abs=FOR_SOURCES / 2)
