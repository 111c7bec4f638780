"""A subscribed topic whose handler takes many records at once, as ``list[Record]``.

Its records are handled together where nothing but calling the function is to be done; where
FastStream has more to do (a middleware, a dependency), it gets one record a call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from messaging.broker.internals import PreparedHandler
from messaging.codec import read_event_headers
from messaging.delivery import Delivery, PropagatedContext, Record
from messaging.processing.inflight import InFlightMessage
from messaging.producer.outgoing import Outgoing


class ReturnedFromBatchError(TypeError):
    """Raised when a handler of many records returns something: it would be nobody's result."""


@dataclass(frozen=True, slots=True)
class RecordBatchRoute:
    """Route that calls a handler with as many of a partition's records as there are at once.

    Attributes:
        topic: its name without prefix.
        call: the handler.
        context: reads a value of FastStream's context.
    """

    topic: str
    call: PreparedHandler
    context: Callable[[str], Any]
    wants_delivery: bool = False
    is_json: bool = False

    def read(self, job: InFlightMessage) -> tuple[Record, PropagatedContext]:
        """Return the record, which is the handler's to decode."""
        return job.record, read_event_headers(job.headers)[1]

    async def handle(self, subject: Record, delivery: Delivery | None) -> Sequence[Outgoing]:
        """Call the handler with one record."""
        del delivery
        await self.handle_many([subject])
        return ()

    async def handle_many(self, records: Sequence[Record]) -> None:
        """Call the handler with some records.

        Raises:
            ReturnedFromBatchError: it returned something.
        """
        known = {name: self.context(key) for name, key in self.call.context.items()}
        name = self.call.payloads[0][0]
        if await self.call.function(**{name: list(records)}, **known) is not None:
            raise ReturnedFromBatchError(f"{self.call.function.__name__} returned something")
