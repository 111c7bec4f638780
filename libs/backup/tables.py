"""Tables of a backup: which there are, and their rows out of and into PostgreSQL.

Rows travel in the text form of COPY, which the next major versions of PostgreSQL read too. The
schema is not in a backup: migrations make it, whose hashes the backup has.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backup.archive import PIECE_BYTES, ArchiveWriter
from backup.errors import BackupFileError
from backup.manifest import AppliedMigration, BackedUpTable, FilePart, SequenceState
from database.pool import Connection
from database.queries import load_queries

QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "tables.sql")

LEFT_OUT: Final = ("changes", "llm_claims", "sessions")
"""Tables whose rows mean nothing later: news in the order of a server's own transactions, calls
under way, and logins of browsers, which are not to come back when they have ended meanwhile."""

SEQUENCE_GAP: Final = 1_000_000
"""Numbers that are left out after a restoration, so that those which were given after the backup do
not come to mean something else, such as entries of the trail that somebody has quoted."""

Progress = Callable[[str, int], None]
"""Called with the name of a table, and how many more bytes of its rows there are."""


@dataclass(frozen=True, slots=True)
class TableToCopy:
    """Table of the database, with its columns that are not computed and its size on disk."""

    name: str
    columns: tuple[str, ...]
    size: int


async def list_tables(connection: Connection) -> list[TableToCopy]:
    """Return our tables, but for those that are left out, by name."""
    return [
        TableToCopy(row["name"], tuple(row["columns"]), row["size"])
        for row in await connection.fetch(QUERIES.select_tables)
        if row["name"] not in LEFT_OUT
    ]


async def list_migrations(connection: Connection) -> tuple[AppliedMigration, ...]:
    """Return what was applied to the database, in order; nothing if it is empty."""
    if not await connection.fetchval(QUERIES.select_schema_exists):
        return ()
    rows = await connection.fetch(QUERIES.select_migrations)
    return tuple(AppliedMigration(**dict(row)) for row in rows)


async def list_sequences(connection: Connection) -> tuple[SequenceState, ...]:
    """Return our sequences with their last values."""
    rows = await connection.fetch(QUERIES.select_sequences)
    return tuple(SequenceState(**dict(row)) for row in rows)


async def list_foreign_relations(connection: Connection) -> tuple[str, ...]:
    """Return the relations in our schema that are others', such as an analyst's views."""
    owner = await connection.fetchval(QUERIES.select_owner)
    return tuple(row[0] for row in await connection.fetch(QUERIES.select_foreign, owner))


async def copy_table_out(
    connection: Connection, table: TableToCopy, archive: ArchiveWriter, progress: Progress
) -> BackedUpTable:
    """Copy a table's rows into a backup, a piece at a time.

    Args:
        connection: in the snapshot.
        table: which.
        archive: takes the pieces.
        progress: called with each.
    """
    pieces = _Pieces(table.name, archive, progress)
    await connection.copy_from_table(
        table.name, schema_name="public", columns=table.columns, output=pieces.add
    )
    pieces.end()
    return BackedUpTable(name=table.name, columns=table.columns, rows=pieces.rows, size=pieces.size)


class _Pieces:
    """Cuts what COPY sends, which is a row or more at a time, into pieces of the file."""

    def __init__(self, table: str, archive: ArchiveWriter, progress: Progress) -> None:
        self._table = table
        self._archive = archive
        self._progress = progress
        self._number = 0
        self._waiting = bytearray()
        self.rows = 0
        self.size = 0

    async def add(self, data: bytes) -> None:
        self._waiting += data
        if len(self._waiting) >= PIECE_BYTES and self._waiting.endswith(b"\n"):
            self.end()

    def end(self) -> None:
        if not self._waiting:
            return
        part = self._archive.add_piece(self._table, self._number, self._waiting)
        self._number += 1
        self.rows += part.rows
        self.size += part.content_size
        self._progress(self._table, part.content_size)
        self._waiting.clear()


async def copy_tables_in(
    connection: Connection,
    tables: Sequence[BackedUpTable],
    pieces: Iterable[tuple[str, FilePart, bytes]],
    progress: Progress,
) -> None:
    """Copy all tables of a backup into empty tables.

    Args:
        connection: of the tables' owner, without triggers and policies in the way.
        tables: in the order of the file.
        pieces: of the file.
        progress: called with each.

    Raises:
        BackupFileError: PostgreSQL took another number of rows.
    """
    following = _Following(pieces, progress)
    for table in tables:
        tag = await connection.copy_to_table(
            table.name, schema_name="public", columns=table.columns, source=following.of(table.name)
        )
        if tag != f"COPY {table.rows}":
            raise BackupFileError(
                f"{table.name}: {table.rows} rows were expected, and PostgreSQL took {tag[5:]}"
            )


class _Following:
    """Hands out the pieces of the file, table by table."""

    def __init__(self, pieces: Iterable[tuple[str, FilePart, bytes]], progress: Progress) -> None:
        self._pieces: Iterator[tuple[str, FilePart, bytes]] = iter(pieces)
        self._next = next(self._pieces, None)
        self._progress = progress

    async def of(self, table: str) -> AsyncIterator[bytes]:
        while self._next is not None and self._next[0] == table:
            _, part, rows = self._next
            yield rows
            self._progress(table, part.content_size)
            self._next = next(self._pieces, None)


Fill = Callable[[], Awaitable[None]]


async def fill_tables(connection: Connection, fill: Fill) -> None:
    """Call a function that fills our tables, with nothing in its way, and put all back.

    Triggers made their rows when those of the backup were written. Foreign keys, and indexes that
    no constraint has, are made anew when all rows are there, which checks them and is quicker. What
    migrations put into tables is taken out first.

    Args:
        connection: of the tables' owner, in a transaction.
        fill: fills them.
    """
    keys = await connection.fetch(QUERIES.select_foreign_keys)
    indexes = await connection.fetch(QUERIES.select_indexes)
    locks = await connection.fetch(QUERIES.select_unlocks)
    names = [row["name"] for row in await connection.fetch(QUERIES.select_tables)]
    for row in (*keys, *indexes):
        await connection.execute(row["drop"])
    for row in locks:
        await connection.execute(row["unlock"])
    await connection.execute(f"TRUNCATE {', '.join(_quote(name) for name in names)}")
    await fill()
    for row in (*indexes, *keys):
        await connection.execute(row["make"])
    for row in locks:
        await connection.execute(row["lock"])


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
