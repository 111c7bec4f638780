"""What waits in retry topics: read from Kafka, between each service's commits and the topics' ends.

Nothing is kept: what a service has finished meanwhile, in order or out of it, is in its commits.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Final, NamedTuple

from audit.broker import BacklogScanner
from contracts import headers as h
from contracts.bounds import is_representable_time
from contracts.topics import PIPELINE, RETRY_DELAYS_S, TRANSCRIPTS_SUBMITTED
from contracts.waiting import ListWaitingRequest, WaitingFilter, WaitingMessage, WaitingPage
from messaging.dead_letters import identity
from messaging.delivery import (
    Headers,
    MessageOrigin,
    WaitId,
    get_header_text,
    read_delivery_history,
    split_headers,
)

MOST_READ: Final = 50_000
"""Most messages of one retry topic that are read for a request."""

KEY_BYTES: Final = 1_024
"""Bytes that are shown of a message's key."""

LONGEST: Final = 500
"""Characters that are shown of what a message says of itself."""

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class WaitingPosition(NamedTuple):
    """Position of a message in the list of waiting messages, sorted by their next try.

    Attributes:
        due_at: until when it waits.
        topic: the retry topic that has it.
        partition: of that topic.
        offset: in that partition.
    """

    due_at: datetime
    topic: str
    partition: int
    offset: int


async def read_waiting_messages(
    scanner: BacklogScanner, wanted: ListWaitingRequest, after: WaitingPosition | None = None
) -> tuple[WaitingPage, WaitingPosition | None]:
    """Read a page of the messages in retry topics from Kafka; return it with the next position.

    Args:
        scanner: reads what services have not finished.
        wanted: narrows by any of its fields; its cursor is not looked at.
        after: position behind which the page begins.

    Raises:
        KafkaUnavailableError: the broker does not answer.
    """
    matching: Counter[str] = Counter()
    # The soonest are kept, whatever their topic, and one more: there is another page then.
    soonest: list[tuple[WaitingPosition, WaitingMessage]] = []
    is_partial = False
    async for found in scan_waiting_messages(scanner, wanted):
        if found is None:
            is_partial = True
            continue
        message, _ = found
        matching[message.service] += 1
        position = get_waiting_position(message)
        if after is None or position > after:
            bisect.insort(soonest, (position, message), key=itemgetter(0))
            del soonest[wanted.limit + 1 :]
    last = soonest[wanted.limit - 1][0] if len(soonest) > wanted.limit else None
    page = WaitingPage(
        messages=tuple(message for _, message in soonest[: wanted.limit]),
        matching=matching.total(),
        by_service=dict(matching),
        is_partial=is_partial,
    )
    return page, last


async def scan_waiting_messages(
    scanner: BacklogScanner, wanted: WaitingFilter
) -> AsyncIterator[tuple[WaitingMessage, WaitId] | None]:
    """Yield the messages in retry topics that match a filter, unordered, each with its wait id.

    A topic that has more than ``MOST_READ`` is read no further, and yields None once.
    """
    for service in PIPELINE:
        if wanted.service not in {None, service}:
            continue
        for tier in range(len(RETRY_DELAYS_S)):
            read = 0
            async for record, topic in scanner.read_retry_topic(service, tier):
                read += 1
                if read > MOST_READ:
                    yield None
                    break
                message, wait = _read_message(record, service=service, topic=topic, tier=tier)
                if _matches(message, wanted):
                    yield message, wait


def get_waiting_position(message: WaitingMessage) -> WaitingPosition:
    """Return a waiting message's position in the list sorted by the time of the next try."""
    due_at = message.due_at or _NEVER
    return WaitingPosition(due_at, message.topic, message.partition, message.offset)


def build_waiting_message(record: Any, *, service: str, topic: str, tier: int) -> WaitingMessage:
    """Convert a retry topic's record to the API's model of a waiting message, without content.

    Args:
        record: as aiokafka has it.
        service: whose topic it is.
        topic: without prefix.
        tier: of the topic.
    """
    return _read_message(record, service=service, topic=topic, tier=tier)[0]


def _read_message(
    record: Any, *, service: str, topic: str, tier: int
) -> tuple[WaitingMessage, WaitId]:
    original, added = split_headers(record.headers)
    here = MessageOrigin(topic, record.partition, record.offset, record.timestamp)
    history = read_delivery_history(added, fallback=here, tier=tier)
    origin = history.origin
    about = identity.read_message_subject(origin.topic, record.key, record.value)
    held_until = convert_epoch_ms_to_time(history.held_until_ms)
    message = WaitingMessage(
        service=service,
        topic=topic,
        partition=record.partition,
        offset=record.offset,
        due_at=held_until or convert_epoch_ms_to_time(history.not_before_ms),
        held_until=held_until,
        error_code=(get_header_text(added, h.ERROR_CODE) or "")[:LONGEST],
        error_message=(get_header_text(added, h.DLQ_MESSAGE) or "")[:LONGEST],
        attempts=history.attempts,
        timeouts=history.timeouts,
        first_failed_at=history.first_failed_at,
        replay_of=history.replay_of,
        source_topic=origin.topic[:LONGEST],
        source_partition=origin.partition,
        source_offset=origin.offset,
        subject=about.subject if about else None,
        study_id=about.study_id if about else None,
        producer=_read_producer(original) if origin.topic == TRANSCRIPTS_SUBMITTED.name else None,
        key=record.key and record.key[:KEY_BYTES],
    )
    return message, history.wait


def _matches(message: WaitingMessage, wanted: WaitingFilter) -> bool:
    pairs = (
        (wanted.code, message.error_code),
        (wanted.subject, message.subject),
        (wanted.study, message.study_id),
        (wanted.producer, message.producer),
    )
    return (
        all(asked is None or asked == found for asked, found in pairs)
        and (wanted.min_attempts is None or message.attempts >= wanted.min_attempts)
        and wanted.held in {None, message.held_until is not None}
        and (wanted.text is None or wanted.text.lower() in message.error_message.lower())
    )


def convert_epoch_ms_to_time(epoch_ms: int) -> datetime | None:
    """Convert milliseconds since the epoch to a datetime; None if out of range."""
    if epoch_ms <= 0:
        return None
    try:
        due = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return due if is_representable_time(due) else None


def _read_producer(headers: Headers) -> str | None:
    source = dict(headers).get(h.CE_SOURCE) or b""
    return source[:LONGEST].decode("utf-8", "replace") or None
