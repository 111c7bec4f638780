"""Declares subscribers and publishers as FastStream's brokers and routers do."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

from faststream.exceptions import SetupError
from faststream.kafka import KafkaRouter as FastStreamRouter
from faststream.response import PublishCommand

from contracts.encoded import unwrap_event_class
from contracts.topics import Topic
from messaging.broker.internals import (
    EMPTY,
    KafkaPublishCommand,
    KafkaRegistrator,
    KafkaTopic,
    ManagedPublisher,
    ManagedSubscriber,
    PreparedHandler,
    PublisherOptions,
    SubscriberOptions,
    add_publisher,
    add_subscriber,
    publishing_to,
)
from messaging.broker.payloads import build_decoder, is_record_type
from messaging.broker.results import HandlerResults, build_event_command, extract_events
from messaging.codec import read_event_headers
from messaging.delivery import NO_CONTEXT, Delivery, MessageOrigin, Record

LINEAGE: Final = "onrecord_lineage"
"""The name under which FastStream's context has what a record's headers carry on, where nobody
delivers it."""

DELIVERY: Final = "delivery"
"""The name under which handlers find the delivery in FastStream's context."""

PREFIX: Final = "onrecord_prefix"
"""The name under which FastStream's context has what goes before every topic and group."""

DEADLINE_S: Final = "onrecord_deadline_s"
"""The name under which FastStream's context has the time that one delivery may take, in seconds."""

_OURS: Final = frozenset(
    {"ack_policy", "max_workers", "auto_offset_reset", "auto_commit_interval_ms", "listener"}
)
"""Options of FastStream's subscribers that are decided here for all of a broker's subscribers."""


class ReliableRegistrator(KafkaRegistrator):
    """Base class of brokers and routers, with decorators for subscribers and publishers."""

    def subscriber(  # type: ignore[override]  # FastStream's overloads are of its own classes
        self,
        *topics: str | KafkaTopic | Topic,
        persistent: bool = True,
        **options: Any,
    ) -> ManagedSubscriber:
        """Declare a subscriber; FastStream's options of the consumer itself have no effect.

        All subscribers of a broker share one consumer, whose settings are the broker's.

        Args:
            topics: names, FastStream's topics, or declared ones (``contracts.topics``), whose
                event the handler has to take.
            persistent: whether the broker keeps the subscriber alive.
            options: as FastStream's ``subscriber`` takes them.
        """
        unknown_here = options.keys() & {"batch", "partitions", "pattern"}
        if any(options[name] for name in unknown_here):
            # TestKafkaBroker makes such subscribers, which never see a broker.
            unmanaged: Any = super().subscriber(
                *(_named(one) for one in topics), persistent=persistent, **options
            )
            return cast("ManagedSubscriber", unmanaged)
        if decided := sorted(name for name in options.keys() & _OURS if options[name] is not EMPTY):
            warnings.warn(
                f"{', '.join(decided)}: decided by the broker for all subscribers; no effect here",
                stacklevel=2,
            )
        known = SubscriberOptions.__dataclass_fields__
        chosen = SubscriberOptions(**{k: v for k, v in options.items() if k in known})
        added = add_subscriber(self, [_named(one) for one in topics], chosen, persistent=persistent)
        added.declared = {one.name: one for one in topics if isinstance(one, Topic)}
        added.choose_decoder = _choose_decoder
        added.make_delivery = lambda raw: _delivery_of(added, raw)
        return added

    def publisher(  # type: ignore[override]  # as above
        self, topic: str | KafkaTopic | Topic, *, persistent: bool = True, **options: Any
    ) -> ManagedPublisher:
        """Declare a publisher of what a handler returns.

        Args:
            topic: a name, FastStream's topic, or a declared one (``contracts.topics``), which
                takes those of the returned events that are its own, as CloudEvents.
            persistent: whether the broker keeps the publisher alive.
            options: as FastStream's ``publisher`` takes them.
        """
        if options.get("batch"):
            unmanaged: Any = super().publisher(_named(topic), persistent=persistent, **options)
            return cast("ManagedPublisher", unmanaged)
        known = PublisherOptions.__dataclass_fields__
        chosen = PublisherOptions(**{k: v for k, v in options.items() if k in known})
        if isinstance(topic, Topic) and topic.event is not None and chosen.schema is None:
            chosen = PublisherOptions(**{**_fields(chosen), "schema": topic.event})
        added = add_publisher(self, _named(topic), chosen, persistent=persistent)
        if isinstance(topic, Topic):
            added.declared = topic
            added.expand = lambda cmd: _events_for(added, topic, cmd)
            added.collect = lambda cmd: _collect_events(added, topic, cmd)
        return added

    def include_router(self, router: Any, **options: Any) -> None:
        """Include a router of ours.

        Raises:
            SetupError: it is one of FastStream's, whose subscribers have consumers of their own.
        """
        if isinstance(router, FastStreamRouter) and not isinstance(router, ReliableRegistrator):
            raise SetupError(
                "declare handlers on messaging.KafkaRouter: those of faststream.kafka.KafkaRouter "
                "bring consumers of their own"
            )
        super().include_router(router, **options)


class KafkaRouter(ReliableRegistrator, FastStreamRouter):
    """FastStream router for a ``ReliableKafkaBroker``."""


def _named(topic: str | KafkaTopic | Topic) -> KafkaTopic:
    # Declared topics are created by operators, never by a service.
    return KafkaTopic(topic.name, declare=False) if isinstance(topic, Topic) else _plain(topic)


def _plain(topic: str | KafkaTopic) -> KafkaTopic:
    return KafkaTopic.validate(topic)


def _fields(options: PublisherOptions) -> dict[str, Any]:
    return {name: getattr(options, name) for name in options.__dataclass_fields__}


def _choose_decoder(site: PreparedHandler, subscriber: ManagedSubscriber) -> Any:
    annotation = site.payloads[0][1] if len(site.payloads) == 1 else None
    for topic in subscriber.declared.values():
        if topic.event not in {None, annotation} and not is_record_type(annotation):
            raise SetupError(
                f"{site.function.__name__} takes {getattr(annotation, '__name__', annotation)}, "
                f"but {topic.name} carries {topic.event.__name__}"
            )
    prefix = subscriber.context.get(PREFIX, "")
    return build_decoder(annotation, lambda raw: raw.topic.removeprefix(prefix))


def _events_for(
    publisher: ManagedPublisher, topic: Topic, cmd: KafkaPublishCommand
) -> Iterable[KafkaPublishCommand] | None:
    """The messages for one declared topic among what a handler returned."""
    results: Any = publishing_to.get()
    events = extract_events(cmd.body)
    if events is None:
        return None
    if isinstance(results, HandlerResults):
        cause = results.lineage
    else:
        cause = publisher.configuration.context.get_local(LINEAGE, NO_CONTEXT)
    source = publisher.broker.source
    return [
        build_event_command(one, source, cause, cmd.headers)
        for one in events
        if unwrap_event_class(one) is topic.event
    ]


def _collect_events(publisher: ManagedPublisher, topic: Topic, cmd: PublishCommand) -> bool:
    """Add to the message's results those of the returned events that belong to a declared topic.

    They are encoded when they are sent, as those of the direct way are.

    Returns:
        Whether that is all there is to do: the result says nothing else of what is to be sent, and
        neither does the publisher.
    """
    results: Any = publishing_to.get()
    # A subclass may say a key, a partition or a time.
    if not isinstance(results, HandlerResults) or type(cmd) is not PublishCommand or cmd.headers:
        return False
    if publisher.has_options or (events := extract_events(cmd.body)) is None:
        return False
    if publisher.topic != publisher.broker.config.prefix + topic.name:
        return False  # a router's prefix
    results.records += [one for one in events if unwrap_event_class(one) is topic.event]
    return True


def _delivery_of(subscriber: ManagedSubscriber, raw: Any) -> tuple[tuple[str, Any], ...]:
    topic = raw.topic.removeprefix(subscriber.context.get(PREFIX, ""))
    deadline_s = subscriber.context.get(DEADLINE_S, float("inf"))
    headers = tuple(raw.headers or ())
    delivery = Delivery(
        MessageOrigin(topic, raw.partition, raw.offset, max(0, raw.timestamp)),
        headers=headers,
        record=Record(topic, raw.partition, raw.offset, raw.key, raw.value, headers, raw.timestamp),
        deadline=asyncio.get_running_loop().time() + deadline_s,
    )
    return ((DELIVERY, delivery), (LINEAGE, read_event_headers(raw.headers or ())[1]))


def require_managed_subscribers(subscribers: Sequence[Any]) -> None:
    """Raise ``SetupError`` if a subscriber uses batches, topic patterns or fixed partitions.

    Raises:
        SetupError: one reads batches, patterns or partitions of its own.
    """
    for one in subscribers:
        if not isinstance(one, ManagedSubscriber):
            raise SetupError(
                f"{one.specification.call_name}: batch, pattern and partition subscribers are not "
                "served; subscribe to topics by name, one message a call"
            )
