"""Processing of many records at once, where a handler takes them so (``list[Record]``).

Only what goes well ends here. Records whose handler fails are processed one by one, as all others
are: then an outage is distinguished from one message's own failure, which holds up no other::

    ready messages of one partition ─┬─▶ handled ──▶ all finished
                                     └─▶ failed ──▶ each by itself
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from messaging.processing.failure_policy import drop_tracebacks
from messaging.processing.inflight import InFlightMessage
from messaging.processing.outage_gate import OutageGate
from messaging.stage import Stage

log = structlog.get_logger(__name__)


class RecordBatchProcessor:
    """Processor of records that are handled together.

    Args:
        stage: the handlers.
        gate: closed while the handlers meet an outage.
        deadline_s: how long one call may take, in seconds.
    """

    def __init__(self, stage: Stage, gate: OutageGate, deadline_s: float) -> None:
        self._handlers = {
            route.topic: route.handle_many
            for route in stage.routes
            # Where messages that are too large are dead letters, each is looked at by itself.
            if route.handle_many is not None and not stage.dead_letters
        }
        self._gate = gate
        self._deadline_s = deadline_s

    def takes(self, job: InFlightMessage) -> bool:
        """Return whether a message may be processed together with others of its partition."""
        return self._gate.is_open and not job.alone and job.topic in self._handlers

    async def process(self, jobs: Sequence[InFlightMessage]) -> bool:
        """Process messages of one partition that it ``takes``, and finish them.

        Returns:
            False if each has to be processed by itself.
        """
        try:
            await self._gate.run_once(self._call, jobs)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            log.info("batch_split", topic=jobs[0].topic, messages=len(jobs), reason="cancelled")
        except Exception as error:  # noqa: BLE001 - whatever it is, it shows again for its message
            reason = type(error).__name__
            log.info("batch_split", topic=jobs[0].topic, messages=len(jobs), reason=reason)
            drop_tracebacks(error)
        else:
            return True
        for job in jobs:
            job.alone = True
        return False

    async def _call(self, jobs: Sequence[InFlightMessage]) -> None:
        async with asyncio.timeout(self._deadline_s):
            await self._handlers[jobs[0].topic]([job.record for job in jobs])
