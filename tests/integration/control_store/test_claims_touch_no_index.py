"""A claim of a letter, its release and its mark leave the indexes alone: heap-only updates."""

from __future__ import annotations

from typing import cast

from control.letters.store import DeadLetterStore
from database.pool import Connection, Database
from support.settled_interviews import SettledInterview

CHANGED_BY_A_CLAIM = {
    "state",
    "state_changed_at",
    "state_reason",
    "replay_began_at",
    "claimed_by",
    "plan_id",
}

INDEXED = """
SELECT DISTINCT attribute.attname
  FROM pg_index AS index
  JOIN pg_attribute AS attribute ON attribute.attrelid = index.indrelid
 WHERE index.indrelid = 'dead_letters'::regclass
   AND (attribute.attnum = ANY (index.indkey::int2[])
        OR EXISTS (
            SELECT FROM pg_depend AS named
             WHERE named.classid = 'pg_class'::regclass AND named.objid = index.indexrelid
               AND named.refobjid = index.indrelid AND named.refobjsubid = attribute.attnum
        ))
"""


async def test_what_a_claim_changes_is_in_no_index_nor_its_predicate(
    fresh_database: Database,
) -> None:
    indexed = {row["attname"] for row in await fresh_database.fetch(INDEXED)}
    assert {"letter_id", "settled", "snoozed_until"} <= indexed
    assert not indexed & CHANGED_BY_A_CLAIM


async def test_a_mark_is_a_heap_only_update_too(fresh_database: Database) -> None:
    interview = SettledInterview(fresh_database)
    letter_id = (await interview.dies(1, 0)).letter_id
    async with fresh_database.transaction() as connection:
        store = DeadLetterStore(cast(Database, _OneSession(connection)))
        assert await store.claim_for_replay(letter_id)
        claimed = await count_updates(connection)
        await store.mark_many_replayed([letter_id])
        marked = await count_updates(connection)
    assert (marked[0] - claimed[0], marked[1] - claimed[1]) == (1, 1)
    assert (await fresh_database.fetchval("SELECT settled FROM dead_letters")) is False
    assert await fresh_database.fetchval("SELECT letter_id FROM awaited_replays") == letter_id


async def test_claims_and_releases_are_heap_only_updates(fresh_database: Database) -> None:
    interview = SettledInterview(fresh_database)
    letters = [(await interview.dies(1, number)).letter_id for number in range(20)]
    async with fresh_database.transaction() as connection:
        store = DeadLetterStore(
            cast(Database, _OneSession(connection))
        )  # the counts are a session's
        before = await count_updates(connection)
        for letter_id in letters:
            assert await store.claim_for_replay(letter_id)
        claimed = await count_updates(connection)
        await store.release_claims(letters)
        released = await count_updates(connection)
    assert claimed[0] - before[0] == released[0] - claimed[0] == 20
    assert claimed[1] - before[1] >= 15
    # Within one transaction a page gets no room back, so that most of these go elsewhere.
    assert released[1] > claimed[1]


async def count_updates(connection: Connection) -> tuple[int, int]:
    """This session's updates of letters, and those of them that were heap-only."""
    row = await connection.fetchrow(
        "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables"
        " WHERE relname = 'dead_letters'"
    )
    assert row is not None
    return row["n_tup_upd"], row["n_tup_hot_upd"]


class _OneSession:
    """The part of a database that the store uses here, within one transaction."""

    def __init__(self, connection: object) -> None:
        self.fetch = connection.fetch  # type: ignore[attr-defined]
        self.fetchval = connection.fetchval  # type: ignore[attr-defined]
        self.execute = connection.execute  # type: ignore[attr-defined]
