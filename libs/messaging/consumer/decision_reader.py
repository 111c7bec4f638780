"""Reads what operators decided about waiting messages, from the beginning of its topic.

Every replica reads all of it, without a group: who has a message's partition changes. It is read to
its end before the first message is begun, so that a restart forgets no hold.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from contracts.topics import WAITING_DECISIONS
from contracts.waiting_decisions import WaitingDecision
from messaging.consumer import batch_reader
from messaging.kafka.aiokafka_internals import get_network_client
from messaging.kafka.connection_errors import KafkaUnavailableError
from messaging.processing.waiting_decisions import WaitingDecisions
from messaging.settings import KafkaSettings

log = structlog.get_logger(__name__)

LOOK_S: Final = 1.0
"""Pause between two looks for further decisions, in seconds: one small request each."""

READ_TIMEOUT_MS: Final = 500
"""How long one read waits for records, in milliseconds."""

IDLE_READS: Final = 20
"""Reads without a record after which a gap in the log is taken for its end."""

Hasten = Callable[[str, int, Collection[int]], None]
"""Has messages begun that are not due: topic (without prefix), partition, offsets."""


class WaitingDecisionReader:
    """Reader of the decisions about one service's waiting messages.

    Args:
        service: whose.
        kafka: how to reach the broker.
        decisions: where they are noted.
        hasten: called for the places of messages that are decided about.
    """

    def __init__(
        self, service: str, kafka: KafkaSettings, decisions: WaitingDecisions, hasten: Hasten
    ) -> None:
        self._service = service
        self._kafka = kafka
        self._decisions = decisions
        self._hasten = hasten
        self._consumer: Any = None
        self._positions: dict[TopicPartition, int] = {}

    async def start(self) -> None:
        """Read all decisions that there are.

        Raises:
            KafkaUnavailableError: the broker does not answer.
        """
        batch_reader.install_bounded_batch_reader(self._kafka.max_batch_bytes)
        self._consumer = AIOKafkaConsumer(
            **self._kafka.client_options(), enable_auto_commit=False, auto_offset_reset="earliest"
        )
        try:
            await self._consumer.start()
            await asyncio.sleep(0)  # else ``stop`` cancels a task that has not begun, and raises
            name = self._kafka.topic(WAITING_DECISIONS.name)
            cluster = await get_network_client(self._consumer).fetch_all_metadata()
            partitions = cluster.partitions_for_topic(name) or ()
            places = [TopicPartition(name, one) for one in partitions]
            self._positions = dict(await self._consumer.beginning_offsets(places))
            await self._read()
        except KafkaError as error:
            raise KafkaUnavailableError(
                f"decisions about waiting messages cannot be read ({type(error).__name__})"
            ) from error

    async def run(self) -> None:
        """Read further decisions until cancelled; an outage is for others to notice."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self._consumer is None:
                continue
            try:
                await self._read()
            except KafkaError as error:
                log.info("decisions_not_read", error=type(error).__name__)

    async def close(self) -> None:
        """Close the connection."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def _read(self) -> None:
        """Read what is behind the positions."""
        if not self._positions:
            return
        ends = await self._consumer.end_offsets([*self._positions])
        # A topic that was made anew, or whose old records were deleted, begins elsewhere.
        begins = await self._consumer.beginning_offsets([*self._positions])
        for place, position in self._positions.items():
            if not begins[place] <= position <= ends[place]:
                self._positions[place] = begins[place]
        unread = {one for one, position in self._positions.items() if position < ends[one]}
        if not unread:
            return
        self._consumer.assign([*unread])
        for place in unread:
            self._consumer.seek(place, self._positions[place])
        idle = 0
        while unread and idle < IDLE_READS:
            batches = await self._consumer.getmany(timeout_ms=READ_TIMEOUT_MS)
            idle = 0 if batches else idle + 1
            for place, records in batches.items():
                for record in records:
                    self._take(record)
                self._positions[place] = records[-1].offset + 1
                if self._positions[place] >= ends[place]:
                    unread.discard(place)
        # What is not assigned is not fetched for: the topic is idle nearly always.
        self._consumer.unsubscribe()

    def _take(self, record: Any) -> None:
        if record.key != self._service.encode():
            return
        try:
            decision = WaitingDecision.model_validate_json(record.value or b"")
        except ValidationError:
            # Of a later version, or nobody's: what waits is tried when it is due.
            log.warning("decision_unreadable", offset=record.offset)
            return
        places: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
        for topic, partition, offset in self._decisions.note(decision):
            places[topic, partition].add(offset)
        for (topic, partition), offsets in places.items():
            self._hasten(topic, partition, offsets)
        log.info(
            "waiting_decided",
            decision=str(decision.decision_id),
            action=decision.action.value,
            messages=len(decision.waits),
            decided_by=decision.decided_by,
        )
