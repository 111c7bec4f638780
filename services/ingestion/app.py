"""Ingestion as a FastStream application: ``python -m ingestion``.

``faststream run ingestion.app:app`` runs the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from faststream import Context, ContextRepo

from contracts.topics import INGESTION
from ingestion.fetching import ContentFetcher
from ingestion.handlers import router
from ingestion.readers import open_interview_reader
from ingestion.settings import IngestionSettings
from messaging import ReliableKafkaBroker, ServiceApplication
from processes import configure_memory_release

broker = ReliableKafkaBroker(
    service=INGESTION,
    settings=IngestionSettings,
    allow_auto_create_topics=False,
    routers=[router],
)


@asynccontextmanager
async def lifespan(
    context: ContextRepo, settings: Annotated[IngestionSettings, Context()]
) -> AsyncIterator[None]:
    """Run the worker processes that parse interviews while the service runs."""
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
    async with reading as read:
        context.set_global("read", read)
        yield


app = ServiceApplication(broker, settings=IngestionSettings, lifespan=lifespan)
