"""Drift of stored drafts and calls is found, attributed, and shown; each is observed once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.drift import DriftReport
from control.drift.monitor import MAX_VALUES, OTHERS, DriftMonitor
from control.drift.store import DriftStore
from database.pool import Database
from database.queries import transpose_rows
from support.control_office import Office

STEADY = 1_500
SINCE = 500
NOTES = 5


INTERVIEW = """
WITH stored AS (
    INSERT INTO transcripts (transcript_id, revision, study_id, title, format, content_sha256,
                             study, segment_count, chunk_count)
    VALUES ($1, 1, 's', 't', $2, repeat('0', 64), '{}', 1, 1)
)
INSERT INTO transcript_owners (transcript_id, study_id, producer, revision) VALUES ($1, 's', $3, 1)
"""
DRAFTS = """
WITH made AS (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::interval[]) AS made (chunk_id, index, ago)
), stored AS (
    INSERT INTO chunks (chunk_id, transcript_id, revision, index, first_segment, last_segment)
    SELECT chunk_id, $4, 1, index, 1, 9 FROM made
)
INSERT INTO drafts (chunk_id, attempt, final, stored_at, model, model_fingerprint, prompt_version,
                    input_tokens, output_tokens)
SELECT chunk_id, 1, true, now() - ago, $5, $6, $7, 900, 200 FROM made
"""
NOTES_OF_DRAFTS = """
WITH made AS (
    SELECT *
      FROM unnest($1::uuid[], $2::int[], $3::boolean[]) AS made (chunk_id, position, is_refused)
), refused AS (
    INSERT INTO rejected_notes (rejected_id, chunk_id, attempt, position, draft, failures)
    SELECT gen_random_uuid(), chunk_id, 1, position, '{}', '[]' FROM made WHERE is_refused
)
INSERT INTO notes (note_id, chunk_id, attempt, position, transcript_id, revision, study_id,
                   statement)
SELECT gen_random_uuid(), chunk_id, 1, position, $4, 1, 's', '' FROM made WHERE NOT is_refused
"""
CALLS = """
INSERT INTO llm_calls (call_id, study_id, subject, purpose, prompt_version, endpoint, model, day,
                       started_at, settled_at, outcome, answered_by, fingerprint, input_tokens,
                       cached_tokens, output_tokens, estimated, latency_s, cost_usd)
SELECT call_id, 's', subject, 'draft', $8, '/', $6, current_date,
       now() - ago, now() - ago, outcome, $6, $7, 900,
       0, 200, false, latency, 0.01
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::float8[], $5::interval[])
       AS made (call_id, subject, outcome, latency, ago)
"""


class Work:
    """Drafts and calls that are stored as if a second apart, the last one a minute ago.

    Only the columns that drift is about are real: what a draft says and of what is not looked at.
    """

    def __init__(self, database: Database, number: int) -> None:
        self._database = database
        self._left = number
        self._random = Random(11)

    async def store(
        self,
        drafts: int,
        *,
        refused: float = 0.1,
        outcome_bad: float = 0.0,
        latency_s: float = 2.0,
        model: str = "notes-large",
        fingerprint: str = "fp-1",
        prompt: str = "notes-1",
        producer: str = "/portal",
        format: str = "webvtt",  # noqa: A002 - the column's name
    ) -> None:
        """Store drafts of one note after the other, each with its call."""
        rows, notes, calls = [], [], []
        transcript_id = uuid4()
        for number in range(drafts):
            chunk_id, ago = uuid4(), timedelta(seconds=60 + self._left)
            self._left -= 1
            bad = sum(self._random.random() < refused for _ in range(NOTES))
            rows.append((chunk_id, number + 1, ago))
            notes += [(chunk_id, one + 1, one < bad) for one in range(NOTES)]
            is_bad = self._random.random() < outcome_bad
            latency = latency_s * self._random.lognormvariate(0, 0.3)
            outcome = "llm_refused" if is_bad else "answered"
            calls.append((uuid4(), str(chunk_id), outcome, latency, ago))
        which = (transcript_id, model, fingerprint, prompt)
        async with self._database.transaction() as connection:
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(INTERVIEW, transcript_id, format, producer)
            await connection.execute(DRAFTS, *transpose_rows(3, rows), *which)
            await connection.execute(NOTES_OF_DRAFTS, *transpose_rows(3, notes), transcript_id)
            await connection.execute(CALLS, *transpose_rows(5, calls), *which[1:])


async def watch(database: Database, *, from_beginning: bool = True) -> DriftReport:
    """Observe all there is; return what is found."""
    if from_beginning:
        await database.execute("UPDATE drift_positions SET read_until = '-infinity'")
    while await DriftMonitor(database).observe_next():
        pass
    return await DriftStore(database).read_report()


def list_found(report: DriftReport) -> set[tuple[str, str, str]]:
    return {(one.metric, one.dimension, one.direction) for one in report.alarms}


@pytest.mark.parametrize(
    ("changes", "side", "factor"),
    [
        ({"fingerprint": "fp-2"}, "they_changed", "fingerprint"),
        ({"prompt": "notes-2"}, "we_changed", "prompt"),
        ({"producer": "/newcomer"}, "the_input_changed", "producer"),
        ({"format": "srt"}, "the_input_changed", "format"),
        ({"fingerprint": "fp-2", "prompt": "notes-2"}, "cannot_tell", "prompt"),
    ],
)
async def test_more_refused_notes_are_found_and_attributed(
    fresh_database: Database, changes: dict[str, Any], side: str, factor: str
) -> None:
    work = Work(fresh_database, STEADY + SINCE)
    await work.store(STEADY)
    await work.store(SINCE, refused=0.3, **changes)
    report = await watch(fresh_database)
    assert ("rejected_notes", "model", "up") in list_found(report)
    assert {one.metric for one in report.alarms} == {"rejected_notes"}
    (found,) = [one for one in report.alarms if one.dimension == "model"]
    assert (found.side, found.value) == (side, "notes-large")
    assert factor in {one.factor for one in found.factors}
    assert found.before_rate == pytest.approx(0.1, abs=0.03)
    assert found.after_rate == pytest.approx(0.3, abs=0.1)
    assert 10 <= found.observations <= 250
    assert found.ended_at is None
    assert report.open_alarms == len(report.alarms)


async def test_steady_work_raises_none_and_refusals_and_slow_calls_are_found(
    fresh_database: Database,
) -> None:
    work = Work(fresh_database, 2 * STEADY)
    await work.store(STEADY)
    steady = await watch(fresh_database)
    assert (steady.alarms, steady.open_alarms, steady.learning) == ((), 0, 0)
    assert steady.series == 3 * 4 + 6 * 4
    await work.store(STEADY, outcome_bad=0.1, latency_s=4.0)
    found = list_found(await watch(fresh_database, from_beginning=False))
    assert {("refused_answers", "model", "up"), ("latency_seconds", "model", "up")} <= found
    assert {metric for metric, _, _ in found} == {"refused_answers", "latency_seconds"}


async def test_an_alarm_is_over_once_what_is_usual_since_is_known(
    fresh_database: Database,
) -> None:
    work = Work(fresh_database, STEADY + 1_000)
    await work.store(STEADY)
    await work.store(1_000, refused=0.4)
    report = await watch(fresh_database)
    assert report.alarms
    assert report.open_alarms == 0
    assert all(one.ended_at and one.ended_at >= one.raised_at for one in report.alarms)


async def test_each_draft_is_observed_once_by_replicas_that_are_killed(
    fresh_database: Database,
) -> None:
    await Work(fresh_database, STEADY).store(STEADY)
    await fresh_database.execute("UPDATE drift_positions SET read_until = '-infinity'")
    random = Random(2)

    async def replica() -> None:
        monitor = DriftMonitor(fresh_database)
        while await monitor.observe_next():
            pass

    for _ in range(20):
        replicas = [asyncio.create_task(replica()) for _ in range(2)]
        await asyncio.sleep(random.random() * 0.1)
        for one in replicas:
            one.cancel()
        await asyncio.gather(*replicas, return_exceptions=True)
    await watch(fresh_database, from_beginning=False)
    counts = await fresh_database.fetch(
        "SELECT DISTINCT observations FROM drift_series WHERE metric <> 'unproven_notes'"
    )
    assert [one["observations"] for one in counts] == [STEADY]


async def test_a_flood_of_names_is_watched_together(fresh_database: Database) -> None:
    work = Work(fresh_database, MAX_VALUES + 50)
    for number in range(MAX_VALUES + 50):
        await work.store(1, producer=f"/p{number}")
    await watch(fresh_database)
    values = await fresh_database.fetch(
        "SELECT value, max(observations) AS observations FROM drift_series"
        " WHERE dimension = 'producer' AND metric = 'rejected_notes' GROUP BY value"
    )
    assert len(values) <= MAX_VALUES + 1
    assert {one["value"]: one["observations"] for one in values}[OTHERS] == 50


async def test_operators_see_alarms_over_http(office: Office, fresh_database: Database) -> None:
    work = Work(fresh_database, STEADY + SINCE)
    await work.store(STEADY)
    await work.store(SINCE, refused=0.4, fingerprint="fp-2")
    await watch(fresh_database)
    status, body = await office.ask("GET", "/v1/drift")
    assert status == 200
    report = DriftReport.model_validate(body)
    assert report.alarms
    assert report.alarms[0].side == "they_changed"
    assert all(isinstance(one.alarm_id, UUID) for one in report.alarms)
