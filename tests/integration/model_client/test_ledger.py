from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.notes import Usage
from database.errors import DatabaseUnavailableError
from database.lazy import LazilyConnectedDatabase
from database.pool import Database
from database.settings import PostgresSettings
from model_client import errors
from model_client.ledger.budgets import BudgetBusyError, BudgetSettings
from model_client.ledger.ledger import BudgetReservation, CallDetails, CallOutcome, Ledger
from model_client.requests import CostAttribution
from support.postgres import TestServer
from support.waiting import until

SPENDER = Path(__file__).with_name("spender.py")
LIBRARIES = Path(__file__).parents[3] / "libs"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SET = """
INSERT INTO llm_budgets (scope, name, set_by, limit_usd) VALUES ($1, $2, 'command', $3)
ON CONFLICT (scope, name, set_by) DO UPDATE SET limit_usd = EXCLUDED.limit_usd
"""

Clock = Callable[[], datetime]


class ManualClock:
    """Manual clock, as a moment."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def opened(
    settings: PostgresSettings, clock: Clock | None = None, **limits: Any
) -> AsyncIterator[Ledger]:
    budgets = BudgetSettings(**{"wait_s": 0.0, **limits})
    async with (
        LazilyConnectedDatabase(settings, retry_s=0.05) as database,
        Ledger(database, budgets, clock=clock or ManualClock()) as ledger,
    ):
        yield ledger


def call(
    worst: str | None = "0.10", study: str = "shops", endpoint: str = "http://here"
) -> CallDetails:
    dollars = None if worst is None else Decimal(worst)
    return CallDetails(
        CostAttribution(study, "chunk-1"), "notes-2", endpoint, "gpt-4o-mini", dollars
    )


def cost(dollars: str) -> CallOutcome:
    return CallOutcome("answered", cost_usd=Decimal(dollars))


async def sums(database: Database, scope: str = "study", name: str = "shops") -> tuple[str, str]:
    row = await database.fetchrow(
        "SELECT settled_usd, reserved_usd FROM llm_spending WHERE scope = $1 AND name = $2",
        scope,
        name,
    )
    assert row is not None
    return f"{row['settled_usd']:.2f}", f"{row['reserved_usd']:.2f}"


async def test_a_call_is_a_row_before_it_is_made_and_complete_after(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    async with opened(postgres_settings) as ledger:
        reservation = await ledger.reserve(call(endpoint="http://me:secret@here:1/v1?key=1"))
        row = await fresh_database.fetchrow("SELECT * FROM llm_calls")
        assert row is not None
        assert (row["worst_usd"], row["settled_at"]) == (Decimal("0.10"), None)
        assert row["endpoint"] == "http://here:1/v1"
        await ledger.settle(
            reservation,
            CallOutcome(
                "answered",
                model="gpt-4o-mini\0\ud800",
                fingerprint="fp_1",
                usage=Usage(input_tokens=10, cached_tokens=4, output_tokens=2),
                cost_usd=Decimal("0.0375"),
                estimated=True,
                latency_s=1.5,
                first_token_s=0.5,
            ),
        )
    row = await fresh_database.fetchrow("SELECT * FROM llm_calls")
    assert row is not None
    assert dict(row) == {
        "call_id": reservation.call_id,
        "study_id": "shops",
        "subject": "chunk-1",
        "purpose": "draft",
        "prompt_version": "notes-2",
        "endpoint": "http://here:1/v1",
        "model": "gpt-4o-mini",
        "day": NOON.date(),
        "study_day": f"shops {NOON.date()}",
        "started_at": NOON,
        "worst_usd": Decimal("0.10"),
        "plan_id": None,
        "settled_at": NOON,
        "outcome": "answered",
        "answered_by": "gpt-4o-mini\N{REPLACEMENT CHARACTER}?",
        "fingerprint": "fp_1",
        "input_tokens": 10,
        "cached_tokens": 4,
        "output_tokens": 2,
        "cost_usd": Decimal("0.0375"),
        "estimated": True,
        "latency_s": 1.5,
        "first_token_s": 0.5,
    }


async def test_settling_gives_back_what_was_not_used(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    async with opened(postgres_settings, per_study_usd="0.15") as ledger:
        reservation = await ledger.reserve(call("0.10"))
        assert await sums(fresh_database) == ("0.00", "0.10")
        with pytest.raises(BudgetBusyError):
            await ledger.reserve(call("0.10"))
        await ledger.settle(reservation, cost("0.05"))
        assert await sums(fresh_database) == ("0.05", "0.00")
        await ledger.reserve(call("0.10"))
    assert await sums(fresh_database, "day", "2026-11-23") == ("0.05", "0.10")


async def test_settling_twice_counts_once(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    async with opened(postgres_settings) as ledger:
        reservation = await ledger.reserve(call())
        await ledger.settle(reservation, cost("0.05"))
        await ledger.settle(reservation, cost("0.07"))
    assert await sums(fresh_database) == ("0.05", "0.00")


async def test_says_which_budget_refuses_and_what_raises_it(
    postgres_settings: PostgresSettings,
) -> None:
    async with opened(postgres_settings, per_study_usd=1, per_day_usd=2) as ledger:
        await ledger.settle(await ledger.reserve(call("0.80")), cost("0.75"))
        await ledger.reserve(call("0.20"))
        with pytest.raises(errors.BudgetExceededError) as refused:
            await ledger.reserve(call("0.30"))
        assert str(refused.value) == (
            "the budget of study shops is $1.00: $0.75 spent, $0.20 reserved, and this call may "
            "take $0.30; `onrecord budgets set shops USD` raises it"
        )
        await ledger.reserve(call("1.00", study="others"))
        with pytest.raises(BudgetBusyError, match=r"of the day .* `onrecord budgets s"):
            await ledger.reserve(call("0.10", study="thirds"))


async def test_a_refused_call_leaves_nothing(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    async with opened(postgres_settings, per_day_usd="0.05") as ledger:
        with pytest.raises(errors.BudgetExceededError):
            await ledger.reserve(call("0.10"))
    assert await fresh_database.fetchval("SELECT count(*) FROM llm_calls") == 0
    assert await sums(fresh_database) == ("0.00", "0.00")


async def test_a_limit_set_by_command_goes_before_the_settings(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    async with opened(postgres_settings, per_study_usd="0.15") as ledger:
        await ledger.reserve(call("0.10"))
        with pytest.raises(BudgetBusyError):
            await ledger.reserve(call("0.10"))
        await fresh_database.execute(SET, "study", "shops", Decimal("0.20"))
        await ledger.reserve(call("0.10"))
        with pytest.raises(BudgetBusyError):
            await ledger.reserve(call("0.10"))
        await fresh_database.execute(SET, "study", "shops", None)
        await ledger.reserve(call("9.00"))
        await fresh_database.execute(SET, "day", "", Decimal(1))
        with pytest.raises(BudgetBusyError, match="set-day"):
            await ledger.reserve(call("0.10"))


async def test_a_new_day_has_a_new_budget_and_the_old_one_takes_what_began_in_it(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    watch = ManualClock()
    watch.now = datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC)
    async with opened(postgres_settings, watch, per_day_usd="0.10") as ledger:
        late = await ledger.reserve(call("0.10"))
        with pytest.raises(BudgetBusyError):
            await ledger.reserve(call("0.10"))
        watch.now += timedelta(seconds=1)
        await ledger.reserve(call("0.10"))
        await ledger.settle(late, cost("0.04"))
    assert await sums(fresh_database, "day", "2026-11-23") == ("0.04", "0.00")
    assert await sums(fresh_database, "day", "2026-11-24") == ("0.00", "0.10")


async def test_waits_for_what_another_call_gives_back(postgres_settings: PostgresSettings) -> None:
    async with opened(postgres_settings, per_study_usd="0.10", wait_s=30) as ledger:
        first = await ledger.reserve(call("0.10"))
        waiting = asyncio.create_task(ledger.reserve(call("0.05")))
        done, _ = await asyncio.wait([waiting], timeout=0.1)
        assert not done
        await ledger.settle(first, cost("0.05"))
        await waiting


async def test_waits_for_another_process_too_but_not_beyond_its_time(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    loop = asyncio.get_running_loop()
    async with (
        opened(postgres_settings, per_study_usd="0.10", wait_s=30) as ledger,
        opened(postgres_settings, per_study_usd="0.10") as other,
    ):
        theirs = await other.reserve(call("0.10"))
        with pytest.raises(BudgetBusyError):
            await ledger.reserve(call("0.05"), latest=loop.time() + 0.1)
        waiting = asyncio.create_task(ledger.reserve(call("0.05")))
        await other.settle(theirs, cost("0.01"))
        await waiting
    assert await sums(fresh_database) == ("0.01", "0.05")


async def test_does_not_wait_for_calls_of_a_process_that_is_gone(
    postgres_settings: PostgresSettings,
) -> None:
    watch = ManualClock()
    async with opened(postgres_settings, watch, per_study_usd="0.10", wait_s=3000) as ledger:
        await ledger.reserve(call("0.10"))
        watch.now += timedelta(minutes=11)
        with pytest.raises(errors.BudgetExceededError):
            await ledger.reserve(call("0.05"))


@pytest.mark.long
async def test_fifty_workers_in_five_processes_use_a_budget_up_and_never_overshoot(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    await fresh_database.execute(SET, "study", "shops", Decimal("1.00"))
    # Overshooting even for a moment would be refused by the database.
    await fresh_database.execute(
        "ALTER TABLE llm_spending ADD CHECK (settled_usd + reserved_usd <= 1)"
    )
    spenders = [await spender(postgres_settings, workers=10, seed=seed) for seed in range(5)]
    made = sum([int((await one.communicate())[0]) for one in spenders])
    assert {one.returncode for one in spenders} == {0}
    assert (await sums(fresh_database))[1] == "0.00"
    row = await fresh_database.fetchrow("SELECT count(*), sum(cost_usd) FROM llm_calls")
    assert row is not None
    assert row[0] == made
    # The one that was refused last could have cost two cents.
    assert Decimal("0.98") < row[1] <= 1
    assert row[1] == await fresh_database.fetchval(
        "SELECT settled_usd FROM llm_spending WHERE scope = 'study'"
    )


async def test_a_killed_process_leaves_its_call_counted_with_the_most_it_can_cost(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    victim = await spender(postgres_settings, workers=0)
    assert victim.stdout is not None
    assert await victim.stdout.readline() == b"reserved\n"
    victim.kill()
    await victim.wait()
    watch = ManualClock()
    watch.now = datetime.now(UTC)
    async with opened(postgres_settings, watch, per_study_usd="0.03") as ledger:
        with pytest.raises(BudgetBusyError):
            await ledger.reserve(call("0.02"))
        watch.now += timedelta(minutes=11)
        with pytest.raises(errors.BudgetExceededError, match=r"\$0.00 spent, \$0.02 reserved"):
            await ledger.reserve(call("0.02"))
    assert await sums(fresh_database) == ("0.00", "0.02")


async def spender(
    settings: PostgresSettings, *, workers: int, seed: int = 0
) -> asyncio.subprocess.Process:
    """A process that spends."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        SPENDER,
        settings.dsn.get_secret_value(),
        str(workers),
        str(seed),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(LIBRARIES)},
    )


async def test_a_budget_and_a_model_without_price_is_for_the_settings_to_mend(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    async with opened(postgres_settings) as ledger:
        await ledger.settle(await ledger.reserve(call(None)), CallOutcome("answered"))
        await fresh_database.execute(SET, "study", "shops", Decimal(1))
        with pytest.raises(errors.PriceUnknownError, match="ONRECORD_MODEL_PRICED_AS"):
            await ledger.reserve(call(None))
        await ledger.reserve(call(None, study="others"))
    async with opened(postgres_settings, per_day_usd=1) as ledger:
        with pytest.raises(errors.ModelUnavailableError, match="ONRECORD_MODEL_PRICED_AS"):
            await ledger.reserve(call(None))


async def test_a_budget_that_cannot_be_asked_is_not_overshot(
    postgres: TestServer, postgres_settings: PostgresSettings
) -> None:
    async with opened(postgres_settings, per_study_usd=1) as ledger:
        reservation = await ledger.reserve(call())
        postgres.stop()
        with pytest.raises(DatabaseUnavailableError):
            await ledger.reserve(call())
        await ledger.settle(reservation, cost("0.05"))
        postgres.start()
        await until_reserved(ledger)


async def test_nothing_is_asked_before_the_budgets_were_read_once(
    postgres: TestServer, postgres_settings: PostgresSettings
) -> None:
    postgres.stop()
    async with opened(postgres_settings) as ledger:
        with pytest.raises(DatabaseUnavailableError):
            await ledger.reserve(call())


async def test_readiness_follows_whether_the_next_call_needs_the_database(
    postgres: TestServer, postgres_settings: PostgresSettings
) -> None:
    async with (
        opened(postgres_settings) as unknown,
        opened(postgres_settings) as unlimited,
        opened(postgres_settings, per_study_usd=1) as limited,
    ):
        ledgers = (unknown, unlimited, limited)
        for one in ledgers:
            await one.check_availability()
        for one in (unlimited, limited):
            await one.settle(await one.reserve(call()), cost("0.05"))
        postgres.stop()
        for one in (unknown, limited):
            with pytest.raises(DatabaseUnavailableError):
                await one.check_availability()
            assert one.notice == ""
        await unlimited.check_availability()
        assert "PostgreSQL is away" in unlimited.notice
        postgres.start()

        async def are_available() -> bool:
            with suppress(DatabaseUnavailableError):
                for one in ledgers:
                    await one.check_availability()
                return not unlimited.notice
            return False

        await until(are_available)


async def test_without_a_budget_calls_go_on_and_are_written_down_later(
    postgres: TestServer, postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    async with opened(postgres_settings) as ledger:
        before = await ledger.reserve(call())
        postgres.stop()
        during = [await ledger.reserve(call()) for _ in range(3)]
        for one in (before, *during):
            await ledger.settle(one, cost("0.05"))
        assert ledger.unwritten >= 4
        postgres.start()

        async def is_written() -> bool:
            return ledger.unwritten == 0

        await until(is_written, within_s=20)
    assert await fresh_database.fetchval("SELECT count(*) FROM llm_calls") == 4
    assert await sums(fresh_database) == ("0.20", "0.00")


@pytest.mark.long
async def test_without_a_budget_nobody_waits_long_for_a_slow_database(
    postgres_settings: PostgresSettings,
    fresh_database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("model_client.ledger.ledger.PATIENCE_S", 0.05)
    async with opened(postgres_settings) as ledger:
        await ledger.settle(await ledger.reserve(call()), cost("0.05"))
        async with fresh_database.transaction() as connection:
            await connection.execute("SELECT FROM llm_spending FOR UPDATE")
            slow = await ledger.reserve(call())
            await ledger.settle(slow, cost("0.05"))
    assert await fresh_database.fetchval("SELECT count(settled_at) FROM llm_calls") == 2
    assert await sums(fresh_database) == ("0.10", "0.00")


async def test_what_is_left_in_memory_is_written_at_the_end(
    postgres: TestServer, postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    async with LazilyConnectedDatabase(postgres_settings, retry_s=0.01) as database:
        async with Ledger(database, BudgetSettings(), clock=ManualClock()) as ledger:
            await ledger.reserve(call())
            postgres.stop()
            await ledger.settle(await ledger.reserve(call()), cost("0.05"))
            postgres.start()
        assert ledger.unwritten == 0
    assert await sums(fresh_database) == ("0.05", "0.10")


async def test_a_call_cancelled_while_it_is_reserved_gives_it_back(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    async with opened(postgres_settings, per_study_usd=1) as ledger:
        await ledger.settle(await ledger.reserve(call()), cost("0.05"))
        async with fresh_database.transaction() as connection:
            await connection.execute("SELECT FROM llm_spending FOR UPDATE")
            reserving = asyncio.create_task(ledger.reserve(call()))
            await asyncio.wait([reserving], timeout=0.1)
            reserving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reserving
    assert await sums(fresh_database) == ("0.05", "0.00")


async def test_a_call_cancelled_in_the_moment_it_is_reserved_gives_it_back(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    async with opened(postgres_settings, per_study_usd=1) as ledger:
        await ledger.settle(await ledger.reserve(call()), cost("0.05"))
        before = asyncio.all_tasks()
        reserving = asyncio.create_task(ledger.reserve(call()))
        await asyncio.sleep(0)
        (asking,) = asyncio.all_tasks() - before - {reserving}
        asking.add_done_callback(lambda _: reserving.cancel())
        with pytest.raises(asyncio.CancelledError):
            await reserving
    assert await sums(fresh_database) == ("0.05", "0.00")


async def test_an_entry_that_the_database_refuses_does_not_hold_up_others(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    async with opened(postgres_settings) as ledger:
        broken = await ledger.reserve(call())
        await ledger.settle(
            broken, CallOutcome("answered", usage=Usage.model_construct(input_tokens=2**70))
        )
        await ledger.settle(await ledger.reserve(call()), cost("0.05"))
        assert ledger.unwritten == 0
    assert await sums(fresh_database) == ("0.05", "0.10")


async def test_keeps_only_so_many_entries(
    postgres: TestServer, postgres_settings: PostgresSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model_client.ledger.backlog.MOST_KEPT", 2)
    async with opened(postgres_settings) as ledger:
        await ledger.reserve(call())
        postgres.stop()
        for _ in range(3):
            await ledger.settle(await ledger.reserve(call()), cost("0.05"))
        assert ledger.unwritten == 2
        postgres.start()


async def until_reserved(ledger: Ledger) -> BudgetReservation:
    """Wait until the database is asked again."""

    async def ask() -> BudgetReservation | None:
        try:
            return await ledger.reserve(call())
        except DatabaseUnavailableError:
            return None

    found = await until(ask, within_s=20)
    assert isinstance(found, BudgetReservation)
    return found
