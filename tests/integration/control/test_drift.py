"""Drift of stored drafts and calls is found, attributed, and shown; each is observed once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY

from contracts.drift import DriftReport
from control.drift.monitor import LEARNS_FOR, MAX_TRIES, MAX_VALUES, OTHERS, DriftMonitor
from control.drift.observations import DriftSource
from control.drift.store import DriftStore
from database.pool import Database
from database.queries import transpose_rows
from support.control_office import Office

STEADY = 1_500
SINCE = 500
NOTES = 5
CHUNKS = 15
A_SECOND = timedelta(seconds=1)
SOME_TIME = timedelta(minutes=2)
EARLIEST = timedelta(days=5)

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
SELECT chunk_id, $8, true, now() - ago, $5, $6, $7, 900, 200 FROM made
"""
NOTES_OF_DRAFTS = """
WITH made AS (
    SELECT *
      FROM unnest($1::uuid[], $2::int[], $3::boolean[]) AS made (chunk_id, position, is_refused)
), refused AS (
    INSERT INTO rejected_notes (rejected_id, chunk_id, attempt, position, draft, failures)
    SELECT gen_random_uuid(), chunk_id, $5::int, position, '{}', '[]' FROM made WHERE is_refused
)
INSERT INTO notes (note_id, chunk_id, attempt, position, transcript_id, revision, study_id,
                   statement)
SELECT gen_random_uuid(), chunk_id, $5, position, $4, 1, 's', '' FROM made WHERE NOT is_refused
"""
CALLS = """
INSERT INTO llm_calls (call_id, study_id, subject, purpose, prompt_version, endpoint, model, day,
                       started_at, settled_at, outcome, answered_by, fingerprint, input_tokens,
                       cached_tokens, output_tokens, estimated, latency_s, cost_usd)
SELECT call_id, 's', subject, purpose, $8, '/', $9, current_date,
       now() - ago, now() - ago, outcome, $10, $7, 900,
       0, 200, false, latency, 0.01
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::float8[], $5::interval[], $6::text[])
       AS made (call_id, subject, outcome, latency, ago, purpose)
"""


AGAIN = """
INSERT INTO llm_calls
SELECT (jsonb_populate_record(call, jsonb_build_object(
           'call_id', gen_random_uuid(), 'started_at', started_at + interval '1 s',
           'settled_at', settled_at + interval '1 s'
       ))).*
  FROM llm_calls AS call
"""


@dataclass(frozen=True)
class Conditions:
    """What may drift, and what may explain it.

    Attributes:
        refused: share of the notes that the guardrail refuses.
        refusals: share of the calls that the model refuses.
        repaired: share of the calls whose answer another call has to repair.
        latency_s: seconds of a call, in the middle.
        model: that answers.
        asked: model that is asked.
    """

    refused: float = 0.1
    refusals: float = 0.0
    repaired: float = 0.0
    latency_s: float = 2.0
    model: str = "notes-large"
    asked: str = "notes"
    fingerprint: str = "fp-1"
    prompt: str = "notes-1"
    producer: str = "/portal"
    format: str = "webvtt"


USUAL = Conditions()


class Work:
    """Drafts and calls that are stored one after the other, the last one two minutes ago.

    Only the columns that drift is about are real: what a draft says and of what is not looked at.

    Args:
        database: where they are stored.
        number: how many there will be.
        every: time between two of them.
    """

    def __init__(self, database: Database, number: int, every: timedelta = A_SECOND) -> None:
        self._database = database
        self._left = number
        self._every = every
        self._random = Random(11)

    async def store(
        self, drafts: int, under: Conditions = USUAL, *, chunks: int = CHUNKS, attempt: int = 1
    ) -> None:
        """Store drafts of interviews of so many chunks, each with its call."""
        for first in range(0, drafts, chunks):
            await self._store_interview(min(chunks, drafts - first), under, attempt)

    async def _store_interview(self, chunks: int, under: Conditions, attempt: int) -> None:
        rows, notes, calls = [], [], []
        transcript_id = uuid4()
        for number in range(chunks):
            chunk_id, ago = uuid4(), timedelta(minutes=2) + self._left * self._every
            self._left -= 1
            bad = sum(self._is(under.refused) for _ in range(NOTES))
            rows.append((chunk_id, number + 1, ago))
            notes += [(chunk_id, one + 1, one < bad) for one in range(NOTES)]
            latency = under.latency_s * self._random.lognormvariate(0, 0.3)
            outcome = "llm_refused" if self._is(under.refusals) else "answered"
            purposes = ["draft"] + ["draft-repair"] * self._is(under.repaired)
            call = (str(chunk_id), outcome, latency, ago)
            calls += [(uuid4(), *call, purpose) for purpose in purposes]
        of_drafts = (transcript_id, under.model, under.fingerprint, under.prompt, attempt)
        of_calls = (under.fingerprint, under.prompt, under.asked, under.model)
        async with self._database.transaction() as connection:
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(INTERVIEW, transcript_id, under.format, under.producer)
            await connection.execute(DRAFTS, *transpose_rows(3, rows), *of_drafts)
            columns = transpose_rows(3, notes)
            await connection.execute(NOTES_OF_DRAFTS, *columns, transcript_id, attempt)
            await connection.execute(CALLS, *transpose_rows(6, calls), *of_calls)

    def _is(self, share: float) -> bool:
        return self._random.random() < share


async def observe_all(database: Database) -> None:
    monitor = DriftMonitor(database)
    for source in DriftSource:
        while await monitor.observe_next(source):
            pass
    while await monitor.attribute_next():
        pass


async def watch(database: Database, *, from_beginning: bool = True) -> DriftReport:
    """Observe all there is; return what is found."""
    if from_beginning:
        await begin_at_first(database)
    await observe_all(database)
    return await DriftStore(database).read_report()


async def begin_at_first(database: Database) -> None:
    await database.execute("UPDATE drift_positions SET read_until = now() - $1::interval", EARLIEST)


def list_found(report: DriftReport) -> set[tuple[str, str, str]]:
    return {(one.metric, one.dimension, one.direction) for one in report.alarms}


@pytest.mark.parametrize(
    ("changes", "side", "factor"),
    [
        ({"fingerprint": "fp-2"}, "they_changed", "fingerprint"),
        ({"model": "notes-larger"}, "they_changed", "model"),
        ({"model": "other", "asked": "other"}, "we_changed", "asked model"),
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
    await work.store(SINCE, replace(USUAL, refused=0.3, **changes))
    report = await watch(fresh_database)
    assert {one.metric for one in report.alarms} == {"rejected_notes"}
    (found,) = [one for one in report.alarms if one.dimension == "all"]
    assert (found.direction, found.side) == ("up", side)
    assert factor in {one.factor for one in found.factors}
    assert found.before_rate == pytest.approx(0.1, abs=0.03)
    assert found.after_rate == pytest.approx(0.3, abs=0.1)
    assert 10 <= found.observations <= 250
    assert found.ended_at is None
    assert report.open_alarms == report.total_alarms == len(report.alarms)
    await DriftMonitor(fresh_database).record_metrics()
    assert REGISTRY.get_sample_value("onrecord_drift_alarms_open") == report.open_alarms
    observed = REGISTRY.get_sample_value(
        "onrecord_drift_observed_timestamp_seconds", {"source": "drafts"}
    )
    assert observed == report.drafts_observed_until.timestamp()


async def test_steady_work_raises_none_and_what_calls_come_to_is_watched(
    fresh_database: Database,
) -> None:
    work = Work(fresh_database, 2 * STEADY, SOME_TIME)
    await work.store(STEADY)
    steady = await watch(fresh_database)
    assert (steady.alarms, steady.open_alarms, steady.learning) == ((), 0, 0)
    assert steady.series == 9 * 5
    await work.store(STEADY, Conditions(refusals=0.1, repaired=0.2, latency_s=4.0))
    found = list_found(await watch(fresh_database, from_beginning=False))
    expected = {"refused_answers", "unusable_answers", "latency_seconds"}
    assert {(metric, "model", "up") for metric in expected} <= found
    assert {metric for metric, _, _ in found} == expected


async def test_an_alarm_ends_once_what_is_usual_since_is_known(fresh_database: Database) -> None:
    work = Work(fresh_database, 2 * STEADY)
    await work.store(STEADY)
    await work.store(STEADY, Conditions(refused=0.4))
    report = await watch(fresh_database)
    assert report.alarms
    assert report.open_alarms == 0
    assert all(one.ended_at and one.ended_at >= one.raised_at for one in report.alarms)


async def test_only_the_first_draft_of_a_chunk_is_observed(fresh_database: Database) -> None:
    work = Work(fresh_database, 2 * CHUNKS)
    await work.store(CHUNKS)
    await work.store(CHUNKS, attempt=2)
    await fresh_database.execute(AGAIN)
    await watch(fresh_database)
    counts = await fresh_database.fetch(
        "SELECT metric, observations FROM drift_series WHERE dimension = 'all'"
    )
    observed = {one["metric"]: one["observations"] for one in counts}
    assert (observed["rejected_notes"], observed["refused_answers"]) == (CHUNKS, 2 * CHUNKS)


async def test_calls_for_something_else_keep_nothing_busy(fresh_database: Database) -> None:
    await Work(fresh_database, CHUNKS).store(CHUNKS)
    await fresh_database.execute("UPDATE llm_calls SET purpose = 'judge'")
    await begin_at_first(fresh_database)
    assert not await DriftMonitor(fresh_database).observe_next(DriftSource.CALLS)


async def test_each_draft_is_observed_once_by_replicas_that_are_killed(
    fresh_database: Database,
) -> None:
    await Work(fresh_database, STEADY).store(STEADY)
    await begin_at_first(fresh_database)
    random = Random(2)
    for _ in range(20):
        replicas = [asyncio.create_task(observe_all(fresh_database)) for _ in range(2)]
        await asyncio.sleep(random.random() * 0.1)
        for one in replicas:
            one.cancel()
        await asyncio.gather(*replicas, return_exceptions=True)
    await watch(fresh_database, from_beginning=False)
    counts = await fresh_database.fetch(
        "SELECT DISTINCT observations FROM drift_series WHERE metric <> 'unproven_notes'"
    )
    assert [one["observations"] for one in counts] == [STEADY]


@pytest.mark.parametrize("damage", ["version = 0", "state = '[]'", "state = state - 'sample'"])
async def test_a_series_whose_state_cannot_be_read_begins_anew_and_holds_up_no_other(
    fresh_database: Database, damage: str
) -> None:
    work = Work(fresh_database, STEADY + SINCE)
    await work.store(STEADY)
    await watch(fresh_database)
    await fresh_database.execute(
        f"UPDATE drift_series SET {damage} WHERE (metric, dimension) = ('rejected_notes', 'all')"
    )
    await work.store(SINCE, Conditions(refused=0.4))
    found = list_found(await watch(fresh_database, from_beginning=False))
    assert ("rejected_notes", "model", "up") in found


async def test_a_flood_of_names_is_watched_together_and_makes_room_again(
    fresh_database: Database,
) -> None:
    work = Work(fresh_database, MAX_VALUES + 50)
    for number in range(MAX_VALUES + 50):
        await work.store(1, Conditions(producer=f"/p{number}"))
    await watch(fresh_database)
    select = (
        "SELECT value, max(observations) AS observations FROM drift_series"
        " WHERE dimension = 'producer' AND metric = 'rejected_notes' GROUP BY value"
    )
    values = await fresh_database.fetch(select)
    assert len(values) <= MAX_VALUES + 1
    assert {one["value"]: one["observations"] for one in values}[OTHERS] == 50
    await fresh_database.execute(
        "UPDATE drift_series SET last_at = last_at - $1::interval", LEARNS_FOR
    )
    await DriftMonitor(fresh_database).delete_old()
    assert await fresh_database.fetch(select) == []


async def test_alarms_of_what_nothing_is_heard_of_any_more_end(fresh_database: Database) -> None:
    work = Work(fresh_database, STEADY + SINCE)
    await work.store(STEADY)
    await work.store(SINCE, Conditions(refused=0.4))
    assert (await watch(fresh_database)).open_alarms
    await fresh_database.execute(
        "UPDATE drift_series SET last_at = last_at - $1::interval", LEARNS_FOR
    )
    await DriftMonitor(fresh_database).delete_old()
    assert (await DriftStore(fresh_database).read_report()).open_alarms == 0


async def test_what_takes_too_long_to_compare_is_given_up_and_keeps_nothing_from_being_observed(
    fresh_database: Database,
) -> None:
    work = Work(fresh_database, STEADY + SINCE)
    await work.store(STEADY)
    await work.store(SINCE, Conditions(refused=0.4))
    await begin_at_first(fresh_database)
    monitor = DriftMonitor(fresh_database, patience_ms=50)
    for source in DriftSource:
        while await monitor.observe_next(source):
            pass
    assert (await DriftStore(fresh_database).read_report()).alarms[0].side is None
    async with fresh_database.transaction() as blocker:
        await blocker.execute("LOCK TABLE transcripts IN ACCESS EXCLUSIVE MODE")
        tries = 0
        while await monitor.attribute_next():
            tries += 1
            await fresh_database.execute("UPDATE drift_alarms SET not_before = now()")
    report = await DriftStore(fresh_database).read_report()
    assert {one.side for one in report.alarms} == {"cannot_tell"}
    assert tries == MAX_TRIES * len(report.alarms)


async def test_a_large_drift_is_attributed_once_there_are_chunks_to_compare(
    fresh_database: Database,
) -> None:
    work = Work(fresh_database, STEADY + SINCE)
    await work.store(STEADY)
    await work.store(CHUNKS, Conditions(refused=1.0, fingerprint="fp-2"))
    report = await watch(fresh_database)
    assert {one.side for one in report.alarms} == {None}
    assert max(one.observations for one in report.alarms) < 2 * CHUNKS
    await work.store(SINCE - CHUNKS, Conditions(refused=1.0, fingerprint="fp-2"))
    await fresh_database.execute("UPDATE drift_alarms SET not_before = now()")
    report = await watch(fresh_database, from_beginning=False)
    assert {one.side for one in report.alarms} == {"they_changed"}


async def test_operators_see_alarms_over_http(office: Office, fresh_database: Database) -> None:
    work = Work(fresh_database, STEADY + SINCE)
    await work.store(STEADY)
    await work.store(SINCE, Conditions(refused=0.4, fingerprint="fp-2"))
    await watch(fresh_database)
    status, body = await office.ask("GET", "/v1/drift")
    assert status == 200
    report = DriftReport.model_validate(body)
    assert {one.side for one in report.alarms} == {"they_changed"}
    assert all(isinstance(one.alarm_id, UUID) for one in report.alarms)
