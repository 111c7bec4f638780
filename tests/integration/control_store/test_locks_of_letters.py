"""Whoever changes many letters locks them in one order, so that none waits for the other."""

from __future__ import annotations

import asyncio

from control.store import DeadLetterStore
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
        releasing = asyncio.create_task(store.release_claims([first, last]))

        async def is_waiting() -> bool:
            waiting = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"
            return bool(await fresh_database.fetchval(waiting))

        await until(is_waiting)
        async with asyncio.timeout(5):
            await connection.execute(lock, last)
    await releasing
    assert {letter.state for letter in await store.letters()} == {"open"}
