"""Guardrail as a FastStream application: ``python -m guardrail``.

``faststream run guardrail.app:app`` runs the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Annotated

import structlog
from faststream import Context, ContextRepo

from contracts.topics import GUARDRAIL
from database.settings import PostgresSettings
from guardrail.assessors import run_assessor_pool
from guardrail.handlers import router
from guardrail.judge import NoteJudge
from guardrail.settings import GuardrailSettings
from messaging import ReliableKafkaBroker, ServiceApplication
from model_client import ModelSettings
from model_client.cache.store import CacheSettings
from model_client.factory import open_model_client
from model_client.ledger.budgets import BudgetSettings

log = structlog.get_logger(__name__)

OpenJudge = Callable[[], AbstractAsyncContextManager[NoteJudge | None]]
"""Opens the judge, or nothing if none is asked."""

broker = ReliableKafkaBroker(
    service=GUARDRAIL,
    settings=GuardrailSettings,
    allow_auto_create_topics=False,
    routers=[router],
)


class Settings:
    """Settings of the guardrail's checks and judge, read from the environment.

    Attributes:
        guardrail: how drafts are checked, and what a failed check means.
        open_judge: opens the judge; without one, no database is asked for.
    """

    def __init__(self) -> None:
        self.guardrail = GuardrailSettings()
        self.open_judge = build_judge_opener(self.guardrail)


def build_judge_opener(settings: GuardrailSettings) -> OpenJudge:
    """Return a function that opens the judge as a context manager, if there is one."""
    if not settings.judged_share:
        return nullcontext
    models, postgres = settings.build_judge_settings(), PostgresSettings()
    cache, budgets = CacheSettings(), BudgetSettings()
    drafting = ModelSettings().chain[0].model

    @asynccontextmanager
    async def open_judge() -> AsyncIterator[NoteJudge]:
        # Logged here, and not where settings are read, as only then the log is set up.
        if models.chain[0].model == drafting:
            log.warning("judge_is_the_drafter", model=drafting)
        client = open_model_client(models, postgres, cache, budgets, share=lambda: broker.share)
        async with client as opened:
            yield NoteJudge(opened, share=settings.judged_share)

    return open_judge


@asynccontextmanager
async def lifespan(
    context: ContextRepo, settings: Annotated[Settings, Context()]
) -> AsyncIterator[None]:
    """Start the worker processes that check drafts, and open the judge if there is one."""
    guardrail = settings.guardrail
    async with (
        run_assessor_pool(
            processes=guardrail.processes,
            limits=guardrail.limits,
            options=guardrail.assessment_options,
        ) as assess,
        settings.open_judge() as judge,
    ):
        context.set_global("assess", assess)
        context.set_global("policy", guardrail.policy)
        context.set_global("review", judge)
        if judge is not None:
            broker.notice = lambda: judge.notice
            broker.check_dependencies = judge.check_dependencies
        yield


app = ServiceApplication(broker, settings=Settings, lifespan=lifespan)
