"""Tables: what readers of each format find, and that no cell is computed."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO, StringIO
from typing import Any, Final

import openpyxl
import pyarrow.parquet
import pytest

from exports import xlsx_format
from exports.csv_format import FORMULA_STARTS, open_csv
from exports.errors import TooLargeForFormatError
from exports.parquet_format import open_parquet
from exports.tables import COLUMNS, Cell, iter_rows
from exports.xlsx_format import open_xlsx
from support.made_up_exports import STUDY, export, hostile_interview, plain_interview

NAMES: Final = [one.name for one in COLUMNS]
INTERVIEWS: Final = (hostile_interview(), plain_interview())
ROWS: Final = [row for one in INTERVIEWS for row in iter_rows(STUDY, one)]


def column(name: str, rows: Sequence[Sequence[Any]] = ROWS) -> list[Any]:
    return [row[NAMES.index(name)] for row in rows]


def test_a_row_is_a_quote_with_its_note() -> None:
    note = INTERVIEWS[1].notes[2]
    row = dict(zip(NAMES, ROWS[-1], strict=True))
    assert row["note_id"] == str(note.note_id)
    assert (row["statement"], row["model_reading"]) == (None, note.model_reading)
    assert (row["standing"], row["start"], row["is_masked"]) == ("unproven", "00:03", "no")
    assert (row["themes"], row["questions"]) == ("Price", "Why did they leave?")


def test_csv_has_the_rows_and_no_formula() -> None:
    content = export(open_csv, INTERVIEWS)
    assert content.startswith(b"\xef\xbb\xbf")
    head, *rows = csv.reader(StringIO(content.decode("utf-8-sig"), newline=""))
    assert head == NAMES
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(FORMULA_STARTS)]

    def as_written(value: Cell) -> str:
        if isinstance(value, datetime):
            return value.isoformat()
        text = "" if value is None else str(value)
        return f"'{text}" if text.startswith(FORMULA_STARTS) else text

    assert rows == [[as_written(value) for value in row] for row in ROWS]


def test_xlsx_has_the_rows_and_no_formula_nor_link() -> None:
    book = openpyxl.load_workbook(BytesIO(export(open_xlsx, INTERVIEWS)))
    assert book.sheetnames == ["Notes", "Study", "Columns"]
    sheet = book["Notes"]
    cells = [cell for row in sheet.iter_rows(min_row=2) for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr", "n", "d"}
    assert not [cell for cell in cells if cell.hyperlink]
    rows = list(sheet.iter_rows(values_only=True))
    assert [*rows[0]] == NAMES
    quotes = column("quote", rows[1:])
    assert quotes[:5] == column("quote")[:5]
    assert column("start_ms", rows[1:]) == column("start_ms")
    assert column("created_at", rows[1:])[0] == datetime(2026, 11, 1, 8, 30)  # noqa: DTZ001 - Excel knows no zones
    assert [row[2] for row in book["Study"].values][1:4] == [STUDY.study.name, "Price", "Trust"]


def test_xlsx_cuts_no_cell_silently() -> None:
    long = "word " * 10_000
    segment = plain_interview().segments[0]
    interview = plain_interview()
    note = interview.notes[0]
    quote = replace(note.evidence[0], quote=long)
    changed = replace(interview, notes=[replace(note, evidence=(quote,))], segments=[segment])
    book = openpyxl.load_workbook(BytesIO(export(open_xlsx, [changed])))
    cell = column("quote", list(book["Notes"].values)[1:])[0]
    assert len(cell) == 32_767
    assert cell.endswith(" […]")


def test_xlsx_says_when_a_sheet_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_format, "_MOST_ROWS", 3)
    with pytest.raises(TooLargeForFormatError, match="take CSV or Parquet"):
        export(open_xlsx, [plain_interview(notes=3)])


def test_parquet_has_typed_rows_and_says_what_columns_mean() -> None:
    table = pyarrow.parquet.read_table(BytesIO(export(open_parquet, INTERVIEWS)))
    assert table.column_names == NAMES
    rows = [tuple(row.values()) for row in table.to_pylist()]
    assert rows == ROWS
    assert table["created_at"][0].as_py() == datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
    assert table.schema.field("quote").metadata == {b"meaning": COLUMNS[4].meaning.encode()}


@pytest.mark.parametrize("opener", [open_csv, open_xlsx, open_parquet])
def test_without_notes_there_are_columns(opener: Any) -> None:
    content = export(opener, [])
    if opener is open_csv:
        assert content.decode("utf-8-sig") == ",".join(NAMES) + "\r\n"
    elif opener is open_parquet:
        assert pyarrow.parquet.read_table(BytesIO(content)).num_rows == 0
    else:
        assert openpyxl.load_workbook(BytesIO(content))["Notes"].max_row == 1
