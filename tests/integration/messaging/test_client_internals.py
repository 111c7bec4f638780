"""What is used of aiokafka's consumer beyond what it offers, to be looked at when that fails.

So is the name that members of a group agree on: members of older releases are led by it.
"""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, OffsetAndMetadata, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from contracts.topics import CHUNKS_READY
from messaging.consumer.assignor import CooperativeAssignor
from messaging.kafka import aiokafka_internals
from messaging.kafka.partition_logs import fetch_log_identities, fetch_partition_logs
from support.broker import Bench
from support.waiting import until


async def test_offers_what_assignments_and_commits_need(bench: Bench) -> None:
    topic, group = bench.kafka.topic(CHUNKS_READY.name), bench.kafka.topic("probe")
    partition = TopicPartition(topic, 0)
    await bench.send(CHUNKS_READY.name, b"1", b"2")
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bench.kafka.bootstrap_servers,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        assert aiokafka_internals.is_group_member(consumer)
        assert consumer._coordinator.member_id
        await consumer.getone()
        assert aiokafka_internals.get_position(consumer, partition) == 1
        assert aiokafka_internals.get_position(consumer, TopicPartition(topic, 7)) == -1
        await consumer.commit({partition: OffsetAndMetadata(1, "a note")})
        found = await aiokafka_internals.fetch_committed_offsets(consumer, [partition])
        assert found == {partition: OffsetAndMetadata(1, "a note")}
        log = (
            await fetch_partition_logs(aiokafka_internals.get_network_client(consumer), [partition])
        )[partition]
        assert (log.start, log.end) == (0, 2)
        known = await fetch_log_identities(
            aiokafka_internals.get_network_client(consumer), [partition]
        )
        assert known.get(partition, log.identity) == log.identity
        generation = consumer._coordinator.generation
        aiokafka_internals.request_rebalance(consumer)
        await until(lambda: consumer._coordinator.generation > generation)
    finally:
        await consumer.stop()


@pytest.mark.long
async def test_a_consumer_that_its_group_has_forgotten_joins_again_when_it_is_told_to(
    bench: Bench,
) -> None:
    consumer = AIOKafkaConsumer(
        bench.kafka.topic(CHUNKS_READY.name),
        bootstrap_servers=bench.kafka.bootstrap_servers,
        group_id=bench.kafka.topic("probe"),
        enable_auto_commit=False,
    )
    await consumer.start()
    lost = asyncio.Event()
    try:
        join_again = aiokafka_internals.intercept_membership_loss(consumer, lost.set)
        member = consumer._coordinator.member_id
        consumer._coordinator.reset_generation()
        assert lost.is_set()
        assert consumer._coordinator.member_id == member
        join_again()
        await until(lambda: consumer._coordinator.member_id not in {"", member})
    finally:
        await consumer.stop()


def test_goes_by_the_name_that_older_members_know() -> None:
    assert CooperativeAssignor.name == RoundRobinPartitionAssignor.name == "roundrobin"
