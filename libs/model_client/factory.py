"""A client with all that belongs to one: kept answers, the ledger, and budgets in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from database.lazy import LazyDatabase
from database.settings import PostgresSettings
from model_client.cache.response_cache import Answers
from model_client.cache.store import CacheSettings
from model_client.client import ModelClient
from model_client.ledger.budgets import BudgetSettings
from model_client.ledger.ledger import Ledger
from model_client.settings import ModelSettings


@asynccontextmanager
async def accounted_client(
    models: ModelSettings,
    postgres: PostgresSettings,
    cache: CacheSettings,
    budgets: BudgetSettings,
    *,
    share: Callable[[], float],
) -> AsyncIterator[ModelClient]:
    """A client for as long as the context lasts.

    Args:
        models: which models, where, and how patiently.
        postgres: where answers and the ledger are.
        cache: which answers are kept.
        budgets: what calls may cost.
        share: this replica's share of the work, from 0 to 1, by which limits are shared.
    """
    async with (
        LazyDatabase(postgres) as database,
        Answers(database, cache) as answers,
        Ledger(database, budgets) as ledger,
        ModelClient(models, answers=answers, ledger=ledger, share=share) as client,
    ):
        yield client
