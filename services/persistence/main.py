"""The persistence process: ``python -m persistence.main``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from configuration.settings_errors import exit_on_settings_errors
from contracts.topics import PERSISTENCE
from database.migrate import open_migrated_database
from database.settings import PostgresSettings
from messaging import KafkaSettings, Publisher, Service, Stage, run
from persistence.handlers import persistence_stage
from persistence.overdue import watching
from persistence.settings import PersistenceSettings
from persistence.store import NotesStore


@exit_on_settings_errors
def main() -> None:
    """Run until SIGTERM."""
    settings, postgres = PersistenceSettings(), PostgresSettings()

    @asynccontextmanager
    async def build(publisher: Publisher) -> AsyncIterator[Stage]:
        async with (
            open_migrated_database(postgres) as database,
            watching(database, publisher.publish),
        ):
            store = NotesStore(database, settings.max_in_flight)
            store.load()
            yield persistence_stage(store)

    run(Service(PERSISTENCE, settings, KafkaSettings(), build))


if __name__ == "__main__":
    main()
