"""Subscribers that take part in FastStream's machinery, but are given each record by the broker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from inspect import unwrap
from itertools import count
from typing import Any

from faststream._internal.broker.registrator import Registrator
from faststream._internal.endpoint.subscriber.call_item import CallsCollection, HandlerItem
from faststream._internal.endpoint.subscriber.usecase import SubscriberUsecase
from faststream._internal.endpoint.subscriber.utils import default_filter
from faststream.kafka.publisher.fake import KafkaFakePublisher
from faststream.kafka.schemas import Topic as KafkaTopic
from faststream.kafka.subscriber.config import (
    KafkaSubscriberConfig,
    KafkaSubscriberSpecificationConfig,
)
from faststream.kafka.subscriber.specification import KafkaSubscriberSpecification
from faststream.kafka.subscriber.usecase import DefaultSubscriber
from faststream.middlewares import AckPolicy

from messaging.broker.internals.injection import build_async_handler_call
from messaging.broker.internals.messages import (
    AckRecordingMessage,
    TolerantParser,
    publishing_to,
)
from messaging.broker.internals.pipeline import RecordPipeline

Decoder = Callable[[Any], Awaitable[Any]]

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class PreparedHandler:
    """Handler function with its parameters resolved by FastStream, ready to be called.

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


class ManagedSubscriber(DefaultSubscriber):
    """FastStream subscriber without its own Kafka consumer: the broker passes it each record.

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
        self.parser = TolerantParser(msg_class=AckRecordingMessage, regex=None)
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

        So it is under ``TestKafkaBroker``; the consumer's records take the same steps in
        ``pipeline``.

        Raises:
            Exception: whatever one of them raised; FastStream's ``consume`` would swallow it.
        """
        if self.make_delivery is None or publishing_to.get() is not None:
            return await super().process_message(msg)
        with self.context.scopes(self.make_delivery(msg)):
            return await super().process_message(msg)

    def _build_fastdepends_model(self) -> None:
        super()._build_fastdepends_model()
        self._resolve_in_event_loop()
        if self.choose_decoder is None:
            return
        for call, site in zip(self.calls, self.prepared_handlers(), strict=True):
            if call.decoder is self._decoder or call.decoder == self._decoder:
                call.decoder = self.choose_decoder(site, self)

    def _resolve_in_event_loop(self) -> None:
        config = self._outer_config.fd_config
        if not config.use_fastdepends or config.get_dependent:
            return
        for call in self.calls:
            handler: Any = call.handler
            model: Any = call.dependant
            handler._wrapped_call = build_async_handler_call(
                model, config.context, handler._wrapped_call
            )

    def build_pipeline(self) -> RecordPipeline:
        """Return the pipeline that processes its records, once it is started."""
        return RecordPipeline(self)

    def response_publishers(self, message: Any) -> Sequence[Any]:
        """Return the publishers to the topic that a message wants its answer on."""
        if not message.reply_to or self._no_reply:
            return ()
        return self._make_response_publisher(message)

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


@dataclass(frozen=True, slots=True)
class SubscriberOptions:
    """Options of FastStream's subscribers that this broker supports.

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
    """Create a managed subscriber for topics, and register it with a broker or router."""
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
