"""The whole client against a simulator and a database: what is paid for, by whom, and how often."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.errors import OutageError
from contracts.events import ChunkReady, NotesDrafted
from contracts.notes import Usage
from database.lazy import LazilyConnectedDatabase
from database.pool import Database
from database.settings import PostgresSettings
from enrichment.drafter import NoteDrafter
from integration.model_client.payer import about
from model_client import ModelClient, errors
from model_client.cache import response_cache
from model_client.cache.response_cache import CacheSettings, ResponseCache
from model_client.ledger.budgets import BudgetSettings
from model_client.ledger.ledger import Ledger
from model_client.ledger.prices import PriceCalculator
from support.chunks import CHUNK
from support.postgres import TestServer
from support.simulator import Simulated, simulated
from support.waiting import until

PAYER = Path(__file__).with_name("payer.py")
ROOT = Path(__file__).parents[3]
LIBRARIES = os.pathsep.join(str(ROOT / one) for one in ("libs", "services", "tests"))
PRICED = {"priced_as": "gpt-4o-mini", "max_output_tokens": 1_000}
SET = """
INSERT INTO llm_budgets (scope, name, set_by, limit_usd) VALUES ('study', 'heating', 'command', $1)
ON CONFLICT (scope, name, set_by) DO UPDATE SET limit_usd = EXCLUDED.limit_usd
"""
LIMIT = Decimal("0.03")
TROUBLE = (
    {"fault": "hang", "rate": 0.05},
    {"fault": "stall", "rate": 0.05},
    {"fault": "disconnect", "rate": 0.1},
    {"fault": "rate_limit", "rate": 0.1, "retry_after": 0.05},
    {"fault": "server_error", "rate": 0.1},
    {"fault": "invalid_json", "rate": 0.1},
    {"fault": "cut_off", "rate": 0.1},
    {"fault": "refusal", "rate": 0.1},
)


@dataclass
class Whole:
    """A replica of enrichment, without the broker."""

    client: ModelClient
    ledger: Ledger

    async def draft(
        self, chunk: ChunkReady = CHUNK, attempt: int = 1, feedback: str = ""
    ) -> NotesDrafted:
        """What a delivery does."""
        deadline = asyncio.get_running_loop().time() + 30
        drafter = NoteDrafter(self.client)
        return await drafter.draft(chunk, attempt=attempt, feedback=feedback, deadline=deadline)


@asynccontextmanager
async def replica(
    model: Simulated,
    postgres: PostgresSettings,
    limits: Mapping[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Whole]:
    async with (
        LazilyConnectedDatabase(postgres, retry_s=0.05) as database,
        ResponseCache(database, CacheSettings(), lease_s=1.0) as answers,
        Ledger(database, BudgetSettings(wait_s=0.5, **(limits or {}))) as ledger,
        ModelClient(model.settings(**PRICED | settings), cache=answers, ledger=ledger) as client,
    ):
        yield Whole(client, ledger)


@pytest.fixture
async def model() -> AsyncIterator[Simulated]:
    async with simulated({"seed": 7}) as one:
        yield one


async def test_a_redelivery_to_another_replica_costs_nothing(
    model: Simulated, postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    async with replica(model, postgres_settings) as one:
        first = await one.draft()
    async with replica(model, postgres_settings) as other:
        assert await other.draft() == first
    assert await model.calls() == 1
    assert await fresh_database.fetchval("SELECT count(*) FROM llm_calls") == 1


async def test_the_same_chunk_in_another_study_costs_nothing(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    study = CHUNK.study.model_copy(update={"study_id": "homes", "name": "Homes, once more"})
    ids = {"chunk_id": UUID(int=1), "transcript_id": UUID(int=2), "title": "Ben", "index": 0}
    twin = CHUNK.model_copy(update={"study": study, "revision": 3, "chunk_count": 9, **ids})
    async with replica(model, postgres_settings, {"per_study_usd": 1}) as one:
        first = await one.draft()
        second = await one.draft(twin)
    assert (second.chunk, second.notes) == (twin, first.notes)
    assert await model.calls() == 1


async def test_equal_questions_at_once_are_asked_once_by_all_replicas(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    async with replica(model, postgres_settings) as one, replica(model, postgres_settings) as other:
        await asyncio.gather(*(either.draft() for either in (one, other) for _ in range(25)))
    assert await model.calls() == 1


async def test_a_second_draft_is_asked_for_once_however_often_its_rejection_comes(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    async with replica(model, postgres_settings) as one:
        await one.draft()
        second = await one.draft(attempt=2, feedback="no such segment")
        assert await one.draft(attempt=2, feedback="no such segment") == second
    assert await model.calls() == 2


async def test_a_chunk_whose_answer_was_cut_off_goes_straight_to_its_kept_halves(
    postgres_settings: PostgresSettings,
) -> None:
    rules = {"rules": [{"fault": "cut_off", "times": 1}]}
    async with simulated(rules) as model, replica(model, postgres_settings) as one:
        first = await one.draft()
        assert await one.draft() == first
        assert await model.calls() == 3


async def test_a_failed_ask_is_not_kept(postgres_settings: PostgresSettings) -> None:
    rules = {"rules": [{"fault": "refusal", "times": 1}]}
    async with simulated(rules) as model, replica(model, postgres_settings) as one:
        with pytest.raises(errors.RefusalError):
            await one.draft()
        await one.draft()
        assert await model.calls() == 2


async def test_a_database_stopped_midway_stops_nobody_and_hears_of_all_calls(
    model: Simulated,
    postgres: TestServer,
    postgres_settings: PostgresSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(response_cache, "PAUSE_S", 0.05)
    chunks = [about(f"We pay {number} pounds a month.") for number in range(5)]
    async with replica(model, postgres_settings) as one:
        await one.draft(chunks[0])
        postgres.stop()
        await asyncio.gather(*map(one.draft, chunks))
        assert await model.calls() == 6
        postgres.start()
        await until(lambda: one.ledger.unwritten == 0)
    async with LazilyConnectedDatabase(postgres_settings) as database:
        rows = await (await database.database()).fetch("SELECT outcome, cost_usd FROM llm_calls")
    assert len(rows) == 6
    assert all(row["outcome"] == "answered" and row["cost_usd"] > 0 for row in rows)


async def test_tables_that_somebody_locks_hold_nobody_up_for_long(
    model: Simulated, postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    async with replica(model, postgres_settings) as one:
        await one.draft()
        async with fresh_database.transaction() as connection, asyncio.timeout(15):
            await connection.execute("LOCK llm_answers, llm_claims, llm_calls, llm_spending")
            await one.draft(about("We pay 80 pounds a month."))
    assert await model.calls() == 2


async def test_a_database_that_only_reads_is_one_that_is_away(
    model: Simulated,
    postgres: TestServer,
    postgres_settings: PostgresSettings,
    fresh_database: Database,
) -> None:
    name = await fresh_database.fetchval("SELECT current_database()")
    await postgres.arun(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    async with replica(model, postgres_settings) as one:
        with pytest.raises(OutageError):
            await one.draft()
        assert await model.calls() == 0
    await postgres.arun(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    async with replica(model, postgres_settings) as one:
        await one.draft()


async def test_an_endpoint_that_is_away_or_answers_with_errors_costs_nothing(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    async with (
        simulated({"rules": [{"fault": "server_error", "status": 502}]}) as model,
        replica(model, postgres_settings, {"per_day_usd": 1}) as one,
    ):
        with pytest.raises(OutageError):
            await one.draft()
    async with replica(model, postgres_settings, {"per_day_usd": 1}) as one:
        with pytest.raises(OutageError, match="cannot be reached"):
            await one.draft()
    rows = await fresh_database.fetch("SELECT outcome, cost_usd, estimated FROM llm_calls")
    assert len(rows) > 3
    assert {tuple(row) for row in rows} == {("llm_server_error", 0, False)}


async def test_an_answer_that_was_cut_short_is_estimated_and_marked_so(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    async with (
        simulated({"rules": [{"fault": "stall", "times": 1}]}) as model,
        replica(model, postgres_settings, between_tokens_s=0.2) as one,
    ):
        await one.draft()
    rows = await fresh_database.fetch(
        "SELECT outcome, estimated, cost_usd > 0 FROM llm_calls ORDER BY started_at"
    )
    assert [tuple(row) for row in rows] == [("llm_timeout", True, True), ("answered", False, True)]


async def test_a_call_that_a_gateway_gave_up_on_may_have_been_charged(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    rules = {"rules": [{"fault": "server_error", "status": 504, "times": 1}]}
    async with simulated(rules) as model, replica(model, postgres_settings) as one:
        await one.draft()
    row = await fresh_database.fetchrow(
        "SELECT estimated, cost_usd > 0 FROM llm_calls WHERE outcome = 'llm_server_error'"
    )
    assert row is not None
    assert tuple(row) == (True, True)


@pytest.mark.parametrize("limits", [{}, {"per_day_usd": 1}], ids=["no limit", "a limit"])
async def test_nothing_is_asked_before_the_migrations_ran(
    model: Simulated, postgres: TestServer, limits: dict[str, Any]
) -> None:
    async with replica(model, postgres.settings("postgres"), limits) as one:
        with pytest.raises(OutageError):
            await one.draft()
    assert await model.calls() == 0


async def test_a_database_that_was_never_there_is_waited_for(
    model: Simulated, postgres: TestServer, postgres_settings: PostgresSettings
) -> None:
    postgres.stop()
    async with replica(model, postgres_settings) as one:
        with pytest.raises(OutageError):
            await one.draft()
        assert await model.calls() == 0
        postgres.start()

        async def is_drafted() -> bool:
            with suppress(OutageError):
                await one.draft()
                return True
            return False

        await until(is_drafted)


async def test_a_replica_killed_while_it_asks_holds_up_the_next_for_its_lease(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    async with simulated({"rules": [{"fault": "hang"}]}) as model:
        victim = await payer(postgres_settings, model, 1, "north", patience_s=60)
        await until(claimed(fresh_database))
        victim.kill()
        await victim.communicate()
        await model.control("DELETE", "rules")
        # What others wait for is the lease, of which most is over by now.
        await fresh_database.execute("UPDATE llm_claims SET leased_until = now() + '1 s'::interval")
        async with replica(model, postgres_settings) as one:
            await one.draft(about("We paid 0 pounds to plumber 0 of town north."))
    lost = "SELECT count(*) FROM llm_calls WHERE settled_at IS NULL"
    assert await fresh_database.fetchval(lost) == 1


@pytest.mark.long
async def test_fifty_at_once_in_four_processes_never_overshoot_a_budget_whatever_fails(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    await fresh_database.execute(SET, LIMIT)
    # Overshooting even for a moment would be refused by the database.
    await fresh_database.execute(
        f"ALTER TABLE llm_spending ADD CHECK (settled_usd + reserved_usd <= {LIMIT})"
    )
    async with simulated({"seed": 7, "rules": TROUBLE}) as model:
        towns = {"north": 13, "south": 13, "east": 12, "west": 12}
        payers = [
            await payer(postgres_settings, model, at, town, 0.5) for town, at in towns.items()
        ]
        ends: Counter[str] = Counter()
        for one in payers:
            output, _ = await one.communicate()
            assert one.returncode == 0
            for end in output.decode().split():
                name, _, count = end.partition("=")
                ends[name] += int(count)
        used = (await model.control("GET", "counts"))["models"]["m"]
    assert ends["answered"] > 0
    assert ends["BudgetExceededError"] == sum(towns.values())
    rows = await fresh_database.fetch("SELECT outcome, cost_usd FROM llm_calls")
    assert {"answered", "llm_timeout", "llm_server_error"} <= {row["outcome"] for row in rows}
    spent = await fresh_database.fetchrow(
        "SELECT settled_usd, reserved_usd FROM llm_spending WHERE scope = 'study'"
    )
    assert spent is not None
    assert tuple(spent) == (sum(row["cost_usd"] for row in rows), 0)
    # By what the other end counted, too.
    usage = Usage(
        input_tokens=used["prompt_tokens"],
        cached_tokens=used["cached_tokens"],
        output_tokens=used["completion_tokens"],
    )
    dollars = PriceCalculator("gpt-4o-mini").cost(usage)
    assert dollars is not None
    assert dollars <= LIMIT


def claimed(database: Database) -> Any:
    async def look() -> bool:
        query = "SELECT count(*) = 1 FROM llm_calls WHERE EXISTS (SELECT FROM llm_claims)"
        return bool(await database.fetchval(query))

    return look


async def payer(
    settings: PostgresSettings, model: Simulated, workers: int, town: str, patience_s: float
) -> asyncio.subprocess.Process:
    """A process that asks about chunks of its own."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        PAYER,
        settings.dsn.get_secret_value(),
        model.url,
        str(workers),
        town,
        str(patience_s),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": LIBRARIES},
    )
