"""What is taken from FastStream's internals: only this package imports anything private of it.

``tests/unit/messaging/broker/test_faststream_internals.py`` pins what these modules rely on, so
that an upgrade of FastStream that changes it fails there, and not in a service.
"""

from faststream._internal.constants import EMPTY
from faststream.kafka.broker.registrator import KafkaRegistrator
from faststream.kafka.configs import KafkaBrokerConfig
from faststream.kafka.message import FAKE_CONSUMER
from faststream.kafka.publisher.producer import AioKafkaFastProducer
from faststream.kafka.response import KafkaPublishCommand
from faststream.kafka.schemas import Topic as KafkaTopic
from faststream.message import AckStatus

from messaging.broker.internals.messages import (
    AckRecordingMessage,
    MessageSink,
    build_codec_and_parsers,
    build_publish_command,
    convert_security,
    encode_body_like_faststream,
    publishing_to,
)
from messaging.broker.internals.pipeline import RecordPipeline
from messaging.broker.internals.publisher import ManagedPublisher, PublisherOptions, add_publisher
from messaging.broker.internals.subscriber import (
    ManagedSubscriber,
    PreparedHandler,
    SubscriberOptions,
    add_subscriber,
)

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
    "PublisherOptions",
    "RecordPipeline",
    "SubscriberOptions",
    "add_publisher",
    "add_subscriber",
    "build_codec_and_parsers",
    "build_publish_command",
    "convert_security",
    "encode_body_like_faststream",
    "publishing_to",
]
