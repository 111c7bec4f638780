"""The guardrail as a process of its own, with a judge by its settings and without one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.events import NotesValidated
from contracts.notes import Standing
from contracts.topics import (
    GUARDRAIL,
    NOTES_DRAFTED,
    NOTES_REJECTED,
    NOTES_VALIDATED,
    build_dlq_topic,
    build_retry_topic,
)
from database.pool import Database
from database.settings import PostgresSettings
from messaging import Publisher
from prompts.fact_checking import FORMATS
from support.broker import Bench, bench_on
from support.doubts import BORNE_OUT, CONTRADICTED, REFUSED, UNSUPPORTED, VERBATIM, draft_of
from support.service_process import service_process
from support.simulator import Simulated, simulated

TOPICS = (
    NOTES_DRAFTED,
    NOTES_REJECTED,
    NOTES_VALIDATED,
    *(build_retry_topic(GUARDRAIL, tier) for tier in range(4)),
    build_dlq_topic(GUARDRAIL),
)
DRAFT = draft_of(VERBATIM, BORNE_OUT, UNSUPPORTED, REFUSED, CONTRADICTED)


@pytest.fixture
async def bench(broker: str) -> Bench:
    return await bench_on(broker, [replace(topic, partitions=1) for topic in TOPICS])


@pytest.fixture
async def model() -> AsyncIterator[Simulated]:
    async with simulated({"seed": 7}) as one:
        yield one


def env_of(bench: Bench, **more: str) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP_SERVERS": bench.kafka.bootstrap_servers,
        "KAFKA_TOPIC_PREFIX": bench.kafka.topic_prefix,
        "KAFKA_SESSION_TIMEOUT_MS": "6000",
        "GUARDRAIL_PROCESSES": "1",
        **more,
    }


def judging(model: Simulated, postgres: PostgresSettings, name: str) -> dict[str, str]:
    return {
        "POSTGRES_DSN": postgres.dsn.get_secret_value(),
        "OPENAI_BASE_URL": model.url,
        "OPENAI_API_KEY": "k",
        "ONRECORD_MODEL": "first",
        "GUARDRAIL_JUDGE": "doubtful",
        "GUARDRAIL_JUDGE_MODEL": name,
    }


async def validated(bench: Bench) -> NotesValidated:
    """What becomes of the draft."""
    async with Publisher(bench.kafka, source="/test") as publisher:
        await publisher.publish([DRAFT])
    (record,) = await bench.records(NOTES_VALIDATED.name, 1, within_s=150)
    return NotesValidated.model_validate_json(record.value)


@pytest.mark.long
async def test_a_guardrail_with_a_judge_asks_it_and_records_the_cost(
    bench: Bench,
    model: Simulated,
    postgres_settings: PostgresSettings,
    fresh_database: Database,
    tmp_path: Path,
) -> None:
    env = env_of(bench, **judging(model, postgres_settings, "second"))
    with service_process("guardrail", env, tmp_path) as service:
        event = await validated(bench)
        assert "judge_is_the_drafter" not in service.written()
    assert [one.draft for one in event.rejected] == [CONTRADICTED]
    assert [bool(one.flags) for one in event.notes] == [False, False, True, True]
    assert await model.calls("second") == 1
    booked = await fresh_database.fetch("SELECT DISTINCT purpose, model FROM llm_calls")
    assert [tuple(one.values()) for one in booked] == [("judge", "second")]


@pytest.mark.long
async def test_a_guardrail_asks_a_fact_checking_model_in_its_format(
    bench: Bench,
    model: Simulated,
    postgres_settings: PostgresSettings,
    fresh_database: Database,
    tmp_path: Path,
) -> None:
    judge = judging(model, postgres_settings, "second")
    env = env_of(bench, **judge, GUARDRAIL_JUDGE_FORMAT="granite-guardian-3.3")
    with service_process("guardrail", env, tmp_path):
        event = await validated(bench)
    assert event.rejected == ()
    assert [one.standing for one in event.notes].count(Standing.CONFIRMED) == 2
    booked = await fresh_database.fetch("SELECT purpose, prompt_version FROM llm_calls")
    version = FORMATS["granite-guardian-3.3"].version
    assert sorted(tuple(one.values()) for one in booked) == [
        *[("judge", version)] * 4,
        *[("judge-control", version)] * 2,
    ]


async def test_warns_if_the_judging_model_is_the_drafting_model(
    bench: Bench, model: Simulated, postgres_settings: PostgresSettings, tmp_path: Path
) -> None:
    env = env_of(bench, **judging(model, postgres_settings, "first"))
    with service_process("guardrail", env, tmp_path) as service:
        await service.is_ready()
        (warned,) = [one for one in service.events() if one["event"] == "judge_is_the_drafter"]
    assert (warned["model"], warned["level"]) == ("first", "warning")


@pytest.mark.long
async def test_a_guardrail_without_a_judge_needs_no_model_and_no_database(
    bench: Bench, tmp_path: Path
) -> None:
    nowhere = "http://127.0.0.1:9/v1"
    dsn = "postgresql://127.0.0.1:9/none"
    env = env_of(bench, OPENAI_BASE_URL=nowhere, POSTGRES_DSN=dsn, GUARDRAIL_JUDGE="off")
    with service_process("guardrail", env, tmp_path):
        event = await validated(bench)
    assert event.rejected == ()
    doubted = [
        one.statement for one in event.notes if one.flags and one.flags[0].check != "own_words"
    ]
    assert doubted == [REFUSED.statement]
