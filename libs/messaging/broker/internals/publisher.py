"""Publishers whose messages are sent by the broker once their handler has returned."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from faststream._internal.broker.registrator import Registrator
from faststream.kafka.publisher.config import (
    KafkaPublisherConfig,
    KafkaPublisherSpecificationConfig,
)
from faststream.kafka.publisher.specification import KafkaPublisherSpecification
from faststream.kafka.publisher.usecase import DefaultPublisher
from faststream.kafka.response import KafkaPublishCommand
from faststream.kafka.schemas import Topic as KafkaTopic
from faststream.response import PublishCommand

from messaging.broker.internals.messages import build_publish_command, publishing_to
from messaging.broker.internals.pipeline import is_noop_publish_scope

Expand = Callable[[Any], Iterable[KafkaPublishCommand] | None]
"""Turns what a handler returned into messages for one topic; None leaves it to FastStream."""


class ManagedPublisher(DefaultPublisher):
    """FastStream publisher that holds messages back until the handler has returned.

    Attributes:
        declared: the declared topic, if it is one.
        declares_topic: whether the broker may create the topic.
        expand: makes several messages, or none, of what a handler returns.
        collect: takes what a handler returned without making messages of it, if no middleware is
            to see any; returns whether it did.
    """

    __slots__ = ("collect", "declared", "declares_topic", "expand")

    def __init__(
        self, config: KafkaPublisherConfig, specification: KafkaPublisherSpecification
    ) -> None:
        super().__init__(config, specification)
        self.declared: Any = None
        self.declares_topic = True
        self.expand: Expand | None = None
        self.collect: Callable[[PublishCommand], bool] | None = None

    @property
    def configuration(self) -> Any:
        """FastStream's settings of the broker and the routers it belongs to."""
        return self._outer_config

    @property
    def broker(self) -> Any:
        """The broker it belongs to; None if it belongs to a router that none includes."""
        return self._outer_config.extra_context.get("broker")

    @property
    def has_options(self) -> bool:
        """Whether it says more of its messages than their topic."""
        return bool(self.headers or self.reply_to or self.key or self.partition is not None)

    async def _publish(self, cmd: Any, *, _extra_middlewares: Iterable[Any]) -> None:
        given = tuple(_extra_middlewares)
        middlewares = tuple(one for one in given if not is_noop_publish_scope(one))
        if given and not middlewares:
            if self.collect is not None and self.collect(cmd):
                return
            middlewares = given
        cmd = KafkaPublishCommand.from_cmd(cmd)
        several = self.expand(cmd) if self.expand is not None else None
        for one in (cmd,) if several is None else several:
            one.destination = self.topic
            one.add_headers(self.headers, override=False)
            one.reply_to = one.reply_to or self.reply_to
            one.partition = one.partition if one.partition is not None else self.partition
            one.key = one.key or self.key
            producer: Any = publishing_to.get() or self._outer_config.producer
            await self._basic_publish(one, producer=producer, _extra_middlewares=middlewares)

    async def publish_result(self, body: Any, correlation_id: str | None) -> None:
        """Publish what a handler returned to a message without FastStream's middlewares."""
        cmd = build_publish_command(body)
        cmd.correlation_id = cmd.correlation_id or correlation_id
        await self._publish(cmd, _extra_middlewares=())


@dataclass(frozen=True, slots=True)
class PublisherOptions:
    """Options of FastStream's publishers that this broker supports.

    Attributes:
        key: of every record, unless the result says another one.
        partition: of every record.
        headers: of every record, unless the result says others.
        reply_to: the topic that answers go to.
        title: in AsyncAPI.
        description: in AsyncAPI.
        schema: the type of what is sent, for AsyncAPI.
        include_in_schema: whether AsyncAPI has it.
    """

    key: bytes | None = None
    partition: int | None = None
    headers: dict[str, str] | None = None
    reply_to: str = ""
    title: str | None = None
    description: str | None = None
    schema: Any = None
    include_in_schema: bool = True


def add_publisher(
    registrator: Any, topic: KafkaTopic, options: PublisherOptions, *, persistent: bool
) -> ManagedPublisher:
    """Create a managed publisher for a topic, and register it with a broker or router."""
    config = KafkaPublisherConfig(
        key=options.key,
        topic=topic.name,
        partition=options.partition,
        headers=options.headers,
        reply_to=options.reply_to,
        _outer_config=registrator.config,
    )
    specification = KafkaPublisherSpecification(
        _outer_config=registrator.config,
        specification_config=KafkaPublisherSpecificationConfig(
            topic=topic.name,
            schema_=options.schema,
            title_=options.title,
            description_=options.description,
            include_in_schema=options.include_in_schema,
        ),
    )
    publisher = ManagedPublisher(config, specification)
    publisher.declares_topic = topic.declare
    Registrator.publisher(registrator, publisher, persistent=persistent)
    return publisher
