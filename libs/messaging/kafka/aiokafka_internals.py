"""What is needed of aiokafka's consumer and it does not offer; looked at here and nowhere else.

Written for aiokafka 0.14; ``tests/integration/messaging/test_client_internals.py`` tells when that
has changed.
"""
# ruff: noqa: SLF001 - that is what this module is for

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from aiokafka import OffsetAndMetadata, TopicPartition


def client_of(consumer: Any) -> Any:
    """Return the client that a consumer sends its requests with."""
    return consumer._client


async def committed_offsets(
    consumer: Any, partitions: Collection[TopicPartition]
) -> dict[TopicPartition, OffsetAndMetadata]:
    """Return what the group has committed, with the metadata, which ``committed`` drops.

    Asks again and again while the coordinator does not answer.

    Args:
        consumer: one that has joined the group.
        partitions: which are asked about; those without a commit are left out.

    Raises:
        KafkaError: the coordinator refuses to tell.
    """
    found: dict[
        TopicPartition, OffsetAndMetadata
    ] = await consumer._coordinator.fetch_committed_offsets(list(partitions))
    return found


def ask_for_rebalance(consumer: Any) -> None:
    """Have the consumer join its group once more, with what it says of itself by then."""
    consumer._coordinator.request_rejoin()


def is_member(consumer: Any) -> bool:
    """Whether the group knows the consumer.

    Without that, a broker takes a commit for a group that is empty, from whoever sends it.
    """
    return consumer._coordinator is not None and consumer._coordinator.generation >= 0


def position_of(consumer: Any, partition: TopicPartition) -> int:
    """Return what is read next of a partition, without waiting; -1 if that is not known now."""
    subscription = consumer._subscription.subscription
    assignment = subscription.assignment if subscription is not None else None
    state = assignment.state_value(partition) if assignment is not None else None
    return state.position if state is not None and state.has_valid_position else -1


def member_id(consumer: Any) -> str:
    """Return the id by which the group knows, or knew, the consumer."""
    return str(consumer._coordinator.member_id)


def on_membership_lost(consumer: Any, tell: Callable[[], None]) -> Callable[[], None]:
    """Have a consumer that the group has forgotten not join again by itself.

    Args:
        consumer: one that has started.
        tell: called when the group does not know it any more.

    Returns:
        What has it join again.
    """
    coordinator = consumer._coordinator
    join_again: Callable[[], None] = coordinator.reset_generation

    def forgotten() -> None:
        if coordinator._closing.done():
            join_again()
        else:
            tell()

    coordinator.reset_generation = forgotten
    return join_again
