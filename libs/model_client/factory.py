"""Construction of a model client with its cache, ledger and budgets in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from database.lazy import LazilyConnectedDatabase
from database.settings import PostgresSettings
from model_client.cache.response_cache import ResponseCache
from model_client.cache.store import CacheSettings
from model_client.client import ModelClient
from model_client.ledger.budgets import BudgetSettings
from model_client.ledger.ledger import Ledger
from model_client.settings import ModelConfig, ModelSettings


@asynccontextmanager
async def open_model_client(  # noqa: PLR0913 - each part has settings of its own
    models: ModelSettings,
    postgres: PostgresSettings,
    cache: CacheSettings,
    budgets: BudgetSettings,
    *,
    share: Callable[[], float],
    chain: Sequence[ModelConfig] | None = None,
) -> AsyncIterator[ModelClient]:
    """Open a model client with cache, ledger and budgets, for the duration of the context.

    Args:
        models: which models, where, and how patiently.
        postgres: database of the cache and the ledger.
        cache: which responses are cached, and for how long.
        budgets: what calls may cost.
        share: this replica's share of the work, from 0 to 1, by which limits are shared.
        chain: the models to ask, each only where those before it fail; those of ``models`` if None.
    """
    async with (
        LazilyConnectedDatabase(postgres) as database,
        ResponseCache(database, cache) as responses,
        Ledger(database, budgets) as ledger,
        ModelClient(models, cache=responses, ledger=ledger, share=share, chain=chain) as client,
    ):
        yield client
