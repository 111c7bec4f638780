"""Fetched records and jobs as unit tests of the consumer make them."""

from __future__ import annotations

from dataclasses import dataclass

from aiokafka import TopicPartition

from contracts import headers as h
from messaging.delivery import Delivery, Headers, MessageOrigin, append_headers, build_retry_headers
from messaging.processing.inflight import InFlightMessage

P0, P1, P2 = (TopicPartition("chunks-ready", number) for number in range(3))
RETRY = TopicPartition("probe-retry-1", 0)


@dataclass(frozen=True)
class Received:
    """What of a fetched record is looked at before it is worked on."""

    offset: int
    key: bytes | None = None
    value: bytes | None = None
    headers: Headers = ()
    partition: int = 0
    timestamp: int = 0


def nothing(_: InFlightMessage) -> None:
    """Finish a job that nobody waits for."""


def job(
    partition: TopicPartition = P0,
    offset: int = 0,
    *,
    subject: bytes | None = None,
    tier: int | None = None,
    value: bytes | None = None,
) -> InFlightMessage:
    """Return a message of a subject."""
    headers = () if subject is None else ((h.TRANSCRIPT_ID, subject),)
    received = Received(offset, value=value, headers=headers)
    return InFlightMessage(received, partition, partition.topic, tier, nothing)


def waiting(offset: int, *, not_before_s: float, delay_s: float | None, size: int = 0) -> Received:
    """Return a record of a retry topic.

    Args:
        offset: where it is.
        not_before_s: until when it waits, in seconds since the epoch.
        delay_s: how long it was to wait, in seconds; None if it does not say.
        size: bytes of its value.
    """
    added = build_retry_headers(
        Delivery(MessageOrigin("chunks-ready", 0, offset), attempts=1),
        not_before_ms=int(not_before_s * 1_000),
        delay_ms=None if delay_s is None else int(delay_s * 1_000),
    )
    return Received(offset, value=b"x" * size, headers=append_headers((), added))
