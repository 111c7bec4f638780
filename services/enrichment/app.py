"""Enrichment as a FastStream application: ``python -m enrichment``.

``faststream run enrichment.app:app`` runs the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated

from faststream import Context, ContextRepo

from contracts.topics import ENRICHMENT
from database.erasures import ErasedTranscripts
from database.lazy import LazilyConnectedDatabase
from database.service_starts import ServiceStart
from database.settings import PostgresSettings
from enrichment.drafter import NoteDrafter
from enrichment.handlers import router
from enrichment.settings import EnrichmentSettings
from messaging import ReliableKafkaBroker, ServiceApplication
from model_client import ModelSettings
from model_client.cache.store import CacheSettings
from model_client.factory import open_model_client
from model_client.ledger.budgets import BudgetSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the enrichment service and of its model client."""

    models: ModelSettings = field(default_factory=ModelSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)
    budgets: BudgetSettings = field(default_factory=BudgetSettings)
    postgres: PostgresSettings = field(default_factory=PostgresSettings)


broker = ReliableKafkaBroker(
    service=ENRICHMENT,
    settings=EnrichmentSettings,
    allow_auto_create_topics=False,
    routers=[router],
)
start = ServiceStart(ENRICHMENT)


@asynccontextmanager
async def lifespan(
    context: ContextRepo, settings: Annotated[Settings, Context()]
) -> AsyncIterator[None]:
    """Open the model client with its cache and ledger while the service runs."""
    client = open_model_client(
        settings.models,
        settings.postgres,
        settings.cache,
        settings.budgets,
        share=lambda: broker.share,
    )
    async with (
        start.recording(settings.postgres),
        LazilyConnectedDatabase(settings.postgres) as database,
        client as opened,
    ):
        broker.notice = lambda: opened.notice
        broker.check_dependencies = opened.check_dependencies
        context.set_global("drafter", NoteDrafter(opened))
        context.set_global("erased", ErasedTranscripts(database.use))
        yield


app = ServiceApplication(broker, settings=Settings, lifespan=lifespan)
