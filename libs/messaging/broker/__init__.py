"""The FastStream broker of a service: declares handlers, and hands them messages reliably."""

from typing import Annotated

from faststream import Context

from messaging.broker.application import ServiceApplication, run_service
from messaging.broker.broker import ReliableKafkaBroker
from messaging.broker.registrator import KafkaRouter
from messaging.broker.routes import RedeliveryRequestedError, RejectedByHandlerError
from messaging.delivery import Delivery

CurrentDelivery = Annotated[Delivery, Context("delivery")]
"""A handler's parameter of this type is what is known of the message's delivery."""

__all__ = [
    "CurrentDelivery",
    "KafkaRouter",
    "RedeliveryRequestedError",
    "RejectedByHandlerError",
    "ReliableKafkaBroker",
    "ServiceApplication",
    "run_service",
]
