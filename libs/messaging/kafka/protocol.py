"""Kafka protocol requests that aiokafka 0.14 lacks, defined as aiokafka defines its own.

Metadata in version 12 returns topic ids and leader epochs; OffsetForLeaderEpoch returns where an
epoch ended in a log (KIP-101, KIP-320). Brokers before Kafka 3.1, and the embedded one, do not know
that version, so callers must work without an answer.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    AbstractType,
    Array,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    String,
    TaggedFields,
)

NO_ID = bytes(16)
"""The id of a topic that is asked for by its name."""


class Uuid(AbstractType):  # type: ignore[misc]  # aiokafka is untyped
    """UUID field type of Kafka's binary protocol: 16 bytes."""

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        """Return the bytes as they are."""
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        """Read 16 bytes."""
        return data.read(16)


_TAGS = ("tags", TaggedFields)


class MetadataResponse_v12(Response):  # type: ignore[misc]  # noqa: N801 - as aiokafka names them
    """Kafka ``Metadata`` response, version 12, with topic ids and leader epochs."""

    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                _TAGS,
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", CompactString("utf-8")),
                ("topic_id", Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        _TAGS,
                    ),
                ),
                ("authorized_operations", Int32),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class MetadataRequest_v12(RequestStruct):  # type: ignore[misc]  # noqa: N801 - as aiokafka does
    """Kafka ``Metadata`` request, version 12, for topics by name; it does not create topics."""

    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 12
    RESPONSE_TYPE = MetadataResponse_v12
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(("topic_id", Uuid), ("topic", CompactString("utf-8")), _TAGS),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        _TAGS,
    )


class TopicIdsRequest(Request[MetadataRequest_v12]):  # type: ignore[misc]  # aiokafka is untyped
    """Kafka ``Metadata`` request for topic ids and the leader epochs of partitions.

    Args:
        topics: their names.
        with_operations: ask what this client may do with each topic, too (KIP-430).
    """

    API_KEY = 3

    def __init__(self, topics: list[str], *, with_operations: bool = False) -> None:
        self._topics = topics
        self._with_operations = with_operations

    def build(self, request_struct_class: Any) -> Any:
        """Return the request in the version that the broker knows."""
        topics: list[Any] = [(NO_ID, name, {}) for name in self._topics]
        may_create = False
        return request_struct_class(topics, may_create, self._with_operations, {})


class OffsetForLeaderEpochResponse_v2(Response):  # type: ignore[misc]  # noqa: N801 - as aiokafka names them
    """Kafka ``OffsetForLeaderEpoch`` response, version 2; -1 for an unknown epoch."""

    API_KEY = 23
    API_VERSION = 2
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "topics",
            Array(
                ("topic", String("utf-8")),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader_epoch", Int32),
                        ("end_offset", Int64),
                    ),
                ),
            ),
        ),
    )


class OffsetForLeaderEpochRequest_v2(RequestStruct):  # type: ignore[misc]  # noqa: N801 - as aiokafka does
    """Kafka ``OffsetForLeaderEpoch`` request, version 2, in its encoded form."""

    API_KEY = 23
    API_VERSION = 2
    RESPONSE_TYPE = OffsetForLeaderEpochResponse_v2
    SCHEMA = Schema(
        (
            "topics",
            Array(
                ("topic", String("utf-8")),
                (
                    "partitions",
                    Array(
                        ("partition", Int32),
                        ("current_leader_epoch", Int32),
                        ("leader_epoch", Int32),
                    ),
                ),
            ),
        ),
    )


class OffsetForLeaderEpochRequest(Request[OffsetForLeaderEpochRequest_v2]):  # type: ignore[misc]  # aiokafka is untyped
    """Kafka ``OffsetForLeaderEpoch`` request for the end offsets of leader epochs.

    Args:
        topics: names, each with partitions and an epoch of each.
    """

    API_KEY = 23

    def __init__(self, topics: list[tuple[str, list[tuple[int, int]]]]) -> None:
        self._topics = topics

    def build(self, request_struct_class: Any) -> Any:
        """Return the request in the version that the broker knows."""
        return request_struct_class(
            [
                (topic, [(partition, -1, epoch) for partition, epoch in partitions])
                for topic, partitions in self._topics
            ]
        )
