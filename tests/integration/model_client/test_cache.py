from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.notes import Usage
from database.lazy import LazilyConnectedDatabase
from database.pool import Database, open_database
from database.settings import PostgresSettings
from model_client import use_only_answers_since
from model_client.cache import response_cache
from model_client.cache.response_cache import CachedResponse, CacheSettings, ResponseCache
from support.postgres import TestServer
from support.waiting import until

ASKER = Path(__file__).with_name("asker.py")
LIBRARIES = Path(__file__).parents[3] / "libs"
ONE, OTHER = "notes-2/one", "notes-2/other"
HELD_CLAIMS = "SELECT count(*) FROM llm_claims WHERE leased_until > now()"
WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)
USAGE = Usage(input_tokens=2000, cached_tokens=500, output_tokens=100)


class ManualClock:
    """Manual clock, as a moment."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


class Model:
    """Answers when it is let, and counts how often it was asked."""

    def __init__(self, content: str | None = "{}", key: str = ONE, fingerprint: str = "") -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.fails = 0
        self._made = key, CachedResponse(content, "small", fingerprint, USAGE, Decimal("0.01"))

    async def __call__(self) -> tuple[str, CachedResponse]:
        self.asked += 1
        await self.may_answer.wait()
        if self.fails:
            self.fails -= 1
            raise RuntimeError("no answer")
        return self._made


@asynccontextmanager
async def opened(
    settings: PostgresSettings, clock: ManualClock | None = None, lease_s: float = 10.0, **kept: Any
) -> AsyncIterator[ResponseCache]:
    async with (
        LazilyConnectedDatabase(settings, retry_s=0.05) as database,
        ResponseCache(
            database, CacheSettings(**kept), clock=clock or ManualClock(), lease_s=lease_s
        ) as one,
    ):
        yield one


def soon(seconds: float = 0.2) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_a_kept_answer_is_given_as_it_was_made(postgres_settings: PostgresSettings) -> None:
    model = Model('{"notes": ["\0 and \\u0000"]}', fingerprint="fp_1")
    async with opened(postgres_settings) as answers:
        first, paid = await answers.get_or_create([ONE], model)
    async with opened(postgres_settings) as answers:
        again, free = await answers.get_or_create([ONE], model)
    assert (paid, free, model.asked) == (False, True, 1)
    assert first.content is not None
    content = first.content.replace("\0", "\N{REPLACEMENT CHARACTER}")
    assert again == CachedResponse(content, "small", "fp_1", USAGE, Decimal("0.01"))


async def test_an_endpoint_may_call_itself_anything(postgres_settings: PostgresSettings) -> None:
    name = "".join(map(chr, range(0x4E00, 0x6E00))) + "\0\ud800"
    async with opened(postgres_settings) as answers:
        for cached in (False, True):
            assert (await answers.get_or_create([ONE], Model(fingerprint=name)))[1] is cached


async def test_that_an_answer_was_cut_off_is_told_to_whom_it_helps(
    postgres_settings: PostgresSettings,
) -> None:
    model = Model(None)
    async with opened(postgres_settings) as answers:
        await answers.get_or_create([ONE], model)
        kept, cached = await answers.get_or_create([ONE], model, accepts_truncated=True)
    assert (kept.content, cached, model.asked) == (None, True, 1)


@pytest.mark.parametrize("together", [False, True])
async def test_to_whom_it_does_not_help_the_question_is_asked_anew(
    postgres_settings: PostgresSettings, *, together: bool
) -> None:
    cut_off, mended = Model(None), Model("{}", fingerprint="fp_2")
    async with opened(postgres_settings) as answers:
        if together:
            cut_off.may_answer.clear()
            first = asyncio.create_task(answers.get_or_create([ONE], cut_off))
            await until(lambda: cut_off.asked > 0)
            second = asyncio.create_task(answers.get_or_create([ONE], mended))
            cut_off.may_answer.set()
            await first
            kept, cached = await second
        else:
            await answers.get_or_create([ONE], cut_off)
            kept, cached = await answers.get_or_create([ONE], mended)
        assert (kept.content, cached) == ("{}", False)
        assert await answers.get_or_create([ONE], Model(), accepts_truncated=True) == (kept, True)


async def test_the_first_of_the_keys_that_has_an_answer_is_given(
    postgres_settings: PostgresSettings,
) -> None:
    async with opened(postgres_settings) as answers:
        await answers.get_or_create([OTHER], Model("2", key=OTHER))
        assert (await answers.get_or_create([ONE, OTHER], Model()))[0].content == "2"
        await answers.get_or_create([ONE], Model("1"))
        assert (await answers.get_or_create([ONE, OTHER], Model()))[0].content == "1"


@pytest.mark.parametrize("processes", [1, 2])
async def test_of_many_at_once_one_asks(
    postgres_settings: PostgresSettings, processes: int
) -> None:
    model = Model()
    model.may_answer.clear()
    async with opened(postgres_settings) as here, opened(postgres_settings) as there:
        caches = [here, there][:processes]
        waiting = [asyncio.create_task(one.get_or_create([ONE], model)) for one in caches * 10]
        await until(lambda: model.asked > 0)
        await asyncio.gather(*(one.get_or_create([OTHER], Model(key=OTHER)) for one in caches))
        model.may_answer.set()
        outcomes = await asyncio.gather(*waiting)
    assert model.asked == 1
    assert sorted(cached for _, cached in outcomes) == [False] + [True] * (10 * processes - 1)


async def test_a_response_that_is_stored_while_another_process_looks_for_it_is_found(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    first, second = Model(), Model()
    first.may_answer.clear()

    async def wait(number: int) -> None:
        async def look() -> bool:
            return bool(await fresh_database.fetchval(WAITING) == number)

        await until(look)

    async with opened(postgres_settings) as here, opened(postgres_settings) as there:
        storing = asyncio.create_task(here.get_or_create([ONE], first))
        await until(lambda: first.asked > 0)
        async with fresh_database.transaction() as connection:
            # The response is stored, then the claim is taken over, each from where it waits now.
            await connection.execute("SELECT FROM llm_claims FOR UPDATE")
            first.may_answer.set()
            await wait(1)
            looking = asyncio.create_task(there.get_or_create([ONE], second))
            await wait(2)
        assert (await storing)[1] is False
        assert (await looking)[1] is True
    assert second.asked == 0


async def test_rows_of_released_claims_go_after_a_while(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    async with opened(postgres_settings) as answers:
        await answers.get_or_create([ONE], Model())
    assert await fresh_database.fetchval("SELECT count(*) FROM llm_claims") == 1
    later = "UPDATE llm_claims SET leased_until = leased_until - '11 minutes'::interval"
    await fresh_database.execute(later)

    async def are_gone() -> bool:
        return not await fresh_database.fetchval("SELECT count(*) FROM llm_claims")

    async with opened(postgres_settings):
        await until(are_gone)


async def test_a_failure_is_its_askers_own_and_the_next_one_tries(
    postgres_settings: PostgresSettings,
) -> None:
    model = Model()
    model.fails = 2
    async with opened(postgres_settings) as here, opened(postgres_settings) as there:
        askers = (one.get_or_create([ONE], model) for one in [here, there] * 3)
        outcomes = await asyncio.gather(*askers, return_exceptions=True)
    assert model.asked == 3
    assert sum(isinstance(one, RuntimeError) for one in outcomes) == 2


async def test_the_next_one_asks_if_the_first_is_given_up(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    model = Model()
    model.may_answer.clear()
    async with opened(postgres_settings) as here, opened(postgres_settings) as there:
        first = asyncio.create_task(here.get_or_create([ONE], model))
        await until(lambda: model.asked > 0)
        others = [asyncio.create_task(one.get_or_create([ONE], model)) for one in (here, there)]
        first.cancel()
        model.may_answer.set()
        outcomes = await asyncio.gather(*others)
    assert first.cancelled()
    assert model.asked == 2
    assert sorted(cached for _, cached in outcomes) == [False, True]
    assert await fresh_database.fetchval(HELD_CLAIMS) == 0


@pytest.mark.parametrize("processes", [1, 2])
async def test_who_has_no_time_to_wait_asks(
    postgres_settings: PostgresSettings, processes: int
) -> None:
    slow, own = Model(), Model()
    slow.may_answer.clear()
    async with opened(postgres_settings) as here, opened(postgres_settings) as there:
        first = asyncio.create_task(here.get_or_create([ONE], slow))
        await until(lambda: slow.asked > 0)
        late = [here, there][processes - 1]
        assert (await late.get_or_create([ONE], own, deadline=soon()))[1] is False
        slow.may_answer.set()
        await first
    assert own.asked == 1


async def test_a_killed_process_holds_nobody_up_for_long(
    postgres_settings: PostgresSettings,
) -> None:
    dsn = postgres_settings.dsn.get_secret_value()
    asker = await asyncio.create_subprocess_exec(
        sys.executable,
        ASKER,
        dsn,
        "1.0",
        env={**os.environ, "PYTHONPATH": str(LIBRARIES)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert asker.stdout is not None
    assert await asker.stdout.readline() == b"asking\n"
    model = Model()
    async with opened(postgres_settings, lease_s=1.0) as answers:
        waiting = asyncio.create_task(answers.get_or_create([ONE], model))
        # Longer than the lease: it is renewed.
        assert not (await asyncio.wait({waiting}, timeout=2.0))[0]
        asker.kill()
        await asker.wait()
        async with asyncio.timeout(20):
            await waiting
    assert model.asked == 1


async def test_a_database_that_goes_away_costs_the_cache_and_nothing_else(
    postgres: TestServer,
    postgres_settings: PostgresSettings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(response_cache, "PAUSE_S", 0.05)
    model = Model()
    async with opened(postgres_settings) as answers:
        await answers.get_or_create([OTHER], Model(key=OTHER))
        postgres.stop()
        asked = (answers.get_or_create([ONE], model) for _ in range(5))
        outcomes = await asyncio.gather(*asked)
        for _ in range(5):
            assert (await answers.get_or_create([OTHER], model))[1] is False
        postgres.start()
        assert sum(not cached for _, cached in outcomes) == 1

        async def is_back() -> bool:
            return (await answers.get_or_create([OTHER], model))[1]

        await until(is_back)
    assert capsys.readouterr().out.count("cache_away") == 1


async def test_a_database_behind_on_migrations_is_no_cache(postgres: TestServer) -> None:
    model = Model()
    async with opened(postgres.settings("postgres")) as answers:
        assert not (await answers.get_or_create([ONE], model))[1]
        assert not (await answers.get_or_create([ONE], model))[1]
    assert model.asked == 2


async def test_an_answer_is_given_for_so_many_days(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    watch, model = ManualClock(), Model()
    async with opened(postgres_settings, watch, ttl_days=2) as answers:
        await answers.get_or_create([ONE], model)
        watch.now += timedelta(days=1)
        assert (await answers.get_or_create([ONE], model))[1]
        watch.now += timedelta(days=1, seconds=1)
        assert not (await answers.get_or_create([ONE], model))[1]
        await answers.get_or_create([OTHER], Model(key=OTHER))
    watch.now += timedelta(days=3)
    async with opened(postgres_settings, watch, ttl_days=2):
        await until(lambda: is_empty(fresh_database))


async def is_empty(database: Database) -> bool:
    return bool(await database.fetchval("SELECT count(*) = 0 FROM llm_answers"))


async def test_what_was_not_used_for_longest_goes_when_there_is_too_much(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    watch, keys = ManualClock(), [f"notes-2/{number}" for number in range(3)]
    async with opened(postgres_settings, watch) as answers:
        for one in keys:
            await answers.get_or_create([one], Model("x" * 400_000, key=one))
        await answers.get_or_create(keys[:1], Model())

    async def left() -> bool:
        rows = await fresh_database.fetch("SELECT key FROM llm_answers ORDER BY key")
        return [row["key"] for row in rows] == [keys[0], keys[2]]

    async with opened(postgres_settings, watch, max_mb=1):
        await until(left)


async def test_only_the_last_fingerprint_counts_if_so_set(
    postgres_settings: PostgresSettings,
) -> None:
    async with opened(postgres_settings) as answers:
        await answers.get_or_create([ONE], Model("old", fingerprint="fp_1"))
        await answers.get_or_create([OTHER], Model("new", key=OTHER, fingerprint="fp_2"))
        assert (await answers.get_or_create([ONE], Model()))[0].content == "old"
    async with opened(postgres_settings, fingerprint="latest") as answers:
        assert (await answers.get_or_create([OTHER], Model()))[0].content == "new"
        assert not (await answers.get_or_create([ONE], Model("newer", fingerprint="fp_2")))[1]
        assert (await answers.get_or_create([ONE], Model()))[0].content == "newer"


async def test_switched_off_it_asks_each_time(postgres_settings: PostgresSettings) -> None:
    model = Model()
    async with opened(postgres_settings, switch="off") as answers:
        await answers.get_or_create([ONE], model)
        await answers.get_or_create([ONE], model)
    assert model.asked == 2


async def test_a_kept_answer_is_asked_for_anew_once_and_replaced(
    postgres_settings: PostgresSettings,
) -> None:
    clock = ManualClock()
    old, new, unasked = Model("1", fingerprint="fp_1"), Model("2", fingerprint="fp_2"), Model("3")
    async with opened(postgres_settings, clock) as answers:
        await answers.get_or_create([ONE], old)
        since = clock.now
        with use_only_answers_since(since):
            fresh, cached = await answers.get_or_create([ONE], new)
            assert (fresh.content, cached) == ("2", False)
        # A message that is delivered again has what was asked for it; so has everybody else.
        async with opened(postgres_settings, clock) as another:
            with use_only_answers_since(since):
                assert (await another.get_or_create([ONE], unasked))[0].content == "2"
            assert (await another.get_or_create([ONE], unasked))[0].content == "2"
    assert (new.asked, unasked.asked) == (1, 0)
    async with open_database(postgres_settings) as database:
        assert await database.fetchval("SELECT count(*) FROM llm_answers") == 1


async def test_an_answer_of_a_fallback_takes_the_place_of_the_first_models(
    postgres_settings: PostgresSettings,
) -> None:
    clock = ManualClock()
    async with opened(postgres_settings, clock) as answers:
        await answers.get_or_create([ONE, OTHER], Model("1", key=ONE))
        with use_only_answers_since(clock.now):
            await answers.get_or_create([ONE, OTHER], Model("2", key=OTHER))
        assert (await answers.get_or_create([ONE, OTHER], Model("3")))[0].content == "2"


async def test_what_could_not_be_asked_anew_leaves_what_was_kept(
    postgres_settings: PostgresSettings,
) -> None:
    clock = ManualClock()
    failing = Model("2")
    failing.fails = 1
    async with opened(postgres_settings, clock) as answers:
        await answers.get_or_create([ONE], Model("1"))
        with use_only_answers_since(clock.now), pytest.raises(RuntimeError):
            await answers.get_or_create([ONE], failing)
        assert (await answers.get_or_create([ONE], Model("3")))[0].content == "1"


async def test_a_slow_clock_pays_for_nothing_twice(postgres_settings: PostgresSettings) -> None:
    clock = ManualClock()
    model = Model("2")
    async with opened(postgres_settings, clock) as answers:
        await answers.get_or_create([ONE], Model("1"))
        with use_only_answers_since(clock.now + timedelta(hours=1)):
            for _ in range(2):
                assert (await answers.get_or_create([ONE], model))[0].content == "2"
    assert model.asked == 1
