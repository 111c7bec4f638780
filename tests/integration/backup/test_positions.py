"""Offsets of groups in a real broker: read for a backup, set back, or told why they cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from backup.errors import BackupRefusedError
from backup.position_plan import PositionPlan, plan_positions
from backup.positions import CONSUMED, PositionStore, open_position_store, wait_until_empty
from backup.restoring import RestoreOptions
from contracts.topics import ALL_TOPICS
from database.settings import PostgresSettings
from messaging.consumer.offset_metadata import encode_commit_metadata
from messaging.kafka.admin import create_topics, open_admin_client
from support.backups import (
    NOW,
    back_up,
    commit_offset,
    read_committed,
    read_contents,
    restore,
    running_consumer,
)
from support.broker import Bench
from support.waiting import until

INGESTED = "transcripts-ingested"
VALIDATED = "notes-validated"
ACCEPTING = RestoreOptions(replaces=True, accepts_losses=True, patience_s=0)


async def plan_from(store: PositionStore, backup: Any) -> PositionPlan:
    now = await store.read()
    return plan_positions(backup, now.logs, now.committed, CONSUMED)


async def test_offsets_come_back_with_what_was_finished_beyond_them(bench: Bench) -> None:
    await bench.send(VALIDATED, *[b"%d" % number for number in range(9)], key=b"k")
    metadata = encode_commit_metadata(2, [range(4, 6)])
    await commit_offset(bench, "persistence", VALIDATED, 2, metadata)
    await commit_offset(bench, "guardrail", "notes-drafted", 0)
    async with open_position_store(bench.kafka) as store:
        backup = (await store.read()).to_backup()
        await commit_offset(bench, "persistence", VALIDATED, 9)
        plan = await plan_from(store, backup)
        assert (plan.again, plan.lost, plan.has_losses) == (5, 0, False)
        await store.set(plan)
    assert await read_committed(bench, "persistence", VALIDATED) == (2, metadata)
    # A group that had no commit begins where the log began, whatever it has committed since.
    assert await read_committed(bench, "control", "transcripts-submitted") == (0, "")
    assert await read_committed(bench, "guardrail", "notes-drafted") == (0, "")


async def test_a_group_with_members_is_not_set_back(bench: Bench) -> None:
    async with open_position_store(bench.kafka) as store:
        backup = (await store.read()).to_backup()
        async with running_consumer(bench, "persistence") as consumer:
            consumer.subscribe([bench.kafka.topic(VALIDATED)])
            await consumer.getmany(timeout_ms=100)
            await until(lambda: _has_members(store))
            assert await store.list_members() == {"persistence": 1}
            with pytest.raises(BackupRefusedError, match="services are running"):
                await wait_until_empty(store, 0)
        await wait_until_empty(store, 20)
        await store.set(await plan_from(store, backup))


async def _has_members(store: PositionStore) -> bool:
    return bool(await store.list_members())


async def test_records_that_retention_took_are_counted_before_anything_is_touched(
    bench: Bench, filled: PostgresSettings, tmp_path: Path
) -> None:
    await bench.send(INGESTED, *[b"%d" % number for number in range(9)], key=b"k")
    await commit_offset(bench, "persistence", INGESTED, 3, encode_commit_metadata(3, [range(5, 6)]))
    await back_up(filled, bench.kafka, tmp_path / "b")
    await commit_offset(bench, "persistence", INGESTED, 9)
    place = TopicPartition(bench.kafka.topic(INGESTED), 0)
    async with open_admin_client(bench.kafka) as admin:
        await admin.delete_records({place: RecordsToDelete(7)}, timeout_ms=10_000)
    before = await read_contents(filled)
    with pytest.raises(BackupRefusedError, match="3 records are gone") as refused:
        await restore(
            filled, bench.kafka, tmp_path / "b", RestoreOptions(replaces=True, patience_s=0)
        )
    assert refused.value.details[0].startswith(f"{INGESTED}, for persistence: 3 records deleted")
    assert await read_contents(filled) == before
    assert await read_committed(bench, "persistence", INGESTED) == (9, "")
    result = await restore(filled, bench.kafka, tmp_path / "b", ACCEPTING)
    assert (result.plan.lost, result.plan.again) == (3, 2)
    found = await read_committed(bench, "persistence", INGESTED)
    assert found is not None
    assert found[0] == 3  # the audit counts what is between it and the start of the log


async def test_topics_that_are_missing_have_to_be_made_first(
    bench: Bench, filled: PostgresSettings, empty: PostgresSettings, tmp_path: Path
) -> None:
    await back_up(filled, bench.kafka, tmp_path / "b")
    name = bench.kafka.topic("persistence-dlq")
    async with open_admin_client(bench.kafka) as admin:
        await admin.delete_topics([name])

        async def is_gone() -> bool:
            return name not in await admin.list_topics()

        await until(is_gone)
    with pytest.raises(BackupRefusedError, match="topics are missing") as refused:
        await restore(empty, bench.kafka, tmp_path / "b")
    assert refused.value.details == ("persistence-dlq",)
    await create_topics(bench.kafka, ALL_TOPICS)
    await restore(empty, bench.kafka, tmp_path / "b", ACCEPTING)


async def test_another_cluster_is_told_by_what_it_lacks(
    bench: Bench, filled: PostgresSettings, empty: PostgresSettings, tmp_path: Path
) -> None:
    """Topics of a test have a prefix; another one is as good as another cluster."""
    await bench.send(VALIDATED, *[b"%d" % number for number in range(9)], key=b"k")
    await commit_offset(bench, "persistence", VALIDATED, 2)
    await back_up(filled, bench.kafka, tmp_path / "b")
    other = bench.kafka.model_copy(update={"topic_prefix": f"other-{bench.kafka.topic_prefix}"})
    await create_topics(other, ALL_TOPICS)
    with pytest.raises(BackupRefusedError, match="7 records are gone") as refused:
        await restore(empty, other, tmp_path / "b", NOW)
    (line,) = [one for one in refused.value.details if one.startswith(VALIDATED)]
    assert "gone with the log that was there before" in line
    result = await restore(empty, other, tmp_path / "b", ACCEPTING)
    assert result.plan.lost == 7
    assert (await read_contents(empty))["notes"] == (await read_contents(filled))["notes"]
