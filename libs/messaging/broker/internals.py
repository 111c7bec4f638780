"""What is taken from FastStream's internals, and nothing else here takes anything from them.

``tests/unit/messaging/broker/test_faststream_internals.py`` pins what this module relies on, so
that an upgrade of FastStream that changes it fails there, and not in a service.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from inspect import unwrap
from itertools import count
from typing import Any, Final, Protocol

from faststream._internal.broker.registrator import Registrator
from faststream._internal.constants import EMPTY
from faststream._internal.endpoint.subscriber.call_item import CallsCollection, HandlerItem
from faststream._internal.endpoint.subscriber.usecase import SubscriberUsecase
from faststream._internal.endpoint.subscriber.utils import default_filter
from faststream._internal.parser import DefaultCodec
from faststream.kafka.broker.registrator import KafkaRegistrator
from faststream.kafka.configs import KafkaBrokerConfig
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage
from faststream.kafka.parser import AioKafkaParser
from faststream.kafka.publisher.config import (
    KafkaPublisherConfig,
    KafkaPublisherSpecificationConfig,
)
from faststream.kafka.publisher.fake import KafkaFakePublisher
from faststream.kafka.publisher.producer import AioKafkaFastProducer
from faststream.kafka.publisher.specification import KafkaPublisherSpecification
from faststream.kafka.publisher.usecase import DefaultPublisher
from faststream.kafka.response import KafkaPublishCommand
from faststream.kafka.schemas import Topic as KafkaTopic
from faststream.kafka.security import parse_security
from faststream.kafka.subscriber.config import (
    KafkaSubscriberConfig,
    KafkaSubscriberSpecificationConfig,
)
from faststream.kafka.subscriber.specification import KafkaSubscriberSpecification
from faststream.kafka.subscriber.usecase import DefaultSubscriber
from faststream.message import AckStatus
from faststream.middlewares import AckPolicy
from faststream.response.publish_type import PublishType

__all__ = [
    "EMPTY",
    "FAKE_CONSUMER",
    "AckRecordingMessage",
    "AckStatus",
    "AioKafkaFastProducer",
    "KafkaBrokerConfig",
    "KafkaPublishCommand",
    "KafkaRegistrator",
    "KafkaTopic",
    "ManagedPublisher",
    "ManagedSubscriber",
    "MessageSink",
    "PreparedHandler",
    "add_publisher",
    "add_subscriber",
    "build_codec_and_parsers",
    "build_publish_command",
    "convert_security",
    "encode_body",
    "publishing_to",
]


class MessageSink(Protocol):
    """Receiver of the messages that a handler publishes, in place of the broker's producer.

    Attributes:
        message: FastStream's message; set once it is parsed.
    """

    message: AckRecordingMessage | None

    async def publish(self, cmd: KafkaPublishCommand) -> Any:
        """Take one message."""


publishing_to: Final[ContextVar[MessageSink | None]] = ContextVar("publishing_to", default=None)
"""Where the results of the handler that runs now go; None sends them at once."""

Decoder = Callable[[Any], Awaitable[Any]]
Expand = Callable[[Any], Iterable[KafkaPublishCommand] | None]
"""Turns what a handler returned into messages for one topic; None leaves it to FastStream."""


@dataclass(frozen=True, slots=True)
class PreparedHandler:
    """Handler of a subscriber with its parameters, as FastStream has prepared it for calls.

    Attributes:
        function: the handler as it was written.
        payloads: names and types of the parameters that come from the message.
        context: for each parameter that comes from FastStream's context, under which name.
        publishers: where its results go.
        is_plain: whether calling the function with these parameters is all that FastStream does:
            no dependency, filter, parser, decoder, conversion or wrapper is involved.
    """

    function: Callable[..., Any]
    payloads: tuple[tuple[str, Any], ...]
    context: dict[str, str]
    publishers: tuple[Any, ...]
    is_plain: bool


_numbers = count(1)


class AckRecordingMessage(KafkaMessage):
    """FastStream message that records the handler's ack, nack or reject, for the broker."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.committed: AckStatus | None = None
        if (sink := publishing_to.get()) is not None:
            sink.message = self


class _TolerantParser(AioKafkaParser):
    """Parses records whose headers are empty, or no UTF-8, which FastStream's refuses."""

    __slots__ = ()

    async def parse_message(self, message: Any) -> Any:
        headers = {
            name: (value or b"").decode(errors="replace") for name, value in message.headers or ()
        }
        return self.msg_class(
            body=message.value or b"",
            headers=headers,
            reply_to=headers.get("reply_to", ""),
            content_type=headers.get("content-type"),
            message_id=f"{message.offset}-{message.timestamp}",
            correlation_id=headers.get("correlation_id"),
            raw_message=message,
            consumer=self._consumer,
        )


class ManagedSubscriber(DefaultSubscriber):
    """FastStream subscriber without a consumer of its own: the broker passes it each record.

    Attributes:
        declared: the declared topics by their names without prefix, for those that have one.
        choose_decoder: makes the decoder for a handler that names none; set by the registrator.
        make_delivery: makes what the context has of a record's delivery, as names and values,
            where nobody delivers it, as under ``TestKafkaBroker``; set by the registrator.
        number: counts the subscribers of the process in the order of their declaration.
    """

    __slots__ = ("choose_decoder", "declared", "make_delivery", "number")

    def __init__(
        self,
        config: KafkaSubscriberConfig,
        specification: KafkaSubscriberSpecification,
        calls: CallsCollection[Any],
    ) -> None:
        super().__init__(config, specification, calls)
        self.declared: dict[str, Any] = {}
        self.number = next(_numbers)
        self.choose_decoder: Callable[[PreparedHandler, Any], Decoder] | None = None
        self.make_delivery: Callable[[Any], Any] | None = None
        self.parser = _TolerantParser(msg_class=AckRecordingMessage, regex=None)
        self._parser = self.parser.parse_message

    async def start(self) -> None:
        """Make the handlers ready; the broker's consumer does the rest."""
        await SubscriberUsecase.start(self)
        self._post_start()

    async def stop(self) -> None:
        """Take no more records; the broker has waited for those in progress."""
        self.running = False

    async def process_message(self, msg: Any) -> Any:
        """Run middlewares, parser, filters, dependencies, handler and publishers.

        Raises:
            Exception: whatever one of them raised; FastStream's ``consume`` would swallow it.
        """
        if self.make_delivery is None or publishing_to.get() is not None:
            return await super().process_message(msg)
        with self.context.scopes(self.make_delivery(msg)):
            return await super().process_message(msg)

    def _build_fastdepends_model(self) -> None:
        super()._build_fastdepends_model()
        if self.choose_decoder is None:
            return
        for call, site in zip(self.calls, self.prepared_handlers(), strict=True):
            if call.decoder is self._decoder or call.decoder == self._decoder:
                call.decoder = self.choose_decoder(site, self)

    def _make_response_publisher(self, message: Any) -> Sequence[Any]:
        producer: Any = publishing_to.get() or self._outer_config.producer
        return (KafkaFakePublisher(producer, topic=message.reply_to),)

    @property
    def has_middlewares(self) -> bool:
        """Whether somebody has attached a middleware to the broker or a router."""
        return bool(self._broker_middlewares)

    @property
    def configuration(self) -> Any:
        """FastStream's settings of the broker and the routers it belongs to."""
        return self._outer_config

    @property
    def context(self) -> Any:
        """The repository from which handlers' ``Context`` parameters come."""
        return self._outer_config.context

    @property
    def is_declared(self) -> bool:
        """Whether all its topics are declared ones."""
        return len(self.declared) == len(self._topics)

    def names_without(self, prefix: str) -> list[str]:
        """Return the subscribed topics without the installation's prefix."""
        return [topic.name.removeprefix(prefix) for topic in self.topics]

    def prepared_handlers(self) -> list[PreparedHandler]:
        """Return the handlers, once they are ready."""
        return [self._prepare_handler(call) for call in self.calls]

    def _prepare_handler(self, call: HandlerItem[Any]) -> PreparedHandler:
        model: Any = call.dependant
        handler: Any = call.handler
        payloads = tuple((one.field_name, one.field_type) for one in model.params)
        context = {
            name: one.name or one.param_name
            for name, one in model.custom_fields.items()
            if type(one).__name__ == "Context"
        }
        is_plain = (
            len(self.calls) == 1
            and len(payloads) == 1
            and len(context) == len(model.custom_fields)
            and not any(
                one.cast or one.prefix or one.initial or not one.required
                for one in model.custom_fields.values()
            )
            and not model.dependencies
            and not model.extra_dependencies
            and model.args_name is None
            and model.kwargs_name is None
            and unwrap(call.filter) is default_filter
            and call.item_parser is None
            and call.item_decoder is None
            and not any(self._call_options)
            and not self._outer_config.broker_parser
            and not self._outer_config.broker_decoder
            and not self._outer_config.broker_codec
            and not self._call_decorators
            and not self._outer_config.fd_config.call_decorators
            and handler._declared_call is handler._composed_call
            and not handler.is_test
        )
        return PreparedHandler(
            function=handler._declared_call,
            payloads=payloads,
            context=context,
            publishers=tuple(handler._publishers),
            is_plain=is_plain,
        )


class ManagedPublisher(DefaultPublisher):
    """FastStream publisher whose messages the broker sends once the handler has returned.

    Attributes:
        declared: the declared topic, if it is one.
        declares_topic: whether the broker may create the topic.
        expand: makes several messages, or none, of what a handler returns.
    """

    __slots__ = ("declared", "declares_topic", "expand")

    def __init__(
        self, config: KafkaPublisherConfig, specification: KafkaPublisherSpecification
    ) -> None:
        super().__init__(config, specification)
        self.declared: Any = None
        self.declares_topic = True
        self.expand: Expand | None = None

    @property
    def configuration(self) -> Any:
        """FastStream's settings of the broker and the routers it belongs to."""
        return self._outer_config

    @property
    def broker(self) -> Any:
        """The broker it belongs to; None if it belongs to a router that none includes."""
        return self._outer_config.extra_context.get("broker")

    async def _publish(self, cmd: Any, *, _extra_middlewares: Iterable[Any]) -> None:
        middlewares = tuple(_extra_middlewares)
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


def convert_security(security: Any) -> dict[str, Any]:
    """Convert FastStream's security settings to options of an aiokafka client."""
    options: dict[str, Any] = parse_security(security)
    return options


def build_codec_and_parsers() -> tuple[Any, Any, Any]:
    """Build the codec, parser and decoder that FastStream expects of a producer."""
    parser = _TolerantParser(msg_class=AckRecordingMessage, regex=None)
    return DefaultCodec(), parser.parse_message, parser.decode_message


def build_publish_command(
    body: Any, *, key: bytes | None = None, headers: dict[str, str] | None = None
) -> KafkaPublishCommand:
    """Build the command with which FastStream's publishers publish a message."""
    if hasattr(body, "as_publish_command"):
        return KafkaPublishCommand.from_cmd(body.as_publish_command())
    return KafkaPublishCommand(
        body, topic="", key=key, headers=headers, _publish_type=PublishType.PUBLISH
    )


async def encode_body(config: Any, body: Any) -> tuple[bytes | None, str | None]:
    """Encode a message's body as FastStream's producer does; return bytes and content type."""
    codec = config.broker_codec or DefaultCodec()
    encoded: tuple[bytes | None, str | None]
    encoded = await codec.encode(body, config.fd_config._serializer)
    return encoded


@dataclass(frozen=True, slots=True)
class SubscriberOptions:
    """Options of FastStream's subscribers that may be set here.

    Attributes:
        group_id: the consumer group; the broker has one for all.
        no_reply: whether a ``reply_to`` header is left unanswered.
        title: in AsyncAPI.
        description: in AsyncAPI.
        include_in_schema: whether AsyncAPI has it.
        parser: FastStream's, in place of ours.
        decoder: FastStream's, in place of ours.
        codec: FastStream's, in place of ours.
        dependencies: are resolved for each message.
    """

    group_id: str | None = None
    no_reply: bool = False
    title: str | None = None
    description: str | None = None
    include_in_schema: bool = True
    parser: Any = None
    decoder: Any = None
    codec: Any = None
    dependencies: Sequence[Any] = field(default=())


def add_subscriber(
    registrator: Any, topics: Sequence[KafkaTopic], options: SubscriberOptions, *, persistent: bool
) -> ManagedSubscriber:
    """Register a managed subscriber with a broker or router, as FastStream's factory would."""
    config = KafkaSubscriberConfig(
        topics=topics,
        group_id=options.group_id,
        no_reply=options.no_reply,
        _outer_config=registrator.config,
        _ack_policy=AckPolicy.MANUAL,
    )
    calls = CallsCollection[Any]()
    specification = KafkaSubscriberSpecification(
        _outer_config=registrator.config,
        calls=calls,
        specification_config=KafkaSubscriberSpecificationConfig(
            topics=topics,
            title_=options.title,
            description_=options.description,
            include_in_schema=options.include_in_schema,
        ),
    )
    subscriber = ManagedSubscriber(config, specification, calls)
    Registrator.subscriber(registrator, subscriber, persistent=persistent)
    subscriber.add_call(
        parser_=options.parser,
        decoder_=options.decoder,
        codec_=options.codec,
        dependencies_=options.dependencies,
    )
    return subscriber


@dataclass(frozen=True, slots=True)
class PublisherOptions:
    """Options of FastStream's publishers that may be set here.

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
    """Register a managed publisher with a broker or router, as FastStream's factory would."""
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
