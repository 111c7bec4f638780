"""The ingestion process: ``python -m ingestion.main``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from configuration.settings_errors import exit_on_settings_errors
from contracts.topics import INGESTION
from ingestion.handlers import ingestion_stage
from ingestion.readers import readers
from ingestion.settings import IngestionSettings
from messaging import KafkaSettings, Publisher, Service, Stage, run
from processes import return_freed_memory


@exit_on_settings_errors
def main() -> None:
    """Run until SIGTERM."""
    return_freed_memory()
    settings = IngestionSettings()

    @asynccontextmanager
    async def build(_: Publisher) -> AsyncIterator[Stage]:
        async with readers(
            processes=settings.processes, bounds=settings.bounds, cutting=settings.cutting
        ) as read:
            yield ingestion_stage(read)

    run(Service(INGESTION, settings, KafkaSettings(), build))


if __name__ == "__main__":
    main()
