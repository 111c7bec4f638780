"""The guardrail process: ``python -m guardrail.main``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

import structlog

from configuration.settings_errors import exit_on_settings_errors
from contracts.topics import GUARDRAIL
from database.settings import PostgresSettings
from guardrail.assessors import assessors
from guardrail.handlers import guardrail_stage
from guardrail.judge import Judge
from guardrail.settings import GuardrailSettings
from messaging import KafkaSettings, Publisher, Service, Stage, run
from model_client import ModelSettings
from model_client.cache.store import CacheSettings
from model_client.factory import open_model_client
from model_client.ledger.budgets import BudgetSettings

log = structlog.get_logger(__name__)

OpenJudge = Callable[[Callable[[], float]], AbstractAsyncContextManager[Judge | None]]
"""Opens the judge, given what tells this replica's share of the work."""


@exit_on_settings_errors
def main() -> None:
    """Run until SIGTERM."""
    settings = GuardrailSettings()
    open_judge = _judging(settings)

    @asynccontextmanager
    async def build(_: Publisher) -> AsyncIterator[Stage]:
        async with (
            assessors(
                processes=settings.processes, bounds=settings.bounds, standards=settings.standards
            ) as assess,
            open_judge(lambda: stage.share) as judge,
        ):
            stage = guardrail_stage(assess, settings.policy, judge)
            if judge is not None:
                stage.notice = lambda: judge.notice
            yield stage

    run(Service(GUARDRAIL, settings, KafkaSettings(), build))


def _judging(settings: GuardrailSettings) -> OpenJudge:
    """How the judge is opened; without one, no database is asked for."""
    if not settings.asked_share:
        return lambda _: nullcontext()
    models, postgres = settings.judging(), PostgresSettings()
    cache, budgets = CacheSettings(), BudgetSettings()
    drafting = ModelSettings().chain[0].model

    @asynccontextmanager
    async def open_judge(share: Callable[[], float]) -> AsyncIterator[Judge]:
        # Told here, and not where settings are read, as only then the log is set up.
        if models.chain[0].model == drafting:
            log.warning("judge_is_the_drafter", model=drafting)
        async with open_model_client(models, postgres, cache, budgets, share=share) as client:
            yield Judge(client, share=settings.asked_share)

    return open_judge


if __name__ == "__main__":
    main()
