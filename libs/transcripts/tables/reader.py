"""Tables of turns: CSV and TSV as Premiere, ELAN, CORAAL and spreadsheets write them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import Final

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.errors import MalformedTranscriptError
from transcripts.formats import POSSIBLE, FormatDefinition, FormatFamily, adapt_text_functions
from transcripts.notices import Notices, Repair
from transcripts.plain_text.stamps import parse_leading_timestamp
from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.tables.columns import (
    TableColumns,
    find_other_text_columns,
    find_speaker_columns,
    find_table_columns,
    read_table_rows,
)
from transcripts.text import TextSpan
from transcripts.times import parse_clock_time
from transcripts.vendors.words import TimeConverter, format_speaker_label

_PAUSE: Final = re.compile(r"\(pause \d+(?:\.\d+)?\)", re.IGNORECASE)
_FRAMES: Final = re.compile(r"(\d{1,3}[:;]\d{2}[:;]\d{2})[:;](\d{2})")
_DECIMAL_COMMA: Final = re.compile(r"\d{1,6},\d{1,9}")
_QUOTED: Final = re.compile(r'"(?:[^"]|"")*"')
_FEWEST_QUOTED: Final = 2
_FEWEST_UNTIMED: Final = 2
_OFTEN_UNTIMED: Final = 0.2
_RULE: Final = re.compile(r"[\s:-]*")
_SPAN: Final = re.compile(r"([\d:.,]{3,20})\s*[-\u2013]\s*([\d:.,]{3,20})")
_LONGEST_CELL: Final = 20_000_000
"""Characters of one cell of a table."""


def is_table(content: str) -> bool:
    """Return whether a text is a CSV or TSV table with one turn in each row."""
    return find_table_columns(content) is not None or find_speaker_columns(content) is not None


def read_table(content: str, speakers: Sequence[Speaker], notices: Notices) -> ParsedTranscript:
    """Parse a CSV or TSV table into passages, one for each row with text.

    Raises:
        MalformedTranscriptError: the columns are not named, or a cell holds a line break, so that
            rows and lines cannot be told apart reliably.
    """
    del speakers  # labels are explicit here; roles are given later
    columns = find_table_columns(content)
    if columns is None and (found := find_speaker_columns(content)) is not None:
        return _read_columns_of_speakers(content, *found, notices)
    if columns is None:
        raise MalformedTranscriptError("line 1: a table's first line names its columns", line=1)
    csv.field_size_limit(_LONGEST_CELL)
    lines = io.StringIO(content.removeprefix("\ufeff"), newline=None)
    before = list(islice(lines, columns.first_line))
    above = [number for number, line in enumerate(before, start=1) if line.strip(", ;\t\r\n")]
    notices.drop_lines(Repair.VENDOR_LINE, above)
    if columns.delimiter == "\t":  # in which quotation marks are speech
        rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    else:
        rows = csv.reader(lines, delimiter=columns.delimiter)
    clock = TimeConverter(columns.unit_ms, notices)
    passages: list[SpokenPassage] = []
    try:
        for position, row in enumerate(_without_quotes(rows, columns)):
            if any("\n" in cell or "\r" in cell for cell in row):
                raise MalformedTranscriptError(
                    f"line {rows.line_num + len(before)}: a cell holds a line break; export the "
                    "table again without line breaks in cells",
                    line=rows.line_num + len(before),
                )
            if (position or not columns.named) and len(row) > columns.text:
                made = _passage(row, columns, clock)
                notices.add(Repair.PAUSE, int(not made and _is_pause(row[columns.text])))
                passages += made
    except csv.Error as error:
        raise MalformedTranscriptError(
            f"line {rows.line_num}: not valid CSV ({error})", line=rows.line_num
        ) from None
    doubts = [*_shifted_cells(passages, columns)]
    passages = _carried_on(passages, columns, notices)
    others = find_other_text_columns(content, columns)
    if others:
        sentence = (
            f"column {columns.text + 1} is taken for what was said, and column {others[0] + 1} "
            "holds as much text: a translation, or another version"
        )
        if columns.text_named:
            notices.guess(sentence)
        else:
            doubts.append(sentence)
    return ParsedTranscript(tuple(passages), doubts=tuple(doubts))


def _without_quotes(rows: Iterable[list[str]], columns: TableColumns) -> Iterable[list[str]]:
    """The rows without the quotation marks that Excel puts around cells of a table with tabs.

    Excel does so to each cell with a comma or a quotation mark; other tools to all or to none.
    """
    if columns.delimiter != "\t":
        return rows
    listed = list(rows)
    said = [row[columns.text] for row in listed[columns.named :] if len(row) > columns.text]
    quoted = [one for one in said if _QUOTED.fullmatch(one)]
    special = [one for one in said if '"' in one or "," in one]
    if len(quoted) < _FEWEST_QUOTED or len(quoted) < len(special):
        return listed
    return [
        [cell[1:-1].replace('""', '"') if _QUOTED.fullmatch(cell) else cell for cell in row]
        for row in listed
    ]


def _carried_on(
    passages: list[SpokenPassage], columns: TableColumns, notices: Notices
) -> list[SpokenPassage]:
    """The passages of rows without a name with the speaker before, if names mark changes only."""
    named = [one.speaker for one in passages if one.speaker]
    changes_only = all(earlier != later for earlier, later in pairwise(named))
    if columns.speaker is None or len(set(named)) <= 1 or not changes_only:
        return passages
    speaker = ""
    carried: list[SpokenPassage] = []
    for one in passages:
        notices.add(Repair.CARRIED_ROW, int(bool(speaker) and not one.speaker))
        speaker = one.speaker or speaker
        carried.append(one._replace(speaker=speaker))
    return carried


def _shifted_cells(passages: Sequence[SpokenPassage], columns: TableColumns) -> Iterator[str]:
    """Rows in which the cell of the time holds none, as where a delimiter within a cell shifts."""
    if columns.start is None:
        return
    untimed = sum(one.pieces[0].start_ms is None for one in passages)
    if len(passages) > untimed >= max(_FEWEST_UNTIMED, _OFTEN_UNTIMED * len(passages)):
        yield (
            f"{untimed:,} of {len(passages):,} rows have no time in the column of times: their "
            "cells may be shifted"
        )


def _read_columns_of_speakers(
    content: str, delimiter: str, start: int | None, names: Mapping[int, str], notices: Notices
) -> ParsedTranscript:
    clock = TimeConverter(1_000, notices)
    passages: list[SpokenPassage] = []
    for row in read_table_rows(content, delimiter)[1:]:
        start_ms = clock(_time(_cell(row, start)))
        passages += [
            SpokenPassage(name, (TextSpan(_cell(row, at), start_ms, None),))
            for at, name in names.items()
            if _cell(row, at)
        ]
    return ParsedTranscript(tuple(passages))


def _passage(
    row: Sequence[str], columns: TableColumns, clock: TimeConverter
) -> list[SpokenPassage]:
    if all(_RULE.fullmatch(cell) for cell in row):  # below a Markdown table's head
        return []
    said = row[columns.text]
    if columns.text == columns.count - 1:  # a last column that is not quoted may hold delimiters
        said = columns.delimiter.join(row[columns.text :])
    if _is_pause(said):
        return []
    speaker = _cell(row, columns.speaker)
    start, end = _cell(row, columns.start), _cell(row, columns.end)
    if not end and (span := _SPAN.fullmatch(start)):
        start, end = span[1], span[2]
    start_ms, end_ms = clock.span(_time(start), _time(end))
    label = speaker.strip().rstrip(":")
    label = format_speaker_label(label) if label.isdecimal() else label
    return [SpokenPassage(label, (TextSpan(said, start_ms, end_ms),))]


def _is_pause(said: str) -> bool:
    return _PAUSE.fullmatch(said.strip()) is not None


def _cell(row: Sequence[str], place: int | None) -> str:
    return row[place].strip() if place is not None and place < len(row) else ""


def _time(cell: str) -> str | None:
    cell = cell.strip("[](){}<># ")
    if not cell:
        return None
    if _DECIMAL_COMMA.fullmatch(cell):
        return cell.replace(",", ".")
    if match := _FRAMES.fullmatch(cell):
        whole = parse_clock_time(match[1].replace(";", ":"))
        return None if whole is None else f"{(whole + int(match[2]) * 40) / 1_000}s"
    if cell[-1] == "s" and (stamp := parse_leading_timestamp(f"[{cell}]")) is not None:
        return cell if stamp.start_ms is None else f"{stamp.start_ms / 1_000}s"
    return cell


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.TABLE,
        FormatFamily.TEXT,
        "Tables with named columns: Premiere, vizscribe, CORAAL, ELAN, spreadsheets",
        *adapt_text_functions(is_table, read_table),
        "Speaker,Start,End,Text\nOdile,0:01,0:02,How?\nRavi,0:03,0:05,With a ladder.\n",
        confidence=POSSIBLE,
        holder="line",
    ),
)
