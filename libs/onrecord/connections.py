"""Connections of commands to control and the broker; their errors worded for people."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from configuration.settings_errors import list_settings_errors
from contracts.errors import OutageError
from messaging import KafkaAccessDeniedError, KafkaSettings
from onrecord.client import Producer
from onrecord.control_client import ControlClient
from onrecord.errors import UnreachableError, UsageError
from onrecord.reading_client import ReadingClient
from onrecord.settings import ClientSettings
from onrecord.spending_client import SpendingClient

T = TypeVar("T")

CONNECT_TIMEOUT_S: Final = 4.0
"""Longest wait for a broker or for control, in seconds; somebody sits there and waits."""

HINT: Final = "is the stack up? `onrecord status` shows it, `onrecord up` starts it"


def build_kafka_settings(settings: ClientSettings) -> KafkaSettings:
    """Build Kafka connection settings from the command line client's settings.

    Raises:
        UnreachableError: no broker is known.
        UsageError: a setting in the environment is wrong.
    """
    servers = settings.kafka_bootstrap_servers
    try:
        return KafkaSettings(**_named(KafkaSettings, settings) | {"bootstrap_servers": servers})
    except ValidationError as error:
        raise UsageError("; ".join(list_settings_errors(error))) from error


def build_compression_settings(settings: ClientSettings) -> KafkaSettings:
    """Build Kafka settings for compressing messages only, without the address of a broker.

    Raises:
        UsageError: a setting in the environment is wrong.
    """
    try:
        return KafkaSettings(**_named(KafkaSettings, settings))
    except ValidationError as error:
        raise UsageError("; ".join(list_settings_errors(error))) from error


@asynccontextmanager
async def open_producer(kafka: KafkaSettings) -> AsyncIterator[Producer]:
    """Open a Kafka producer of submissions for the duration of the context.

    Raises:
        UnreachableError: the broker does not answer, or stops answering.
    """
    async with (
        explain_kafka_errors(),
        Producer(kafka, connect_timeout_s=CONNECT_TIMEOUT_S) as producer,
    ):
        yield producer


@asynccontextmanager
async def explain_kafka_errors() -> AsyncIterator[None]:
    """Context manager that converts Kafka connection errors to one-line command errors.

    Raises:
        UnreachableError: the broker does not answer, or stops answering.
    """
    # The client library's own complaints would come on top of our one line.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)
    try:
        yield
    except KafkaAccessDeniedError as error:  # it is up
        raise UnreachableError(f"Kafka: {error}") from error
    except OutageError as error:
        raise UnreachableError(f"Kafka: {error}; {HINT}") from error


@asynccontextmanager
async def open_control_client(
    settings: ClientSettings, reason: str = ""
) -> AsyncIterator[ControlClient]:
    """Open a client of the control service's HTTP API for the duration of the context.

    Args:
        settings: where control is, and the token.
        reason: why something is asked for; goes into the trail. That of ``--reason`` or of
            ``ONRECORD_REASON`` if empty.

    Raises:
        UsageError: the reason is no line of text.
        UnreachableError: it does not answer, or stops answering.
    """
    reason = reason or settings.reason
    if not reason.isprintable():
        raise UsageError("--reason: is one line of text")
    client = ControlClient(
        settings.control_url, settings.token, reason=reason, connect_timeout_s=CONNECT_TIMEOUT_S
    )
    async with client as control:
        try:
            yield control
        except UnreachableError as error:
            raise UnreachableError(f"{error}; {HINT}", details=error.details) from error


@asynccontextmanager
async def open_reading_client(settings: ClientSettings) -> AsyncIterator[ReadingClient]:
    """Open a client of control's API for studies and notes, for the duration of the context.

    Raises:
        UnreachableError: control does not answer, or stops answering.
    """
    async with open_control_client(settings) as control:
        yield ReadingClient(control)


@asynccontextmanager
async def open_spending_client(settings: ClientSettings) -> AsyncIterator[SpendingClient]:
    """Open a client of control's API for costs and budgets, for the duration of the context.

    Raises:
        UnreachableError: control does not answer, or stops answering.
    """
    async with open_control_client(settings) as control:
        yield SpendingClient(control)


async def ask_control(
    settings: ClientSettings,
    question: Callable[[ControlClient], Awaitable[T]],
    reason: str = "",
) -> T:
    """Open a client of control's HTTP API, call a function with it, and return the result.

    Args:
        settings: where control is, and the token.
        question: the call.
        reason: why; goes into the trail.

    Raises:
        UnreachableError: it does not answer, or stops answering.
    """
    async with open_control_client(settings, reason) as control:
        return await question(control)


def _named(kind: type[BaseSettings], settings: ClientSettings) -> dict[str, Any]:
    """The settings of one kind that are given, by the names of its fields."""
    names = {name: f"{kind.model_config['env_prefix']}{name}".upper() for name in kind.model_fields}
    return {name: given for name, key in names.items() if (given := settings.env.get(key))}
