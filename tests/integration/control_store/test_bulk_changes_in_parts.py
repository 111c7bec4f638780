"""Bulk changes in many parts: each part costs what it changes, wherever in the DLQs it begins."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from contracts.control_api import DeadLetterFilter, DeadLetterState
from contracts.letter_changes import BEGIN, DlqPlace
from control.letters.bulk_changes import BulkChangePart, LetterBulkChanger
from control.letters.store import DeadLetterStore, format_filter
from control.queries import load_control_queries
from database.pool import Database

LETTERS = 20_000
PART = 500
ALL = DeadLetterFilter()
QUERIES = load_control_queries("bulk_changes.sql")

FILL = """
INSERT INTO dead_letters (
    letter_id, service, dlq_topic, dlq_partition, dlq_offset, source_topic, source_partition,
    source_offset, consumer_group, error_code, error_type, error_message, attempts, timeouts,
    failed_at, fingerprint, headers, size_bytes
)
SELECT gen_random_uuid(), 'enrichment', 'enrichment-dlq', number % 3, number, 'chunks-ready', 0,
       number, 'g', 'llm_timeout', 'E', 'no answer', 3, 1, now(), '', '[]', 1
  FROM generate_series(1, $1) AS number
"""


async def read_pages(
    database: Database, query: str, after: DlqPlace, *values: object
) -> tuple[int, DlqPlace]:
    """Change the part behind a place; how many pages that read, and where the part ends."""
    given = (format_filter(ALL), datetime.now(UTC) + timedelta(days=1), PART, *values, *after)
    async with database.transaction() as connection:
        await connection.execute(QUERIES.walk_letters_in_order)
        plan = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}", *given)
    pages = [json.loads(plan)[0]["Plan"]]
    scanned = 0
    while pages:
        node = pages.pop()
        pages += node.get("Plans", ())
        if node["Node Type"] == "Index Scan" and "dlq_topic" in node.get("Index Cond", ""):
            scanned += node["Shared Hit Blocks"] + node["Shared Read Blocks"]
    assert scanned, plan
    last = await database.fetchrow(
        "SELECT dlq_topic, dlq_partition, dlq_offset FROM dead_letters "
        "WHERE discard_id IS NOT NULL OR snoozed_until IS NOT NULL "
        "ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT 1"
    )
    assert last is not None
    return scanned, (last[0], last[1], last[2])


@pytest.mark.parametrize("change", ["discard", "snooze"])
async def test_the_last_part_reads_no_more_pages_than_the_first(
    fresh_database: Database, change: str
) -> None:
    await fresh_database.execute(FILL, LETTERS)
    await fresh_database.execute("ANALYZE dead_letters")
    query = QUERIES.discard_many if change == "discard" else QUERIES.snooze_many
    values: Sequence[Any] = (
        ("a test", uuid4()) if change == "discard" else (datetime.now(UTC) + timedelta(days=1),)
    )
    after, pages = BEGIN, []
    for _ in range(LETTERS // PART):
        read, after = await read_pages(fresh_database, query, after, *values)
        pages.append(read)
    assert max(pages) <= 2 * pages[0]


async def test_parts_change_each_letter_once_and_end(fresh_database: Database) -> None:
    await fresh_database.execute(FILL, 1_000)
    bulk, until = LetterBulkChanger(fresh_database), datetime.now(UTC)
    snooze_until = until + timedelta(days=1)
    counts, after, is_more = [], BEGIN, True
    while is_more:
        part = BulkChangePart(until, 300, after)
        snoozed = await bulk.snooze(ALL, snooze_until=snooze_until, part=part)
        after, is_more = snoozed.after, snoozed.is_more
        counts.append(snoozed.snoozed)
    assert (counts, after) == ([300, 300, 300, 100], ("enrichment-dlq", 2, 998))
    nothing = await bulk.snooze(ALL, snooze_until=None, part=BulkChangePart(until, 300, after))
    assert (nothing.snoozed, nothing.after, nothing.is_more) == (0, after, False)
    woken = await bulk.snooze(ALL, snooze_until=None, part=BulkChangePart(until, 10_000))
    assert woken.snoozed == 1_000
    # Without a place, as requests of earlier versions are, each goes on with what is left.
    discard_id, discarded = uuid4(), 0
    for _ in range(4):
        part = BulkChangePart(until, 300)
        found = await bulk.discard(ALL, reason="a test", discard_id=discard_id, part=part)
        discarded += found.discarded
    assert (discarded, found.is_more) == (1_000, False)
    which = DeadLetterFilter(state=DeadLetterState.OPEN)
    assert await DeadLetterStore(fresh_database).letters(which) == []
