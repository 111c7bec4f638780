"""Rows of a table whose cells may hold line breaks, if their quotation marks are beyond doubt.

A quotation mark that somebody forgot to close swallows the rows below it, which would then be one
speaker's words. So a cell with line breaks is believed only where the whole file keeps the rules of
RFC 4180, and no line within it looks like a row of the table, or begins as a turn of somebody else.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final, Literal

from transcripts.errors import MalformedTranscriptError
from transcripts.speakers.label_kinds import LabelKind, classify_label
from transcripts.tables.columns import SpeakerColumns, TableColumns

_QUOTED: Final = re.compile(r'"(?:[^"]|"")*"')
_CLOCK: Final = re.compile(
    r"[\[(]?\d{1,3}(?:[:;]\d{2}){1,3}(?:[.,]\d{1,3})?[\])]?|\d{1,6}[.,]\d{1,9}"
)
_LABEL: Final = re.compile(r"\s*[^\W\d_a-z][^:\uff1a.?!,]{0,40}[:\uff1a](?=\s)")
_CODE: Final = re.compile(r"(?=[^\d_]*[\d_])[\w.-]{1,40}")  # `12`, `jan_k`
_FEWEST_QUOTED: Final = 2
_FEWEST_CELLS: Final = 2
_NAMED: Final = frozenset({LabelKind.NAME, LabelKind.ROLE})
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
    lines = _TableLines(text, columns)
    try:
        for row in rows:
            number = rows.line_num + lines_above
            if any(map(_has_break, row)):
                if not checked and not _is_strict(text, columns.delimiter):
                    _refuse(number)
                checked = True
                if len(row) != columns.count or lines.are_swallowed_by(row):
                    _refuse(number)
            yield number, row
    except csv.Error as error:
        line = rows.line_num + lines_above
        raise MalformedTranscriptError(f"line {line}: not valid CSV ({error})", line=line) from None


def read_speaker_rows(content: str, columns: SpeakerColumns) -> Iterator[Row]:
    """Read the non-blank rows of a table with one column per speaker, the first with its names.

    Raises:
        MalformedTranscriptError: the text is no valid CSV, or a cell holds a line break and may
            have swallowed rows.
    """
    content = content.removeprefix("\ufeff")
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if columns.quoted else csv.QUOTE_NONE
    text = io.StringIO(content, newline=None)
    rows = csv.reader(text, delimiter=columns.delimiter, quoting=quoting)
    checked = False
    try:
        for row in rows:
            if any(map(_has_break, row)):
                if not checked and not _is_strict(content, columns.delimiter):
                    _refuse(rows.line_num)
                checked = True
                if len(row) != columns.count or _hold_other_speakers(row, columns):
                    _refuse(rows.line_num)
            if any(cell.strip() for cell in row):
                cells = row if columns.quoted else list(map(_without_own_quotes, row))
                yield rows.line_num, cells
    except csv.Error as error:
        line = rows.line_num
        raise MalformedTranscriptError(f"line {line}: not valid CSV ({error})", line=line) from None


def _hold_other_speakers(row: Sequence[str], columns: SpeakerColumns) -> bool:
    """Whether a line within a cell looks like a row of the table, or begins as a turn."""
    first_filled = min(columns.names)
    for place, cell in enumerate(row):
        if not _has_break(cell):
            continue
        first, *others = cell.splitlines() or [""]
        # The line that the cell begins in: a row of its own if it has the cells behind it.
        if place + 1 < columns.count <= place + len(first.split(columns.delimiter)):
            return True
        for line in others:
            cells = line.split(columns.delimiter)
            start = cells[at] if (at := columns.start) is not None and at < len(cells) else ""
            is_timed = len(cells) > 1 and _CLOCK.fullmatch(start.strip()) is not None
            has_gap = len(cells) > first_filled + 1 and not all(map(str.strip, cells[1:]))
            if len(cells) >= columns.count or is_timed or has_gap or _LABEL.match(line):
                return True
    return False


def _without_own_quotes(cell: str) -> str:
    """A cell without the quotation marks that Excel puts around one with a comma or a mark."""
    inner = cell.strip()[1:-1].replace('""', '"')
    is_special = "," in inner or '"' in inner
    return inner if _QUOTED.fullmatch(cell.strip()) and is_special else cell


def _refuse(line: int) -> None:
    raise MalformedTranscriptError(
        f"line {line}: a cell holds a line break and may hold another row or turn; export the "
        "table again without line breaks in cells",
        line=line,
    )


def _read_tabbed(text: str, columns: TableColumns, lines_above: int) -> Iterator[Row]:
    """Rows between whose tabs quotation marks are speech, unless line breaks stand in them.

    Where a cell may have swallowed rows, the marks are speech: lines that are no rows are told.
    """
    rows = csv.reader(io.StringIO(text, newline=None), delimiter="\t", quoting=csv.QUOTE_NONE)
    listed = [(rows.line_num + lines_above, row) for row in rows]
    if any(row and len(row) != columns.count for _, row in listed) and '"' in text:
        quoted = list(_with_strict_quotes(text, columns, lines_above))
        lines = _TableLines(text, columns)
        if quoted and all(
            len(row) == columns.count and not lines.are_swallowed_by(row)
            for _, row in quoted
            if row
        ):
            yield from quoted
            return
    yield from _without_quotes(listed, columns)


def _with_strict_quotes(text: str, columns: TableColumns, lines_above: int) -> Iterator[Row]:
    if not _is_strict(text, columns.delimiter):
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


def _is_strict(text: str, delimiter: str) -> bool:
    """Whether each quoted cell ends before a delimiter or the end of its row."""
    rows = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter, strict=True)
    try:
        return all(True for _ in rows)
    except csv.Error:
        return False


def _has_break(cell: str) -> bool:
    return "\n" in cell or "\r" in cell


class _TableLines:
    """A table's lines as they stand, by which a row that a cell has swallowed is known.

    Args:
        text: the table.
        columns: where what was said, who said it and when stand.
    """

    def __init__(self, text: str, columns: TableColumns) -> None:
        self._text = text
        self._columns = columns

    def are_swallowed_by(self, row: Sequence[str]) -> bool:
        """Whether a line within a cell looks like a row, with a speaker or a time, or a turn."""
        columns = self._columns
        for place, cell in enumerate(row):
            if not _has_break(cell):
                continue
            first, *others = cell.splitlines() or [""]
            if any(self._is_row(line) or _LABEL.match(line) for line in others):
                return True
            # The line that the cell begins in: a row of its own if it has the cells behind it.
            opened = [*row[:place], *first.split(columns.delimiter)]
            if place + 1 < columns.count <= len(opened) and self._has_speaker_or_time(opened):
                return True
        return False

    @cached_property
    def _speakers(self) -> Counter[str]:
        """How many lines have each speaker's cell, within quotation marks too."""
        lines = (line.split(self._columns.delimiter) for line in self._text.splitlines())
        return Counter(
            speaker
            for cells in lines
            if len(cells) >= _FEWEST_CELLS and (speaker := self._cell(cells, self._columns.speaker))
        )

    @cached_property
    def _known(self) -> set[str]:
        """Speakers of the rows, below as well as above."""
        text = io.StringIO(self._text, newline=None)
        rows = list(csv.reader(text, delimiter=self._columns.delimiter))
        place = self._columns.speaker
        return {row[place].strip() for row in rows if place is not None and place < len(row)} - {""}

    def _is_row(self, line: str) -> bool:
        cells = line.split(self._columns.delimiter)
        if len(cells) < _FEWEST_CELLS:
            return False
        # Nobody says a tab.
        has_all = self._columns.delimiter == "\t" and len(cells) >= self._columns.count
        return has_all or self._has_speaker_or_time(cells)

    def _has_speaker_or_time(self, cells: Sequence[str]) -> bool:
        columns = self._columns
        if _CLOCK.fullmatch(self._cell(cells, columns.start)):
            return True
        speaker = self._cell(cells, columns.speaker)
        if not speaker or speaker in self._known:
            return bool(speaker)
        if self._cell(cells, columns.start):
            return False  # what stands in the column of times is none
        # Somebody whose rows are all swallowed. `Well, I am not sure` may begin lines of an answer.
        is_code = _CODE.fullmatch(speaker) is not None and self._speakers[speaker] > 1
        return is_code or classify_label(speaker) in _NAMED

    def _cell(self, cells: Sequence[str], place: int | None) -> str:
        """A line's cell; behind what was said, which may hold delimiters, from the line's end."""
        if place is None:
            return ""
        at = place if place < self._columns.text else len(cells) - self._columns.count + place
        return cells[at].strip().strip('"').strip() if 0 <= at < len(cells) else ""
