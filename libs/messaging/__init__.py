"""Consume, retry, dead-letter, commit and publish: the only place that knows these words."""

from messaging.broker import (
    CurrentDelivery,
    KafkaRouter,
    ReliableKafkaBroker,
    ServiceApplication,
    run_service,
)
from messaging.delivery import Delivery, Headers, MessageOrigin, Record
from messaging.kafka.connection_errors import KafkaAccessDeniedError, KafkaUnavailableError
from messaging.producer.outgoing import DISCARDED, Outgoing, OutgoingRecord
from messaging.producer.publisher import Publisher, RecordLocation, RecordTooLargeError
from messaging.settings import KafkaSettings, StageSettings

__all__ = [
    "DISCARDED",
    "CurrentDelivery",
    "Delivery",
    "Headers",
    "KafkaAccessDeniedError",
    "KafkaRouter",
    "KafkaSettings",
    "KafkaUnavailableError",
    "MessageOrigin",
    "Outgoing",
    "OutgoingRecord",
    "Publisher",
    "Record",
    "RecordLocation",
    "RecordTooLargeError",
    "ReliableKafkaBroker",
    "ServiceApplication",
    "StageSettings",
    "run_service",
]
