"""The ingestion process: ``python -m ingestion.main``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from configuration.complaints import exits_on_wrong_settings
from contracts.topics import INGESTION
from ingestion.handlers import ingestion_stage
from ingestion.settings import IngestionSettings
from messaging import KafkaSettings, Publisher, Service, Stage, run


@exits_on_wrong_settings
def main() -> None:
    """Run until SIGTERM."""
    settings = IngestionSettings()

    @asynccontextmanager
    async def build(_: Publisher) -> AsyncIterator[Stage]:
        yield ingestion_stage(
            chunk_characters=settings.chunk_characters,
            context_characters=settings.context_characters,
        )

    run(Service(INGESTION, settings, KafkaSettings(), build))


if __name__ == "__main__":
    main()
