"""Rows of a table whose cells may hold line breaks, if their quotation marks are beyond doubt.

A quotation mark that somebody forgot to close swallows the rows below it, which would then be one
speaker's words. So a cell with line breaks is believed only where the whole file keeps the rules of
RFC 4180, and no line within it looks like a row of the table, or begins as a turn of somebody else.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Final

from transcripts.errors import MalformedTranscriptError
from transcripts.tables.columns import TableColumns

_QUOTED: Final = re.compile(r'"(?:[^"]|"")*"')
_CLOCK: Final = re.compile(
    r"[\[(]?\d{1,3}(?:[:;]\d{2}){1,3}(?:[.,]\d{1,3})?[\])]?|\d{1,6}[.,]\d{1,9}"
)
_LABEL: Final = re.compile(r"\s*[^\W\d_a-z][^:\uff1a.?!,]{0,40}[:\uff1a](?=\s)")
_FEWEST_QUOTED: Final = 2
Row = tuple[int, list[str]]
"""The number of a row's last line, and its cells."""


def read_quoted_rows(text: str, columns: TableColumns, *, lines_above: int) -> Iterator[Row]:
    """Read a table's rows, each with the number of its last line in the file, from 1.

    Args:
        text: the table, from the line that names its columns.
        columns: where what was said and who said it stand.
        lines_above: how many lines of the file stand above it.

    Raises:
        MalformedTranscriptError: the text is no valid CSV, or a cell holds a line break and may
            have swallowed rows.
    """
    if columns.delimiter == "\t":
        yield from _read_tabbed(text, columns, lines_above)
        return
    rows = csv.reader(io.StringIO(text, newline=None), delimiter=columns.delimiter)
    checked = False
    known: set[str] = set()
    try:
        for row in rows:
            number = rows.line_num + lines_above
            if any(map(_has_break, row)):
                if not checked and not _is_strict(text, columns):
                    _refuse(number)
                checked = True
                if len(row) != columns.count or _swallows(row, columns, known):
                    _refuse(number)
            known.add(_cell(row, columns.speaker))
            yield number, row
    except csv.Error as error:
        line = rows.line_num + lines_above
        raise MalformedTranscriptError(f"line {line}: not valid CSV ({error})", line=line) from None


def _refuse(line: int) -> None:
    raise MalformedTranscriptError(
        f"line {line}: a cell holds a line break and may hold another row or turn; export the "
        "table again without line breaks in cells",
        line=line,
    )


def _read_tabbed(text: str, columns: TableColumns, lines_above: int) -> Iterator[Row]:
    """Rows between whose tabs quotation marks are speech, unless line breaks stand in them."""
    rows = csv.reader(io.StringIO(text, newline=None), delimiter="\t", quoting=csv.QUOTE_NONE)
    listed = [(rows.line_num + lines_above, row) for row in rows]
    if any(row and len(row) != columns.count for _, row in listed) and '"' in text:
        quoted = list(_with_strict_quotes(text, columns, lines_above))
        if quoted and all(len(row) == columns.count for _, row in quoted if row):
            yield from quoted
            return
    yield from _without_quotes(listed, columns)


def _with_strict_quotes(text: str, columns: TableColumns, lines_above: int) -> Iterator[Row]:
    if not _is_strict(text, columns):
        return
    rows = csv.reader(io.StringIO(text, newline=None), delimiter=columns.delimiter)
    yield from ((rows.line_num + lines_above, row) for row in rows)


def _without_quotes(listed: Sequence[Row], columns: TableColumns) -> Sequence[Row]:
    """The rows without the quotation marks that Excel puts around cells of a table with tabs.

    Excel does so to each cell with a comma or a quotation mark; other tools to all or to none.
    """
    said = [row[columns.text] for _, row in listed[columns.named :] if len(row) > columns.text]
    quoted = [one for one in said if _QUOTED.fullmatch(one)]
    special = [one for one in said if '"' in one or "," in one]
    if len(quoted) < _FEWEST_QUOTED or len(quoted) < len(special):
        return listed
    return [
        (
            number,
            [cell[1:-1].replace('""', '"') if _QUOTED.fullmatch(cell) else cell for cell in row],
        )
        for number, row in listed
    ]


def _is_strict(text: str, columns: TableColumns) -> bool:
    """Whether each quoted cell ends before a delimiter or the end of its row."""
    rows = csv.reader(io.StringIO(text, newline=None), delimiter=columns.delimiter, strict=True)
    try:
        return all(True for _ in rows)
    except csv.Error:
        return False


def _has_break(cell: str) -> bool:
    return "\n" in cell or "\r" in cell


def _swallows(row: Sequence[str], columns: TableColumns, known: set[str]) -> bool:
    """Whether a line within a cell looks like a row, with a speaker or a time, or like a turn."""
    for cell in filter(_has_break, row):
        for line in cell.splitlines()[1:]:
            cells = line.split(columns.delimiter)
            speaker, start = _cell(cells, columns.speaker), _cell(cells, columns.start)
            is_row = len(cells) >= _FEWEST_QUOTED and (
                (bool(speaker) and speaker in known) or _CLOCK.fullmatch(start) is not None
            )
            if is_row or _LABEL.match(line):
                return True
    return False


def _cell(row: Sequence[str], place: int | None) -> str:
    return row[place].strip() if place is not None and place < len(row) else ""
