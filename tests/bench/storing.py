"""How many notes a second are stored, against a bare COPY of their rows and against row by row."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import asyncpg

from bench.harness import Lab, Result, at_least, interleaved, paired, spread
from database.migrate import apply_migrations
from database.pool import Database, open_database
from persistence.store import NotesStore
from support.many_interviews import Interview, interview
from support.postgres import EmbeddedServer

WITHOUT_BROKER: Final = True
REPEATS: Final = 5
INTERVIEWS: Final = 40
CHUNKS: Final = 5
NOTES: Final = 5
"""Of each chunk."""
AT_ONCE: Final = 64
"""Messages in flight of the service, by default."""
CONNECTIONS: Final = 10
"""Of the service's pool, by default."""
GOAL_OF_COPY: Final = 0.5
GOAL_OF_ROWS: Final = 20.0

COPIED: Final = ("drafts", "notes", "evidence", "note_themes", "note_questions", "rejected_notes")
"""Tables that a draft's rows go to, in an order in which each refers to those before."""

_LEFT_OUT: Final = {"drafts": ("stored_at",), "notes": ("created_at",)}
"""Columns that have a default."""

_COMPLETE: Final = """
UPDATE chunks AS chunk
   SET stored_at = draft.stored_at, attempt = draft.attempt, model = draft.model,
       model_fingerprint = draft.model_fingerprint, prompt_version = draft.prompt_version,
       input_tokens = draft.input_tokens, output_tokens = draft.output_tokens
  FROM drafts AS draft
 WHERE chunk.chunk_id = draft.chunk_id
"""
_EMPTY: Final = """
DELETE FROM notes;
UPDATE chunks
   SET stored_at = NULL, attempt = NULL, model = NULL, model_fingerprint = NULL,
       prompt_version = NULL, input_tokens = NULL, output_tokens = NULL;
DELETE FROM drafts;
DELETE FROM search_documents WHERE kind <> 'segment';
TRUNCATE settlement_checks, changes;
"""

Rows = dict[str, list[asyncpg.Record]]


async def measure(lab: Lab) -> Result:
    """The same drafts of the same interviews, in turn on one database that is emptied between."""
    made = [interview(number, CHUNKS) for number in range(lab.scaled(INTERVIEWS, least=2))]
    server = EmbeddedServer()
    try:
        await server.arun("CREATE DATABASE bench")
        settings = server.settings("bench").model_copy(update={"pool_max_size": CONNECTIONS})
        await apply_migrations(settings)
        async with open_database(settings) as database:
            connection = await asyncpg.connect(server.address("bench"))
            try:
                return await _compare(made, database, connection, lab.scaled(REPEATS, least=1))
            finally:
                await connection.close()
    finally:
        server.destroy()


async def _compare(
    made: Sequence[Interview], database: Database, connection: Any, repeats: int
) -> Result:
    store = NotesStore(database)
    for one in made:
        await store.store_transcript(one.ingested)
    await _store(store, made)  # loads what comparing takes
    rows = {
        table: list(
            await connection.fetch(f"SELECT {await _columns(connection, table)} FROM {table}")
        )
        for table in COPIED
    }
    # A note comes before those that repeat it.
    rows["notes"].sort(key=lambda row: row["same_as"] is not None)
    notes = len(rows["notes"])

    def timed(run: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[float]]:
        async def side() -> float:
            await connection.execute(_EMPTY)
            await connection.execute("VACUUM ANALYZE")
            began = time.monotonic()
            await run()
            took = time.monotonic() - began
            stored = await connection.fetchval("SELECT count(*) FROM notes")
            assert stored == notes, f"{stored} of {notes} notes are stored"
            return notes / took

        return side

    taken = await interleaved(
        repeats,
        {
            "store": timed(lambda: _store(store, made)),
            "COPY": timed(lambda: _copy(connection, rows)),
            "row by row": timed(lambda: _row_by_row(connection, rows)),
        },
    )
    of_rows = paired(taken["store"], taken["row by row"])
    return Result(
        figure=paired(taken["store"], taken["COPY"]),
        goal=GOAL_OF_COPY,
        better="higher",
        unit="of the notes/s of a bare COPY of the same rows",
        sides={name: spread(figures, "notes_per_s") for name, figures in taken.items()},
        shortfalls=at_least("notes/s / row by row", round(of_rows, 2), GOAL_OF_ROWS),
        notes=(
            f"{notes} notes of {len(made)} interviews, {NOTES} a chunk",
            f"{AT_ONCE} drafts in flight, {CONNECTIONS} connections",
            f"{of_rows:.1f} x row by row",
            "row by row: each in a transaction of its own, a note's with its evidence",
        ),
    )


async def _store(store: NotesStore, made: Sequence[Interview]) -> None:
    """All drafts, as many at a time as the service has in flight."""
    drafts = iter([draft for one in made for draft in one.drafts])

    async def work() -> None:
        for draft in drafts:  # shared: each goes to one task
            await store.store_notes(draft)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


async def _copy(connection: Any, rows: Rows) -> None:
    async with connection.transaction():
        for table in COPIED:
            if rows[table]:
                await connection.copy_records_to_table(
                    table, records=rows[table], columns=list(rows[table][0].keys())
                )
        await connection.execute(_COMPLETE)


async def _row_by_row(connection: Any, rows: Rows) -> None:
    inserted = {
        table: await connection.prepare(_insertion(table, found[0]))
        for table, found in rows.items()
        if found
    }
    evidence: dict[Any, list[asyncpg.Record]] = {}
    for row in rows["evidence"]:
        evidence.setdefault(row["note_id"], []).append(row)
    for row in rows["drafts"]:
        await inserted["drafts"].fetch(*row)
    for row in rows["notes"]:
        # PostgreSQL takes no note without evidence.
        async with connection.transaction():
            await inserted["notes"].fetch(*row)
            for cited in evidence[row["note_id"]]:
                await inserted["evidence"].fetch(*cited)
    for table in COPIED[3:]:
        for row in rows[table]:
            await inserted[table].fetch(*row)
    complete = await connection.prepare(f"{_COMPLETE} AND draft.chunk_id = $1")
    for row in rows["drafts"]:
        await complete.fetch(row["chunk_id"])


def _insertion(table: str, row: asyncpg.Record) -> str:
    names = list(row.keys())
    values = ", ".join(f"${place}" for place in range(1, len(names) + 1))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values})"


async def _columns(connection: Any, table: str) -> str:
    names = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0"
        " AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
        table,
    )
    return ", ".join(row[0] for row in names if row[0] not in _LEFT_OUT.get(table, ()))
