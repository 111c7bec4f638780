"""A replay asks the model anew in place of an answer that was kept: once, booked, and kept."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from contracts.replay_options import NO_OVERRIDES, ReplayOverrides
from database.lazy import LazilyConnectedDatabase
from database.pool import open_database
from database.settings import PostgresSettings
from enrichment.drafter import NoteDrafter
from model_client import ModelClient
from model_client.cache.response_cache import CacheSettings, ResponseCache
from model_client.ledger.budgets import BudgetSettings
from model_client.ledger.ledger import Ledger
from support.chunks import CHUNK
from support.simulator import Simulated, simulated


async def draft(
    model: Simulated, postgres: PostgresSettings, overrides: ReplayOverrides = NO_OVERRIDES
) -> Any:
    """Draft as a process would that has just been started."""
    async with (
        LazilyConnectedDatabase(postgres) as database,
        ResponseCache(database, CacheSettings()) as cache,
        Ledger(database, BudgetSettings()) as ledger,
        ModelClient(model.settings(priced_as="gpt-4o-mini"), cache=cache, ledger=ledger) as client,
    ):
        deadline = asyncio.get_running_loop().time() + 30
        return await NoteDrafter(client).draft(
            CHUNK, attempt=1, deadline=deadline, is_replay=True, overrides=overrides
        )


async def count_booked(postgres: PostgresSettings) -> tuple[int, bool]:
    """Return how many calls are booked, and whether each has cost something."""
    async with open_database(postgres) as database:
        row = await database.fetchrow("SELECT count(*), bool_and(cost_usd > 0) FROM llm_calls")
    assert row is not None
    return row[0], row[1]


async def test_a_kept_draft_is_asked_for_anew_once_booked_and_kept(
    postgres_settings: PostgresSettings,
) -> None:
    spoiled: dict[str, Any] = {"rules": [{"fault": "wrong_segment", "times": 1}]}
    async with simulated(spoiled) as model:
        kept = await draft(model, postgres_settings)
        assert (await draft(model, postgres_settings)).notes == kept.notes
        assert (await model.calls(), await count_booked(postgres_settings)) == (1, (1, True))

        fresh = ReplayOverrides(fresh=True, fresh_since=datetime.now(UTC))
        mended = await draft(model, postgres_settings, fresh)
        assert mended.notes != kept.notes
        # Delivered again, as after a crash: what was paid for is used.
        assert (await draft(model, postgres_settings, fresh)).notes == mended.notes
        assert (await draft(model, postgres_settings)).notes == mended.notes
        assert (await model.calls(), await count_booked(postgres_settings)) == (2, (2, True))
