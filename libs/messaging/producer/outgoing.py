"""A record that is to be sent as it is, beside events, which are encoded when they are sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from contracts.events import Event
from messaging.producer.accumulator import RecordHeaders


@dataclass(frozen=True, slots=True)
class OutgoingRecord:
    """Record to send to Kafka: topic, key, value, headers and partition.

    Attributes:
        topic: as the broker knows it, prefix included.
        key: raw bytes or None.
        value: raw bytes or None.
        headers: in order.
        partition: where it has to go; None lets the key decide.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: RecordHeaders
    partition: int | None = None


Outgoing: TypeAlias = Event | OutgoingRecord
"""What a handled message causes, as the producer takes it."""


class _Discarded(tuple[Event, ...]):
    """No events, told apart from another empty tuple by its identity."""

    __slots__ = ()


DISCARDED: Final[tuple[Event, ...]] = _Discarded()
"""What a handler returns in place of no events if nothing is to come of the message, such as of an
interview that was erased. It is settled all the same, and counted as discarded."""
