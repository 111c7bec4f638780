"""The enrichment process: ``python -m enrichment.main``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from configuration.complaints import exits_on_wrong_settings
from contracts.topics import ENRICHMENT
from enrichment.drafter import Drafter
from enrichment.handlers import enrichment_stage
from enrichment.settings import EnrichmentSettings
from messaging import KafkaSettings, Publisher, Service, Stage, run
from model_client import ModelClient, ModelSettings


@exits_on_wrong_settings
def main() -> None:
    """Run until SIGTERM."""
    model = ModelSettings()

    @asynccontextmanager
    async def build(_: Publisher) -> AsyncIterator[Stage]:
        async with ModelClient(model) as client:
            yield enrichment_stage(Drafter(client))

    run(Service(ENRICHMENT, EnrichmentSettings(), KafkaSettings(), build))


if __name__ == "__main__":
    main()
