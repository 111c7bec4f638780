"""Tables of turns: CSV and TSV as Premiere, ELAN, CORAAL and spreadsheets write them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from typing import Final

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.captions.cues import Cue, read_cue_passages
from transcripts.character_references import decode_character_references
from transcripts.errors import MalformedTranscriptError
from transcripts.formats import POSSIBLE, FormatDefinition, FormatFamily, adapt_text_functions
from transcripts.notices import Notices, Repair
from transcripts.plain_text.stamps import parse_leading_timestamp
from transcripts.segments.times_of_day import remove_times_of_day
from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.tables.columns import (
    SpeakerColumns,
    TableColumns,
    find_other_text_columns,
    find_speaker_columns,
    find_table_columns,
)
from transcripts.tables.quoted_cells import Row, read_quoted_rows, read_speaker_rows
from transcripts.text import TextSpan, clean_text
from transcripts.timecodes import TIMECODE, FrameRate, find_frame_rate
from transcripts.times import parse_clock_time
from transcripts.vendors.words import TimeConverter, format_speaker_label

_PAUSE: Final = re.compile(r"\(pause \d+(?:\.\d+)?\)", re.IGNORECASE)
_DECIMAL_COMMA: Final = re.compile(r"\d{1,6},\d{1,9}")
_NUMBER: Final = re.compile(r"\d{1,12}(?:\.\d{1,9})?")
_TIMECODE: Final = re.compile(TIMECODE)
_FEWEST_RISING: Final = 3
_FEWEST_SHORT: Final = 2
_FEWEST_UNTIMED: Final = 2
_OFTEN_UNTIMED: Final = 0.2
_RULE: Final = re.compile(r"[\s:-]*")
_SPAN: Final = re.compile(r"([\d:;.,]{3,20})\s*[-\u2013]\s*([\d:;.,]{3,20})")
# `0 days 00:01:05`, as pandas writes how long something took.
_DAYS: Final = re.compile(
    r"(?P<days>\d{1,2}) days? \+?(?P<hours>\d{2}):(?P<rest>\d{2}:\d{2}(?:\.\d{1,9})?)"
)
_PART: Final = SpokenPassage("", ())
"""In place of a row that heads a part."""
_LONGEST_CELL: Final = 20_000_000
"""Characters of one cell of a table."""


def is_table(content: str) -> bool:
    """Return whether a text is a CSV or TSV table with one turn in each row."""
    return find_table_columns(content) is not None or find_speaker_columns(content) is not None


def read_table(content: str, speakers: Sequence[Speaker], notices: Notices) -> ParsedTranscript:
    """Parse a CSV or TSV table into passages, one for each row with text.

    Raises:
        MalformedTranscriptError: the columns are not named, or a cell holds a line break and its
            quotation marks leave open where it ends.
    """
    del speakers  # labels are explicit here; roles are given later
    columns = find_table_columns(content)
    if columns is None and (found := find_speaker_columns(content)) is not None:
        return _read_columns_of_speakers(content, found, notices)
    if columns is None:
        raise MalformedTranscriptError("line 1: a table's first line names its columns", line=1)
    csv.field_size_limit(_LONGEST_CELL)
    lines = io.StringIO(content.removeprefix("\ufeff"), newline=None)
    before = list(islice(lines, columns.first_line))
    above = [number for number, line in enumerate(before, start=1) if line.strip(", ;\t\r\n")]
    notices.drop_lines(Repair.VENDOR_LINE, above)
    rows = list(read_quoted_rows(lines.read(), columns, lines_above=len(before)))
    starts = [_cell(row, columns.start) for _, row in rows]
    times = _CellTimes(content, starts, columns.unit_ms, notices)
    passages: list[SpokenPassage] = []
    short: list[int] = []
    headings: list[int] = []
    shifted = 0
    for position, (number, row) in enumerate(rows):
        if not position and columns.named:
            continue
        if len(row) > columns.text:
            if _is_part_heading(row, columns):
                headings.append(number)
                passages.append(_PART)
                continue
            made = _passage(row, columns, times)
            shifted += int(bool(made) and _is_shifted(row, columns, made[0]))
            notices.add(Repair.PAUSE, int(not made and _is_pause(row[columns.text])))
            passages += made
        elif any(cell.strip() for cell in row) and not _is_rule(row):
            short.append(number)
    notices.drop_lines(Repair.SHORT_ROW, short)
    notices.drop_lines(Repair.HEADING, headings)
    doubts = [*_shifted_cells(passages, shifted), *_short_rows(short, passages)]
    labelled = None
    if not any(one.speaker for one in passages) and not headings:
        labelled = _labelled_in_text(passages, notices)
    if labelled is not None:
        passages = list(labelled.passages)
        doubts += labelled.doubts
    passages = list(remove_times_of_day(_carried_on(passages, columns, notices), notices))
    doubts += _rising_columns(rows, columns)
    doubts += _second_text(content, columns, notices)
    return replace(labelled or ParsedTranscript(()), passages=tuple(passages), doubts=tuple(doubts))


def _second_text(content: str, columns: TableColumns, notices: Notices) -> Iterator[str]:
    """A column with as much text as what was said; told only if the columns' names tell which."""
    others = find_other_text_columns(content, columns)
    if not others:
        return
    sentence = (
        f"column {columns.text + 1} is taken for what was said, and column {others[0] + 1} "
        "holds as much text: a translation, or another version"
    )
    if columns.text_named:
        notices.guess(sentence)
    else:
        yield sentence


def _labelled_in_text(
    passages: Sequence[SpokenPassage], notices: Notices
) -> ParsedTranscript | None:
    """What rows say whose speakers stand before it, as in captions; None if nobody is named.

    Captions have times, and rows may have none: rows are counted in their place.
    """
    times = [one.pieces[0][1:] for one in passages]
    cues = [
        Cue(number, number, one.pieces[0].text.replace("&", "&amp;").replace("<", "&lt;"))
        for number, one in enumerate(passages)
    ]
    mended = Notices()
    labelled = read_cue_passages(cues, (), mended)
    if not any(one.speaker for one in labelled.passages):
        return None
    notices.include(mended)
    return replace(
        labelled,
        passages=tuple(
            one._replace(
                pieces=tuple(
                    TextSpan(piece.text, times[piece.start_ms][0], times[piece.end_ms][1])
                    for piece in one.pieces
                    if piece.start_ms is not None and piece.end_ms is not None
                )
            )
            for one in labelled.passages
        ),
    )


def _carried_on(
    passages: list[SpokenPassage], columns: TableColumns, notices: Notices
) -> list[SpokenPassage]:
    """The passages of rows without a name with the speaker before, if names mark changes only."""
    named = [one.speaker for one in passages if one.speaker]
    changes_only = all(earlier != later for earlier, later in pairwise(named))
    if columns.speaker is None or len(set(named)) <= 1 or not changes_only:
        return [one for one in passages if one is not _PART]
    speaker = ""
    carried: list[SpokenPassage] = []
    for one in passages:
        if one is _PART:  # nobody goes on beyond it
            speaker = ""
            continue
        notices.add(Repair.CARRIED_ROW, int(bool(speaker) and not one.speaker))
        speaker = one.speaker or speaker
        carried.append(one._replace(speaker=speaker))
    return carried


def _is_part_heading(row: Sequence[str], columns: TableColumns) -> bool:
    """Whether a row heads a part: what was said is the speaker's name itself, as `Film 2`."""
    speaker = _cell(row, columns.speaker)
    return bool(speaker) and speaker.casefold() == row[columns.text].strip().casefold()


def _is_shifted(row: Sequence[str], columns: TableColumns, made: SpokenPassage) -> bool:
    """Whether the cell of the time holds something else, or nothing in a row of another length.

    An empty cell in a row of the usual length is none: many tables have a time now and then.
    """
    if columns.start is None or made.pieces[0].start_ms is not None:
        return False
    return bool(_cell(row, columns.start)) or len(row) != columns.count


def _shifted_cells(passages: Sequence[SpokenPassage], shifted: int) -> Iterator[str]:
    """Rows in which the cell of the time holds none, as where a delimiter within a cell shifts."""
    if len(passages) > shifted >= max(_FEWEST_UNTIMED, _OFTEN_UNTIMED * len(passages)):
        yield (
            f"{shifted:,} of {len(passages):,} rows have no time in the column of times: their "
            "cells may be shifted"
        )


def _short_rows(short: Sequence[int], passages: Sequence[SpokenPassage]) -> Iterator[str]:
    """Rows that end before the column of what was said, as where a break divides a cell."""
    if len(short) >= max(_FEWEST_SHORT, _OFTEN_UNTIMED * len(passages)):
        yield (
            f"{len(short):,} rows end before the column of what was said, the first in line "
            f"{short[0]}: a cell may be divided"
        )


def _rising_columns(rows: Sequence[Row], columns: TableColumns) -> Iterator[str]:
    """A column of numbers that rise as times do and count nothing, where none tells times."""
    if columns.start is not None:
        return
    cells = [row for _, row in rows[int(columns.named) :] if len(row) == columns.count]
    for place in range(columns.count):
        if place in {columns.text, columns.speaker, columns.end} or len(cells) < _FEWEST_RISING:
            continue
        values = [_as_number(row[place]) for row in cells]
        numbers = [one for one in values if one is not None]
        steps = [later - earlier for earlier, later in pairwise(numbers)]
        if len(numbers) == len(cells) and min(steps) >= 0 and len(set(steps)) > 1:
            yield (
                f"column {place + 1} rises from row to row and may tell times, which were not read"
            )
            return


def _as_number(cell: str) -> float | None:
    cell = cell.strip()
    return float(cell) if _NUMBER.fullmatch(cell) else parse_clock_time(cell)


def _read_columns_of_speakers(
    content: str, columns: SpeakerColumns, notices: Notices
) -> ParsedTranscript:
    numbered = list(read_speaker_rows(content, columns))[1:]
    rows = [row for _, row in numbered]
    long = [number for number, row in numbered if any(map(str.strip, row[columns.count :]))]
    times = _CellTimes(content, [_cell(row, columns.start) for row in rows], 1_000, notices)
    passages: list[SpokenPassage] = []
    for row in rows:
        start_ms = times(_cell(row, columns.start))
        passages += [
            SpokenPassage(name, (TextSpan(_cell(row, at), start_ms, None),))
            for at, name in columns.names.items()
            if _cell(row, at)
        ]
    doubts = (
        f"rows with more cells than the table has columns: {len(long):,}, the first in line "
        f"{long[0]:,}; cells may be shifted, and those beyond were not read"
        for _ in long[:1]
    )
    return ParsedTranscript(remove_times_of_day(passages, notices), doubts=tuple(doubts))


def _passage(row: Sequence[str], columns: TableColumns, times: _CellTimes) -> list[SpokenPassage]:
    if _is_rule(row):
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
    start_ms, end_ms = times.span(start, end)
    said = decode_character_references(said, times.notices)
    label = clean_text(decode_character_references(speaker, times.notices)).rstrip(":\uff1a ")
    label = format_speaker_label(label) if label.isdecimal() else label
    return [SpokenPassage(label, (TextSpan(said, start_ms, end_ms),))]


def _is_rule(row: Sequence[str]) -> bool:
    """Whether it is the rule below a Markdown table's head."""
    return all(_RULE.fullmatch(cell) for cell in row)


def _is_pause(said: str) -> bool:
    return _PAUSE.fullmatch(said.strip()) is not None


def _cell(row: Sequence[str], place: int | None) -> str:
    return row[place].strip() if place is not None and place < len(row) else ""


def _bare_time(cell: str) -> str:
    return cell.strip("[](){}<># ")


class _CellTimes:
    """Reader of a table's cells of times, which may count frames.

    Args:
        content: the table, which may state how many frames a second has.
        starts: the cells of the turns' starts.
        unit_ms: how many milliseconds the unit of plain numbers has.
        notices: takes what could not be read, and how frames were counted.
    """

    def __init__(
        self, content: str, starts: Sequence[str], unit_ms: float, notices: Notices
    ) -> None:
        framed = [one for one in map(_bare_time, starts) if _TIMECODE.fullmatch(one)]
        self._rate = find_frame_rate(content, framed) if framed else FrameRate()
        self._clock = TimeConverter(unit_ms, notices)
        self.notices = notices

    def __call__(self, cell: str) -> int | None:
        return self._clock(self._written(cell))

    def span(self, start: str, end: str) -> tuple[int | None, int | None]:
        """Milliseconds of two cells, the end not before the start."""
        return self._clock.span(self._written(start), self._written(end))

    def _written(self, cell: str) -> str | None:
        """A cell's time as the clock takes it."""
        cell = _bare_time(cell)
        if not cell:
            return None
        if days := _DAYS.fullmatch(cell):
            hours = int(days["days"]) * 24 + int(days["hours"])
            return f"{hours}:{days['rest']}"
        if _DECIMAL_COMMA.fullmatch(cell):
            return cell.replace(",", ".")
        if _TIMECODE.fullmatch(cell):
            framed = self._rate.parse(cell)
            self._rate.note(self.notices)
            return None if framed is None else f"{framed / 1_000}s"
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
