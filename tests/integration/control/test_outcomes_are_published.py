"""Control as a process: what it wrote before it was killed is published."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from contracts.events import TranscriptSettled
from contracts.topics import ALL_TOPICS
from database.pool import Database
from database.settings import PostgresSettings
from messaging import KafkaSettings
from messaging.kafka.admin import create_topics, wait_for_broker
from support.broker import Bench, RestartableBroker
from support.service_process import service_process
from support.settled_interviews import SettledInterview
from support.waiting import until

TOPIC = "transcripts-settled"


class KilledError(Exception):
    """Ends a service in the middle of its work."""


def env_of(kafka: KafkaSettings, postgres: PostgresSettings) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "POSTGRES_DSN": postgres.dsn.get_secret_value(),
    }


@pytest.mark.long
async def test_an_outcome_that_control_wrote_before_it_was_killed_is_published_once(
    own_broker: RestartableBroker,
    postgres_settings: PostgresSettings,
    fresh_database: Database,
    tmp_path: Path,
) -> None:
    kafka = KafkaSettings(bootstrap_servers=own_broker.servers)
    await wait_for_broker(kafka, 20)
    await create_topics(kafka, ALL_TOPICS)
    bench, env = Bench(kafka), env_of(kafka, postgres_settings)
    interview = SettledInterview(fresh_database)

    async def is_written() -> bool:
        row = await fresh_database.fetchrow("SELECT published_at FROM settlements")
        return row is not None and row["published_at"] is None

    async def write_and_die() -> None:
        with service_process("control", env, tmp_path) as control:
            await control.is_ready()
            await asyncio.to_thread(own_broker.stop)
            await interview.submit()
            await interview.refuse()
            await until(is_written)
            raise KilledError  # the process is ended as by `kill -9`

    with pytest.raises(KilledError):
        await write_and_die()
    await asyncio.to_thread(own_broker.start)
    await wait_for_broker(kafka, 20)
    assert await bench.size(TOPIC) == 0
    with service_process("control", env, tmp_path) as control:
        await control.is_ready()
        (refused,) = await bench.records(TOPIC, 1)
        await interview.refuse(offset=1, number=51)
        await interview.submit(offset=1, revision=2)
        first, second = await bench.records(TOPIC, 2)
    events = [TranscriptSettled.model_validate_json(one.value) for one in (first, second)]
    assert [event.revision for event in events] == [1, 2]
    assert refused.value == first.value
    assert {one.key for one in (first, second)} == {str(events[0].transcript_id).encode()}
    headers = dict(first.headers)
    assert headers["ce_type"] == b"onrecord.TranscriptSettled.v1"
    assert headers["ce_id"] != dict(second.headers)["ce_id"]
