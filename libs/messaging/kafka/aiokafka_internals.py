"""The private parts of aiokafka's clients that are used; no other module touches them.

Written for aiokafka 0.14; ``tests/integration/messaging/test_client_internals.py`` fails when an
upgrade changes them.
"""
# ruff: noqa: SLF001 - that is what this module is for

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from aiokafka import OffsetAndMetadata, TopicPartition


def get_network_client(consumer: Any) -> Any:
    """Return the network client inside an aiokafka consumer or admin client."""
    return consumer._client


async def fetch_committed_offsets(
    consumer: Any, partitions: Collection[TopicPartition]
) -> dict[TopicPartition, OffsetAndMetadata]:
    """Fetch the group's committed offsets with metadata, which aiokafka's ``committed()`` omits.

    Repeats the request until the coordinator answers.

    Args:
        consumer: one that has joined the group.
        partitions: which to look up; those without a commit are left out.

    Raises:
        KafkaError: the coordinator refuses the request.
    """
    # The public ``committed()`` asks for the same and keeps the offset only; the metadata says
    # which messages beyond it are finished already.
    found: dict[
        TopicPartition, OffsetAndMetadata
    ] = await consumer._coordinator.fetch_committed_offsets(list(partitions))
    return found


async def abort_producer(producer: Any) -> None:
    """Close an aiokafka producer at once, without waiting for unsent records.

    ``stop()`` waits for every batch, and an idempotent producer sends a batch until it is taken;
    one for a topic that was deleted never is.
    """
    if producer._sender is not None and producer._sender.sender_task is not None:
        await producer._sender.close()
    await producer.client.close()


def request_rebalance(consumer: Any) -> None:
    """Make the consumer rejoin its group, which triggers a rebalance."""
    consumer._coordinator.request_rejoin()


def is_group_member(consumer: Any) -> bool:
    """Return whether an aiokafka consumer is currently a member of its consumer group.

    Without that, a broker takes a commit for a group that is empty, from whoever sends it.
    """
    return consumer._coordinator is not None and consumer._coordinator.generation >= 0


def get_position(consumer: Any, partition: TopicPartition) -> int:
    """Return the next offset that a consumer reads in a partition; -1 if it is unknown."""
    # The public ``position()`` waits for an offset lookup, for ever while no broker answers.
    subscription = consumer._subscription.subscription
    assignment = subscription.assignment if subscription is not None else None
    state = assignment.state_value(partition) if assignment is not None else None
    return state.position if state is not None and state.has_valid_position else -1


def describe_fetched_records(consumer: Any) -> dict[TopicPartition, str]:
    """Describe, for logs, the records that a consumer has fetched but not returned yet."""
    return {partition: repr(one) for partition, one in consumer._fetcher._records.items()}


def intercept_membership_loss(consumer: Any, callback: Callable[[], None]) -> Callable[[], None]:
    """Call ``callback`` instead of rejoining when a consumer has lost its group membership.

    Args:
        consumer: one that has started.
        callback: called when the group no longer knows it.

    Returns:
        The function that makes it rejoin.
    """
    # Whenever a heartbeat or a commit is refused because the group no longer knows the member,
    # aiokafka calls ``reset_generation``, and then joins again under the same instance id. Two
    # replicas with one id would fence each other out in turn, without an error.
    coordinator = consumer._coordinator
    join_again: Callable[[], None] = coordinator.reset_generation

    def on_reset() -> None:
        if coordinator._closing.done():  # a member that leaves by itself resets it, too
            join_again()
        else:
            callback()

    coordinator.reset_generation = on_reset
    return join_again
