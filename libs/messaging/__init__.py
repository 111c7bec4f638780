"""Consume, retry, dead-letter, commit and publish: the only place that knows these words."""

from messaging.delivery import Delivery, Headers, Origin, Record
from messaging.publisher import Publisher
from messaging.service import Service, run
from messaging.settings import KafkaSettings, StageSettings
from messaging.stage import Outgoing, Stage
from messaging.unreachable import KafkaRefusesError, KafkaUnavailableError

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
