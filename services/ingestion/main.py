"""The ingestion process: ``python -m ingestion.main``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from configuration.settings_errors import exits_on_wrong_settings
from contracts.topics import INGESTION
from ingestion.handlers import ingestion_stage
from ingestion.readers import readers
from ingestion.settings import IngestionSettings
from messaging import KafkaSettings, Publisher, Service, Stage, run
from processes import return_large_blocks


@exits_on_wrong_settings
def main() -> None:
    """Run until SIGTERM."""
    return_large_blocks()
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
