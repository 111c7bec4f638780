"""Puts messages that failed where they wait to be tried again, or where an operator finds them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from math import ceil

import structlog

from contracts.topics import dlq_topic, retry_topic
from messaging import letters
from messaging.attempts import StuckError
from messaging.delivery import Headers, append, wait_headers
from messaging.failures import RetryLater
from messaging.jobs import Job
from messaging.publisher import Publisher, TooLargeToSendError

log = structlog.get_logger(__name__)


class Aside:
    """The retry topics and the DLQ of one service.

    Args:
        service: whose.
        group: its consumer group, as dead letters name it.
        publisher: writes to them.
    """

    def __init__(self, service: str, group: str, publisher: Publisher) -> None:
        self._service = service
        self._group = group
        self._publisher = publisher

    async def retry_later(self, job: Job, decision: RetryLater, failure: letters.Failure) -> None:
        """Write a message to a retry topic; returns when the broker has it.

        Raises:
            OutageError: the broker does not take it.
        """
        topic = retry_topic(self._service, decision.tier).name
        not_before_ms = ceil((time.time() + decision.delay_s) * 1000)
        await self._forward(topic, job, wait_headers(job.delivery, not_before_ms=not_before_ms))
        log.info(
            "retry_later",
            code=failure.code.value,
            reason=failure.message,
            topic=topic,
            delay_s=decision.delay_s,
            attempts=job.delivery.attempts,
        )

    async def dead_letter(self, job: Job, failure: letters.Failure) -> None:
        """Write a message to the DLQ; returns when the broker has it.

        Raises:
            OutageError: the broker does not take it.
        """
        service = self._service
        added = letters.letter_headers(
            failure, job.delivery, service=service, group=self._group, at=datetime.now(UTC)
        )
        await self._forward(dlq_topic(service).name, job, added)
        log.warning(
            "dead_letter",
            code=failure.code.value,
            reason=failure.message,
            letter_id=str(letters.letter_id(service, job.delivery)),
            attempts=job.delivery.attempts,
            timeouts=job.delivery.timeouts,
        )

    async def _forward(self, topic: str, job: Job, added: Headers) -> None:
        record = job.record
        headers = append(record.headers, added)
        try:
            await self._publisher.forward(topic, record.key, record.value, headers)
        except TooLargeToSendError as error:
            # Nothing may be lost: the message stays until the topic's limit is raised.
            raise StuckError(
                f"{topic} refuses the record's size; raise max.message.bytes"
            ) from error
