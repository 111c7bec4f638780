"""Putting back 20,000 dead letters through control's API, beside a bare idempotent producer."""

from __future__ import annotations

import asyncio
import gc
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from inspect import iscoroutinefunction
from itertools import count
from typing import Any, Final, TypeVar, cast

from bench.harness import Lab, Result, event, interleaved, paired, producer, spread
from contracts.errors import RetryableError
from contracts.topics import NOTES_VALIDATED, PERSISTENCE, build_dlq_topic, build_retry_topic
from control.api import ApiContext, ControlApi
from control.indexing import build_indexed_dead_letter
from control.reader import open_dead_letter_reader
from control.replay import DeadLetterReplayer
from control.store import DeadLetterStore
from control.tokens import generate_token_secret
from database.migrate import apply_migrations
from database.pool import open_database
from database.settings import PostgresSettings
from messaging import Delivery, KafkaSettings, MessageOrigin, Publisher, Record
from messaging.codec import encode_event
from messaging.dead_letters.headers import build_dead_letter_headers, describe_failure
from messaging.dead_letters.record_digest import digest_record
from messaging.delivery import Headers, append_headers
from support.http_client import http_client, serve_routes
from support.postgres import EmbeddedServer, TestServer

NUMBER: Final = 20_000
AT_ONCE: Final = 4
DLQ: Final = build_dlq_topic(PERSISTENCE).name
READ_TIMEOUT_S: Final = 10.0
TOKEN: Final = generate_token_secret()
ANSWER_TIMEOUT_S: Final = 600.0

_databases = count(1)

Written = tuple[bytes, bytes, Headers]
T = TypeVar("T")


async def measure(lab: Lab) -> Result:
    """Letters a second, from the request to the answer."""
    number = lab.scaled(NUMBER, least=500)
    letters = [_letter(offset) for offset in range(number)]
    gc.freeze()  # else what the measure holds is gone through again and again on both sides
    server = await asyncio.to_thread(EmbeddedServer)
    spent: Counter[str] = Counter()
    try:
        found = await interleaved(
            lab.repeats,
            {
                "bare": lambda: _bare(lab, letters),
                "ours": lambda: _replayed(lab, server, letters, spent),
            },
        )
    finally:
        await asyncio.to_thread(server.destroy)
        gc.unfreeze()
    done = number * lab.repeats
    where = {f"{name}_ms_a_letter": round(s * 1000 / done, 3) for name, s in spent.most_common()}
    return Result(
        figure=paired(found["ours"], found["bare"]),
        goal=0.8,
        better="higher",
        unit="of a bare idempotent producer, letters/s",
        sides={
            "ours": {**spread(found["ours"], "letters_per_s"), **where},
            "bare producer": spread(found["bare"], "letters_per_s"),
        },
        notes=(
            f"{number} letters, {lab.repeats} runs of each side in turn, the median of the ratios",
            "times a letter are of calls as they overlap, from call to answer",
        ),
    )


def _letter(offset: int) -> Written:
    """A record as a DLQ has it."""
    key, value, headers = encode_event(event(offset + 1), source="/bench")
    failure_headers = build_dead_letter_headers(
        describe_failure(RetryableError("it is a measure"), PERSISTENCE),
        Delivery(MessageOrigin(NOTES_VALIDATED.name, 0, offset), attempts=1),
        digest_record(key, value, tuple(headers)),
        service=PERSISTENCE,
        group=PERSISTENCE,
        at=datetime.now(UTC),
    )
    return key, value, append_headers(tuple(headers), failure_headers)


async def _bare(lab: Lab, letters: list[Written]) -> float:
    """Records a second that a producer alone writes to the topic replays go to."""
    kafka = await lab.fresh()
    topic = kafka.topic(build_retry_topic(PERSISTENCE, 0).name)
    async with producer(kafka) as bare:
        begin = time.perf_counter()
        await _send(bare, topic, letters)
        return len(letters) / (time.perf_counter() - begin)


async def _send(bare: Any, topic: str, letters: list[Written], **where: int) -> None:
    sending = [
        await bare.send(topic, value, key=key, headers=list(headers), **where)
        for key, value, headers in letters
    ]
    await asyncio.gather(*sending)


async def _replayed(
    lab: Lab, server: TestServer, letters: list[Written], spent: Counter[str]
) -> float:
    """Letters a second that control puts back, and in ``spent`` the seconds of its calls."""
    kafka = await lab.fresh()
    async with producer(kafka) as bare:
        await _send(bare, kafka.topic(DLQ), letters, partition=0)
    async with _office(kafka, await _database(server), spent) as (store, url):
        await _index(store, letters)
        begin = time.perf_counter()
        replayed = await _replay_all(url, len(letters))
        taken_s = time.perf_counter() - begin
    assert replayed == len(letters), f"{replayed} of {len(letters)} letters were replayed"
    return replayed / taken_s


async def _replay_all(url: str, number: int) -> int:
    replayed = 0
    async with http_client(ANSWER_TIMEOUT_S) as client:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        while replayed < number:
            answer = await client.post(f"{url}/v1/letters/replay", json={})
            some = len(answer.raise_for_status().json()["replayed"])
            if not some:
                break
            replayed += some
    return replayed


async def _database(server: TestServer) -> PostgresSettings:
    name = f"bench_{next(_databases)}"
    await server.arun(f"CREATE DATABASE {name}")
    settings = server.settings(name)
    await apply_migrations(settings)
    return settings


@asynccontextmanager
async def _office(
    kafka: KafkaSettings, postgres: PostgresSettings, spent: Counter[str]
) -> AsyncIterator[tuple[DeadLetterStore, str]]:
    """Control without its stage: the store, and where its API is served."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(postgres))
        reader = await stack.enter_async_context(open_dead_letter_reader(kafka, READ_TIMEOUT_S))
        publisher = await stack.enter_async_context(Publisher(kafka, source="/bench"))
        store, api = DeadLetterStore(database), ControlApi()
        timed_store, timed_reader = timed(store, spent), timed(reader, spent)
        replayer = DeadLetterReplayer(timed_store, timed_reader, timed(publisher, spent))
        api.context = ApiContext(timed_store, timed_reader, replayer, database)
        await api.context.tokens.put_admin_token(TOKEN)
        serving = serve_routes(api.routes)
        port = await stack.enter_async_context(serving)
        yield store, f"http://127.0.0.1:{port}"


async def _index(store: DeadLetterStore, letters: list[Written]) -> None:
    places = iter(enumerate(letters))

    async def some() -> None:
        for offset, (key, value, headers) in places:
            record = Record(DLQ, 0, offset, key, value, headers, 1_000)
            await store.index_letter(build_indexed_dead_letter(record))

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))


class _Timed:
    """Stands for an object and adds up the seconds its coroutines take, by their names."""

    def __init__(self, real: Any, spent: Counter[str]) -> None:
        self._real = real
        self._spent: Any = spent  # a Counter counts seconds as well

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if not iscoroutinefunction(found):
            return found

        async def timed_call(*args: Any, **kwargs: Any) -> Any:
            begin = time.perf_counter()
            try:
                return await found(*args, **kwargs)
            finally:
                self._spent[f"{type(self._real).__name__}.{name}"] += time.perf_counter() - begin

        return timed_call


def timed(real: T, spent: Counter[str]) -> T:
    """The object, with the time of its coroutines added up in ``spent``."""
    return cast("T", _Timed(real, spent))
