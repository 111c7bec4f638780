"""A study spends no more a day than its budget; one that has none has the default."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from contracts.errors import ErrorCode
from database.lazy import LazilyConnectedDatabase
from database.pool import Database
from database.settings import PostgresSettings
from model_client import errors
from model_client.ledger.budgets import BudgetSettings
from model_client.ledger.ledger import CallDetails, CallOutcome, Ledger
from model_client.ledger.store import LedgerStore
from model_client.requests import CostAttribution

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
USD = Decimal(1)


def call(study: str = "repairs", worst: Decimal | None = USD) -> CallDetails:
    return CallDetails(CostAttribution(study, "chunk"), "notes-1", "http://x/v1", "m", worst)


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def ledger_of(
    settings: PostgresSettings, clock: Clock, default: Decimal | None
) -> AsyncIterator[Ledger]:
    budgets = BudgetSettings(per_study_day_usd=default, wait_s=0)
    async with (
        LazilyConnectedDatabase(settings) as lazy,
        Ledger(lazy, budgets, clock=clock) as ledger,
    ):
        yield ledger


async def register(database: Database, budget: Decimal | None, study: str = "repairs") -> None:
    await database.execute(
        "INSERT INTO studies (study_id, doubtful_speakers, statements, registered_by, "
        "daily_budget_usd) VALUES ($1, 'refuse', 'proven', 'ada', $2)",
        study,
        budget,
    )


@pytest.mark.parametrize("registered", ["registered", ""])
async def test_a_study_without_a_budget_has_the_default_for_each_day(
    postgres_settings: PostgresSettings, fresh_database: Database, registered: str
) -> None:
    if registered:
        await register(fresh_database, None)
    clock = Clock()
    async with ledger_of(postgres_settings, clock, Decimal(2)) as ledger:
        for _ in range(2):
            made = await ledger.reserve(call(), latest=float("inf"))
            await ledger.settle(made, CallOutcome(code="answered", cost_usd=USD))
        with pytest.raises(errors.BudgetExceededError, match=r"repairs for the day \(UTC\) is \$2"):
            await ledger.reserve(call(), latest=float("inf"))
        await ledger.reserve(call("another"), latest=float("inf"))
        clock.now += timedelta(days=1)
        await ledger.reserve(call(), latest=float("inf"))


async def test_a_budget_of_its_own_takes_the_place_of_the_default(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    await register(fresh_database, Decimal(1))
    await register(fresh_database, Decimal(5), "rich")
    async with ledger_of(postgres_settings, Clock(), Decimal(2)) as ledger:
        made = await ledger.reserve(call(), latest=float("inf"))
        await ledger.settle(made, CallOutcome(code="answered", cost_usd=USD))
        with pytest.raises(errors.BudgetExceededError) as refused:
            await ledger.reserve(call(), latest=float("inf"))
        assert refused.value.code is ErrorCode.BUDGET_EXCEEDED
        assert "`onrecord study edit repairs --daily-budget USD` raises it" in str(refused.value)
        for _ in range(5):
            await ledger.reserve(call("rich"), latest=float("inf"))


async def test_what_a_call_did_not_use_is_given_back_to_the_day(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    await register(fresh_database, Decimal("1.25"))
    async with ledger_of(postgres_settings, Clock(), None) as ledger:
        for _ in range(3):
            made = await ledger.reserve(call(), latest=float("inf"))
            await ledger.settle(made, CallOutcome(code="answered", cost_usd=Decimal("0.1")))
    rows = await fresh_database.fetch(
        "SELECT name, settled_usd, reserved_usd FROM llm_spending ORDER BY scope, name"
    )
    assert [tuple(row) for row in rows] == [
        ("2026-03-01", Decimal("0.3"), 0),
        ("repairs", Decimal("0.3"), 0),
        ("repairs 2026-03-01", Decimal("0.3"), 0),
    ]


async def test_a_call_of_unknown_price_passes_the_default_and_no_budget_that_somebody_set(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    await register(fresh_database, Decimal(1), "limited")
    async with ledger_of(postgres_settings, Clock(), Decimal(2)) as ledger:
        await ledger.reserve(call(worst=None), latest=float("inf"))
        with pytest.raises(errors.PriceUnknownError, match="study limited has a budget"):
            await ledger.reserve(call("limited", worst=None), latest=float("inf"))


async def test_older_code_that_knows_no_daily_budget_keeps_the_sums(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    """A replica of the version before reserves by its function while the new one runs."""
    await register(fresh_database, Decimal(1))
    assert (
        await fresh_database.fetch(
            "SELECT * FROM reserve_llm_spending('repairs', $1, 1, NULL, NULL)", NOON
        )
        == []
    )
    async with ledger_of(postgres_settings, Clock(), None) as ledger:
        with pytest.raises(errors.BudgetExceededError):
            await ledger.reserve(call(), latest=float("inf"))


def test_the_default_is_there_without_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert BudgetSettings().per_study_day_usd == 50
    assert not BudgetSettings().has_any
    monkeypatch.setenv("ONRECORD_BUDGET_PER_STUDY_DAY_USD", "7.5")
    assert BudgetSettings().per_study_day_usd == Decimal("7.5")


async def test_studies_that_registered_themselves_share_one_budget_a_day(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    for study in ("one", "two", "taken-over", "rich"):
        await register(fresh_database, Decimal(9) if study == "rich" else None, study)
    await fresh_database.execute(
        "UPDATE studies SET is_self_registered = true WHERE study_id <> 'taken-over'"
    )
    clock = Clock()
    async with ledger_of(postgres_settings, clock, Decimal(2)) as ledger:
        for study in ("one", "two"):
            made = await ledger.reserve(call(study), latest=float("inf"))
            await ledger.settle(made, CallOutcome(code="answered", cost_usd=USD))
        for study in ("one", "two"):
            with pytest.raises(errors.BudgetExceededError):
                await ledger.reserve(call(study), latest=float("inf"))
        await register(fresh_database, None, "invented")
        await fresh_database.execute("UPDATE studies SET is_self_registered = true")
        with pytest.raises(errors.BudgetExceededError):
            await ledger.reserve(call("invented"), latest=float("inf"))
        await fresh_database.execute(
            "UPDATE studies SET is_self_registered = false WHERE study_id = 'taken-over'"
        )
        for study in ("taken-over", "rich", "rich"):
            await ledger.reserve(call(study), latest=float("inf"))
        clock.now += timedelta(days=1)
        await ledger.reserve(call("invented"), latest=float("inf"))


@pytest.mark.parametrize("ending", ["settled", "given back"])
async def test_a_study_that_is_edited_in_mid_call_gives_back_to_the_day_it_reserved_in(
    postgres_settings: PostgresSettings, fresh_database: Database, ending: str
) -> None:
    await register(fresh_database, None, "invented")
    await fresh_database.execute("UPDATE studies SET is_self_registered = true")
    async with ledger_of(postgres_settings, Clock(), Decimal(9)) as ledger:
        made = await ledger.reserve(call("invented"), latest=float("inf"))
        await fresh_database.execute("UPDATE studies SET is_self_registered = false")
        if ending == "settled":
            await ledger.settle(made, CallOutcome(code="answered", cost_usd=Decimal("0.1")))
        else:
            async with LazilyConnectedDatabase(postgres_settings) as lazy:
                await LedgerStore(lazy, BudgetSettings()).withdraw(made)
    rows = await fresh_database.fetch(
        "SELECT name, settled_usd, reserved_usd FROM llm_spending WHERE scope = 'study_day'"
    )
    settled = Decimal("0.1") if ending == "settled" else Decimal(0)
    assert [tuple(row) for row in rows] == [("* 2026-03-01", settled, 0)]
