"""CSV: a table for spreadsheets and programs, in UTF-8."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import BinaryIO, Final

from exports.content import AddInterview, ExportedInterview, ExportedStudy
from exports.tables import COLUMNS, Cell, iter_rows

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What makes a spreadsheet take a cell for a formula (OWASP, "CSV Injection")."""


@contextmanager
def open_csv(study: ExportedStudy, file: BinaryIO) -> Iterator[AddInterview]:
    """Write CSV (RFC 4180) with a BOM, by which spreadsheets know UTF-8.

    Other people's words that a spreadsheet would compute begin with an apostrophe.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow([column.name for column in COLUMNS])

    def add(interview: ExportedInterview) -> None:
        rows.writerows([_cell(value) for value in row] for row in iter_rows(study, interview))

    yield add
    text.detach()  # the file is the caller's to close; this writes what is left


def _cell(value: Cell) -> str | int | None:
    if isinstance(value, datetime):
        return value.isoformat()
    return escape_formula(value) if isinstance(value, str) else value


def escape_formula(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would compute."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
