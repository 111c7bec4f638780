"""Statements that change many letters lock them in one order, so that none waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from control.letters.store import DeadLetterStore
from control.queries import load_control_queries
from database.pool import Database
from support.settled_interviews import SettledInterview
from support.waiting import until


async def test_a_release_of_claims_meets_others_in_the_order_of_ids(
    fresh_database: Database,
) -> None:
    interview, store = SettledInterview(fresh_database), DeadLetterStore(fresh_database)
    first, last = sorted([(await interview.set_aside(one)).letter_id for one in (1, 2)])
    for letter_id in (last, first):  # so that the table has them in this order
        assert await store.claim_for_replay(letter_id)
    lock = "SELECT FROM dead_letters WHERE letter_id = $1 FOR UPDATE"
    async with fresh_database.transaction() as connection:
        await connection.execute(lock, first)
        releasing = asyncio.create_task(
            _release_in_order_of_table(fresh_database, [first, last], store.claimant)
        )

        async def is_waiting() -> bool:
            waiting = (
                "SELECT count(*) > 0 FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            return bool(await fresh_database.fetchval(waiting))

        await until(is_waiting)
        async with asyncio.timeout(5):
            await connection.execute(lock, last)
    await releasing
    assert {letter.state for letter in await store.letters()} == {"open"}


async def _release_in_order_of_table(
    database: Database, letter_ids: Sequence[UUID], claimant: int
) -> None:
    """Release claims as where PostgreSQL reads the whole table, as it does for many letters."""
    queries = load_control_queries("store.sql")
    async with database.transaction() as connection:
        await connection.execute("SET LOCAL enable_indexscan = off")
        await connection.execute("SET LOCAL enable_bitmapscan = off")
        await connection.execute(queries.release_claims, letter_ids, [], claimant)
