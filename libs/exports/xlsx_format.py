"""XLSX: a workbook with the notes, the themes and questions, and what the columns mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final

import xlsxwriter

from exports.content import AddInterview, ExportedInterview, ExportedStudy
from exports.errors import TooLargeForFormatError
from exports.tables import COLUMNS, Cell, iter_rows

_MOST_ROWS: Final = 1_048_576
_MOST_CHARACTERS: Final = 32_767
"""Rows of a sheet and characters of a cell, by Excel's specifications and limits."""
_CUT: Final = " […]"
_WIDTHS: Final = {"statement": 50, "model_reading": 50, "quote": 70, "interview": 25, "themes": 25}
_WRAPPED: Final = frozenset({"statement", "model_reading", "quote"})


@contextmanager
def open_xlsx(study: ExportedStudy, file: BinaryIO) -> Iterator[AddInterview]:
    """Write a workbook row by row; no cell is a formula or a link, whatever its text.

    Raises:
        TooLargeForFormatError: when a sheet has no room for more rows.
    """
    # Row by row, with strings in place: memory does not grow with the number of notes.
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": "yyyy-mm-dd hh:mm:ss",
    }
    book = xlsxwriter.Workbook(file, options)
    head = book.add_format({"bold": True, "bg_color": "#EDEDED", "valign": "top"})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    top = book.add_format({"valign": "top"})
    sheet = book.add_worksheet("Notes")
    sheet.freeze_panes(1, 0)
    for at, column in enumerate(COLUMNS):
        sheet.set_column(at, at, _WIDTHS.get(column.name, 14))
        sheet.write_string(0, at, column.name, head)
    styles = [wrapped if column.name in _WRAPPED else top for column in COLUMNS]
    number = 1

    def add(interview: ExportedInterview) -> None:
        nonlocal number
        for row in iter_rows(study, interview):
            if number == _MOST_ROWS:
                raise TooLargeForFormatError(
                    f"a sheet of XLSX has {_MOST_ROWS:,} rows: take CSV or Parquet, or fewer notes"
                )
            for at, value in enumerate(row):
                _write(sheet, (number, at), value, styles[at])
            number += 1

    try:
        yield add
        sheet.autofilter(0, 0, number - 1, len(COLUMNS) - 1)
        _add_study(book.add_worksheet("Study"), study, head)
        _add_columns(book.add_worksheet("Columns"), head)
    finally:
        book.close()


def _write(sheet: Any, place: tuple[int, int], value: Cell, style: Any) -> None:
    if isinstance(value, datetime):
        naive = value.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        sheet.write_datetime(*place, naive)
    elif isinstance(value, int):
        sheet.write_number(*place, value, style)
    elif value:
        is_cut = len(value) > _MOST_CHARACTERS
        text = value[: _MOST_CHARACTERS - len(_CUT)] + _CUT if is_cut else value
        sheet.write_string(*place, text, style)


def _add_study(sheet: Any, study: ExportedStudy, head: Any) -> None:
    rows = [("study", study.study.study_id, study.study.name)]
    rows += [("theme", one.id, one.name) for one in study.study.themes]
    rows += [("question", one.id, one.text) for one in study.study.questions]
    rows.append(("exported at (UTC)", "", study.exported_at.astimezone(UTC).isoformat()))
    _add_rows(sheet, ("what", "id", "text"), rows, head)


def _add_columns(sheet: Any, head: Any) -> None:
    rows = [(one.name, "", one.meaning) for one in COLUMNS]
    _add_rows(sheet, ("column", "", "meaning"), rows, head)


def _add_rows(
    sheet: Any, names: tuple[str, ...], rows: list[tuple[str, str, str]], head: Any
) -> None:
    sheet.set_column(0, len(names) - 2, 20)
    sheet.set_column(len(names) - 1, len(names) - 1, 100)  # the texts
    for at, name in enumerate(names):
        sheet.write_string(0, at, name, head)
    for number, row in enumerate(rows, 1):
        for at, value in enumerate(row):
            sheet.write_string(number, at, value)
