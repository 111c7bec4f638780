"""Control's API over a real broker and database, in a thread of its own, for tests of commands."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette

import asgi_server
from contracts import headers as h
from contracts import ids
from contracts.topics import TRANSCRIPTS_SUBMITTED, build_dlq_topic, build_retry_topic
from control.access.tokens import generate_token_secret
from control.api import ApiContext, ControlApi
from control.domain import IndexedDeadLetter
from control.letters.reader import open_dead_letter_reader
from control.letters.store import DeadLetterStore
from control.pipeline.ports import open_stage_client
from control.rehearsals.runner import LetterRehearser
from control.rehearsals.store import RehearsalStore
from control.replays.plans import ReplayPlanRunner, ReplayPlanStore
from control.replays.replayer import DeadLetterReplayer
from database.pool import open_database
from database.settings import PostgresSettings
from messaging import KafkaSettings, Publisher
from messaging.delivery import append_headers
from messaging.kafka.admin import create_topics

DLQ = build_dlq_topic("enrichment")
ODD_BYTES = bytes(range(256)) * 3
VALUES = (b'{"words": ["caf\xc3\xa9", "\\u001b[31m", "\\ud800"]}', ODD_BYTES, None)
CODES = ("llm_timeout", "undecodable", "undecodable")


def letter(number: int) -> IndexedDeadLetter:
    return IndexedDeadLetter(
        letter_id=ids.derive_id("letter", number),
        service="enrichment",
        dlq_topic=DLQ.name,
        dlq_partition=0,
        dlq_offset=number,
        source_topic="chunks-ready",
        source_partition=0,
        source_offset=7,
        error_code=CODES[number],
        error_type="SomeError",
        error_message=f"it failed for reason {number}",
        attempts=number + 1,
        failed_at=datetime(2026, 1, 5, 12, number, tzinfo=UTC),
        subject=f"chunk-{number}",
        key=b"\xff\xfe\xfb",
        headers=(("odd\x1b", b"\xfb\xff"), ("plain", b"text"), ("none", None)),
        size_bytes=len(VALUES[number] or b""),
    )


def name_of(number: int) -> str:
    return str(letter(number).letter_id)[:8]


TOKEN = generate_token_secret()


@asynccontextmanager
async def control_of(
    kafka: KafkaSettings, postgres: PostgresSettings, *, runs_plans: bool = False
) -> AsyncIterator[str]:
    """Control's API over real stores, with three letters in the DLQ."""
    await create_topics(kafka, [DLQ, build_retry_topic("enrichment", 0), TRANSCRIPTS_SUBMITTED])
    async with (
        open_database(postgres) as database,
        open_dead_letter_reader(kafka, 10) as reader,
        Publisher(kafka, source="/test") as publisher,
        open_stage_client({}, None) as stages,
    ):
        store = DeadLetterStore(database)
        for number, value in enumerate(VALUES):
            origin = ((h.DLQ_TOPIC, b"chunks-ready"), (h.DLQ_PARTITION, b"0"), (h.DLQ_OFFSET, b"7"))
            headers = append_headers((), origin)
            await publisher.forward(DLQ.name, b"key", value, headers)
            await store.index_letter(letter(number))
        api = ControlApi()
        rehearser = LetterRehearser(RehearsalStore(database), reader, stages)
        replayer = DeadLetterReplayer(store, reader, publisher)
        api.context = ApiContext(
            store,
            reader,
            replayer,
            database,
            open_registration=True,
            wake_rehearser=rehearser.wake,
        )
        await api.context.tokens.put_admin_token(TOKEN)
        app = Starlette(routes=api.routes)
        plans = ReplayPlanRunner(ReplayPlanStore(database, store), replayer, poll_s=0.05)
        async with (
            rehearser.running(),
            plans.running() if runs_plans else nullcontext(),
            asgi_server.serve(app, host="127.0.0.1", port=0) as port,
        ):
            yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def reading_api_of(postgres: PostgresSettings) -> AsyncIterator[str]:
    """Control's API over a real database, without a broker: no letter is read or replayed."""
    unused: Any = None
    async with open_database(postgres) as database:
        api = ControlApi()
        api.context = ApiContext(DeadLetterStore(database), unused, unused, database)
        await api.context.tokens.put_admin_token(TOKEN)
        app = Starlette(routes=api.routes)
        async with asgi_server.serve(app, host="127.0.0.1", port=0) as port:
            yield f"http://127.0.0.1:{port}"


@contextmanager
def reading_api_in_a_thread(postgres: PostgresSettings) -> Iterator[str]:
    """``reading_api_of`` in an event loop of its own, as commands begin one of theirs."""
    with _in_a_thread(reading_api_of(postgres)) as url:
        yield url


@contextmanager
def in_a_thread(
    kafka: KafkaSettings, postgres: PostgresSettings, *, runs_plans: bool = False
) -> Iterator[str]:
    """Control in an event loop of its own, as commands begin one of theirs."""
    with _in_a_thread(control_of(kafka, postgres, runs_plans=runs_plans)) as url:
        yield url


@contextmanager
def _in_a_thread(running: AbstractAsyncContextManager[str]) -> Iterator[str]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def call(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(60)

    try:
        yield call(running.__aenter__())
        call(running.__aexit__(None, None, None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
