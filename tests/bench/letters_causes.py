"""The causes of 1,000,000 dead letters, beside a count of the letters; a filter's first page."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Final

from bench.harness import Lab, Result, at_most, interleaved, paired, spread
from contracts.control_api import DeadLetterFilter, DeadLetterState
from contracts.letter_causes import ListCausesRequest
from control.letters.causes import LetterCauseStore
from control.letters.store import DeadLetterStore
from database.migrate import apply_migrations
from database.pool import Database, open_database
from support.postgres import EmbeddedServer

WITHOUT_BROKER: Final = True
LETTERS: Final = 1_000_000
AT_ONCE: Final = 50_000
CAUSES: Final = 40
STUDIES: Final = 30
DAYS: Final = 30
TIMES: Final = 10
GOAL_MS: Final = 200.0

_FILL: Final = f"""
INSERT INTO dead_letters (
    letter_id, service, dlq_topic, dlq_partition, dlq_offset, source_topic, consumer_group,
    error_code, error_type, error_message, attempts, timeouts, failed_at, fingerprint, headers,
    size_bytes, study_id, subject
)
SELECT gen_random_uuid(), 'enrichment', 'enrichment-dlq', 0, number, 'chunks-ready', 'g',
       CASE number % 3 WHEN 0 THEN 'llm_timeout' ELSE 'ungrounded' END,
       'Error' || number % {CAUSES}, 'no answer in ' || number || ' s', 3, 1,
       now() - (number::float8 / $3) * interval '{DAYS} days', '', '[]', 1,
       'study-' || (number / 7) % {STUDIES}, md5('chunk ' || number)::uuid::text
  FROM generate_series($1::bigint, $2::bigint - 1) AS number
"""
_SCAN: Final = """
SELECT service, error_code, error_type, cause_id, state, count(*), min(failed_at), max(failed_at)
  FROM dead_letters
 GROUP BY 1, 2, 3, 4, 5
"""


async def measure(lab: Lab) -> Result:
    """Milliseconds until all causes are there."""
    server = await asyncio.to_thread(EmbeddedServer)
    try:
        await server.arun("CREATE DATABASE bench")
        settings = server.settings("bench")
        await apply_migrations(settings)
        async with open_database(settings) as database:
            number = lab.scaled(LETTERS, least=10_000)
            await fill_letters(database, number)
            return await _compare(lab, database, number)
    finally:
        await asyncio.to_thread(server.destroy)


async def _compare(lab: Lab, database: Database, number: int) -> Result:
    causes, store = LetterCauseStore(database), DeadLetterStore(database)
    await causes.sum_counts()
    await database.execute("ANALYZE")
    (one, *_) = (await causes.causes(ListCausesRequest())).causes
    which = DeadLetterFilter(
        cause=one.cause_id, study=one.studies[0].study_id, state=DeadLetterState.OPEN
    )
    found = await interleaved(
        lab.repeats,
        {
            "ours": lambda: _milliseconds(lambda: causes.causes(ListCausesRequest())),
            "scan": lambda: _milliseconds(lambda: database.fetch(_SCAN)),
        },
    )
    pages = [await _milliseconds(lambda: store.letters(which, limit=100)) for _ in range(TIMES)]
    assert len(await store.letters(which, limit=100)) == 100
    return Result(
        figure=paired(found["ours"], found["scan"]),
        goal=0.2,
        better="lower",
        unit="of the time that a count of the letters takes",
        sides={
            "ours": {
                **spread(found["ours"], "milliseconds"),
                "filter_first_page_ms": round(median(pages), 1),
            },
            "a count of the letters": spread(found["scan"], "milliseconds"),
        },
        shortfalls=(
            *at_most("ms until the causes are there", round(median(found["ours"]), 1), GOAL_MS),
            *at_most("ms of a filter's first page", round(median(pages), 1), GOAL_MS),
        ),
        notes=(
            f"{number:,} letters of {CAUSES} causes, {STUDIES} studies and {DAYS} days",
            "a filter: one cause in one study, open, the latest 100",
        ),
    )


async def fill_letters(database: Database, number: int) -> None:
    """Index letters: of chunks, of several causes, studies and days."""
    for begin in range(0, number, AT_ONCE):
        await database.execute(_FILL, begin, min(begin + AT_ONCE, number), float(number))


async def _milliseconds(run: Callable[[], Awaitable[object]]) -> float:
    begin = time.perf_counter()
    await run()
    return (time.perf_counter() - begin) * 1_000
