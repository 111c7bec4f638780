"""The enrichment process: ``python -m enrichment.main``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from configuration.complaints import exits_on_wrong_settings
from contracts.topics import ENRICHMENT
from database.lazy import LazyDatabase
from database.settings import PostgresSettings
from enrichment.drafter import Drafter
from enrichment.handlers import enrichment_stage
from enrichment.settings import EnrichmentSettings
from messaging import KafkaSettings, Publisher, Service, Stage, run
from model_client import ModelClient, ModelSettings
from model_client.budgets import BudgetSettings
from model_client.cache import Answers
from model_client.cache_store import CacheSettings
from model_client.ledger import Ledger


@exits_on_wrong_settings
def main() -> None:
    """Run until SIGTERM."""
    models, cache, budgets = ModelSettings(), CacheSettings(), BudgetSettings()
    postgres = PostgresSettings()

    @asynccontextmanager
    async def build(_: Publisher) -> AsyncIterator[Stage]:
        async with (
            LazyDatabase(postgres) as database,
            Answers(database, cache) as answers,
            Ledger(database, budgets) as ledger,
            ModelClient(
                models, answers=answers, ledger=ledger, share=lambda: stage.share
            ) as client,
        ):
            stage = enrichment_stage(Drafter(client))
            yield stage

    run(Service(ENRICHMENT, EnrichmentSettings(), KafkaSettings(), build))


if __name__ == "__main__":
    main()
