"""Erasing an interview among 1,000 others: how long until PostgreSQL has nothing of it."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from bench.harness import Lab, Result, at_most
from contracts.erasures import EraseRequest
from control.erasures.receipts import CopiesElsewhere
from control.erasures.runner import ErasureRunner
from control.erasures.store import ErasureStore
from database.migrate import apply_migrations
from database.pool import Database, open_database
from messaging import KafkaSettings
from support.compared_interviews import store_compared_interviews
from support.postgres import EmbeddedServer

WITHOUT_BROKER: Final = True
INTERVIEWS: Final = 1_000
CHUNKS: Final = 20
TIMES: Final = 5
GOAL_S: Final = 5


async def measure(lab: Lab) -> Result:
    """Seconds from the request until an interview's rows are deleted, and statistics made anew."""
    server = await asyncio.to_thread(EmbeddedServer)
    try:
        await server.arun("CREATE DATABASE bench")
        settings = server.settings("bench")
        await apply_migrations(settings)
        async with open_database(settings) as database:
            await store_compared_interviews(database, lab.scaled(INTERVIEWS, least=10), CHUNKS)
            return await _measure_erasing(database)
    finally:
        await asyncio.to_thread(server.destroy)


async def _measure_erasing(database: Database) -> Result:
    notes = await database.fetchval("SELECT count(*) FROM notes")
    store = ErasureStore(database)
    runner = ErasureRunner(database, KafkaSettings(), CopiesElsewhere.unstated())
    ids = await database.fetch("SELECT DISTINCT transcript_id FROM transcripts LIMIT $1", TIMES)
    took = []
    for row in ids:
        wanted = EraseRequest(transcript_id=row["transcript_id"], reason="a measure")
        begin = time.perf_counter()
        begun = await store.begin(wanted, await store.select(wanted), "bench")
        await runner.delete_rows(begun.erasure_id, again=False)
        took.append(round(time.perf_counter() - begin, 2))
    left = await database.fetchval(
        "SELECT count(*) FROM transcripts JOIN erased_transcripts USING (transcript_id)"
    )
    assert left == 0
    return Result(
        figure=max(took),
        goal=GOAL_S,
        better="lower",
        unit="s of the slowest of some interviews",
        sides={
            "seconds": {f"interview {number}": one for number, one in enumerate(took, start=1)},
            "database": {"notes": notes},
        },
        shortfalls=(*at_most("slowest, s", max(took), GOAL_S),),
    )
