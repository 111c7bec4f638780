"""Control as a FastStream application: ``python -m control``.

``faststream run control.app:app`` runs the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Annotated

from faststream import Context, ContextRepo

from contracts.topics import (
    CONTROL,
    DLQ_TOPICS,
    PIPELINE,
    WAITING_DECISIONS,
    build_retry_topic,
)
from control.access.oidc import OidcSettings, open_provider
from control.access.sessions import SessionLifetimes
from control.access.tokens import TokenStore, store_admin_token_from_file
from control.api import SUBMISSIONS, ApiContext, ControlApi, LoginSettings
from control.api.application import NAVIGABLE_PATHS
from control.api.bodies import MinimumUploadSpeed
from control.api.limits import HeavyRequestLimiter, RequestRateLimiter
from control.compute_pool import run_compute_pool
from control.drift.monitor import DriftMonitor
from control.embedding import embedding_texts
from control.erasures.receipts import CopiesElsewhere
from control.erasures.runner import ErasureRunner
from control.handlers import router
from control.interviews.settling import OutcomePublisher
from control.letters.reader import open_dead_letter_reader
from control.letters.retention import LetterRetentionSweeper, RetentionPeriods
from control.letters.store import DeadLetterStore
from control.pipeline.ports import StageClient, StageHealth, open_stage_client
from control.rehearsals.runner import LetterRehearser
from control.rehearsals.store import RehearsalStore
from control.replays.outcomes import ReplayOutcomeSweeper
from control.replays.plans import ReplayPlanRunner, ReplayPlanStore
from control.replays.replayer import DeadLetterReplayer
from control.replays.rule_runner import RuleRunner
from control.retention.runner import RetentionRunner
from control.settings import ControlSettings
from control.upkeep import delete_expired_rows_periodically
from database.migrate import open_migrated_database
from database.service_starts import ServiceStart
from database.settings import PostgresSettings
from embeddings import open_embedding_model
from messaging import ReliableKafkaBroker, ServiceApplication

# Control has no DLQ of its own, so it keeps what it cannot handle.
broker = ReliableKafkaBroker(
    service=CONTROL,
    settings=ControlSettings,
    dead_letters=False,
    # One service's topics that are missing must not keep the others' letters from anybody.
    optional_topics=(
        *DLQ_TOPICS,
        *(build_retry_topic(service, 0) for service in PIPELINE),
        WAITING_DECISIONS,
    ),
    allow_auto_create_topics=False,
    routers=[router],
)
api = ControlApi()
start = ServiceStart(CONTROL)


class Settings:
    """Settings of the control service, read from environment variables."""

    def __init__(self) -> None:
        control = ControlSettings()
        self.read_timeout_s = control.read_timeout_s
        self.admin_token_file = control.admin_token_file
        self.control = control
        self.session_limits = SessionLifetimes(
            idle=timedelta(seconds=control.session_idle_s),
            lifetime=timedelta(seconds=control.session_lifetime_s),
        )
        self.oidc = OidcSettings()
        self.postgres = PostgresSettings()
        folder = control.embedding_model
        self.embedding_model = open_embedding_model(folder) if folder else None


@asynccontextmanager
async def lifespan(
    context: ContextRepo, settings: Annotated[Settings, Context()]
) -> AsyncIterator[None]:
    """Open the database, the dead letter reader and the replayer while the service runs."""
    async with (
        start.recording(settings.postgres),
        open_migrated_database(settings.postgres) as database,
        open_dead_letter_reader(broker.kafka, settings.read_timeout_s) as reader,
        open_provider(settings.oidc) as provider,
        run_compute_pool() as compute,
        open_stage_client(
            settings.control.stage_urls, settings.control.operator_token_file
        ) as stages,
    ):
        store = DeadLetterStore(database)
        publisher = broker.connected_publisher
        replayer = DeadLetterReplayer(store, reader, publisher)
        if settings.admin_token_file is not None:
            await store_admin_token_from_file(TokenStore(database), settings.admin_token_file)
        context.set_global("store", store)
        broker.check_dependencies = database.ping
        retention = RetentionPeriods.of(settings.control)
        sweeper = LetterRetentionSweeper(database, broker.kafka, retention)
        rehearser = LetterRehearser(RehearsalStore(database), reader, stages)
        eraser = ErasureRunner(database, broker.kafka, CopiesElsewhere.of(settings.control))
        retainer = RetentionRunner(database, wake_eraser=eraser.wake)
        async with (
            replayer.repairing(),
            rehearser.running(),
            eraser.running(),
            retainer.running(),
            DriftMonitor(database).running(),
            OutcomePublisher(database, publisher.publish).running(),
            ReplayOutcomeSweeper(database).running(),
            ReplayPlanRunner(ReplayPlanStore(database, store), replayer).running(),
            delete_expired_rows_periodically(
                database, plans_kept=timedelta(days=settings.control.plans_kept_days)
            ),
            RuleRunner(database, replayer.replay).running(),
            sweeper.running(),
            embedding_texts(database, settings.embedding_model),
        ):
            api.context = ApiContext(
                store,
                reader,
                replayer,
                database,
                rates=RequestRateLimiter(settings.control.requests_per_s),
                heavy=HeavyRequestLimiter(
                    settings.control.heavy_requests, settings.control.heavy_wait_s
                ),
                logins=LoginSettings(
                    provider, settings.session_limits, settings.control.public_url
                ),
                max_transcript_bytes=settings.control.max_transcript_bytes,
                upload_pace=MinimumUploadSpeed(
                    settings.control.upload_timeout_s, settings.control.upload_min_bytes_per_s
                ),
                compute=compute,
                embedding_model=settings.embedding_model,
                open_registration=settings.control.open_registration,
                wake_rehearser=rehearser.wake,
                wake_eraser=eraser.wake,
                wake_retention=retainer.wake,
                find_waits_of_erasure=eraser.find_what_it_waits_for,
                retention=retention,
                get_retention_warnings=lambda: sweeper.warnings,
                read_health=partial(_read_health, stages),
                resume_service=stages.resume,
            )
            try:
                yield
            finally:
                context_of_api, api.context = api.context, None
                await context_of_api.changes.close()


async def _read_health(stages: StageClient) -> dict[str, StageHealth]:
    """Return what each service says of itself, and control what this replica of it does."""
    own = broker.health
    said = StageHealth(ready=own.ready, reason=own.reason or own.detail)
    return {**await stages.read_health(), CONTROL: said}


def _list_larger_bodies() -> dict[str, int]:
    settings = broker.settings
    assert isinstance(settings, ControlSettings), "the broker reads them"
    return {SUBMISSIONS: settings.max_transcript_bytes}


app = ServiceApplication(
    broker,
    settings=Settings,
    lifespan=lifespan,
    routes=api.routes,
    larger_bodies=_list_larger_bodies,
    navigable_paths=NAVIGABLE_PATHS,
)
