"""The enrichment process: ``python -m enrichment.main``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from configuration.settings_errors import exit_on_settings_errors
from contracts.topics import ENRICHMENT
from database.settings import PostgresSettings
from enrichment.drafter import Drafter
from enrichment.handlers import enrichment_stage
from enrichment.settings import EnrichmentSettings
from messaging import KafkaSettings, Publisher, Service, Stage, run
from model_client import ModelSettings
from model_client.cache.store import CacheSettings
from model_client.factory import open_model_client
from model_client.ledger.budgets import BudgetSettings


@exit_on_settings_errors
def main() -> None:
    """Run until SIGTERM."""
    models, cache, budgets = ModelSettings(), CacheSettings(), BudgetSettings()
    postgres = PostgresSettings()

    @asynccontextmanager
    async def build(_: Publisher) -> AsyncIterator[Stage]:
        async with open_model_client(
            models, postgres, cache, budgets, share=lambda: stage.share
        ) as client:
            stage = enrichment_stage(Drafter(client))
            stage.notice = lambda: client.notice
            yield stage

    run(Service(ENRICHMENT, EnrichmentSettings(), KafkaSettings(), build))


if __name__ == "__main__":
    main()
