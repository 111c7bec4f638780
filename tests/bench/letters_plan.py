"""Freezing the set of a plan of 1,000,000 dead letters, beside a sort of their ids alone."""

from __future__ import annotations

import asyncio
import time
from statistics import median
from typing import Final

from bench.harness import Lab, Result, at_most, interleaved, paired, spread
from bench.letters_causes import fill_letters
from contracts.replay_plans import CreateReplayPlanRequest, ReplayPlanFilter
from control.letters.store import DeadLetterStore
from control.replays.plans import ReplayPlanStore
from database.migrate import apply_migrations
from database.pool import Database, open_database
from support.postgres import EmbeddedServer

WITHOUT_BROKER: Final = True
LETTERS: Final = 1_000_000
GOAL: Final = 12.0
ANSWER_GOAL_S: Final = 2.0
FROZEN_S_A_MILLION: Final = 15.0
CHUNKS_OF_AN_INTERVIEW: Final = 100

_INTERVIEWS: Final = """
INSERT INTO transcripts (
    transcript_id, revision, study_id, title, format, content_sha256, study, segment_count,
    chunk_count
)
SELECT md5('interview ' || number)::uuid, 1, 'bikes', 'T', 'vtt', '', '{}', 100, $2::int
  FROM generate_series(0, $1::bigint / $2::int) AS number
"""
_CHUNKS: Final = """
INSERT INTO chunks (chunk_id, transcript_id, revision, index, first_segment, last_segment)
SELECT md5('chunk ' || number)::uuid, md5('interview ' || number / $2::int)::uuid, 1,
       number % $2::int + 1, 1, 1
  FROM generate_series(0, $1::bigint - 1) AS number
"""
_BARE: Final = """
SELECT cardinality(array_agg(letter_id ORDER BY dlq_offset))
  FROM dead_letters
 WHERE NOT settled AND state = 'open'
"""


async def measure(lab: Lab) -> Result:
    """Seconds until a plan of all letters is there, and its set is frozen."""
    server = await asyncio.to_thread(EmbeddedServer)
    try:
        await server.arun("CREATE DATABASE bench")
        settings = server.settings("bench")
        await apply_migrations(settings)
        async with open_database(settings) as database:
            number = lab.scaled(LETTERS, least=10_000)
            await database.execute(_INTERVIEWS, number, CHUNKS_OF_AN_INTERVIEW)
            await database.execute(_CHUNKS, number, CHUNKS_OF_AN_INTERVIEW)
            await fill_letters(database, number)
            await database.execute("ANALYZE")
            return await _compare(lab, database, number)
    finally:
        await asyncio.to_thread(server.destroy)


async def _compare(lab: Lab, database: Database, number: int) -> Result:
    plans = ReplayPlanStore(database, DeadLetterStore(database))
    answers: list[float] = []
    found = await interleaved(
        lab.repeats,
        {
            "ours": lambda: _freeze(plans, ReplayPlanFilter(), number, answers),
            "sort": lambda: _sort(database, number),
        },
    )
    one_study = await _freeze(plans, ReplayPlanFilter(study="study-3"), None, [])
    frozen_s, answer_s = median(found["ours"]), median(answers)
    return Result(
        figure=paired(found["ours"], found["sort"]),
        goal=GOAL,
        better="lower",
        unit="of the time that a sort of the letters' ids takes",
        sides={
            "ours": {
                **spread(found["ours"], "seconds_until_frozen"),
                "seconds_until_the_answer": round(answer_s, 2),
                "seconds_of_one_study": round(one_study, 2),
            },
            "a sort of the ids": spread(found["sort"], "seconds"),
        },
        shortfalls=(
            *at_most("s until the answer", round(answer_s, 2), ANSWER_GOAL_S),
            *at_most(
                "s until the set is frozen, a million letters",
                round(frozen_s * LETTERS / number, 1),
                FROZEN_S_A_MILLION,
            ),
        ),
        notes=(
            f"{number:,} letters, each of a chunk, {CHUNKS_OF_AN_INTERVIEW} chunks an interview",
            "above 200,000 letters the answer comes first, then the set is frozen as of its time",
        ),
    )


async def _freeze(
    plans: ReplayPlanStore, which: ReplayPlanFilter, number: int | None, answers: list[float]
) -> float:
    begin = time.perf_counter()
    plan = await plans.create(CreateReplayPlanRequest(which=which), "bench")
    answers.append(time.perf_counter() - begin)
    await plans.freeze(plan.plan_id)
    taken_s = time.perf_counter() - begin
    plan = await plans.plan(plan.plan_id)
    assert plan.set_sha256
    assert number is None or plan.letters == number
    return taken_s


async def _sort(database: Database, number: int) -> float:
    begin = time.perf_counter()
    assert await database.fetchval(_BARE) == number
    return time.perf_counter() - begin
