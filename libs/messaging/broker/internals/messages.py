"""FastStream's messages as the broker uses them: parsing, encoding, and where results go."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final, Protocol

from faststream._internal.parser import DefaultCodec
from faststream.kafka.message import KafkaMessage
from faststream.kafka.parser import AioKafkaParser
from faststream.kafka.response import KafkaPublishCommand
from faststream.kafka.security import parse_security
from faststream.message import AckStatus
from faststream.response.publish_type import PublishType

from messaging.tracing import generate_correlation_id


class MessageSink(Protocol):
    """Interface that receives the messages a handler publishes, in place of a Kafka producer.

    Attributes:
        message: FastStream's message; set once it is parsed.
    """

    message: AckRecordingMessage | None

    async def publish(self, cmd: KafkaPublishCommand) -> Any:
        """Take one message."""


publishing_to: Final[ContextVar[MessageSink | None]] = ContextVar("publishing_to", default=None)
"""Where the results of the handler that runs now go; None sends them at once."""


class AckRecordingMessage(KafkaMessage):
    """FastStream message that records the handler's ack, nack or reject without acting on it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.committed: AckStatus | None = None
        if (sink := publishing_to.get()) is not None:
            sink.message = self


class TolerantParser(AioKafkaParser):
    """Parser of Kafka records that also accepts header values that are empty or not UTF-8."""

    __slots__ = ()

    async def parse_message(self, message: Any) -> Any:
        """Return FastStream's message for a consumer record."""
        headers = {
            name: (value or b"").decode(errors="replace") for name, value in message.headers or ()
        }
        return self.msg_class(
            body=message.value or b"",
            headers=headers,
            reply_to=headers.get("reply_to", ""),
            content_type=headers.get("content-type"),
            message_id=f"{message.offset}-{message.timestamp}",
            correlation_id=headers.get("correlation_id") or generate_correlation_id(),
            raw_message=message,
            consumer=self._consumer,
        )


def build_codec_and_parsers() -> tuple[Any, Any, Any]:
    """Build the codec, the parser and the decoder that a FastStream producer consists of."""
    parser = TolerantParser(msg_class=AckRecordingMessage, regex=None)
    return DefaultCodec(), parser.parse_message, parser.decode_message


def build_publish_command(
    body: Any, *, key: bytes | None = None, headers: dict[str, str] | None = None
) -> KafkaPublishCommand:
    """Build the command that tells FastStream to publish a message with key and headers."""
    if hasattr(body, "as_publish_command"):
        return KafkaPublishCommand.from_cmd(body.as_publish_command())
    return KafkaPublishCommand(
        body, topic="", key=key, headers=headers, _publish_type=PublishType.PUBLISH
    )


async def encode_body_like_faststream(config: Any, body: Any) -> tuple[bytes | None, str | None]:
    """Encode a message's body as FastStream's producer does; return bytes and content type."""
    codec = config.broker_codec or DefaultCodec()
    encoded: tuple[bytes | None, str | None]
    encoded = await codec.encode(body, config.fd_config._serializer)
    return encoded


def convert_security(security: Any) -> dict[str, Any]:
    """Convert FastStream's security settings to the options of an aiokafka client."""
    options: dict[str, Any] = parse_security(security)
    return options
