"""What each database role may do: found by trying, and printed into ``docs/security.md``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg

from database.migrate import apply_migrations
from database.pool import Connection
from database.rights import BI_OPERATOR, BI_READER, GROUPS
from support.postgres import EmbeddedServer

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "security.md"
BEGIN: Final = "<!-- what each role may do: made by `make contracts` -->\n"
END: Final = "<!-- end of what each role may do -->\n"
VERBS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
OF_BI: Final = (BI_READER, BI_OPERATOR)
"""Roles of BI tools, which have no right to any table: docs/views.md has their views."""
ON_TABLES: Final = tuple(role for role in GROUPS if role not in OF_BI)

_TABLES: Final = """
SELECT relname, relkind = 'v' AS is_view,
       ARRAY(SELECT attname::text FROM pg_attribute
              WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum)
           AS columns
  FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') ORDER BY relname
"""


@asynccontextmanager
async def acting_as(connection: Connection, role: str) -> AsyncIterator[None]:
    """Take a role within the block; whatever is done in it is rolled back."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(f"SET LOCAL ROLE {role}")
        yield
    finally:
        await transaction.rollback()


async def may(connection: Connection, role: str, statement: str) -> bool:
    """Return whether PostgreSQL lets a role run a statement, whatever else is wrong with it."""
    try:
        async with acting_as(connection, role):
            await connection.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        return False
    except asyncpg.PostgresError:
        return True  # it got further, such as to a constraint
    return True


async def try_role(connection: Connection, role: str) -> dict[str, dict[str, list[str]]]:
    """Try every verb on every table as a role.

    Returns:
        For each table and verb that it may use, the columns; an empty list means all of them.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for table in await connection.fetch(_TABLES):
        name, columns = table["relname"], table["columns"]
        verbs = VERBS[:1] if table["is_view"] else VERBS
        allowed = {verb: await _columns(connection, role, name, verb, columns) for verb in verbs}
        found[name] = {
            verb: [] if only == columns else only for verb, only in allowed.items() if only
        }
    return found


async def _columns(
    connection: Connection, role: str, table: str, verb: str, columns: list[str]
) -> list[str]:
    """Return the columns of a table that a role may use with a verb; none if it may not at all."""
    by_column = {
        "SELECT": "SELECT {column} FROM {table} LIMIT 0",
        "UPDATE": "UPDATE {table} SET {column} = DEFAULT WHERE false",
    }
    whole = {
        "INSERT": "INSERT INTO {table} DEFAULT VALUES",
        "DELETE": "DELETE FROM {table} WHERE false",
        "TRUNCATE": "TRUNCATE {table}",
    }
    if verb in whole:
        return columns if await may(connection, role, whole[verb].format(table=table)) else []
    statements = {
        column: by_column[verb].format(table=table, column=f'"{column}"') for column in columns
    }
    return [name for name, one in statements.items() if await may(connection, role, one)]


async def build_table(connection: Connection) -> str:
    """Return the Markdown table of roles, tables and verbs; each cell of it was tried."""
    roles = {role: await try_role(connection, role) for role in ON_TABLES}
    names = [role.removeprefix("onrecord_").replace("_", " ") for role in ON_TABLES]
    lines = [f"| table | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for table in sorted({table for tables in roles.values() for table in tables}):
        cells = [_cell(tables[table]) for tables in roles.values()]
        lines.append(f"| `{table}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(verbs: dict[str, list[str]]) -> str:
    return ", ".join(f"{verb.lower()}{' (some)' if only else ''}" for verb, only in verbs.items())


def put_into(page: str, table: str) -> str:
    """Return the page with another table between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


async def _build_with_a_server() -> str:
    server = EmbeddedServer()
    try:
        settings = server.settings("postgres")
        await apply_migrations(settings)
        connection = await asyncpg.connect(server.address("postgres"))
        try:
            return await build_table(connection)
        finally:
            await connection.close()
    finally:
        server.destroy()


if __name__ == "__main__":
    PAGE.write_text(
        put_into(PAGE.read_text(encoding="utf-8"), asyncio.run(_build_with_a_server())),
        encoding="utf-8",
    )
