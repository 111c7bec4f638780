"""State of partitions' logs on the broker: identity, start, end, and ends of leader epochs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError, for_code
from aiokafka.protocol.offset import OffsetRequest

from messaging.consumer.offset_metadata import UNKNOWN_LOG, LogIdentity
from messaging.kafka.protocol import OffsetForLeaderEpochRequest, TopicIdsRequest

UNKNOWN_OFFSET: Final = -1
_EARLIEST: Final = -2
_LATEST: Final = -1
# With records of open transactions: what counts is where the log ends, not what may be read.
_READ_UNCOMMITTED: Final = 0
# Asked by a client; a follower would give its own id.
_NO_REPLICA: Final = -1


@dataclass(frozen=True, slots=True)
class PartitionLog:
    """State of a partition's log: its identity, start offset and end offset.

    Attributes:
        identity: which log it is.
        start: its first offset that is still there.
        end: the offset that the next record gets.
    """

    identity: LogIdentity
    start: int
    end: int


async def fetch_log_identities(
    client: Any, partitions: Collection[TopicPartition]
) -> dict[TopicPartition, LogIdentity]:
    """Fetch the identity of each partition's log (topic id and leader epoch), if known.

    Args:
        client: aiokafka's client, as its consumer and its admin client have one.
        partitions: which to look up.

    Raises:
        KafkaError: the broker does not answer.
    """
    if not partitions:
        return {}
    request = TopicIdsRequest(sorted({one.topic for one in partitions}))
    try:
        response = await client.send(client.get_random_node(), request)
    except (NotImplementedError, IncompatibleBrokerVersion):
        return {}  # an older broker has no topic ids; a commit is then believed without them
    cluster = response.cluster_id or ""
    return {
        TopicPartition(name, partition): LogIdentity.of(cluster, topic_id, epoch)
        for error, name, topic_id, _, parts, *_ in response.topics
        if not error
        for _, partition, _, epoch, *_ in parts
    }


async def fetch_partition_logs(
    client: Any, partitions: Collection[TopicPartition]
) -> dict[TopicPartition, PartitionLog]:
    """Fetch the identity, start offset and end offset of partitions' logs from their leaders.

    Args:
        client: aiokafka's client.
        partitions: which to look up.

    Raises:
        KafkaError: a leader is not known, or does not answer.
    """
    known = await fetch_log_identities(client, partitions)
    starts = await _offsets(client, partitions, _EARLIEST)
    ends = await _offsets(client, partitions, _LATEST)
    return {
        one: PartitionLog(known.get(one, UNKNOWN_LOG), starts[one], ends[one])
        for one in partitions
        if one in starts and one in ends
    }


async def fetch_epoch_end_offsets(
    client: Any, epochs: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """Fetch the end offset of one leader epoch in each partition's log.

    Args:
        client: aiokafka's client.
        epochs: by partition.

    Returns:
        The offset behind the last record of that epoch, or of the one before it if there is none
        of it; ``UNKNOWN_OFFSET`` if the log has nothing so old. Empty for brokers without support.

    Raises:
        KafkaError: a leader is not known, or does not answer.
    """
    found: dict[TopicPartition, int] = {}
    for node, topics in _by_leader(client, epochs):
        try:
            response = await client.send(node, OffsetForLeaderEpochRequest(topics))
        except (NotImplementedError, IncompatibleBrokerVersion):
            continue
        for topic, parts in response.topics:
            for error, partition, _, end in parts:
                if not error:
                    found[TopicPartition(topic, partition)] = end
    return found


async def _offsets(
    client: Any, partitions: Collection[TopicPartition], when: int
) -> dict[TopicPartition, int]:
    found: dict[TopicPartition, int] = {}
    for node, topics in _by_leader(client, dict.fromkeys(partitions, when)):
        response = await client.send(node, OffsetRequest(_NO_REPLICA, _READ_UNCOMMITTED, topics))
        for topic, parts in response.topics:
            for partition, error, _, offset in parts:
                if error:
                    raise for_code(error)(f"{topic}-{partition}")
                found[TopicPartition(topic, partition)] = offset
    return found


def _by_leader(
    client: Any, values: Mapping[TopicPartition, int]
) -> Iterator[tuple[int, list[tuple[str, list[tuple[int, int]]]]]]:
    """Yield for each leader its topics with their partitions, each with its value."""
    leaders: dict[int, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    for partition, value in values.items():
        # Only the leader knows where the log ends; a follower may lag behind it.
        leader = client.cluster.leader_for_partition(partition)
        if leader is None or leader < 0:
            raise KafkaError(f"{partition.topic}-{partition.partition} has no leader now")
        leaders[leader][partition.topic].append((partition.partition, value))
    for leader, topics in leaders.items():
        yield leader, list(topics.items())
