"""The ways to consume that are compared: ours, and what is there today for FastStream.

Each side is a context in which one member of a group handles what is on the topic, publishes what
the handler returns, and commits as often as the others do.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

from faststream import AckPolicy, BaseMiddleware, Context, Depends, FastStream
from faststream.kafka import KafkaBroker, KafkaMessage

from bench.harness import PARTITIONS, ROOT
from contracts.events import NotesStored, NotesValidated
from contracts.topics import NOTES_STORED, NOTES_VALIDATED, PERSISTENCE
from messaging import KafkaSettings, StageSettings
from messaging.broker import ReliableKafkaBroker

COMMIT_S: Final = 0.1
"""Often, and alike for all: a kill then finds what was committed too early."""
WITH_MACHINERY: Final = "ours, FastStream's machinery"
PEER: Final = "faststream-concurrent-aiokafka"
PEER_VERSION: Final = "0.7.2"
INSTALL_TIMEOUT_S: Final = 120

Handle = Callable[[NotesValidated], Awaitable[NotesStored]]
Settle = Callable[[], Awaitable[None]]
"""Waits until what the handler returned is acknowledged and committed, where a side can tell."""
Running = AbstractAsyncContextManager[Settle]
Consume = Callable[[KafkaSettings, Handle, int], Running]


class PeerMissingError(Exception):
    """The peer package cannot be installed here."""


@asynccontextmanager
async def ours(
    kafka: KafkaSettings, handle: Handle, in_flight: int, **more: Any
) -> AsyncIterator[Settle]:
    """Our broker with a window of ``in_flight`` messages; ``more`` are further settings."""
    broker = _reliable_broker(kafka, in_flight, more)
    broker.subscriber(NOTES_VALIDATED)(broker.publisher(NOTES_STORED)(handle))
    async with _consuming(broker) as settle:
        yield settle


@asynccontextmanager
async def ours_with_machinery(
    kafka: KafkaSettings, handle: Handle, in_flight: int
) -> AsyncIterator[Settle]:
    """As ``ours``, with FastStream's middlewares, dependencies and context taking part."""
    broker = _reliable_broker(kafka, in_flight, {}, middlewares=(_PassingOn,))

    async def handle_with_more(
        event: NotesValidated,
        message: Annotated[Any, Context("message")],
        number: Annotated[int, Depends(_number)],
    ) -> NotesStored:
        assert message is not None
        assert number
        return await handle(event)

    broker.subscriber(NOTES_VALIDATED)(broker.publisher(NOTES_STORED)(handle_with_more))
    async with _consuming(broker) as settle:
        yield settle


class _PassingOn(BaseMiddleware):
    """A middleware that is there, as one that counts would be."""

    async def consume_scope(self, call_next: Any, msg: Any) -> Any:
        return await call_next(msg)


async def _number() -> int:
    return 1


def _reliable_broker(
    kafka: KafkaSettings, in_flight: int, more: dict[str, Any], **options: Any
) -> ReliableKafkaBroker:
    settings = StageSettings(max_in_flight=in_flight, commit_interval_s=COMMIT_S, **more)
    return ReliableKafkaBroker(
        service=PERSISTENCE,
        settings=settings,
        kafka=kafka,
        allow_auto_create_topics=False,
        **options,
    )


@asynccontextmanager
async def _consuming(broker: ReliableKafkaBroker) -> AsyncIterator[Settle]:
    await broker.start()
    try:
        yield broker.commit_when_idle
    finally:
        await broker.stop()


@asynccontextmanager
async def faststream_safe(kafka: KafkaSettings, handle: Handle, _: int) -> AsyncIterator[Settle]:
    """At least once as FastStream has it: one message a partition at a time, then an ack."""
    broker = _broker(kafka)

    async def acknowledge_last(event: NotesValidated, message: KafkaMessage) -> NotesStored:
        result = await handle(event)
        await message.ack()
        return result

    _subscribe(broker, kafka, acknowledge_last, ack_policy=AckPolicy.MANUAL, max_workers=PARTITIONS)
    async with _at_work(broker) as settle:
        yield settle


@asynccontextmanager
async def faststream_fast(
    kafka: KafkaSettings, handle: Handle, in_flight: int
) -> AsyncIterator[Settle]:
    """FastStream's default policy, at most once, with as many workers as messages in flight."""
    broker = _broker(kafka)

    async def forget(event: NotesValidated) -> NotesStored:
        return await handle(event)

    _subscribe(
        broker,
        kafka,
        forget,
        ack_policy=AckPolicy.ACK_FIRST,
        max_workers=in_flight,
        auto_commit_interval_ms=int(COMMIT_S * 1000),
    )
    async with _at_work(broker) as settle:
        yield settle


@asynccontextmanager
async def concurrent_peer(
    kafka: KafkaSettings, handle: Handle, in_flight: int
) -> AsyncIterator[Settle]:
    """FastStream with ``faststream-concurrent-aiokafka``.

    Raises:
        PeerMissingError: it cannot be installed.
    """
    peer = load_peer()
    broker = _broker(kafka)
    broker.add_middleware(peer.KafkaConcurrentProcessingMiddleware)

    async def handle_in_a_task(event: NotesValidated) -> NotesStored:
        return await handle(event)

    _subscribe(broker, kafka, handle_in_a_task, ack_policy=AckPolicy.MANUAL)

    async def begin() -> None:
        await peer.initialize_concurrent_processing(
            broker.context,
            concurrency_limit=in_flight,
            commit_batch_size=1_000,
            commit_batch_timeout_sec=COMMIT_S,
        )

    async def end() -> None:
        await peer.stop_concurrent_processing(broker.context)

    async with _at_work(broker, on_startup=[begin], on_shutdown=[end]) as settle:
        yield settle


CONSUMERS: Final[dict[str, Consume]] = {
    "ours": ours,
    WITH_MACHINERY: ours_with_machinery,
    "FastStream safe": faststream_safe,
    "FastStream at most once": faststream_fast,
    PEER: concurrent_peer,
}


def available() -> tuple[dict[str, Consume], tuple[str, ...]]:
    """The sides that can run here, and a note for the one that cannot."""
    try:
        load_peer()
    except PeerMissingError as error:
        return {name: side for name, side in CONSUMERS.items() if name != PEER}, (str(error),)
    return CONSUMERS, ()


def load_peer() -> Any:
    """The peer package, installed under ``ONRECORD_CACHE`` or ``.onrecord/cache`` the first time.

    It is needed for nothing but this comparison, so the lock files do not have it.

    Raises:
        PeerMissingError: it cannot be installed.
    """
    cache = Path(os.environ.get("ONRECORD_CACHE") or ROOT / ".onrecord" / "cache").absolute()
    folder = cache / f"{PEER}-{PEER_VERSION}"
    module = PEER.replace("-", "_")
    if not (folder / module).is_dir():
        _install(folder)
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    return import_module(module)


def _install(folder: Path) -> None:
    what = f"{PEER}=={PEER_VERSION}"
    words = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-input")
    try:
        subprocess.run(
            (*words, "--disable-pip-version-check", "--target", str(folder), what),
            check=True,
            capture_output=True,
            timeout=INSTALL_TIMEOUT_S,
        )
    except (subprocess.SubprocessError, OSError) as error:
        raise PeerMissingError(f"left out: {what} cannot be installed here") from error


def _broker(kafka: KafkaSettings) -> KafkaBroker:
    return KafkaBroker(kafka.bootstrap_servers, acks="all", enable_idempotence=True, logger=None)


def _subscribe(
    broker: KafkaBroker, kafka: KafkaSettings, handler: Callable[..., Any], **options: Any
) -> None:
    subscriber: Any = broker.subscriber(
        kafka.topic(NOTES_VALIDATED.name),
        group_id=kafka.topic(PERSISTENCE),
        auto_offset_reset="earliest",
        session_timeout_ms=kafka.session_timeout_ms,
        heartbeat_interval_ms=kafka.session_timeout_ms // 4,
        rebalance_timeout_ms=kafka.rebalance_timeout_ms,
        **options,
    )
    subscriber(broker.publisher(kafka.topic(NOTES_STORED.name))(handler))


@asynccontextmanager
async def _at_work(broker: KafkaBroker, **hooks: Any) -> AsyncIterator[Settle]:
    app = FastStream(broker, logger=None, **hooks)
    await app.start()

    async def settle() -> None:
        """FastStream does not tell; its time ends with the last handler, in its favour."""

    try:
        yield settle
    finally:
        await app.stop()
