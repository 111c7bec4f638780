"""Why a service that cannot begin is paused, as its metrics name it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from contracts.errors import OutageError
from database.errors import DatabaseUnavailableError
from messaging import KafkaSettings, KafkaUnavailableError, Publisher
from messaging.runtime.supervision import ConsumerConfig, ConsumerSupervisor
from messaging.settings import StageSettings
from messaging.stage import Stage
from support.waiting import until
from telemetry.metrics_page import render_metrics


@pytest.mark.parametrize("outage", [KafkaUnavailableError, DatabaseUnavailableError])
async def test_an_outage_at_the_start_is_named_by_its_code(
    outage: type[OutageError], monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def build(_: Publisher) -> AsyncIterator[Stage]:
        raise AssertionError("nothing is built")
        yield

    config = ConsumerConfig("enrichment", "/test", StageSettings(), KafkaSettings(), build)
    supervisor = ConsumerSupervisor(config)

    async def fail() -> None:
        raise outage("nobody answers at db:5432; it is tried again")

    monkeypatch.setattr(supervisor, "_work", fail)
    running = asyncio.create_task(supervisor.run())
    wanted = f'onrecord_stage_paused{{reason="{outage.code.value}",service="enrichment"}} 1.0'
    await until(lambda: wanted in render_metrics().decode(), within_s=10)
    supervisor.stop()
    await running
