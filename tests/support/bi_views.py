"""The views for BI tools: read from the catalogue, frozen in a file, printed into a page."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import asyncpg

from database.migrate import apply_migrations
from database.pool import Connection
from support.postgres import EmbeddedServer

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "views.md"
FROZEN: Final = ROOT / "schemas" / "views" / "onrecord_v1.json"
"""Columns of each view, in their order, as [name, type]: none is ever changed or taken away."""
BEGIN: Final = "<!-- columns: made by `make contracts` -->\n"
END: Final = "<!-- end of columns -->\n"

_COLUMNS: Final = """
SELECT relname AS view, obj_description(pg_class.oid, 'pg_class') AS meaning, attname AS name,
       format_type(atttypid, atttypmod) AS type,
       col_description(pg_class.oid, attnum) AS comment
  FROM pg_class
  JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
 WHERE relnamespace = 'onrecord_v1'::regnamespace
 ORDER BY relname, attnum
"""

Columns = dict[str, list[list[str]]]


async def read_views(connection: Connection) -> dict[str, dict[str, Any]]:
    """Return each view's meaning and its columns: name, type and comment."""
    found: dict[str, dict[str, Any]] = {}
    for row in await connection.fetch(_COLUMNS):
        view = found.setdefault(row["view"], {"meaning": row["meaning"], "columns": []})
        view["columns"].append((row["name"], row["type"], row["comment"]))
    return found


def list_columns(views: dict[str, dict[str, Any]]) -> Columns:
    """Return each view's columns as [name, type]."""
    return {
        name: [[column, kind] for column, kind, _ in view["columns"]]
        for name, view in views.items()
    }


def find_broken_promises(frozen: Columns, now: Columns) -> list[str]:
    """Return what is changed or gone of what was promised; what is added at a view's end is not."""
    broken = []
    for view, columns in frozen.items():
        for place, (name, kind) in enumerate(columns):
            there = now.get(view, [])[place : place + 1]
            if there != [[name, kind]]:
                broken.append(f"{view}.{name} {kind} is now {there}")
    return broken


def freeze(frozen: Columns, now: Columns) -> str:
    """Return the file's text with what was added.

    Raises:
        ValueError: something that was promised is changed or gone.
    """
    if broken := find_broken_promises(frozen, now):
        raise ValueError(f"columns of version 1 never change; make a version 2: {broken}")
    lines = [
        f"  {json.dumps(view)}: [\n"
        + ",\n".join(f"    {json.dumps(column)}" for column in columns)
        + "\n  ]"
        for view, columns in sorted(now.items())
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def put_into(page: str, views: dict[str, dict[str, Any]]) -> str:
    """Return the page with a table for each view between its marks."""
    parts = []
    for name, view in sorted(views.items()):
        rows = [f"| `{column}` | {kind} | {text} |" for column, kind, text in view["columns"]]
        head = ["| column | type | meaning |", "|---|---|---|"]
        parts.append("\n".join([f"### `{name}`", "", view["meaning"], "", *head, *rows]))
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n" + "\n\n".join(parts) + f"\n\n{END}{after}"


async def _read_with_a_server() -> dict[str, dict[str, Any]]:
    server = EmbeddedServer()
    try:
        await apply_migrations(server.settings("postgres"))
        connection = await asyncpg.connect(server.address("postgres"))
        try:
            return await read_views(connection)
        finally:
            await connection.close()
    finally:
        server.destroy()


def main() -> None:
    """Write the frozen columns and the page's tables."""
    views = asyncio.run(_read_with_a_server())
    frozen = json.loads(FROZEN.read_text(encoding="utf-8")) if FROZEN.exists() else {}
    FROZEN.parent.mkdir(exist_ok=True)
    FROZEN.write_text(freeze(frozen, list_columns(views)), encoding="utf-8")
    PAGE.write_text(put_into(PAGE.read_text(encoding="utf-8"), views), encoding="utf-8")


if __name__ == "__main__":
    main()
