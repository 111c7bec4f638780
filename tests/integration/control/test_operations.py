"""The audit and the pipeline's state over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

import asgi_server
from audit.reports import convert_report_to_result, convert_result_to_report
from contracts.operations import AuditReport, PipelineState
from contracts.topics import ALL_TOPICS
from control.api import operations
from control.api.limits import HeavyRequestLimiter
from control.pipeline.ports import open_stage_client
from database.pool import Database
from messaging.runtime.health import ServiceHealth, build_health_routes
from onrecord.pages.pipeline import compute_throughput, count_lag
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
        assert (enrichment.ready, enrichment.reason) == (None, "")


@asynccontextmanager
async def serve_health(health: ServiceHealth | None) -> AsyncIterator[str]:
    """Serve what a service says of itself, or something that is no service."""
    routes = [] if health is None else build_health_routes(lambda: health)
    application = asgi_server.create_application(routes)
    async with asgi_server.serve(application, host="127.0.0.1", port=0) as port:
        yield f"http://127.0.0.1:{port}"


async def test_the_state_of_the_pipeline_has_what_services_say_of_themselves(
    broker: str, fresh_database: Database
) -> None:
    health = ServiceHealth()
    health.is_waiting("the model's endpoint is down")
    slowed = ServiceHealth()
    slowed.is_ready("the endpoint asked to be called later")
    async with (
        serve_health(health) as waiting,
        serve_health(slowed) as working,
        serve_health(None) as other,
        open_stage_client(
            {
                "enrichment": waiting,
                "guardrail": working,
                "ingestion": "http://127.0.0.1:1",
                "persistence": other,
            },
            None,
        ) as stages,
        open_office(broker, fresh_database, ALL_TOPICS, read_health=stages.read_health) as office,
    ):
        _, body = await office.ask("GET", "/v1/pipeline")
    said = {one["service"]: (one["ready"], one["reason"]) for one in body["services"]}
    assert said == {
        "ingestion": (False, "it does not answer at http://127.0.0.1:1"),
        "enrichment": (False, "the model's endpoint is down"),
        "guardrail": (True, "the endpoint asked to be called later"),
        "persistence": (False, f"what answers at {other} is no service"),
        "control": (None, ""),
    }


async def test_offsets_that_are_committed_show_what_was_done_between_two_looks(
    broker: str, fresh_database: Database
) -> None:
    async with open_office(broker, fresh_database, ALL_TOPICS) as office:
        await office.bench.send("chunks-ready", *[b"%d" % n for n in range(5)], key=b"k")
        before = PipelineState.model_validate((await office.ask("GET", "/v1/pipeline"))[1])
        kafka = office.bench.kafka
        consumer = AIOKafkaConsumer(
            **kafka.client_options(), group_id=kafka.topic("enrichment"), enable_auto_commit=False
        )
        await consumer.start()
        try:
            place = TopicPartition(kafka.topic("chunks-ready"), 0)
            consumer.assign([place])
            ends = await consumer.end_offsets([place])
            await consumer.commit({place: ends[place] - 2 if ends[place] > 2 else ends[place]})
        finally:
            await consumer.stop()
        after = PipelineState.model_validate((await office.ask("GET", "/v1/pipeline"))[1])
    (was,) = [one for one in before.services if one.service == "enrichment"]
    (now,) = [one for one in after.services if one.service == "enrichment"]
    done = count_lag(was) - count_lag(now)
    assert done > 0
    pace = compute_throughput(before, after, 2.0)["enrichment"]
    assert pace.per_s == done / 2
    assert pace.done_in_s == (count_lag(now) / pace.per_s)
    assert compute_throughput(after, after, 2.0)["enrichment"].done_in_s == (
        None if count_lag(now) else 0.0
    )


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
