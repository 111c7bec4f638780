"""Counting of a stage's messages in metrics, with labels bound once, as every message counts."""

from __future__ import annotations

import time
from typing import Any, Final

from telemetry import metrics

SUCCESS_STEP_S: Final = 0.1
"""Least time between two updates of when a message was last handled well, in seconds."""


class StageMetrics:
    """Counters of one service's messages.

    Args:
        service: its name.
    """

    def __init__(self, service: str) -> None:
        metrics.SERVICES.register(service)
        self._service = service
        handled = metrics.MESSAGES_HANDLED
        self._done = handled.labels(service, "done")
        self._retried = handled.labels(service, "retried")
        self._dead = handled.labels(service, "dead")
        self._discarded = handled.labels(service, "discarded")
        self._outage = handled.labels(service, "outage")
        self._received: dict[str, Any] = {}
        self._wait = metrics.QUEUE_WAIT_SECONDS.labels(service)
        self._handling = metrics.HANDLING_SECONDS.labels(service)
        self._last_success = metrics.LAST_SUCCESS.labels(service)
        self._last_success_s = 0.0
        self._rebalances = metrics.REBALANCES.labels(service)
        self._gained = metrics.PARTITION_CHANGES.labels(service, "gained")
        self._lost = metrics.PARTITION_CHANGES.labels(service, "lost")

    def received(self, topic: str, number: int) -> None:
        """Count messages that were fetched from a topic, by its name without prefix."""
        counter = self._received.get(topic)
        if counter is None:
            counter = metrics.MESSAGES_RECEIVED.labels(self._service, topic)
            self._received[topic] = counter
        counter.inc(number)

    def waited(self, wait_s: float) -> None:
        """Count how long a message waited in memory until it was begun."""
        self._wait.observe(wait_s)

    def called(self, took_s: float) -> None:
        """Count a call of a handler, with its tries in place."""
        self._handling.observe(took_s)

    def done(self) -> None:
        """Count a message that was handled well."""
        self._done.inc()
        now = time.time()
        if not 0 <= now - self._last_success_s < SUCCESS_STEP_S:
            self._last_success_s = now
            self._last_success.set(now)

    def retried(self, tier: int) -> None:
        """Count a message that was written to the retry topic of a tier."""
        self._retried.inc()
        metrics.RETRIES.labels(self._service, str(tier)).inc()

    def held(self) -> None:
        """Count a message that goes round in its retry topic, as an operator holds it."""
        self._retried.inc()

    def dead(self) -> None:
        """Count a message that is a dead letter."""
        self._dead.inc()

    def discarded(self, number: int) -> None:
        """Count messages of which nothing is to come, or that were deleted before they were due."""
        self._discarded.inc(number)

    def met_outage(self) -> None:
        """Count a try that met an outage."""
        self._outage.inc()

    def paused(self, reason: str) -> None:
        """Count a gate that closed, by the reason that it gives to people."""
        metrics.STAGE_PAUSES.labels(self._service, classify_pause(reason)).inc()

    def rebalanced(self, *, gained: int, lost: int) -> None:
        """Count a rebalance, and the partitions that it moved."""
        self._rebalances.inc()
        self._gained.inc(gained)
        self._lost.inc(lost)


def classify_pause(reason: str) -> str:
    """Return the label for why a stage is paused, from its reason for people: what it begins with.

    An outage's reason begins with its code, a stopped stage's with ``stopped``.
    """
    code = reason.partition(":")[0]
    if code == "stopped":
        return "failures"
    return "starting" if code in STARTING else code


STARTING: Final = frozenset({"starting", "joining the consumer group"})
"""Reasons of a service that is on its way to work."""
