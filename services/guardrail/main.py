"""The guardrail process: ``python -m guardrail.main``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from configuration.complaints import exits_on_wrong_settings
from contracts.topics import GUARDRAIL
from guardrail.handlers import guardrail_stage
from guardrail.settings import GuardrailSettings
from messaging import KafkaSettings, Publisher, Service, Stage, run


@exits_on_wrong_settings
def main() -> None:
    """Run until SIGTERM."""
    settings = GuardrailSettings()

    @asynccontextmanager
    async def build(_: Publisher) -> AsyncIterator[Stage]:
        yield guardrail_stage(max_rejected_share=settings.max_rejected_share)

    run(Service(GUARDRAIL, settings, KafkaSettings(), build))


if __name__ == "__main__":
    main()
