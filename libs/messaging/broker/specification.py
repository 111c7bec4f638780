"""The AsyncAPI document of an application, from its own subscribers and publishers.

FastStream's own document knows neither CloudEvents headers nor a topic's settings, retry topics or
DLQ. Where all topics of an application are declared (``contracts.topics``), the document is the
application's part of ``schemas/asyncapi.yaml``; elsewhere it is FastStream's.
"""

from __future__ import annotations

import json
from typing import Any

from faststream.specification import AsyncAPI

from contracts.asyncapi import build_service_document
from contracts.export import to_yaml
from contracts.topics import (
    RETRY_DELAYS_S,
    WAITING_DECISIONS,
    Topic,
    build_dlq_topic,
    build_retry_topic,
)
from messaging.broker.broker import ReliableKafkaBroker
from messaging.broker.internals import ManagedPublisher, ManagedSubscriber


class AsyncApiDocumentBuilder(AsyncAPI):
    """Builder of a service's AsyncAPI document, for ``faststream docs gen``."""

    def to_specification(self) -> Any:
        """Return the application's part of the contracts, or FastStream's own document."""
        brokers = [one for one in self.brokers if isinstance(one, ReliableKafkaBroker)]
        if len(brokers) == 1 == len(self.brokers) and (wires := _wires(brokers[0])) is not None:
            sends, receives = wires
            service = brokers[0].service
            return AsyncApiDocument(build_service_document(service, sends=sends, receives=receives))
        return super().to_specification()


class AsyncApiDocument:
    """AsyncAPI document of a service, with the serialization methods that FastStream calls.

    Args:
        content: the document as plain data.
    """

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content

    @property
    def title(self) -> str:
        """The document's title."""
        return str(self._content["info"]["title"])

    def to_jsonable(self) -> Any:
        """Return the document as plain data."""
        return self._content

    def to_json(self) -> str:
        """Return the document as JSON."""
        return json.dumps(self._content)

    def to_yaml(self) -> str:
        """Return the document as YAML, written as ``schemas/`` is."""
        return to_yaml(self._content)


def _wires(broker: ReliableKafkaBroker) -> tuple[list[Topic], list[Topic]] | None:
    """The declared topics that an application sends to and receives from; None if some are not."""
    receives: list[Topic] = []
    for subscriber in broker.subscribers:
        if not isinstance(subscriber, ManagedSubscriber) or not subscriber.is_declared:
            return None
        subscriber.schema()  # holds the handlers' types against the topics' events
        receives += subscriber.declared.values()
    sends: list[Topic] = []
    for publisher in broker.publishers:
        if not isinstance(publisher, ManagedPublisher) or publisher.declared is None:
            return None
        sends.append(publisher.declared)
    if broker.has_dead_letters:
        tiers = [build_retry_topic(broker.service, tier) for tier in range(len(RETRY_DELAYS_S))]
        receives += tiers
        sends += [*tiers[1:], build_dlq_topic(broker.service)]
    # No handler's: the machinery reads it, and control's API writes it.
    receives += [WAITING_DECISIONS] * (broker.service in WAITING_DECISIONS.consumers)
    sends += [WAITING_DECISIONS] * (broker.service in WAITING_DECISIONS.producers)
    return sends, receives
