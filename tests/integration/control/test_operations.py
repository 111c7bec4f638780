"""The audit and the pipeline's state over HTTP."""

from __future__ import annotations

import asyncio

import pytest

from audit.reports import convert_report_to_result, convert_result_to_report
from contracts.operations import AuditReport, PipelineState
from contracts.topics import ALL_TOPICS
from control.api import operations
from control.api.limits import HeavyRequestLimiter
from database.pool import Database
from support.control_office import open_office


async def test_the_audit_is_answered_over_http(broker: str, fresh_database: Database) -> None:
    async with open_office(broker, fresh_database, ALL_TOPICS) as office:
        await office.bench.send("transcripts-submitted", b"no interview", key=b"k")
        status, body = await office.ask("GET", "/v1/audit")
        report = AuditReport.model_validate(body)
        assert (status, report.balances, report.settled) == (200, True, False)
        assert (report.unreadable.submitted, report.unreadable.waiting) == (1, 1)
        (ingestion,) = [one for one in report.services if one.service == "ingestion"]
        assert (ingestion.received, ingestion.waiting) == (1, 1)
        assert convert_result_to_report(convert_report_to_result(report)) == report


async def test_the_state_of_the_pipeline_has_lag_and_letters(
    broker: str, fresh_database: Database
) -> None:
    async with open_office(broker, fresh_database, ALL_TOPICS) as office:
        await office.died(b"v", 1)
        await office.bench.send("chunks-ready", b"a", b"b", key=b"k")
        status, body = await office.ask("GET", "/v1/pipeline")
        state = PipelineState.model_validate(body)
        assert status == 200
        (enrichment,) = [one for one in state.services if one.service == "enrichment"]
        assert (enrichment.members, enrichment.open_letters) == (0, 1)
        assert {one.topic: one.lag for one in enrichment.topics}["chunks-ready"] == 2


async def test_an_audit_ends_when_its_client_leaves(
    broker: str, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy system it takes minutes, with a place that others wait for."""
    begun, ended = asyncio.Event(), asyncio.Event()

    async def take_long(*_: object) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    monkeypatch.setattr(operations, "run_audit", take_long)
    heavy = HeavyRequestLimiter(1, wait_s=3.0)
    async with open_office(broker, fresh_database, ALL_TOPICS, heavy=heavy) as office:
        asking = asyncio.create_task(office.client.get(f"{office.url}/v1/audit"))
        await begun.wait()
        asking.cancel()
        async with asyncio.timeout(5):
            await ended.wait()
        assert (await office.ask("GET", "/v1/pipeline"))[0] == 200
