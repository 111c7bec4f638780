"""Received records, the history of their deliveries, and the headers that carry it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

from contracts import headers as h
from contracts.bounds import MAX_INT4
from contracts.replay_options import NO_OVERRIDES, ReplayOverrides, decode_replay_options

Headers = tuple[tuple[str, bytes], ...]
"""Record headers in order; names may repeat, as Kafka allows."""


@dataclass(frozen=True, slots=True)
class MessageOrigin:
    """Topic, partition and offset where a message was first read, before any retry topic.

    Attributes:
        topic: without the prefix from settings.
        partition: of the topic.
        offset: in the partition.
        timestamp_ms: the record's timestamp there, milliseconds since the epoch; 0 if unknown.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """Kafka record as its producer wrote it, with topic, partition and offset.

    Attributes:
        topic: without the prefix from settings.
        partition: where it was read.
        offset: where it was read.
        key: raw bytes, or None.
        value: raw bytes, or None.
        headers: in order, without those onrecord added behind them.
        timestamp_ms: the broker's or producer's timestamp, milliseconds since the epoch.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp_ms: int = 0

    def header(self, name: str) -> str | None:
        """Return the last value of a header as text; None if it is missing or not UTF-8."""
        return get_header_text(self.headers, name)


def convert_consumer_record(raw: Any, topic: str) -> Record:
    """Convert aiokafka's ``ConsumerRecord`` to this library's ``Record``."""
    return Record(
        topic,
        raw.partition,
        raw.offset,
        raw.key,
        raw.value,
        tuple(raw.headers or ()),
        raw.timestamp,
    )


class DeadlineClock(Protocol):
    """Interface of a message's deadline clock, which its handler can pause."""

    @property
    def deadline(self) -> float:
        """When the work must be done by now, by ``asyncio``'s clock, in seconds."""

    def stopped(self) -> AbstractContextManager[None]:
        """Stop the clock within the context; only the message's own deadline goes on."""


class _UnlimitedClock:
    """Clock of deliveries without a deadline."""

    deadline: Final = float("inf")

    def stopped(self) -> AbstractContextManager[None]:
        return nullcontext()


UNLIMITED: Final = _UnlimitedClock()


class WaitId(NamedTuple):
    """One wait of one message in its service's retry topics, wherever in them the message is.

    Attributes:
        topic: where the message was first read, without prefix.
        partition: of that topic.
        offset: in that partition.
        replays: how often the message was replayed.
        number: when the wait was to end, in milliseconds since the epoch; the next wait of the
            message ends later.
    """

    topic: str
    partition: int
    offset: int
    replays: int
    number: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """Delivery of a message to its handler: the record, its deadline and earlier attempts.

    Attributes:
        origin: where the message was first read.
        tier: the retry topic it came from, or 0 from a source topic or a replay.
        attempts: failed tries so far, over all deliveries.
        timeouts: how many of them ran out of time.
        first_failed_at: when the first try failed.
        replay_of: id of the dead letter it was replayed from.
        replays: how often it was replayed.
        replay_options: what its replay sets for it alone, as the header has it; None: nothing.
        not_before_ms: when its wait in a retry topic ends, milliseconds since the epoch by the
            clock of whoever wrote it there.
        delay_ms: how long it was to wait there, in milliseconds; None if it does not say.
        held_until_ms: until when an operator holds it, likewise; 0: nobody does.
        held_wait: of a held message, the wait in which it was held first; None of others.
        own_outage: whether the last delivery met an outage that was proved to be its own.
        headers: of the message, as its producer wrote them.
        record: as its producer wrote it; None where the delivery is of no record, or of a large one
            whose handler has failed.
        deadline: when this delivery's work must be done, by ``asyncio``'s clock, in seconds.
        clock: stops the delivery's time while the handler waits for something of its service's own.
    """

    origin: MessageOrigin
    tier: int = 0
    attempts: int = 0
    timeouts: int = 0
    first_failed_at: datetime | None = None
    replay_of: UUID | None = None
    replays: int = 0
    replay_options: bytes | None = None
    not_before_ms: int = 0
    delay_ms: int | None = None
    held_until_ms: int = 0
    held_wait: int | None = None
    own_outage: bool = False
    headers: Headers = field(default=(), compare=False, repr=False)
    record: Record | None = field(default=None, compare=False, repr=False)
    deadline: float = field(default=float("inf"), compare=False)
    clock: DeadlineClock = field(default_factory=lambda: UNLIMITED, compare=False, repr=False)

    @property
    def overrides(self) -> ReplayOverrides:
        """What a replay sets for the message alone, in place of settings and of the study.

        Raises:
            InvalidReplayOptionsError: this version of the code does not know it.
        """
        if self.replay_options is None:
            return NO_OVERRIDES
        return decode_replay_options(self.replay_options)

    @property
    def wait(self) -> WaitId:
        """What names this wait in a retry topic, and no other wait of the same message."""
        origin = self.origin
        number = self.not_before_ms if self.held_wait is None else self.held_wait
        return WaitId(origin.topic, origin.partition, origin.offset, self.replays, number)

    def failed(self, *, timed_out: bool, at: datetime, own_outage: bool = False) -> Delivery:
        """Return this delivery with one more failed try."""
        return replace(
            self,
            attempts=self.attempts + 1,
            timeouts=self.timeouts + timed_out,
            first_failed_at=self.first_failed_at or at,
            own_outage=own_outage,
        )

    def wait_s(self, now_s: float) -> float:
        """Return the remaining wait in seconds; 0 or less if the message is due.

        Never longer than the whole delay: the clock of the process that wrote the message may be
        ahead of ours.

        Args:
            now_s: seconds since the epoch.
        """
        left_s = self.not_before_ms / 1000 - now_s
        return left_s if self.delay_ms is None else min(left_s, self.delay_ms / 1000)


def build_retry_headers(
    delivery: Delivery,
    *,
    not_before_ms: int,
    delay_ms: int | None = None,
    held_until_ms: int | None = None,
) -> Headers:
    """Build the headers of a retried message: its origin, attempts and when it is due.

    Args:
        delivery: what was tried so far.
        not_before_ms: when the wait ends, in milliseconds since the epoch.
        delay_ms: how long it is, in milliseconds.
        held_until_ms: until when an operator holds the message; None: nobody does.

    Returns:
        The headers without the trailer.
    """
    added: list[tuple[str, str]] = [
        (h.DLQ_TOPIC, delivery.origin.topic),
        (h.DLQ_PARTITION, str(delivery.origin.partition)),
        (h.DLQ_OFFSET, str(delivery.origin.offset)),
        (h.ORIGIN_TIMESTAMP, str(delivery.origin.timestamp_ms)),
        (h.ATTEMPTS, str(delivery.attempts)),
        (h.TIMEOUTS, str(delivery.timeouts)),
        (h.REPLAYS, str(delivery.replays)),
        (h.NOT_BEFORE, str(not_before_ms)),
    ]
    if delay_ms is not None:
        added.append((h.DELAY, str(delay_ms)))
    if held_until_ms is not None:
        added += [(h.HELD_UNTIL, str(held_until_ms)), (h.WAIT, str(delivery.wait.number))]
    if delivery.first_failed_at is not None:
        added.append((h.FIRST_FAILED_AT, delivery.first_failed_at.isoformat()))
    if delivery.own_outage:
        added.append((h.OWN_OUTAGE, "1"))
    if delivery.replay_of is not None:
        added.append((h.REPLAY_OF, str(delivery.replay_of)))
    options = delivery.replay_options
    return (
        *((name, value.encode()) for name, value in added),
        *([(h.REPLAY_OPTIONS, options)] if options is not None and delivery.replays else ()),
    )


def append_headers(original: Headers, added: Headers) -> Headers:
    """Append headers to a message's original headers, with a last one that counts them."""
    return (*original, *added, (h.ADDED, str(len(added)).encode()))


def split_headers(headers: Sequence[tuple[str, bytes]]) -> tuple[Headers, Headers]:
    """Split headers into the original ones and those that ``append_headers`` added.

    Returns:
        The original headers and the added ones; nothing added where the trailer is missing or
        wrong, so that headers somebody else wrote are never taken for ours.
    """
    if not headers or headers[-1][0] != h.ADDED:
        return tuple(headers), ()
    count = _number(headers[-1][1] or _MISSING, -1)
    first_added = len(headers) - 1 - count
    if count < 0 or first_added < 0:
        return tuple(headers), ()
    return tuple(headers[:first_added]), tuple(headers[first_added:-1])


def read_message_origin(added: Headers, fallback: MessageOrigin) -> MessageOrigin:
    """Return where a message was first read, by its retry headers, or else by the fallback."""
    last = dict(added)  # of a header that is there twice, the last one counts
    origin = MessageOrigin(
        get_header_text(added, h.DLQ_TOPIC) or fallback.topic,
        _number(last.get(h.DLQ_PARTITION) or _MISSING, fallback.partition),
        _number(last.get(h.DLQ_OFFSET) or _MISSING, fallback.offset),
        _number(last.get(h.ORIGIN_TIMESTAMP) or _MISSING, 0 if added else fallback.timestamp_ms),
    )
    if origin.partition > MAX_INT4:
        return replace(origin, partition=fallback.partition)  # Kafka has no such partition
    return origin


def read_delivery_history(added: Headers, *, fallback: MessageOrigin, tier: int) -> Delivery:
    """Read a message's earlier attempts from its retry headers; missing counts are 0."""
    origin = read_message_origin(added, fallback)
    delay_ms = get_header_number(added, h.DELAY, -1)
    held_wait = get_header_number(added, h.WAIT, -1)
    return Delivery(
        origin=origin,
        tier=tier,
        attempts=get_header_number(added, h.ATTEMPTS, 0),
        timeouts=get_header_number(added, h.TIMEOUTS, 0),
        first_failed_at=_time_of(added, h.FIRST_FAILED_AT),
        own_outage=get_header_number(added, h.OWN_OUTAGE, 0) > 0,
        replay_of=_uuid_of(added, h.REPLAY_OF),
        replays=get_header_number(added, h.REPLAYS, 0),
        replay_options=find_replay_options(added),
        not_before_ms=get_header_number(added, h.NOT_BEFORE, 0),
        delay_ms=None if delay_ms < 0 else delay_ms,
        held_until_ms=get_header_number(added, h.HELD_UNTIL, 0),
        held_wait=None if held_wait < 0 else held_wait,
    )


class PropagatedContext(NamedTuple):
    """Headers that are copied to the messages that a handler publishes: trace, deadline, options.

    Attributes:
        traceparent: W3C Trace Context, unchecked.
        deadline: ``onrecord-deadline``, unchecked: milliseconds since the epoch.
        replay_options: of a replay that caused it; only for topics that stages alone write to.
    """

    traceparent: bytes | None = None
    deadline: bytes | None = None
    replay_options: bytes | None = None

    @property
    def deadline_s(self) -> float | None:
        """The message's deadline in seconds since the epoch; None if it has none."""
        if self.deadline is None:
            return None
        deadline_ms = _number(self.deadline, 0)
        return deadline_ms / 1000 if deadline_ms > 0 else None


NO_CONTEXT: Final = PropagatedContext()


_MISSING: Final = b""

_MAX_DIGITS: Final = 18
"""What Kafka and PostgreSQL take for a number; Python refuses to read thousands of digits."""


def _bytes_of(headers: Headers, name: str) -> bytes:
    for header, value in reversed(headers):
        if header == name:
            return value or _MISSING
    return _MISSING


def find_replay_options(headers: Headers) -> bytes | None:
    """Return the header with a replay's overrides for its message; None if it is missing."""
    return _bytes_of(headers, h.REPLAY_OPTIONS) or None


def get_header_text(headers: Headers, name: str) -> str | None:
    """Return a header's last value as text; None if it is missing, empty or not UTF-8."""
    try:
        return _bytes_of(headers, name).decode() or None
    except UnicodeDecodeError:
        return None


def _number(value: bytes, default: int) -> int:
    return int(value) if value.isdigit() and len(value) <= _MAX_DIGITS else default


def get_header_number(headers: Headers, name: str, default: int) -> int:
    """Return a header's last value as a non-negative integer, or ``default`` if it is not one."""
    return _number(_bytes_of(headers, name), default)


def _time_of(headers: Headers, name: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(get_header_text(headers, name) or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _uuid_of(headers: Headers, name: str) -> UUID | None:
    try:
        return UUID(get_header_text(headers, name) or "")
    except ValueError:
        return None
