"""A plan of 60,000 dead letters, beside a bare idempotent producer; the rate that a plan keeps."""

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
from statistics import median
from typing import Any, Final, TypeVar, cast

from bench.harness import (
    Lab,
    Result,
    at_least,
    at_most,
    event,
    interleaved,
    paired,
    producer,
    spread,
)
from contracts.errors import RetryableError
from contracts.replay_plans import CreateReplayPlanRequest
from contracts.topics import NOTES_VALIDATED, PERSISTENCE, build_dlq_topic, build_retry_topic
from control.letters.indexing import build_indexed_dead_letter
from control.letters.reader import open_dead_letter_reader
from control.letters.store import DeadLetterStore
from control.replays.plans import ReplayPlanRunner, ReplayPlanStore
from control.replays.replayer import DeadLetterReplayer
from database.migrate import apply_migrations
from database.pool import open_database
from database.settings import PostgresSettings
from messaging import Delivery, KafkaSettings, MessageOrigin, Publisher, Record
from messaging.codec import encode_event
from messaging.dead_letters.headers import build_dead_letter_headers, describe_failure
from messaging.dead_letters.record_digest import digest_record
from messaging.delivery import Headers, append_headers
from support.postgres import EmbeddedServer, TestServer

NUMBER: Final = 60_000
AT_ONCE: Final = 64
DLQ: Final = build_dlq_topic(PERSISTENCE).name
READ_TIMEOUT_S: Final = 10.0
PATIENCE_S: Final = 600.0
LOOK_S: Final = 0.1
GOAL_LETTERS_PER_S: Final = 10_000.0
RATE: Final = 200.0
RATE_S: Final = 60.0
RATE_GOAL: Final = 0.05

_databases = count(1)

Written = tuple[bytes, bytes, Headers]
T = TypeVar("T")


async def measure(lab: Lab) -> Result:
    """Letters a second, from the request for a plan until the broker has them."""
    number = lab.scaled(NUMBER, least=500)
    letters = [build_letter(offset) for offset in range(number)]
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
        rate_error = await _measure_rate(lab, server, letters)
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
            "ours": {
                **spread(found["ours"], "letters_per_s"),
                "rate_off_by": round(rate_error, 4),
                **where,
            },
            "bare producer": spread(found["bare"], "letters_per_s"),
        },
        shortfalls=(
            *at_least(
                "letters/s of a plan without a rate",
                round(median(found["ours"])),
                GOAL_LETTERS_PER_S,
            ),
            *at_most("share by which a rate is off", round(rate_error, 4), RATE_GOAL),
        ),
        notes=(
            f"a rate of {RATE:g} letters/s, for {RATE_S * lab.scale:g} s",
            f"{number} letters, {lab.repeats} runs of each side in turn, the median of the ratios",
            "letters were indexed, and their table vacuumed, before",
            "times a letter are of calls as they overlap, from call to answer",
        ),
    )


def build_letter(offset: int) -> Written:
    """Build a record as a DLQ has it."""
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


async def write_letters(kafka: KafkaSettings, letters: list[Written]) -> None:
    """Write records to one partition of the DLQ."""
    async with producer(kafka) as bare:
        await _send(bare, kafka.topic(DLQ), letters, partition=0)


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
    """Letters a second that a plan puts back, and in ``spent`` the seconds of its calls."""
    kafka = await lab.fresh()
    await write_letters(kafka, letters)
    postgres = await _database(server)
    async with _control(kafka, postgres, spent) as (store, plans):
        await _index(store, letters)
        await _vacuum(postgres)
        begin = time.perf_counter()
        await _run_plan(plans, CreateReplayPlanRequest(canary=False), len(letters))
        return len(letters) / (time.perf_counter() - begin)


async def _measure_rate(lab: Lab, server: TestServer, letters: list[Written]) -> float:
    """By how much a plan's rate is off, as a share, between its first letters and its last."""
    kafka = await lab.fresh()
    number = min(len(letters), round(RATE * RATE_S * lab.scale))
    await write_letters(kafka, letters[:number])
    async with _control(kafka, await _database(server), Counter()) as (store, plans):
        await _index(store, letters[:number])
        begin = time.perf_counter()
        await _run_plan(plans, CreateReplayPlanRequest(canary=False, rate=RATE), number)
        return abs(number / (time.perf_counter() - begin) / RATE - 1)


async def _run_plan(plans: ReplayPlanStore, wanted: CreateReplayPlanRequest, number: int) -> None:
    """Make and start a plan, and wait until the broker has all of its letters."""
    plan = await plans.create(wanted, "bench")
    plan = await plans.start(plan.plan_id)
    async with asyncio.timeout(PATIENCE_S):
        while plan.counts.replayed < number:
            await asyncio.sleep(LOOK_S)
            plan = await plans.plan(plan.plan_id)


async def _database(server: TestServer) -> PostgresSettings:
    name = f"bench_{next(_databases)}"
    await server.arun(f"CREATE DATABASE {name}")
    settings = server.settings(name)
    await apply_migrations(settings)
    return settings


@asynccontextmanager
async def _control(
    kafka: KafkaSettings, postgres: PostgresSettings, spent: Counter[str]
) -> AsyncIterator[tuple[DeadLetterStore, ReplayPlanStore]]:
    """Control without its stage and its API: the index, and plans that run."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(postgres))
        reader = await stack.enter_async_context(open_dead_letter_reader(kafka, READ_TIMEOUT_S))
        publisher = await stack.enter_async_context(Publisher(kafka, source="/bench"))
        store = DeadLetterStore(database)
        plans = ReplayPlanStore(database, store)
        replayer = DeadLetterReplayer(
            timed(store, spent), timed(reader, spent), timed(publisher, spent)
        )
        await stack.enter_async_context(replayer.repairing())
        plans.slices = timed(plans.slices, spent)
        runner = ReplayPlanRunner(timed(plans, spent), replayer, poll_s=LOOK_S)
        await stack.enter_async_context(runner.running())
        yield store, plans


async def _vacuum(postgres: PostgresSettings) -> None:
    """Do what autovacuum would: else it would begin within the measure, and its snapshot would keep
    pages from getting room back."""
    async with open_database(postgres) as database:
        await database.execute("VACUUM (ANALYZE) dead_letters")


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
