"""Persistence as a FastStream application: ``python -m persistence``.

``faststream run persistence.app:app`` runs the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from faststream import Context, ContextRepo

from contracts.topics import PERSISTENCE
from database.migrate import open_migrated_database
from database.service_starts import ServiceStart
from database.settings import PostgresSettings
from messaging import ReliableKafkaBroker, ServiceApplication
from persistence.handlers import router
from persistence.overdue import resend_overdue_drafts_periodically
from persistence.settings import PersistenceSettings
from persistence.store import NotesStore

broker = ReliableKafkaBroker(
    service=PERSISTENCE,
    settings=PersistenceSettings,
    allow_auto_create_topics=False,
    routers=[router],
)
start = ServiceStart(PERSISTENCE)


@asynccontextmanager
async def lifespan(
    context: ContextRepo, settings: Annotated[PostgresSettings, Context()]
) -> AsyncIterator[None]:
    """Open the database, and periodically check pending drafts, while the service runs."""
    async with (
        start.recording(settings),
        open_migrated_database(settings) as database,
        resend_overdue_drafts_periodically(database, broker.connected_publisher.publish),
    ):
        assert isinstance(broker.settings, PersistenceSettings)
        store = NotesStore(database, broker.settings.transactions)
        store.load()
        context.set_global("store", store)
        broker.check_dependencies = database.ping
        yield


app = ServiceApplication(broker, settings=PostgresSettings, lifespan=lifespan)
