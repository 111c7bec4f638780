"""Routing of failed messages to a retry topic or the dead letter queue (DLQ)."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from math import ceil
from typing import Final

import structlog

from contracts import headers as h
from contracts.topics import build_dlq_topic, build_retry_topic
from messaging.consumer.oversize import DigestScope, OversizeValue
from messaging.dead_letters import headers as dead_letter_headers
from messaging.dead_letters.identity import compute_stub_digest
from messaging.dead_letters.record_digest import digest_record
from messaging.dead_letters.stubs import (
    DeadLetterStub,
    build_dead_letter_stub,
    describe_oversize_record,
)
from messaging.delivery import (
    Headers,
    Record,
    append_headers,
    build_retry_headers,
    split_headers,
)
from messaging.processing.attempts import StuckMessageError
from messaging.processing.failure_policy import RetryLater
from messaging.processing.inflight import InFlightMessage
from messaging.producer.publisher import Publisher, RecordTooLargeError

log = structlog.get_logger(__name__)


HOLD_ROUND_S: Final = 600.0
"""Longest that a held message stays at one place of a retry topic, in seconds."""


class FailureRouter:
    """Router that writes failed messages to a service's retry topics or dead letter queue.

    Args:
        service: whose.
        group: its consumer group, as dead letters name it.
        publisher: writes to them.
    """

    def __init__(self, service: str, group: str, publisher: Publisher) -> None:
        self._service = service
        self._group = group
        self._publisher = publisher

    async def retry_later(
        self,
        job: InFlightMessage,
        decision: RetryLater,
        failure: dead_letter_headers.FailureDescription,
    ) -> bool:
        """Write a message to a retry topic; return when the broker has acknowledged it.

        Returns:
            Whether it is there: False if it is too large for the retry topic, and a dead letter.

        Raises:
            OutageError: the broker does not take it.
        """
        topic = build_retry_topic(self._service, decision.tier).name
        delay_ms = ceil(decision.delay_s * 1000)
        # By the wall clock: another replica, with a monotonic clock of its own, finds it due.
        added = build_retry_headers(
            job.delivery, not_before_ms=ceil(time.time() * 1000) + delay_ms, delay_ms=delay_ms
        )
        added = (*added, *dead_letter_headers.build_cause_headers(failure))
        try:
            await self._forward(topic, job, added)
        except RecordTooLargeError:
            # The history in its headers makes a message longer than it was when its topic took it.
            log.warning("too_large_to_retry", topic=topic)
            await self.dead_letter(job, failure)
            return False
        log.info(
            "retry_later",
            code=failure.code.value,
            reason=failure.message,
            topic=topic,
            delay_s=decision.delay_s,
            attempts=job.delivery.attempts,
        )
        return True

    async def hold(self, job: InFlightMessage, until_ms: int) -> bool:
        """Write a message to a retry topic again, which says until when it is held.

        It goes round there, at most ``HOLD_ROUND_S`` at a time: where it stayed, what is finished
        behind it could not be committed, and the topic would delete it after a week.

        Args:
            job: a message of a retry topic.
            until_ms: until when it is held, in milliseconds since the epoch.

        Returns:
            Whether it is there: False if it is too large for the retry topic, and a dead letter.

        Raises:
            OutageError: the broker does not take it.
        """
        now_ms = ceil(time.time() * 1000)
        delay_ms = max(0, min(until_ms - now_ms, ceil(HOLD_ROUND_S * 1000)))
        _, before = split_headers(job.received.headers)
        cause = tuple(one for one in before if one[0] in {h.ERROR_CODE, h.DLQ_MESSAGE})
        added = build_retry_headers(
            job.delivery,
            not_before_ms=now_ms + delay_ms,
            delay_ms=delay_ms,
            held_until_ms=until_ms,
        )
        # A replay's own topic is control's to write.
        topic = build_retry_topic(self._service, max(1, job.delivery.tier)).name
        try:
            await self._forward(topic, job, (*added, *cause))
        except RecordTooLargeError as error:
            log.warning("too_large_to_retry", topic=topic)
            failure = dead_letter_headers.describe_failure(error, self._service)
            await self.dead_letter(job, failure)
            return False
        return True

    async def dead_letter(
        self, job: InFlightMessage, failure: dead_letter_headers.FailureDescription
    ) -> None:
        """Write a message to the DLQ; return when the broker has acknowledged it.

        A message that cannot be written whole becomes a stub letter.

        Raises:
            OutageError: the broker does not take it.
        """
        letter_id = await self._write_letter(job, failure)
        _log_letter(job, failure, letter_id)

    async def dead_letter_without_content(
        self, job: InFlightMessage, failure: dead_letter_headers.FailureDescription
    ) -> None:
        """Write a stub letter with the message's place, size and hash only, for a later replay.

        Args:
            job: the message, for which the usual dead letter failed unexpectedly.
            failure: why.

        Raises:
            OutageError: the broker does not take it.
        """
        stub = await asyncio.to_thread(_stub_without_content, job.record)
        added = self._letter_headers(job, failure, compute_stub_digest(stub))
        await self._write_stub(build_dlq_topic(self._service).name, stub, added)
        _log_letter(job, failure, _letter_id_of(added))

    def _letter_headers(
        self, job: InFlightMessage, failure: dead_letter_headers.FailureDescription, content: bytes
    ) -> Headers:
        return dead_letter_headers.build_dead_letter_headers(
            failure,
            job.delivery,
            content,
            service=self._service,
            group=self._group,
            at=datetime.now(UTC),
        )

    async def _forward(self, topic: str, job: InFlightMessage, added: Headers) -> None:
        record = job.record
        await self._publisher.forward(
            topic, record.key, record.value, append_headers(record.headers, added)
        )

    async def _write_letter(
        self, job: InFlightMessage, failure: dead_letter_headers.FailureDescription
    ) -> str:
        """Write a dead letter, whole if the topic takes it, and return its id."""
        dlq = build_dlq_topic(self._service).name
        record = job.record
        if not isinstance(record.value, OversizeValue):
            # Hashing 64 MiB in the event loop would delay all other messages, and heartbeats.
            content = await asyncio.to_thread(
                digest_record, record.key, record.value, record.headers
            )
            added = self._letter_headers(job, failure, content)
            # Whole if at all possible: a stub can be replayed only while the original is there.
            # What is too large is the broker's to say: an operator may have lowered its limit.
            with suppress(RecordTooLargeError):
                await self._forward(dlq, job, added)
                return _letter_id_of(added)
        stub = await asyncio.to_thread(build_dead_letter_stub, record)
        log.warning("stub_letter", kind=stub.kind.value, size_bytes=stub.size_bytes)
        added = self._letter_headers(job, failure, compute_stub_digest(stub))
        await self._write_stub(dlq, stub, added)
        return _letter_id_of(added)

    async def _write_stub(self, dlq: str, stub: DeadLetterStub, added: Headers) -> None:
        # First with the beginning of the message, which helps people; then without.
        with suppress(RecordTooLargeError):
            await self._forward_stub(dlq, stub, added)
            return
        try:
            await self._forward_stub(dlq, stub.without_content, added)
        except RecordTooLargeError as error:
            raise StuckMessageError(
                f"{dlq} takes not even a letter without its message, of a few kB; "
                "set its max.message.bytes as it is declared"
            ) from error

    async def _forward_stub(self, dlq: str, stub: DeadLetterStub, added: Headers) -> None:
        headers = append_headers(stub.headers, (*added, *stub.added_headers))
        await self._publisher.forward(dlq, stub.key, stub.value, headers)


def _stub_without_content(record: Record) -> DeadLetterStub:
    """Return a stub without content of the message; without its hash if computing it fails."""
    try:
        known = describe_oversize_record(record)
    except Exception:
        # This is the last resort: whatever is wrong with the message, it must not block its
        # partition for ever. A letter without a hash can still be found by its place.
        log.exception("not_hashed", topic=record.topic, offset=record.offset)
        return DeadLetterStub(
            DigestScope.RECORD, size_bytes=0, sha256="", headers_left_out=len(record.headers)
        )
    left_out = known.headers_left_out + len(record.headers)
    return DeadLetterStub(known.kind, known.size_bytes, known.sha256, headers_left_out=left_out)


def _log_letter(
    job: InFlightMessage, failure: dead_letter_headers.FailureDescription, letter_id: str
) -> None:
    log.warning(
        "dead_letter",
        code=failure.code.value,
        reason=failure.message,
        letter_id=letter_id,
        attempts=job.delivery.attempts,
        timeouts=job.delivery.timeouts,
    )


def _letter_id_of(added: Headers) -> str:
    return dict(added)[h.LETTER_ID].decode()
