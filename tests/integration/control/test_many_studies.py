"""Lists of studies: the same pages whatever else is stored, and no look beyond the page."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Final

import pytest

from database.pool import Database
from read_model import queries
from read_model.queries import ReadModelQueries

STUDIES: Final = 1_500
EACH: Final = 2
LIMIT: Final = 10

_INTERVIEWS: Final = f"""
INSERT INTO transcripts (
    transcript_id, revision, study_id, title, format, study, segment_count, chunk_count,
    content_sha256, ingested_at
)
SELECT gen_random_uuid(), 1, 'study-' || lpad((number / {EACH})::text, 6, '0'), 'A talk', 'plain',
       jsonb_build_object('name', 'Study ' || number), 1, 1, repeat('a', 64),
       now() - $3::interval + number * interval '1 ms'
  FROM generate_series($1::int, $2::int - 1) AS number
"""
_REGISTERED: Final = """
WITH made AS (
    INSERT INTO studies (study_id, doubtful_speakers, statements, registered_by, archived_at)
    VALUES ($1, 'refuse', 'proven', 'ada', $2) RETURNING study_id
)
INSERT INTO study_versions (study_id, version, inputs, created_by)
SELECT study_id, 1, jsonb_build_object('name', 'Registered'), 'ada' FROM made
"""


@pytest.fixture
async def many(fresh_database: Database) -> Database:
    """A database with interviews of many studies."""
    for begin in range(0, STUDIES * EACH, 1_000):  # each takes a lock, of which there are so many
        await fresh_database.execute(_INTERVIEWS, begin, begin + 1_000, timedelta(hours=1))
    await fresh_database.execute("ANALYZE")
    return fresh_database


def name(number: int) -> str:
    return f"study-{number:06d}"


async def looked_at(database: Database, only: list[str] | None, after: str | None) -> int:
    """Rows of interviews and studies that PostgreSQL reads for one page."""
    plan = await database.fetchval(
        "EXPLAIN (ANALYZE, FORMAT JSON) " + queries._QUERIES.select_study_summaries,
        only,
        after,
        LIMIT,
    )
    return sum(_rows(json.loads(plan)[0]["Plan"]))


def _rows(node: dict[str, Any]) -> list[int]:
    below = [rows for child in node.get("Plans", ()) for rows in _rows(child)]
    own = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return [*below, round(own * node["Actual Loops"])] if "Relation Name" in node else below


@pytest.mark.parametrize("after", [None, name(STUDIES // 2), name(STUDIES - LIMIT - 1)])
@pytest.mark.parametrize("some", [False, True])
async def test_a_page_looks_at_its_own_studies_alone(
    many: Database,
    after: str | None,
    some: bool,  # noqa: FBT001 - a parameter
) -> None:
    only = [name(number) for number in range(STUDIES)] if some else None
    assert await looked_at(many, only, after) < LIMIT * EACH * 10
    page = await ReadModelQueries(many).study_summaries(only, limit=LIMIT, after=after)
    begin = 0 if after is None else int(after.removeprefix("study-")) + 1
    assert [one.study_id for one in page] == [name(begin + number) for number in range(LIMIT)]
    assert {one.interviews for one in page} == {EACH}
    assert page[0].name == f"Study {begin * EACH + EACH - 1}"  # as the latest has it


async def test_studies_without_interviews_stand_among_the_others(many: Database) -> None:
    await many.execute(_REGISTERED, "study-000001a", None)
    await many.execute(_REGISTERED, "Study", None)  # by bytes, before small letters
    await many.execute(_REGISTERED, "study-000001b", await many.fetchval("SELECT now()"))
    await many.execute(_REGISTERED, name(2), await many.fetchval("SELECT now()"))
    await many.execute("UPDATE transcripts SET withdrawn_at = now() WHERE study_id = $1", name(3))
    reading = ReadModelQueries(many)
    page = await reading.study_summaries(None, limit=6)
    shown = [(one.study_id, one.name, one.interviews) for one in page]
    assert shown == [
        ("Study", "Registered", 0),
        (name(0), "Study 1", 2),
        (name(1), "Study 3", 2),
        ("study-000001a", "Registered", 0),
        (name(2), "Study 5", 2),  # archived, and its interviews are there
        (name(4), "Study 9", 2),
    ]
    few = await reading.study_summaries(["study-000001b", name(3), name(9), "none"], limit=6)
    assert [one.study_id for one in few] == [name(9)]
    assert await reading.study_summaries([], limit=6) == []
