"""Consume, retry, dead-letter, commit and publish: the only place that knows these words."""

from messaging.delivery import Delivery, Headers, Origin, Record
from messaging.kafka.connection_errors import KafkaRefusesError, KafkaUnavailableError
from messaging.producer.publisher import Publisher
from messaging.runtime.service import Service, run
from messaging.settings import KafkaSettings, StageSettings
from messaging.stage import Outgoing, Stage

__all__ = [
    "Delivery",
    "Headers",
    "KafkaRefusesError",
    "KafkaSettings",
    "KafkaUnavailableError",
    "Origin",
    "Outgoing",
    "Publisher",
    "Record",
    "Service",
    "Stage",
    "StageSettings",
    "run",
]
