"""The guardrail process: ``python -m guardrail.main``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from configuration.complaints import exits_on_wrong_settings
from contracts.topics import GUARDRAIL
from guardrail.assessors import Assessors
from guardrail.handlers import guardrail_stage
from guardrail.settings import GuardrailSettings
from messaging import KafkaSettings, Publisher, Service, Stage, run


@exits_on_wrong_settings
def main() -> None:
    """Run until SIGTERM."""
    settings = GuardrailSettings()

    @asynccontextmanager
    async def build(_: Publisher) -> AsyncIterator[Stage]:
        async with Assessors(
            processes=settings.processes, timeout_s=settings.assess_timeout_s
        ) as assess:
            yield guardrail_stage(assess, settings.policy)

    run(Service(GUARDRAIL, settings, KafkaSettings(), build))


if __name__ == "__main__":
    main()
