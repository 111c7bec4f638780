"""Processing of one record by a subscriber, step by step as FastStream's ``process_message``.

::

    context ─▶ middlewares entered ─▶ parser, filter ─▶ consume_scope … handler ─▶ publish_scope …

Left out is what has no effect for a subscriber whose records the broker hands over: the lock that
``stop`` would wait for, stacks that hold nothing, and the middleware that writes to a log, where
there is none. ``tests/unit/messaging/broker/test_pipeline.py`` compares both, step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final, Protocol

from faststream._internal.constants import EMPTY
from faststream._internal.endpoint.subscriber.call_item import HandlerItem
from faststream._internal.middlewares import BaseMiddleware
from faststream.exceptions import SubscriberNotFound
from faststream.middlewares.logging import CriticalLogMiddleware
from faststream.response import ensure_response

_LOG_CONTEXT: Final = "log_context"
_MESSAGE: Final = "message"


async def publish_unchanged(call_next: Callable[[Any], Any], cmd: Any) -> Any:
    """Pass a message to the next publisher unchanged, in place of middlewares."""
    return await call_next(cmd)


def is_noop_publish_scope(publish_scope: Any) -> bool:
    """Return whether a middleware's ``publish_scope`` only passes messages on unchanged."""
    own = getattr(publish_scope, "__func__", None)
    return publish_scope is publish_unchanged or own is BaseMiddleware.publish_scope


class PipelineSubscriber(Protocol):
    """Interface of a FastStream subscriber, as far as a record pipeline uses it.

    Attributes:
        calls: its handlers.
        configuration: of the broker and the routers it belongs to.
    """

    calls: Any

    @property
    def configuration(self) -> Any: ...  # noqa: D102

    def get_log_context(self, message: Any) -> dict[str, str]:
        """Return what a log says of a message."""

    def response_publishers(self, message: Any) -> Sequence[Any]:
        """Return the publishers to the topic that a message wants its answer on."""


class RecordPipeline:
    """Pipeline that passes a record through FastStream's middlewares, parser and handler.

    Args:
        subscriber: whose handlers take the records; it is started.
    """

    def __init__(self, subscriber: PipelineSubscriber) -> None:
        config = subscriber.configuration
        self._subscriber = subscriber
        self._context = config.context
        logger = config.logger.logger.logger
        log_middlewares = () if logger is None else (CriticalLogMiddleware(config.logger),)
        self._middlewares = (*log_middlewares, *config.broker_middlewares)
        self._values: tuple[tuple[str, Any], ...] = (
            ("handler_", subscriber),
            ("logger", logger),
            *config.extra_context.items(),
            # Set once the message is parsed, and read by middlewares until the last one has ended.
            (_LOG_CONTEXT, EMPTY),
            (_MESSAGE, EMPTY),
        )

    async def run(self, record: Any, *values: tuple[str, Any]) -> Any:
        """Process a record.

        Args:
            record: aiokafka's.
            values: of the context, by name, beside FastStream's.

        Returns:
            FastStream's response; an empty one if a middleware has suppressed an error.

        Raises:
            Exception: whatever a step raised.
        """
        context = self._context
        with context.scopes((*self._values, *values)):
            if not self._middlewares:
                return await self._handle(record, [])
            middlewares: list[Any] = []
            async with AsyncExitStack() as stack:
                for make in self._middlewares:
                    middleware = make(record, context=context)
                    middlewares.append(middleware)
                    await stack.enter_async_context(middleware)
                return await self._handle(record, middlewares[::-1])
            return ensure_response(None)

    async def _handle(self, record: Any, middlewares: Sequence[Any]) -> Any:
        parsed: dict[Any, Any] = {}
        for call in self._subscriber.calls:
            if (message := await call.is_suitable(record, parsed)) is not None:
                return await self._call(call, message, middlewares)
        raise SubscriberNotFound(f"There is no suitable handler for msg={record!r}")

    async def _call(self, call: HandlerItem[Any], message: Any, middlewares: Sequence[Any]) -> Any:
        self._context.set_local(_LOG_CONTEXT, self._subscriber.get_log_context(message))
        self._context.set_local(_MESSAGE, message)
        response = ensure_response(
            await call.call(
                message=message, _extra_middlewares=[one.consume_scope for one in middlewares]
            )
        )
        if not response.correlation_id:
            response.correlation_id = message.correlation_id
        # Never empty: FastStream would take the middlewares of the publisher's router then.
        scopes = [one.publish_scope for one in middlewares] or [publish_unchanged]
        publishers = (*self._subscriber.response_publishers(message), *call.handler._publishers)
        for publisher in publishers:
            await publisher._publish(response.as_publish_command(), _extra_middlewares=scopes)
        return response
