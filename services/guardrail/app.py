"""Guardrail as a FastStream application: ``python -m guardrail``.

``faststream run guardrail.app:app`` runs the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    nullcontext,
)
from dataclasses import dataclass
from typing import Annotated

import structlog
from faststream import Context, ContextRepo

from contracts.topics import GUARDRAIL
from database.erasures import ErasedTranscripts
from database.lazy import LazilyConnectedDatabase
from database.service_starts import ServiceStart
from database.settings import PostgresSettings
from guardrail.assessors import run_assessor_pool
from guardrail.handlers import router
from guardrail.judge import ErasureAwareReviewer, JudgePanel, PanelOptions
from guardrail.settings import GuardrailSettings
from judging.control_questions import PretestedModelClient
from judging.judges import build_judge
from judging.questions import Judge
from messaging import ReliableKafkaBroker, ServiceApplication
from model_client import ModelClient, ModelConfig, ModelSettings
from model_client.cache.store import CacheSettings
from model_client.factory import open_model_client
from model_client.ledger.budgets import BudgetSettings
from prompts.fact_checking import FactCheckPromptFormat

log = structlog.get_logger(__name__)

OpenJudge = Callable[[], AbstractAsyncContextManager[JudgePanel | None]]
"""Opens the judge, or nothing if none is asked."""

broker = ReliableKafkaBroker(
    service=GUARDRAIL,
    settings=GuardrailSettings,
    allow_auto_create_topics=False,
    routers=[router],
)
start = ServiceStart(GUARDRAIL)


class Settings:
    """Settings of the guardrail's checks and judge, read from the environment.

    Attributes:
        guardrail: how drafts are checked, and what a failed check means.
        open_judge: opens the judge; without one, no database is asked for.
    """

    def __init__(self) -> None:
        self.guardrail = GuardrailSettings()
        self.open_judge = build_judge_panel_opener(self.guardrail)


def build_judge_panel_opener(settings: GuardrailSettings) -> OpenJudge:
    """Build a function that opens the judge panel as a context manager, or yields None."""
    if not settings.judged_share:
        return nullcontext
    models, postgres = settings.build_judge_settings(), PostgresSettings()
    cache, budgets = CacheSettings(), BudgetSettings()
    drafting, members = ModelSettings().chain[0].model, list_panel_members(settings)

    @asynccontextmanager
    async def open_judge() -> AsyncIterator[JudgePanel]:
        # Logged here, and not where settings are read, as only then the log is set up.
        if any(one.chain[0].model == drafting for one in members):
            log.warning("judge_is_the_drafter", model=drafting)
        async with AsyncExitStack() as opened:
            await opened.enter_async_context(start.recording(postgres))
            clients = [
                await opened.enter_async_context(
                    open_model_client(
                        models,
                        postgres,
                        cache,
                        budgets,
                        share=lambda: broker.share,
                        chain=one.chain,
                    )
                )
                for one in members
            ]
            judges = [
                judge
                for client, one in zip(clients, members, strict=True)
                for judge in build_judges(client, one.judge_format, settings)
            ]
            yield JudgePanel(
                judges,
                clients,
                PanelOptions(
                    rule=settings.vote_rule,
                    share=settings.judged_share,
                    personal_data=settings.personal_data,
                    policy=settings.policy,
                ),
            )

    return open_judge


def build_judges(
    client: ModelClient, judge_format: FactCheckPromptFormat | None, settings: GuardrailSettings
) -> list[Judge]:
    """Build the judges of one model: as many as the number of times each question is asked."""
    asked = client if judge_format is None else PretestedModelClient(client, judge_format)
    attempts = range(1, settings.judge_asks + 1)
    return [build_judge(asked, judge_format, one, settings.batch_limits) for one in attempts]


@dataclass(frozen=True, slots=True)
class PanelMember:
    """Member of the judge panel: a judging model, its fallbacks and its prompt format."""

    chain: tuple[ModelConfig, ...]
    judge_format: FactCheckPromptFormat | None


def list_panel_members(settings: GuardrailSettings) -> list[PanelMember]:
    """Return the members of the judge panel: several judging models, or one with fallbacks."""
    if settings.judge_panel:
        models = settings.list_judging_models()
        return [PanelMember((one.config,), one.judge_format) for one in models]
    chain = settings.build_judge_settings().chain
    return [PanelMember(tuple(chain), settings.find_judge_format())]


@asynccontextmanager
async def lifespan(
    context: ContextRepo, settings: Annotated[Settings, Context()]
) -> AsyncIterator[None]:
    """Run the worker processes for checks, and the judge panel, while the service runs."""
    guardrail = settings.guardrail
    async with (
        run_assessor_pool(
            processes=guardrail.processes,
            limits=guardrail.limits,
            options=guardrail.assessment_options,
        ) as assess,
        settings.open_judge() as judge,
        AsyncExitStack() as opened,
    ):
        context.set_global("assess", assess)
        context.set_global("policy", guardrail.policy)
        context.set_global("review", None)
        if judge is not None:
            database = await opened.enter_async_context(LazilyConnectedDatabase(PostgresSettings()))
            reviewer = ErasureAwareReviewer(judge, ErasedTranscripts(database.use))
            context.set_global("review", reviewer)
            broker.notice = lambda: judge.notice
            broker.check_dependencies = judge.check_dependencies
        yield


app = ServiceApplication(broker, settings=Settings, lifespan=lifespan)
