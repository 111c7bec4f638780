"""Which columns of a table hold what was said, who said it, and when.

By the columns' names where they are known, else by what the columns hold.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import Final, Literal, NamedTuple

from transcripts.speakers.label_kinds import LabelKind, classify_label, is_capitalised

_TEXT: Final = re.compile(
    r"(?:(?:utterance|segment|turn|spoken|speech|original|full|raw|clean|highlight|quote|note|transcript(?:ion)?)"
    r"[ _-]?)?text|texte|texto|testo|inhalt|aussage|transcript|transcription|content|dialog(?:ue)?"
    r"|utterance|words|speech|quote|sentence"
    r"|caption|body|message|annotation|value|(?:what (?:was|is) )?said|(?:spoken )?words?"
    r"|propos|paroles|intervention|intervención|frase|fala|beitrag|redebeitrag|réplique|высказывание"
    r"|内容|文本|发言|発言|text content|inhoud|tekst|äußerung|äusserung|wortlaut|énoncé"
    r"|enunciado|replik|wypowiedź|реплика|текст",
    re.IGNORECASE,
)
_SPEAKER: Final = re.compile(
    r"sprecher(?:in)?|locuteur|locutrice|intervenant|hablante|orador|parlante|falante|mówca|qui"
    r"|wer|quién|quien|спикер|говорящий|кто|说话人|發言人|发言人|話者"
    r"|speaker(?:[ _]?(?:name|label|id|designation))?|spkr|spk|name|participant|who|voice|role"
    r"|(?:sender|author|from)[ _]?name|sender|author|display ?name"
    r"|tier|character|spreker|talare|osoba|speakers|person|interlocutor|actor|user(?:[ _]?name)?",
    re.IGNORECASE,
)
# Whose session it is, or a number: not who speaks, if another column says that.
_SESSION: Final = re.compile(
    r"participant|user(?:[ _]?name)?|person|name|interview|.*[ _]?id", re.IGNORECASE
)
_START: Final = re.compile(
    r"zeit|temps|tiempo|tempo|beginn|anfang|start ?zeit|début|inicio|inizio|início|początek|начало"
    r"|время|开始时间|開始|時間|时间"
    r"|(?:start|begin|in|from|st)[ _-]?(?:time(?:code|stamp)?|ms|s(?:ec(?:onds)?)?|point)?"
    r"|time(?:code|stamp)?(?:[ _-]?(?:in|start|from))?|begin time.*|timestamp.*|time ?span|tijd"
    r"|t0|tmin|xmin",
    re.IGNORECASE,
)
_END: Final = re.compile(
    r"(?:time ?code|time)[ _-]?(?:out|end|to)|ende|end ?zeit|fin|final|fine|fim|koniec|конец"
    r"|结束时间|終了"
    r"|(?:end|stop|out|to|until|en)[ _-]?(?:time(?:code|stamp)?|ms|s(?:ec(?:onds)?)?|point)?"
    r"|end time.*|t1|tmax|xmax",
    re.IGNORECASE,
)
_CLOCK: Final = (
    r"(?:(?:\d{1,3}:)?\d{1,3}:\d{2}(?:[.,:;]\d{1,3})?|\d{1,2};\d{2};\d{2};\d{2}"
    r"|(?:\d{1,2}h\s?)?\d{1,2}m\s?\d{1,2}s)"
)
_IS_TIME: Final = re.compile(rf"{_CLOCK}(?:\s*[-\u2013]\s*{_CLOCK})?|\d{{1,6}}[.,]\d{{1,9}}")
_UNIT: Final = re.compile(
    r"\s*[(\[][^()\[\]]{1,20}[)\]]$|\s+(?:in\s+|[-\u2013]\s+)(?:milli(?:second)?s|sec(?:ond)?s|ms|s|ss\.msec"
    r"|hh:mm:ss(?:[.,:]\w{1,4})?)$",
    re.IGNORECASE,
)
_WHOLE: Final = re.compile(r"\d{1,9}")
_LONGEST_TURN_S: Final = 300
"""Seconds; turns of a recording do not usually take longer, so larger steps are milliseconds."""
_LOOKED_AT: Final = 500
_NAMED: Final = frozenset({LabelKind.NAME, LabelKind.ROLE})
_FEWEST_ROWS: Final = 3
_DELIMITERS: Final = ("\t", ",", ";", "|")
# Between tabs quotation marks are usually speech: cells hold no tabs that had to be quoted.
_WAYS_OF_CELLS: Final = (("\t", False), *((one, True) for one in _DELIMITERS))
_FEWEST: Final = 2
_ALONE: Final = 0.7
"""Share of a table's rows with speech in which one speaks, if each speaker has a column."""
_NAME_WORDS: Final = 3
_HEAD_LINES: Final = 12
_HEAD_CHARACTERS: Final = 10_000
_LONGEST_NAME: Final = 40


@dataclass(frozen=True, slots=True)
class TableColumns:
    """Numbers of a table's columns, from 0, that hold the text, the speaker and the times.

    ``named`` says that a row names them; ``first_line`` is that row's line in the file, from 0.
    ``text_named`` says that its name, and not its contents, tells the column of what was said.
    """

    text: int
    speaker: int | None
    start: int | None
    end: int | None
    delimiter: str
    unit_ms: float
    count: int
    named: bool = True
    first_line: int = 0
    text_named: bool = False


def is_header_row(cells: Sequence[str]) -> bool:
    """Return whether a table's row is a header that names columns of text, speaker or times."""
    names = [_UNIT.sub("", cell.strip()) for cell in cells if cell.strip()]
    kinds = [
        next((kind for kind in (_TEXT, _SPEAKER, _START, _END) if kind.fullmatch(name)), None)
        for name in names
    ]
    return len(names) >= _FEWEST and None not in kinds and len(set(kinds)) == len(kinds)


class TurnColumns(NamedTuple):
    """Numbers of the columns, from 0, of speakers, of what was said and of times, if any."""

    speaker: int
    text: int
    start: int | None


def find_turn_columns(cells: Sequence[str]) -> TurnColumns | None:
    """Find the columns that a table's head names, if it names speakers and what they said."""
    names = [_UNIT.sub("", cell.strip()) for cell in cells]
    speaker, text, start = (_place(names, one) for one in (_SPEAKER, _TEXT, _START))
    if (
        len(names) <= _FEWEST
        or speaker is None
        or text is None
        or _SESSION.fullmatch(names[speaker])
    ):
        return None
    return TurnColumns(speaker, text, start)


def find_table_columns(content: str) -> TableColumns | None:
    """Find the text, speaker and time columns of a CSV or TSV text; None if there are none."""
    named = _named_columns(content)
    if named is None or named.speaker is None:
        # Columns under names that nobody knows show by what they hold.
        named = _columns_by_content(content, named) or named
    return named if named is None or named.start is not None else _with_times(content, named)


def _with_times(content: str, columns: TableColumns) -> TableColumns:
    """The columns with those of times, where no name tells them but each cell is a time."""
    rows = _first_rows(content, columns.delimiter)[int(columns.named) :]
    times = [
        at
        for at in range(columns.count)
        if at not in {columns.text, columns.speaker, columns.end}
        and rows
        and all(len(row) > at and _IS_TIME.fullmatch(row[at].strip()) for row in rows)
    ]
    start, end = (*times, None, None)[:2]
    return replace(columns, start=start, end=columns.end if columns.end is not None else end)


def _columns_by_content(content: str, named: TableColumns | None) -> TableColumns | None:
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
            return TableColumns(text, names[0], start, end, delimiter, 1_000, width, named=headed)
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
    kinds = [classify_label(cell) for cell in different]
    named = sum(kind in _NAMED for kind in kinds)
    # `Maria Lopes` are two words of the dictionary.
    others = all(
        kind in _NAMED
        or (
            kind is LabelKind.WORDS
            and is_capitalised(cell)
            and 1 < len(cell.split()) <= _NAME_WORDS
        )
        for cell, kind in zip(different, kinds, strict=True)
    )
    return len(different) < len(cells) and others and 2 * named >= len(kinds)


def _first_rows(content: str, delimiter: str) -> list[list[str]]:
    """The first rows that are not blank; none if the text is no CSV."""
    return read_table_rows(content, delimiter, _LOOKED_AT)


def read_table_rows(
    content: str, delimiter: str, most: int | None = None, *, quoted: bool = True
) -> list[list[str]]:
    """Read at most ``most`` non-blank rows of a CSV text; [] if it is not CSV."""
    if delimiter not in content:
        return []
    lines = io.StringIO(content.removeprefix("\ufeff"), newline=None)
    try:
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
        rows = list(islice(csv.reader(lines, delimiter=delimiter, quoting=quoting), most))
    except csv.Error:
        return []
    return [row for row in rows if any(cell.strip() for cell in row)]


def _named_columns(content: str) -> TableColumns | None:
    """Columns by the first line that names them; lines before it tell what the table is about."""
    lines = content[:_HEAD_CHARACTERS].removeprefix("\ufeff").splitlines()[:_HEAD_LINES]
    filled = [number for number, line in enumerate(lines) if line.strip()]
    for delimiter in _DELIMITERS:
        for number in filled:
            found = _names_in(lines[number], delimiter, content, at=number)
            if found is not None:
                return found
            if number != filled[0] and len(lines[number].split(delimiter)) > len(
                lines[filled[0]].split(delimiter)
            ):
                break
    return None


def _names_in(head: str, delimiter: str, content: str, *, at: int) -> TableColumns | None:
    heads = [one.strip().strip('"').strip() for one in head.split(delimiter)]
    names = [_UNIT.sub("", one) for one in heads]
    if len(names) < _FEWEST or any(len(one) > _LONGEST_NAME for one in names):
        return None
    text, speaker, start, end = (_place(names, one) for one in (_TEXT, _SPEAKER, _START, _END))
    if speaker is not None and _SESSION.fullmatch(names[speaker]):  # whose session it was
        others = [None if place == speaker else name for place, name in enumerate(names)]
        speaker = _place([name or "" for name in others], _SPEAKER) or speaker
    text_named = text is not None
    if text is None and speaker is not None and at == 0:
        text = _longest_beside(content, delimiter, speaker)
    if text is None or (speaker is None and start is None):
        return None
    if at and (speaker is None or start is None):  # within a text, two words are soon found
        return None
    in_ms = start is not None and _counts_ms(content, delimiter, heads, start)
    return TableColumns(
        text, speaker, start, end, delimiter, 1 if in_ms else 1_000, len(names), first_line=at,
        text_named=text_named,
    )  # fmt: skip


def find_other_text_columns(content: str, columns: TableColumns) -> list[int]:
    """Return columns with about as much text as the column taken to be the speech."""
    rows = _first_rows(content, columns.delimiter)[int(columns.named) :]
    rows = [row for row in rows if len(row) == columns.count]
    known = {columns.text, columns.speaker, columns.start, columns.end}
    most = sum(len(row[columns.text]) for row in rows)
    return [
        at
        for at in range(columns.count)
        if at not in known
        and 2 * sum(len(row[at]) for row in rows) >= most > 0
        and 2 * sum(" " in row[at].strip() for row in rows) >= len(rows)
        and len({row[at] for row in rows}) > len(rows) / 2
        and not all(_IS_TIME.fullmatch(row[at].strip()) for row in rows)
    ]


def _longest_beside(content: str, delimiter: str, speaker: int) -> int | None:
    """The column that holds the most, in a table whose column of speakers holds names."""
    rows = _first_rows(content, delimiter)
    width = len(rows[0]) if rows else 0
    if len(rows) < _FEWEST_ROWS or width < _FEWEST or any(len(row) != width for row in rows):
        return None
    columns = [[row[at].strip() for row in rows[1:]] for at in range(width)]
    if not _are_names(columns[speaker]):
        return None
    others = [at for at in range(width) if at != speaker]
    return max(others, key=lambda at: sum(map(len, columns[at])))


def _counts_ms(content: str, delimiter: str, names: Sequence[str], start: int) -> bool:
    """Whether times are milliseconds, by the column's name, or whole numbers that grow so fast."""
    if names[start].lower().rstrip(")] ").endswith(("ms", "millis", "milliseconds")):
        return True
    cells = [row[start].strip() for row in _first_rows(content, delimiter)[1:] if len(row) > start]
    if not cells or not all(map(_WHOLE.fullmatch, cells)):
        return False
    steps = sorted(abs(int(later) - int(earlier)) for earlier, later in pairwise(cells))
    typical = steps[len(steps) // 2] if steps else int(cells[0])
    return typical > _LONGEST_TURN_S


def _place(names: Sequence[str], pattern: re.Pattern[str]) -> int | None:
    return next((at for at, name in enumerate(names) if pattern.fullmatch(name)), None)


@dataclass(frozen=True, slots=True)
class SpeakerColumns:
    """Columns of a table that has one for each speaker.

    ``start`` is the column of times, if there is one; ``names`` are the speakers by their columns.
    ``quoted`` says that quotation marks hold cells together; else they are speech.
    """

    delimiter: str
    start: int | None
    names: Mapping[int, str]
    count: int
    quoted: bool


def find_speaker_columns(content: str) -> SpeakerColumns | None:
    """Find the columns of a table that has one column per speaker; None for other tables."""
    for delimiter, quoted in _WAYS_OF_CELLS:
        rows = read_table_rows(content, delimiter, _LOOKED_AT, quoted=quoted)
        width = len(rows[0]) if rows else 0
        if len(rows) < _FEWEST_ROWS or width < _FEWEST or any(len(row) != width for row in rows):
            continue
        names = [_UNIT.sub("", one.strip().strip('"')) for one in rows[0]]
        start = _place(names, _START)
        others = [at for at in range(width) if at != start and _place([names[at]], _END) is None]
        labelled = all(classify_label(names[at]) in _NAMED for at in others)
        filled = [sum(bool(row[at].strip()) for at in others) for row in rows[1:]]
        # Two may speak at once, and a row may hold nothing but a note or a pause.
        alone, spoken = filled.count(1), sum(map(bool, filled))
        if len(others) >= _FEWEST and labelled and alone >= max(_FEWEST, _ALONE * spoken):
            by_place = {at: names[at] for at in others}
            return SpeakerColumns(delimiter, start, by_place, width, quoted)
    return None
