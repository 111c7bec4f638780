"""Where words of an interview are: in which tables, and in which files."""

from __future__ import annotations

from pathlib import Path

from database.pool import Database


async def find_marked(database: Database, word: str) -> dict[str, int]:
    """In which tables a word is, in any column and in whatever case, and in how many rows."""
    tables = await database.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    found = {}
    for table in tables:
        name = table["relname"]
        rows = await database.fetchval(
            f'SELECT count(*) FROM "{name}" AS row WHERE row::text ~* $1',
            word,
        )
        # Bytes are shown as hexadecimal digits.
        rows += await database.fetchval(
            f'SELECT count(*) FROM "{name}" AS row WHERE strpos(row::text, $1) > 0',
            word.encode().hex(),
        )
        if rows:
            found[name] = rows
    # Statistics of columns quote common values.
    if quoted := await database.fetchval(
        "SELECT count(*) FROM pg_stats AS row WHERE row::text ~* $1", word
    ):
        found["pg_stats"] = quoted
    return found


def find_marked_files(folder: Path, word: bytes) -> list[Path]:
    """Files below a folder that have a word; one that is deleted meanwhile has not."""
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            if path.is_file() and word in path.read_bytes():
                found.append(path.relative_to(folder))
        except FileNotFoundError:
            continue
    return found
