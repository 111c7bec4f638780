"""The FastStream broker of a service: declares handlers, and hands them messages reliably."""

from typing import Annotated

from aiokafka import ConsumerRecord
from faststream import Context

from messaging.broker.application import ServiceApplication, run
from messaging.broker.broker import ReliableKafkaBroker
from messaging.broker.registrator import KafkaRouter
from messaging.broker.routes import RedeliveryRequestedError, RejectedByHandlerError
from messaging.delivery import Delivery

CurrentDelivery = Annotated[Delivery, Context("delivery")]
"""A handler's parameter of this type is what is known of the message's delivery."""

CurrentRecord = Annotated[ConsumerRecord, Context("message.raw_message")]
"""A handler's parameter of this type is the message's record as its producer wrote it."""

__all__ = [
    "CurrentDelivery",
    "CurrentRecord",
    "KafkaRouter",
    "RedeliveryRequestedError",
    "RejectedByHandlerError",
    "ReliableKafkaBroker",
    "ServiceApplication",
    "run",
]
