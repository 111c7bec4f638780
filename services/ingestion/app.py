"""Ingestion as a FastStream application: ``python -m ingestion``.

``faststream run ingestion.app:app`` runs the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Annotated

from faststream import Context, ContextRepo

from contracts.topics import INGESTION
from database.erasures import ErasedTranscripts
from database.migrate import open_migrated_database
from database.service_starts import ServiceStart
from database.settings import PostgresSettings
from ingestion.fetching import ContentFetcher
from ingestion.handlers import router
from ingestion.readers import open_interview_reader
from ingestion.registry import StudyRegistry
from ingestion.settings import IngestionSettings
from messaging import ReliableKafkaBroker, ServiceApplication
from processes import configure_memory_release

broker = ReliableKafkaBroker(
    service=INGESTION,
    settings=IngestionSettings,
    allow_auto_create_topics=False,
    routers=[router],
)
start = ServiceStart(INGESTION)


class Settings:
    """Settings of the ingestion service, read from environment variables."""

    def __init__(self) -> None:
        self.ingestion = IngestionSettings()
        self.postgres = PostgresSettings()


@asynccontextmanager
async def lifespan(
    context: ContextRepo, all_settings: Annotated[Settings, Context("settings")]
) -> AsyncIterator[None]:
    """Keep the processes that parse interviews and the study registry while the app runs."""
    settings = all_settings.ingestion
    configure_memory_release()
    reading = open_interview_reader(
        processes=settings.processes,
        limits=settings.limits,
        chunk_sizes=settings.chunk_sizes,
        fetch=ContentFetcher(
            settings.allowed_uris, settings.fetch_limits, ca_file=settings.fetch_ca_file
        ),
        max_content_bytes=settings.max_content_bytes,
    )
    postgres = all_settings.postgres
    async with (
        start.recording(postgres),
        open_migrated_database(postgres) as database,
        reading as read,
    ):
        registry = StudyRegistry(
            database, is_open=settings.open_registration, cache_s=settings.study_cache_s
        )
        context.set_global("read", read)
        context.set_global("admit", registry.admit)
        context.set_global("erased", ErasedTranscripts(lambda: nullcontext(database)))
        broker.check_dependencies = database.ping
        yield


app = ServiceApplication(broker, settings=Settings, lifespan=lifespan)
