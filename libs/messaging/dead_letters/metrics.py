"""Dead-letter counts by producer, and a warning when one producer floods the DLQ."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from contracts import headers as h
from contracts.errors import UNMENDABLE, ErrorCode
from messaging.delivery import Record
from telemetry.metrics import DEAD_LETTERS, PRODUCERS, SERVICES

log = structlog.get_logger(__name__)

FLOOD: Final = 30
"""Bad messages of one producer within ``FLOOD_S`` that are worth a warning. Bad is what no replay
mends; one that waits for a budget, was rejected or met an outage is not its producer's fault."""

FLOOD_S: Final = 60.0
"""What floods are measured by, and the shortest time between two warnings, in seconds."""

UNKNOWN: Final = "unknown"


@dataclass(slots=True)
class _Flood:
    """A producer's bad messages since the start of an interval."""

    since: float
    letters: int = 0
    warned: bool = False


class DeadLetterMetrics:
    """Prometheus counters of a service's dead letters, by error code and producer.

    Args:
        service: its name.
        clock: a monotonic clock, in seconds.
    """

    def __init__(self, service: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._clock = clock
        SERVICES.register(service)
        self._floods: dict[str, _Flood] = {}

    def record(self, record: Record, code: ErrorCode) -> None:
        """Count a dead letter.

        Args:
            record: the message.
            code: why it was set aside.
        """
        producer = self._producer(record)
        DEAD_LETTERS.labels(self._service, code.value, producer).inc()
        if code in UNMENDABLE:
            self._warn_of_flood(producer, code)

    def _producer(self, record: Record) -> str:
        name = record.header(h.CE_SOURCE)
        # Anybody can write any name: labels without bound would fill Prometheus' memory.
        known = name if name and name.isprintable() else UNKNOWN
        return PRODUCERS.limit(known, self._service)

    def _warn_of_flood(self, producer: str, code: ErrorCode) -> None:
        now = self._clock()
        flood = self._floods.get(producer)
        if flood is None or now - flood.since >= FLOOD_S:
            flood = self._floods[producer] = _Flood(now)
        flood.letters += 1
        if flood.letters >= FLOOD and not flood.warned:
            flood.warned = True
            log.warning(
                "many_bad_messages",
                producer=producer,
                letters=flood.letters,
                within_s=round(now - flood.since, 1),
                code=code.value,
            )
