"""The SQL of control, which stands in files of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from database.queries import Queries, load_queries

_FOLDER: Final = Path(__file__).parent / "sql"


def load_control_queries(*files: str) -> Queries:
    """Load the named SQL queries of some of control's files.

    Args:
        files: names in ``sql/``, such as ``causes.sql``.

    Raises:
        QueryFileError: see ``database.queries.load_queries``.
    """
    return load_queries(*(_FOLDER / name for name in files))
