"""Real services without what they need: unready, one line that says what to do, then at work."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from itertools import count, takewhile
from pathlib import Path

import pytest
from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from pydantic import SecretStr
from rich.console import Console

import guardrail.app
from contracts.events import Event
from contracts.topics import ALL_TOPICS, CHUNKS_READY, Topic
from database.migrate import apply_migrations
from database.settings import PostgresSettings
from local_stack.probes import ReadinessProbeKind, ReadinessResult, probe_port
from local_stack.supervisor import ProcessStatus
from messaging import KafkaSettings, Publisher
from messaging.kafka.admin import create_topics, open_admin_client, wait_for_broker
from messaging.runtime.dependencies import skip_dependency_check
from onrecord.commands.stack import format_processes
from support.broker import RestartableBroker, free_port, fresh_prefix
from support.chunks import CHUNK
from support.doubts import BORNE_OUT, draft_of
from support.postgres import TestServer
from support.service_process import ServiceProcess, service_process
from support.simulator import simulated
from support.waiting import until

_numbers = count(1)


def env_of(kafka: KafkaSettings, postgres: PostgresSettings) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "KAFKA_TOPIC_PREFIX": kafka.topic_prefix,
        "KAFKA_SESSION_TIMEOUT_MS": "6000",
        "POSTGRES_DSN": postgres.dsn.get_secret_value(),
    }


@pytest.fixture
async def kafka(broker: str) -> KafkaSettings:
    """A broker with all topics under a prefix of the test's own."""
    settings = fresh_prefix(broker)
    await wait_for_broker(settings, 20)
    await create_topics(settings, ALL_TOPICS)
    return settings


@pytest.fixture
async def unmigrated(postgres: TestServer) -> AsyncIterator[PostgresSettings]:
    name = f"unmigrated_{next(_numbers)}"
    await postgres.arun(f"CREATE DATABASE {name}")
    yield postgres.settings(name)
    await postgres.arun(f"DROP DATABASE {name} WITH (FORCE)")


def waited_for(service: ServiceProcess) -> list[str]:
    """What the log says it waited for; it says nothing else until it works."""
    first, *others = service.events()
    assert first["event"] == "started"
    waiting = list(takewhile(lambda one: one["event"] == "waiting", others))
    assert not [one for one in others[len(waiting) :] if one["event"] == "waiting"]
    return [one["reason"] for one in waiting]


@pytest.mark.long
async def test_waits_for_a_broker_then_for_its_topics(
    own_broker: RestartableBroker, postgres_settings: PostgresSettings, tmp_path: Path
) -> None:
    settings = KafkaSettings(bootstrap_servers=own_broker.servers)
    await wait_for_broker(settings, 20)
    await asyncio.to_thread(own_broker.stop)
    with service_process("persistence", env_of(settings, postgres_settings), tmp_path) as service:
        first = await service.waits_for("no broker answers")
        assert first.endswith(f"at {own_broker.servers}; check KAFKA_BOOTSTRAP_SERVERS")
        await asyncio.to_thread(own_broker.start)
        second = await service.waits_for("topics are missing")
        assert second.endswith("; run `python -m messaging topics create`")
        await create_topics(settings, ALL_TOPICS)
        await service.is_ready()


async def test_waits_for_postgres(
    kafka: KafkaSettings,
    postgres: TestServer,
    postgres_settings: PostgresSettings,
    tmp_path: Path,
) -> None:
    postgres.stop()
    with service_process("control", env_of(kafka, postgres_settings), tmp_path) as service:
        reason = await service.waits_for("PostgreSQL is unavailable")
        assert reason.endswith("; check POSTGRES_DSN")
        postgres.start()
        await service.is_ready()
    assert waited_for(service)[0] == reason


@pytest.mark.long
@pytest.mark.parametrize("name", ["ingestion", "persistence", "control", "enrichment", "guardrail"])
async def test_is_unready_without_postgres_also_with_nothing_to_do(
    kafka: KafkaSettings,
    postgres: TestServer,
    postgres_settings: PostgresSettings,
    tmp_path: Path,
    name: str,
) -> None:
    # Without a judge the guardrail asks for no database; enrichment has budgets to ask for.
    env = env_of(kafka, postgres_settings) | {
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
        "GUARDRAIL_JUDGE": "doubtful",
        "GUARDRAIL_JUDGE_MODEL": "judge",
    }
    with service_process(name, env, tmp_path) as service:
        await service.is_ready()
        postgres.stop()
        try:
            reason = await service.waits_for("database_unavailable: PostgreSQL")
            assert "POSTGRES_DSN" in reason or "unavailable" in reason
        finally:
            postgres.start()
        await service.is_ready()
    assert waited_for(service) == []


async def test_a_service_that_needs_no_postgres_is_ready_without_it(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    env = env_of(
        kafka,
        PostgresSettings(dsn=SecretStr(f"postgresql://nobody@127.0.0.1:{free_port()}/nowhere")),
    )
    with service_process("guardrail", env, tmp_path) as service:
        await service.is_ready()
    assert guardrail.app.broker.check_dependencies is skip_dependency_check


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "event"), [("enrichment", CHUNK), ("guardrail", draft_of(BORNE_OUT))]
)
async def test_an_hour_that_the_model_asked_for_is_shown_until_a_probe_has_ended_it(
    kafka: KafkaSettings,
    postgres_settings: PostgresSettings,
    tmp_path: Path,
    name: str,
    event: Event,
) -> None:
    rule = {"fault": "rate_limit", "retry_after": 3_600.0, "times": 1}
    async with simulated({"rules": [rule]}) as model:
        env = env_of(kafka, postgres_settings) | {
            "OPENAI_BASE_URL": model.url,
            "OPENAI_API_KEY": "k",
            "OPENAI_RETRY_AFTER_CEILING_S": "4",
            "ONRECORD_MODEL": "m",
            "GUARDRAIL_JUDGE": "doubtful",
            "GUARDRAIL_JUDGE_MODEL": "m",
            f"{name.upper()}_RETRY_DELAYS_S": "0.1,0.1,0.1",
        }
        with service_process(name, env, tmp_path) as service:
            await service.is_ready()
            async with Publisher(kafka, source="/test") as publisher:
                await publisher.publish([event])

            def probe() -> ReadinessResult:
                return probe_port(ReadinessProbeKind.HTTP, service.port, "/readyz")

            async def look() -> ReadinessResult | None:
                found = await asyncio.to_thread(probe)
                return found if "retry-after 3,600 s" in found.reason else None

            found = await until(look, within_s=30)
            assert found.ready, "it works: others may be answered from the cache"
            for words in (
                "throttled until",
                "UTC by m at 127.0.0.1",
                "one call tries at",
            ):
                assert words in found.reason
            page = status_page(name, found)
            assert "yes, but" in page
            assert found.reason in page
            await until(lambda: asyncio.to_thread(lambda: probe().reason == ""), within_s=60)
            assert await model.calls() == 2


def status_page(name: str, found: ReadinessResult) -> str:
    """What ``onrecord status`` shows of a process that answers so."""
    status = ProcessStatus(
        name, running=True, ready=found.ready, reason=found.reason, port=1, pid=2
    )
    console = Console(width=400, record=True, file=io.StringIO())
    console.print(format_processes([status]))
    return console.export_text()


async def test_waits_for_a_migration(
    kafka: KafkaSettings, unmigrated: PostgresSettings, tmp_path: Path
) -> None:
    for name in ("persistence", "control"):
        with service_process(name, env_of(kafka, unmigrated), tmp_path) as service:
            reason = await service.waits_for("lacks 0001_")
            assert reason.endswith(": run `python -m database migrate`")
            if name == "control":
                await apply_migrations(unmigrated)
                await service.is_ready()
        first, *others = waited_for(service)
        assert first == reason
        # It may look again while some of the migrations are applied.
        assert all(" lacks " in other for other in others)


async def create_wrongly(kafka: KafkaSettings, topic: Topic, **settings: str) -> None:
    async with open_admin_client(kafka) as client:
        name = kafka.topic(topic.name)
        await client.create_topics([NewTopic(name, 4, 1, topic_configs=settings)])


async def change(kafka: KafkaSettings, topic: Topic, settings: Mapping[str, str]) -> None:
    async with open_admin_client(kafka) as client:
        name = kafka.topic(topic.name)
        resource = ConfigResource(ConfigResourceType.TOPIC, name, configs=dict(settings))
        await client.alter_configs([resource])


RIGHT = {"max.message.bytes": "8388608", "retention.ms": "604800000"}


@pytest.mark.long
async def test_waits_while_a_topic_would_lose_or_refuse_messages(
    broker: str, postgres_settings: PostgresSettings, tmp_path: Path
) -> None:
    wrong = (
        ("max.message.bytes", "1048588", "8388608"),
        ("retention.ms", "3600000", "604800000"),
        ("retention.bytes", "1000000", "-1"),
        ("cleanup.policy", "compact", "delete"),
    )
    kafka = fresh_prefix(broker)
    await wait_for_broker(kafka, 20)
    name, reasons = kafka.topic(CHUNKS_READY.name), list[str]()
    setting, value, _ = wrong[0]
    await create_wrongly(kafka, CHUNKS_READY, **RIGHT | {setting: value})
    await create_topics(kafka, ALL_TOPICS)
    with service_process("enrichment", env_of(kafka, postgres_settings), tmp_path) as service:
        for setting, value, needed in wrong:
            await change(kafka, CHUNKS_READY, RIGHT | {setting: value})
            said = f"topics have wrong settings: {name} has {setting}={value} and needs {needed};"
            reasons.append(await service.waits_for(said))
        await change(kafka, CHUNKS_READY, RIGHT)
        await service.is_ready()
    assert waited_for(service) == reasons


async def test_works_with_more_than_is_declared(
    broker: str, postgres_settings: PostgresSettings, tmp_path: Path
) -> None:
    kafka = fresh_prefix(broker)
    await wait_for_broker(kafka, 20)
    more = {"max.message.bytes": str(64 * 1024 * 1024), "retention.ms": "-1"}
    await create_wrongly(kafka, replace(CHUNKS_READY, partitions=1), **more)
    await create_topics(kafka, ALL_TOPICS)
    with service_process("enrichment", env_of(kafka, postgres_settings), tmp_path) as service:
        await service.is_ready()


async def test_a_broker_that_never_was_is_waited_for_and_sigterm_ends_it(
    postgres_settings: PostgresSettings, tmp_path: Path
) -> None:
    nobody = KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port()}")
    with service_process("persistence", env_of(nobody, postgres_settings), tmp_path) as service:
        reason = await service.waits_for("no broker answers")
    assert waited_for(service) == [reason]
