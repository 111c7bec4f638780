"""Calls for a replay plan's messages are paid from its budget, too, and it is never overspent."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from database.lazy import LazilyConnectedDatabase
from database.pool import Database
from database.settings import PostgresSettings
from model_client import errors
from model_client.ledger.budgets import BudgetBusyError, BudgetSettings
from model_client.ledger.ledger import CallDetails, CallOutcome, Ledger
from model_client.requests import CostAttribution, PlanBudget

NO_LIMITS = BudgetSettings(per_study_day_usd=None, wait_s=0)
ENOUGH = Decimal(3)
PLAN = PlanBudget(UUID(int=7), ENOUGH)
ACCOUNT = CostAttribution("repairs", "chunk")
CALL = CallDetails(ACCOUNT, "notes-1", "http://x/v1", "m", Decimal(1), PLAN)


async def spent(database: Database, plan: PlanBudget = PLAN) -> tuple[Decimal, bool]:
    row = await database.fetchrow(
        "SELECT coalesce(sum(usd), 0), coalesce(bool_or(is_refusal), false)"
        " FROM llm_plan_spending WHERE plan_id = $1",
        plan.plan_id,
    )
    assert row is not None
    return row[0], row[1]


async def test_a_plan_spends_its_budget_and_no_more(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    async with (
        LazilyConnectedDatabase(postgres_settings) as lazy,
        Ledger(lazy, NO_LIMITS) as ledger,
    ):
        for _ in range(5):  # each costs half of the most that it could
            made = await ledger.reserve(CALL)
            await ledger.settle(made, CallOutcome(code="answered", cost_usd=Decimal("0.5")))
        assert await spent(fresh_database) == (Decimal("2.5"), False)
        with pytest.raises(errors.BudgetExceededError, match=r"of its replay plan is \$3\.00"):
            await ledger.reserve(CALL)
        assert await spent(fresh_database) == (Decimal("2.5"), True)
        # Others' calls of the same study are not its.
        await ledger.reserve(replace(CALL, plan=None))
        await ledger.reserve(replace(CALL, plan=PlanBudget(uuid4(), ENOUGH)))
        with pytest.raises(errors.PriceUnknownError, match="its replay plan has a budget"):
            await ledger.reserve(replace(CALL, worst_usd=None))
    booked = await fresh_database.fetchval(
        "SELECT sum(cost_usd) FROM llm_calls WHERE plan_id = $1", PLAN.plan_id
    )
    assert booked == Decimal("2.5")


async def test_calls_at_the_same_time_are_within_it_together(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    async with (
        LazilyConnectedDatabase(postgres_settings) as lazy,
        Ledger(lazy, NO_LIMITS) as one,
        Ledger(lazy, NO_LIMITS) as other,
    ):

        async def ask(number: int) -> bool:
            call = replace(CALL, attribution=CostAttribution(f"study {number % 3}", "chunk"))
            try:
                made = await (one if number % 2 else other).reserve(call)
            except BudgetBusyError:  # what is reserved may come back: the plan is not over
                return False
            return made.call is call

        assert sum(await asyncio.gather(*map(ask, range(20)))) == ENOUGH
    assert await spent(fresh_database) == (ENOUGH, False)


async def test_what_its_study_refuses_is_not_booked_on_a_plan(
    postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    limits = BudgetSettings(per_study_usd=Decimal("0.5"), per_study_day_usd=None, wait_s=0)
    async with LazilyConnectedDatabase(postgres_settings) as lazy, Ledger(lazy, limits) as ledger:
        with pytest.raises(errors.BudgetExceededError, match="of study repairs"):
            await ledger.reserve(CALL)
    assert await spent(fresh_database) == (Decimal(0), False)
