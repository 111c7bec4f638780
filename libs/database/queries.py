"""Named SQL queries from ``.sql`` files.

-- name: select_chunk
-- One chunk by its id.
SELECT … FROM chunks WHERE chunk_id = $1;
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from database.errors import QueryFileError

_NAME: Final = re.compile(r"^-- name:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_IDENTIFIER: Final = re.compile(r"[a-z][a-z0-9_]*")


class Queries:
    """Collection of named SQL queries: ``queries.select_chunk`` is the SQL of that query."""

    def __init__(self, sql_by_name: dict[str, str]) -> None:
        self._sql_by_name = sql_by_name

    def __getattr__(self, name: str) -> str:
        try:
            return self._sql_by_name[name]
        except KeyError:
            raise QueryFileError(
                f"no query is named {name!r}; there are {', '.join(self)}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._sql_by_name))


def load_queries(*files: Path) -> Queries:
    """Load the named SQL queries from the ``.sql`` files of a Python package.

    Raises:
        QueryFileError: a file has no query; a query has a name that is no lower-case identifier,
            no description or no SQL; or two queries share a name.
    """
    found: dict[str, str] = {}
    for file in files:
        for name, sql in _parse(file):
            if name in found:
                raise QueryFileError(f"{file.name}: there are two queries named {name!r}")
            found[name] = sql
    return Queries(found)


def transpose_rows(width: int, rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Convert rows to one list per column, as PostgreSQL's ``unnest`` takes them."""
    return [[row[column] for row in rows] for column in range(width)]


def _parse(file: Path) -> Iterator[tuple[str, str]]:
    _, *parts = _NAME.split(file.read_text(encoding="utf-8"))
    if not parts:
        raise QueryFileError(f"{file.name}: no line begins with '-- name:'")
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if not _IDENTIFIER.fullmatch(name):
            raise QueryFileError(f"{file.name}: {name!r} is no lower-case identifier")
        yield name, _sql(body.strip(), where=f"{file.name}: query {name!r}")


def _sql(body: str, *, where: str) -> str:
    description, _, sql = body.partition("\n")
    if not description.removeprefix("--").strip() or not description.startswith("--"):
        raise QueryFileError(f"{where} has no line that says what it does")
    if not sql.strip():
        raise QueryFileError(f"{where} has no SQL")
    return sql.strip()
