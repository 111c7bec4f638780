"""Tables of turns: CSV and TSV as Premiere, ELAN, CORAAL and spreadsheets write them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import Final

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.errors import MalformedTranscriptError
from transcripts.formats import POSSIBLE, FormatDefinition, FormatFamily, adapt_text_functions
from transcripts.label_kinds import LabelKind, classify_label
from transcripts.notices import Notices
from transcripts.text import TextPiece
from transcripts.times import parse_clock_time
from transcripts.turns import ParsedTranscript, SpokenPassage
from transcripts.vendors.words import TimeConverter, format_speaker_label

_TEXT: Final = re.compile(
    r"(?:(?:utterance|segment|turn|spoken|speech|original|full|raw|clean|transcript(?:ion)?)"
    r"[ _-]?)?text|texte|texto|testo|inhalt|aussage|transcript|transcription|content|dialog(?:ue)?"
    r"|utterance|words|speech|quote|sentence"
    r"|caption|body|message|annotation|value|(?:what (?:was|is) )?said|(?:spoken )?words?"
    r"|inhoud|tekst",
    re.IGNORECASE,
)
_SPEAKER: Final = re.compile(
    r"sprecher|locuteur|hablante|orador|parlante"
    r"|speaker(?:[ _]?(?:name|label|id|designation))?|spkr|spk|name|participant|who|voice|role"
    r"|tier|character|spreker|talare|osoba|speakers|person|interlocutor|actor|user(?:[ _]?name)?",
    re.IGNORECASE,
)
_START: Final = re.compile(
    r"zeit|temps|tiempo|tempo"
    r"|(?:start|begin|in|from|st)[ _-]?(?:time(?:code|stamp)?|ms|sec(?:onds)?|point)?|time(?:code"
    r"|stamp)?(?:[ _-]?(?:in|start|from))?|begin time.*|timestamp.*|time ?span|tijd|tempo",
    re.IGNORECASE,
)
_END: Final = re.compile(
    r"(?:time ?code|time)[ _-]?(?:out|end|to)"
    r"|(?:end|stop|out|to|until|en)[ _-]?(?:time(?:code|stamp)?|ms|sec(?:onds)?|point)?|end time.*",
    re.IGNORECASE,
)
_PAUSE: Final = re.compile(r"\(pause \d+(?:\.\d+)?\)", re.IGNORECASE)
_FRAMES: Final = re.compile(r"(\d{1,3}:\d{2}:\d{2})[:;](\d{2})")
_RULE: Final = re.compile(r"[\s:-]*")
_SPAN: Final = re.compile(r"([\d:.,]{3,20})\s*[-\u2013]\s*([\d:.,]{3,20})")
_CLOCK: Final = r"(?:\d{1,3}:)?\d{1,3}:\d{2}(?:[.,:;]\d{1,3})?"
_IS_TIME: Final = re.compile(rf"{_CLOCK}(?:\s*[-\u2013]\s*{_CLOCK})?|\d{{1,6}}\.\d{{1,9}}")
_WHOLE: Final = re.compile(r"\d{1,9}")
_LONGEST_TURN_S: Final = 300
"""Seconds; turns of a recording do not usually take longer, so larger steps are milliseconds."""
_LOOKED_AT: Final = 500
_FEWEST_ROWS: Final = 3
_DELIMITERS: Final = ("\t", ",", ";", "|")
_FEWEST: Final = 2
_LONGEST_CELL: Final = 20_000_000
"""Characters of one cell of a table."""


@dataclass(frozen=True, slots=True)
class _Columns:
    text: int
    speaker: int | None
    start: int | None
    end: int | None
    delimiter: str
    unit_ms: float
    count: int
    named: bool = True


def is_table(content: str) -> bool:
    """Return whether a text is a CSV or TSV table of turns, by column names or contents."""
    return _columns(content) is not None


def _columns(content: str) -> _Columns | None:
    named = _named_columns(content)
    if named is not None and named.speaker is not None:
        return named
    # Columns under names that nobody knows show by what they hold.
    return _columns_by_content(content, named) or named


def _columns_by_content(content: str, named: _Columns | None) -> _Columns | None:
    """Columns by what they hold: a time or two, a few names again and again, and the longest.

    Args:
        content: the table.
        named: what the names of the columns tell, where they tell who spoke in none.
    """
    for delimiter in (named.delimiter,) if named else (",", ";", "\t"):
        if content.count(delimiter) < _FEWEST_ROWS * 2 - 1:
            continue
        rows = _first_rows(content, delimiter)
        width = len(rows[0]) if rows else 0
        if len(rows) < _FEWEST_ROWS or width < _FEWEST or any(len(row) != width for row in rows):
            continue
        columns = [[row[at].strip() for row in rows] for at in range(width)]
        headed = named is not None or _is_headed(columns)
        if headed:
            columns = [cells[1:] for cells in columns]
        times = [at for at, cells in enumerate(columns) if all(map(_IS_TIME.fullmatch, cells))]
        text = max(range(width), key=lambda at: sum(map(len, columns[at])))
        names = [at for at in range(width) if at not in {text, *times} and _are_names(columns[at])]
        if delimiter == "\t" and text == width - 1 and not headed:
            continue  # a time, a name and what was said: plain text in columns
        if not names or text in times:
            continue
        if named is not None and named.text == text:
            return replace(named, speaker=names[0])
        if named is None and (times or headed or width == _FEWEST):
            start, end = (*times, None, None)[:2]
            return _Columns(text, names[0], start, end, delimiter, 1_000, width, named=headed)
    return None


def _is_headed(columns: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: it has no time where all the others have one."""
    return any(
        _IS_TIME.fullmatch(cells[0]) is None and all(map(_IS_TIME.fullmatch, cells[1:]))
        for cells in columns
    )


def _are_names(cells: Sequence[str]) -> bool:
    """Whether a column holds names of speakers, of whom one at least speaks again."""
    different = set(cells)
    return len(different) < len(cells) and all(
        classify_label(cell) in {LabelKind.NAME, LabelKind.ROLE} for cell in different
    )


def _first_rows(content: str, delimiter: str) -> list[list[str]]:
    """The first rows that are not blank; none if the text is no CSV."""
    lines = io.StringIO(content.removeprefix("\ufeff"), newline=None)
    try:
        rows = list(islice(csv.reader(lines, delimiter=delimiter), _LOOKED_AT))
    except csv.Error:
        return []
    return [row for row in rows if any(cell.strip() for cell in row)]


def _named_columns(content: str) -> _Columns | None:
    head = content.removeprefix("\ufeff").lstrip("\r\n").split("\n", 1)[0].strip("\r")
    for delimiter in _DELIMITERS:
        names = [one.strip().strip('"').strip() for one in head.split(delimiter)]
        if len(names) < _FEWEST or any(len(one) > 40 for one in names):  # noqa: PLR2004
            continue
        found = [_place(names, one) for one in (_TEXT, _SPEAKER, _START, _END)]
        text, speaker, start, end = found
        if text is not None and (speaker is not None or start is not None):
            in_ms = start is not None and _counts_ms(content, delimiter, names, start)
            unit = 1 if in_ms else 1_000
            return _Columns(text, speaker, start, end, delimiter, unit, len(names))
    return None


def _counts_ms(content: str, delimiter: str, names: Sequence[str], start: int) -> bool:
    """Whether times are milliseconds, by the column's name, or whole numbers that grow so fast."""
    if names[start].lower().endswith("ms"):
        return True
    cells = [row[start].strip() for row in _first_rows(content, delimiter)[1:] if len(row) > start]
    if not cells or not all(map(_WHOLE.fullmatch, cells)):
        return False
    steps = sorted(abs(int(later) - int(earlier)) for earlier, later in pairwise(cells))
    typical = steps[len(steps) // 2] if steps else int(cells[0])
    return typical > _LONGEST_TURN_S


def _place(names: Sequence[str], pattern: re.Pattern[str]) -> int | None:
    return next((at for at, name in enumerate(names) if pattern.fullmatch(name)), None)


def read_table(content: str, speakers: Sequence[Speaker], notices: Notices) -> ParsedTranscript:
    """Return the passages in the rows of a CSV or TSV table.

    Raises:
        MalformedTranscriptError: the columns are not named, or a cell holds a line break, so that
            rows and lines cannot be told apart reliably.
    """
    del speakers  # labels are explicit here; roles are given later
    columns = _columns(content)
    if columns is None:
        raise MalformedTranscriptError("line 1: a table's first line names its columns", line=1)
    csv.field_size_limit(_LONGEST_CELL)
    lines = io.StringIO(content.removeprefix("\ufeff"), newline=None)
    if columns.delimiter == "\t":  # in which quotation marks are speech
        rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    else:
        rows = csv.reader(lines, delimiter=columns.delimiter)
    clock = TimeConverter(columns.unit_ms, notices)
    passages: list[SpokenPassage] = []
    try:
        for position, row in enumerate(rows):
            if any("\n" in cell or "\r" in cell for cell in row):
                raise MalformedTranscriptError(
                    f"line {rows.line_num}: a cell holds a line break; export the table again "
                    "without line breaks in cells",
                    line=rows.line_num,
                )
            if (position or not columns.named) and len(row) > columns.text:
                passages += _passage(row, columns, clock)
    except csv.Error as error:
        raise MalformedTranscriptError(
            f"line {rows.line_num}: not valid CSV ({error})", line=rows.line_num
        ) from None
    return ParsedTranscript(tuple(passages))


def _passage(row: Sequence[str], columns: _Columns, clock: TimeConverter) -> list[SpokenPassage]:
    if all(_RULE.fullmatch(cell) for cell in row):  # below a Markdown table's head
        return []
    said = row[columns.text]
    if columns.text == columns.count - 1:  # a last column that is not quoted may hold delimiters
        said = columns.delimiter.join(row[columns.text :])
    if _PAUSE.fullmatch(said.strip()):
        return []
    speaker = _cell(row, columns.speaker)
    start, end = _cell(row, columns.start), _cell(row, columns.end)
    if not end and (span := _SPAN.fullmatch(start)):
        start, end = span[1], span[2]
    start_ms, end_ms = clock.span(_time(start), _time(end))
    label = format_speaker_label(speaker.strip().rstrip(":"))
    return [SpokenPassage(label, (TextPiece(said, start_ms, end_ms),))]


def _cell(row: Sequence[str], place: int | None) -> str:
    return row[place].strip() if place is not None and place < len(row) else ""


def _time(cell: str) -> str | None:
    if not cell:
        return None
    if match := _FRAMES.fullmatch(cell):
        whole = parse_clock_time(match[1])
        return None if whole is None else f"{(whole + int(match[2]) * 40) / 1_000}s"
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
