"""A message from fetch to settlement: the record, its history, and the task that processes it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from aiokafka import TopicPartition

from contracts import headers as h
from contracts.errors import OutageError, ThrottledError
from contracts.replay_options import OPTION_TOPICS
from messaging.dead_letters.stubs import compute_record_size, truncate_record
from messaging.delivery import (
    NO_CONTEXT,
    Delivery,
    Headers,
    MessageOrigin,
    Record,
    find_replay_options,
    read_delivery_history,
    split_headers,
)
from messaging.limits import WHOLE_BYTES
from messaging.processing.failure_policy import SingleMessageOutageError, is_timeout_failure

Subject: TypeAlias = bytes | TopicPartition
"""Whom a message is about, which decides whose turn it takes."""

RECORD_BYTES: Final = 1_024
"""What a record takes in memory besides its key, value and headers, about."""

HEADER_BYTES: Final = 112
"""What a header takes in memory besides its name's characters and its value, about."""


class InFlightMessage:
    """Message in flight: fetched, and not yet finished, retried or dead-lettered.

    Args:
        received: the record as aiokafka hands it out.
        partition: where it was read.
        topic: its name without prefix.
        tier: the retry topic's tier; None from a source topic.
        finish: called once, when the message needs no more work.

    Attributes:
        alone: whether it is processed by itself, although its handler takes many at once.
        tries: failed tries of this delivery.
        failure: what the last try raised; None while one is on.
        due_s: the message's own deadline, in seconds since the epoch; infinite without one.
        deadline: when this delivery's work must be done, by the event loop's clock, in seconds.
        expired: whether the deadline has passed while it was worked on.
        handled: whether only what came of it is to be written, or the broker's answer awaited.
        lineage: what of its headers is carried on to what it causes.
        time_s: how long this delivery's work may take, in seconds; None: as the settings say.
        subject: whom it is about; messages of different subjects take turns.
        size: what it takes in memory until it is worked on, in bytes.
        fetched_at: since when it could be begun, by ``time.monotonic``, in seconds.
        task: the task that works on it, for whoever has to cancel it.
    """

    __slots__ = (
        "_delivery",
        "_finish",
        "_record",
        "alone",
        "deadline",
        "due_s",
        "expired",
        "failure",
        "fetched_at",
        "handled",
        "lineage",
        "partition",
        "received",
        "size",
        "subject",
        "task",
        "tier",
        "time_s",
        "topic",
        "tries",
    )

    def __init__(
        self,
        received: Any,
        partition: TopicPartition,
        topic: str,
        tier: int | None,
        finish: Callable[[InFlightMessage], None],
    ) -> None:
        self.received = received
        self.partition = partition
        self.topic = topic
        self.tier = tier
        self.subject, self.size = _measure(received, partition)
        self.fetched_at = time.monotonic()
        self.alone = False
        self.tries = 0
        self.failure: Exception | None = None
        self.due_s = float("inf")
        self.deadline = float("inf")
        self.expired = False
        self.handled = False
        self.time_s: float | None = None
        self.lineage = NO_CONTEXT
        self.task: asyncio.Task[Any] | None = None
        self._finish = finish
        self._record: Record | None = None
        self._delivery: Delivery | None = None

    @property
    def record(self) -> Record:
        """The record as its producer wrote it, without headers that we added in a retry topic."""
        if self._record is None:
            if self.tier is None:
                self._record = self._build_record(tuple(self.received.headers))
            else:
                self._unpack()
        assert self._record is not None
        return self._record

    @property
    def delivery(self) -> Delivery:
        """The history of earlier tries."""
        if self._delivery is None:
            self._unpack()
            assert self._delivery is not None
        return self._delivery

    @property
    def source_topic(self) -> str:
        """The topic whose handler the message is for; for a retried one, where it came from."""
        return self.topic if self.tier is None else self.delivery.origin.topic

    @property
    def headers(self) -> Headers:
        """The original headers."""
        return self.received.headers if self.tier is None else self.record.headers

    def note_failure(self, error: Exception) -> None:
        """Count a failed try; an outage or throttling is not counted."""
        self.failure = error
        if isinstance(error, ThrottledError | OutageError):
            return
        self.tries += 1
        self._delivery = self.delivery.failed(
            timed_out=is_timeout_failure(error),
            at=datetime.now(UTC),
            own_outage=isinstance(error, SingleMessageOutageError),
        )

    def shorten(self, complaint: str) -> None:
        """Truncate a large message to what a stub letter keeps, which frees its memory.

        Args:
            complaint: why it is too large.
        """
        if compute_record_size(self.record) <= WHOLE_BYTES:
            return
        record = self._record = truncate_record(self.record, complaint)
        self._delivery = replace(self.delivery, record=None)
        # The key stays: whoever keeps messages of one key in order knows it by this one.
        self.received = replace(self.received, value=record.value, headers=record.headers)

    def finish(self) -> None:
        """Report that the message needs no more work."""
        # Its traceback leads back here and to the message, which would keep megabytes until the
        # next collection of cycles.
        self.failure = None
        self._finish(self)

    def _unpack(self) -> None:
        received = self.received
        headers = received.headers
        sent_ms = max(0, received.timestamp)  # -1: it has none
        here = MessageOrigin(self.topic, received.partition, received.offset, sent_ms)
        delivery = Delivery(origin=here, headers=tuple(headers))
        # Elsewhere than in our own retry topics, such headers are the producer's.
        if self.tier is not None:
            headers, added = split_headers(headers)
            history = read_delivery_history(added, fallback=here, tier=self.tier)
            delivery = replace(history, headers=headers)
        # What a replay sets is of its own messages and what they cause: another replay, without
        # options, is without those that the message was first published with, too.
        if not delivery.replays:
            is_passed_on = delivery.origin.topic in OPTION_TOPICS
            options = find_replay_options(tuple(headers)) if is_passed_on else None
            delivery = replace(delivery, replay_options=options)
        self._record = self._record or self._build_record(tuple(headers))
        self._delivery = self._delivery or replace(delivery, record=self._record)

    def _build_record(self, headers: Headers) -> Record:
        received = self.received
        return Record(
            topic=self.topic,
            partition=received.partition,
            offset=received.offset,
            key=received.key,
            value=received.value,
            headers=headers,
            timestamp_ms=received.timestamp,
        )


def _measure(received: Any, partition: TopicPartition) -> tuple[Subject, int]:
    """Return the subject of a record, and its size in memory in bytes.

    It is about the interview that its headers name (``onrecord-transcript-id``), else the
    CloudEvents subject, else the record's key, else the partition it was read from.
    """
    transcript = subject = None
    headers, key, value = received.headers, received.key, received.value
    size = RECORD_BYTES + HEADER_BYTES * len(headers) + len(key or b"") + len(value or b"")
    for name, content in headers:
        size += len(name) if content is None else len(name) + len(content)
        if name == _TRANSCRIPT_ID:
            transcript = content
        elif name == _CE_SUBJECT:
            subject = content
    return transcript or subject or key or partition, size


_TRANSCRIPT_ID: Final = h.TRANSCRIPT_ID
_CE_SUBJECT: Final = h.CE_SUBJECT
