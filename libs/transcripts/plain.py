"""Plain text in the layouts that people and tools write, with names, with times, or with both.

A label may stand before a colon, in brackets, in bold, on a line of its own, in a column, with a
time before or behind it; ``speakers`` decides over the whole file which labels name somebody. A
line without a label goes on with the speaker before it. A turn's stated time is its start; it is
taken to end where the next stated time begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import unescape
from itertools import pairwise
from typing import Final

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.candidates import (
    Candidate,
    Form,
    alone,
    candidates_of,
    labelled,
    later_candidates,
    unmark,
)
from transcripts.formats import LAST_RESORT, Family, Format, by_text
from transcripts.label_kinds import LabelKind, is_capitalised, kind_of
from transcripts.limits import refuse_long_text
from transcripts.notices import Mended, Notices
from transcripts.speakers import Place, Speakers, find_speakers
from transcripts.stamps import end_stamp, leading_stamp, stamp_before_speech, stamped_label
from transcripts.text import Piece, clean
from transcripts.turns import Passage, Source

# Soft breaks of word processors end a line as well: vertical tab, form feed, U+2028, U+2029.
_LINE_END: Final = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")
# Mark-up of a page that was saved as text.
_HTML_BREAK: Final = re.compile(r"<br\s*/?>|</(?:p|div|li|h[1-6])>", re.IGNORECASE)
_HTML: Final = re.compile(
    r"</?(?:b|i|u|em|strong|p|br|span|div|font|li|ul|ol|table|tbody|tr|td|th|html|body|a|h[1-6])(?:\s[^<>]{0,200})?/?>",
    re.IGNORECASE,
)
_LOOKED_AT: Final = 100_000
_NUMBERED: Final = re.compile(r"\s{0,8}(\d{1,5})(?:[.)]\s|\t|\s{1,4})\s*(?=\S)")
_FURNITURE: Final = re.compile(r"(?:[-*•‣◦·]|#{1,6}|>{1,3})\s+|>{2,3}")
_TABLE_ROW: Final = re.compile(r"\s*\|(.*)\|\s*")
_TABLE_RULE: Final = re.compile(r"[\s|:+-]+")
_RULE: Final = re.compile(r"[-=_*~\u2013—]{2,}|\f")
_COLUMNS: Final = re.compile(r"\t+|\s{2,}")
# What tools write around a transcript; dropped, and reported with the number of lines.
_VENDOR_LINES: Final = re.compile(
    r"Meeting ended after [\d:]+.{0,5}|This editable transcript was computer generated.*"
    r"|(?:Page|Seite|Página|Pagina)\s\d+\s(?:of|von|de|di|/)\s\d+"
    r"|Transcribed by https?://otter\.ai/?|.{1,80} (?:started|stopped) transcription\.?"
    r"|Transcript:?|People can also change the text after it was created\.?"
    r"|\[(?:ti|ar|al|by|offset|length):.*\]"
    r"|Transcript\. Use arrow keys to navigate between transcript entries\.",
    re.IGNORECASE,
)
# Teams' pane, copied: initials, name, `0 minutes 4 seconds0:04`, then the name and time again.
_TEAMS_TIME: Final = re.compile(
    r"(?:\d{1,3} hours? )?(?:\d{1,3} minutes? )?\d{1,2} seconds?\s*(?:\d{1,3}(?::\d{2}){1,2})?"
)
_TEAMS_CLOCK: Final = re.compile(r"\d{1,3}(?::\d{2}){1,2}")
_TEAMS_INITIALS: Final = re.compile(r"[^\W\d_a-z]{1,3}")
_DATED: Final = re.compile(
    r"\b(?:19|20)\d{2}\b|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2}\b",
    re.IGNORECASE,
)
_ATTENDEES: Final = re.compile(r"Attendees:?|Invited:?", re.IGNORECASE)
_TRANSCRIPT: Final = re.compile(r"(?:.{0,120}[-\u2013—] )?Transcript:?", re.IGNORECASE)
_TITLED: Final = re.compile(r".{1,120} [-\u2013—] Transcript")
_FEW: Final = 3
_MOST_LINES_OF_A_HEAD: Final = 12
_MOST: Final = 0.8
_USUALLY: Final = 0.7
_NEARLY_ALL: Final = 0.9
_LINES_LOOKED_AT: Final = 200
_KEY_LINE: Final = re.compile(r"\s*(?:- )?[a-z_]{1,40}:(?:\s|$)")
_HALF: Final = 0.5
_COLUMN_LABEL: Final = 60
_VOICE_AHEAD: Final = re.compile(
    r"((?:Speaker|SPEAKER|Sprecher|Locuteur|Hablante)[ _]\d{1,3})\s+(?=\w)"
)
_SECONDS: Final = re.compile(r"\d{1,6}\.\d{1,9}")
_DOCTYPE: Final = re.compile(r"<!DOCTYPE[^<>]{0,200}>", re.IGNORECASE)
_STYLE: Final = re.compile(
    r"<(style|script|head|title)\b[^<>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    number: int
    paragraph: bool
    start_ms: int | None = None
    end_ms: int | None = None
    bare: bool = False
    original: str = ""
    candidates: tuple[Candidate, ...] = ()
    times: tuple[int | None, ...] = ()
    structural: bool = False

    @property
    def is_stamp(self) -> bool:
        """Whether the line is nothing but a time."""
        return bool(self.original) and not self.text.strip()


@dataclass(frozen=True, slots=True)
class _Said:
    speaker: str
    text: str
    start_ms: int | None
    end_ms: int | None = None


def is_settings(content: str) -> bool:
    """Whether the text is a file of keys and values, such as YAML, and no transcript."""
    lines = [line for line in content.splitlines()[:_LINES_LOOKED_AT] if line.strip()]
    keys = sum(_KEY_LINE.match(line) is not None for line in lines)
    nested = any(line[:1].isspace() and _KEY_LINE.match(line) for line in lines)
    return nested and keys > 1 and keys >= _NEARLY_ALL * len(lines)


def is_plain(content: str) -> bool:
    """Whether the text names speakers at its lines, or gives times between them."""
    lines = _lines(content, Notices())
    return bool(_find(lines, ())) or _is_stamped_throughout(lines)


def read_plain(content: str, speakers: Sequence[Speaker], notices: Notices) -> Source:
    """Read a plain text; what stands before the first name is nobody's."""
    lines = _lines(content, notices)
    found = _find(lines, speakers)
    said = _timed(_said(lines, found))
    ends = _next_starts(said)
    passages = tuple(
        Passage(line.speaker, (Piece(line.text, line.start_ms, _end(line, end_ms)),))
        for line, end_ms in zip(said, ends, strict=True)
        if clean(line.text)
    )
    unnamed = bool(found) and bool(passages) and not passages[0].speaker
    notices.add(Mended.NO_SPEAKER, int(unnamed or (bool(passages) and not passages[0].speaker)))
    return Source(passages, rejected_labels=found.rejected, labels_seen_once=found.once)


# Lines


def _lines(content: str, notices: Notices) -> list[_Line]:
    refuse_long_text(content)
    if len(_HTML.findall(content, 0, _LOOKED_AT)) >= _FEW:
        content = _HTML_BREAK.sub("\n", _STYLE.sub("", _DOCTYPE.sub("", content)))
        content = unescape(_HTML.sub("", content))
    raw = _LINE_END.split(content.removeprefix("\ufeff"))
    rows = [(number, unmark(line).rstrip()) for number, line in enumerate(raw, start=1)]
    rows = _without_numbers(_without_table(_without_vendor_lines(rows, notices)))
    lines: list[_Line] = []
    paragraph = True
    for number, row in rows:
        line = row.strip(" \u00a0\u3000\ufeff") if row.strip("\t ") else ""
        if not line or _RULE.fullmatch(line):
            paragraph = True
            continue
        read = _read_line(line, number, paragraph=paragraph)
        if read.is_stamp:  # the paragraph begins below its time
            lines.append(replace(read, paragraph=False))
        else:
            lines.append(read)
            paragraph = False
    return _with_lone_labels(lines)


_Row = tuple[int, str]


def _without_vendor_lines(rows: list[_Row], notices: Notices) -> list[_Row]:
    kept = [
        (number, row)
        for number, row in _without_head(rows)
        if not _VENDOR_LINES.fullmatch(row.strip())
    ]
    kept = _without_teams_doubles(kept)
    dropped = sum(bool(row.strip()) for _, row in rows) - sum(bool(row.strip()) for _, row in kept)
    notices.add(Mended.VENDOR_LINE, dropped)
    return kept


def _without_head(rows: list[_Row]) -> list[_Row]:
    """Google Meet's head: a title, `Attendees`, their names, `Transcript`."""
    filled = [(position, row.strip()) for position, (_, row) in enumerate(rows) if row.strip()]
    head = filled[:_MOST_LINES_OF_A_HEAD]
    names = next((at for at, (_, row) in enumerate(head) if _ATTENDEES.fullmatch(row)), None)
    if names is None:
        ends = [at for at, (_, row) in enumerate(head[:_FEW]) if _TITLED.fullmatch(row)]
    else:
        ends = [at for at, (_, row) in enumerate(head) if at > names and _TRANSCRIPT.fullmatch(row)]
    return rows[head[ends[0]][0] + 1 :] if ends else rows


def _without_teams_doubles(rows: list[_Row]) -> list[_Row]:
    """The pane's text without initials and names that stand again, with a time, below."""
    filled = [(position, row.strip()) for position, (_, row) in enumerate(rows) if row.strip()]
    dropped: set[int] = set()
    for at, (position, row) in enumerate(filled):
        if not _TEAMS_TIME.fullmatch(row) or at == 0 or at + 1 == len(filled):
            continue
        name = filled[at - 1][1]
        after = at + 1
        clock = _TEAMS_CLOCK.fullmatch(filled[after][1]) is not None
        after += clock
        if after == len(filled) or not filled[after][1].startswith(name):
            continue
        dropped |= {position, filled[at - 1][0]}
        if clock:
            dropped.add(filled[at + 1][0])
        if at > 1 and _TEAMS_INITIALS.fullmatch(filled[at - 2][1]):
            dropped.add(filled[at - 2][0])
    return [row for position, row in enumerate(rows) if position not in dropped]


def _without_table(rows: list[_Row]) -> list[_Row]:
    """A Markdown table's cells parted by tabs; other lines as they are."""
    filled = [row for _, row in rows if row.strip()]
    tabled = sum(_TABLE_ROW.fullmatch(row) is not None for row in filled)
    ruled = any(_TABLE_ROW.fullmatch(row) and _TABLE_RULE.fullmatch(row) for row in filled)
    if tabled < (2 if ruled else _FEW) or tabled < _HALF * len(filled):
        return rows
    made = []
    for number, row in rows:
        match = _TABLE_ROW.fullmatch(row)
        if match is None:
            made.append((number, row))
        elif not _TABLE_RULE.fullmatch(row):
            made.append((number, "\t".join(cell.strip() for cell in match[1].split("|"))))
    return made


def _without_numbers(rows: list[_Row]) -> list[_Row]:
    """The lines without the numbers that count them, where most lines are counted."""
    filled = [(number, row) for number, row in rows if row.strip()]
    counts = [(row, match) for _, row in filled if (match := _NUMBERED.match(row))]
    if len(counts) < _FEW or len(counts) < _MOST * len(filled):
        return rows
    values = [int(match[1]) for _, match in counts]
    if any(later <= earlier for earlier, later in pairwise(values)):
        return rows
    return [(number, _NUMBERED.sub("", row, count=1)) for number, row in rows]


def _read_line(line: str, number: int, *, paragraph: bool) -> _Line:
    columns = _read_columns(line, number, paragraph=paragraph)
    if columns is not None:
        return columns
    bare_line = _FURNITURE.sub("", line, count=1) if _FURNITURE.match(line) else line
    start_ms = end_ms = None
    text, bare, original = line, False, ""
    stamp = leading_stamp(_unbold(bare_line))
    if stamp is not None:
        text, start_ms, end_ms = stamp.rest, stamp.start_ms, stamp.end_ms
        bare, original = stamp.bare, line
        bare_line = text
    options, times, structural = _options(bare_line, start_ms)
    return _Line(
        text, number, paragraph, start_ms, end_ms, bare, original, options, times, structural
    )


def _unbold(line: str) -> str:
    """`**11:00 You:** text` with its time in front of the bold: `11:00 **You:** text`."""
    match = re.match(r"(\*\*|__)(\[?(?:\d{1,2}:)?\d{1,2}:\d{2}(?:\s?[AaPp][Mm])?\]?)\s+", line)
    return f"{match[2]} {match[1]}{line[match.end() :]}" if match else line


def _read_columns(line: str, number: int, *, paragraph: bool) -> _Line | None:
    """`00:05:32  Alice  text` and the like: a time and a name in columns, in either order."""
    cells = [one for one in line.split("\t") if one.strip()]
    if len(cells) < _FEW:
        cells = _COLUMNS.split(line, maxsplit=3)
    if len(cells) < _FEW:
        return None
    times: list[int | None] = []
    while len(cells) > 1 and _is_time(cells[0]):
        times.append(_time_of(cells.pop(0)))
    if len(cells) == 1 and times:  # the label, if any, stands before what is said
        read = _read_line(cells[0].strip(), number, paragraph=paragraph)
        starts = tuple(times[0] for _ in read.candidates)
        return replace(read, start_ms=times[0], original=line, times=starts)
    name = cells.pop(0) if cells else ""
    while len(cells) > 1 and _is_time(cells[0]):
        times.append(_time_of(cells.pop(0)))
    times = list(dict.fromkeys(times))
    name = name.strip().rstrip(":").strip("[]()* ")
    if not times or not cells or not name or name == "From" or len(name) > _COLUMN_LABEL:
        return None
    kind = kind_of(name)
    if kind in {LabelKind.OTHER, LabelKind.HEADING}:
        return None
    text = "  ".join(cells)
    label = labelled(name, text, Form.STAMPED)
    start_ms = times[0]
    end_ms = times[1] if len(times) > 1 else None
    return _Line(
        line, number, paragraph, start_ms, end_ms, bare=True, original=line, candidates=(label,),
        times=(start_ms,), structural=True,
    )  # fmt: skip


def _is_time(cell: str) -> bool:
    if _SECONDS.fullmatch(cell.strip()):
        return True
    stamp = leading_stamp(cell.strip())
    return stamp is not None and not stamp.rest.strip()


def _time_of(cell: str) -> int | None:
    if _SECONDS.fullmatch(cell.strip()):
        return round(float(cell) * 1_000)
    stamp = leading_stamp(cell.strip())
    return stamp.start_ms if stamp else None


def _options(
    line: str, start_ms: int | None
) -> tuple[tuple[Candidate, ...], tuple[int | None, ...], bool]:
    options: list[Candidate] = []
    times: list[int | None] = []
    structural = False
    plain_line = line.replace("**", "").replace("__", "") if line[:1] in "*_" else line
    if (stamped := stamped_label(plain_line)) and not _DATED.search(stamped.label):
        for one in candidates_of(f"{stamped.label}: "):
            sure = stamped.wide or stamped.closed or kind_of(one.label) is not LabelKind.OTHER
            if one.form is Form.COLON and sure:
                options.append(one._replace(text=stamped.text, form=Form.STAMPED))
                times.append(start_ms if stamped.start_ms is None else stamped.start_ms)
                structural = stamped.wide and (
                    is_capitalised(one.label) or kind_of(one.label) is LabelKind.ROLE
                )
    voice = _VOICE_AHEAD.match(line) if start_ms is not None else None
    if voice is not None:  # `[0:05] Speaker 2 It was cold.`
        options.append(labelled(voice[1], line[voice.end() :], Form.STAMPED))
        times.append(start_ms)
    for one in candidates_of(line):
        inner = stamp_before_speech(one.text)
        if inner is not None and inner.rest:
            options.append(one._replace(text=inner.rest))
            times.append(inner.start_ms if start_ms is None else start_ms)
        else:
            options.append(one)
            times.append(start_ms)
    for one, _ in later_candidates(line):
        options.append(one)
        times.append(None)
    return tuple(options), tuple(times), structural


def _with_lone_labels(lines: list[_Line]) -> list[_Line]:
    """The lines, with those that may be a label of their own marked as such."""
    blanks = any(not line.paragraph for line in lines) and sum(line.paragraph for line in lines) > 1
    made: list[_Line] = []
    for position, line in enumerate(lines):
        following = lines[position + 1] if position + 1 < len(lines) else None
        one = alone(line.text) if following is not None else None
        if one is None or following is None or (line.original and line.bare and not line.text):
            made.append(line)
            continue
        if line.original and kind_of(one.label) in {LabelKind.NAME, LabelKind.ROLE}:
            # `0:05 - Ann Lee`, and what she said below.
            label = one._replace(form=Form.STAMPED)
            made.append(
                replace(
                    line,
                    candidates=(label, *line.candidates),
                    times=(line.start_ms, *line.times),
                    structural=True,
                )
            )
        elif following.is_stamp and not line.original:
            # Teams and Descript: the name, below it the time, below that what was said.
            label = one._replace(form=Form.STAMPED)
            made.append(
                replace(
                    line,
                    candidates=(label, *line.candidates),
                    times=(following.start_ms, *line.times),
                    structural=kind_of(label.label) in {LabelKind.NAME, LabelKind.ROLE},
                )
            )
        elif _may_head(line, following, blanks=blanks):
            made.append(
                replace(
                    line,
                    candidates=(*line.candidates, one),
                    times=(*line.times, line.start_ms),
                )
            )
        else:
            made.append(line)
    return made


def _may_head(line: _Line, following: _Line, *, blanks: bool) -> bool:
    """Whether what follows a line may be what a speaker named on it says."""
    if following.paragraph:
        return line.paragraph and bool(following.text.strip())
    return line.paragraph or not blanks


# Speakers


def _find(lines: Sequence[_Line], speakers: Sequence[Speaker]) -> Speakers:
    lines = _with_chat_labels(lines)
    has_paragraphs = sum(line.paragraph for line in lines) > 1
    return find_speakers(
        [
            Place(line.candidates, line.paragraph or not has_paragraphs, line.structural)
            for line in lines
        ],
        speakers,
    )


def _with_chat_labels(lines: Sequence[_Line]) -> Sequence[_Line]:
    """Where every line with a time has a label behind it, as in chats, its form vouches for it."""
    stamped = [line for line in lines if line.original and line.text.strip()]
    labelled = [line for line in stamped if _chat_label(line) is not None]
    if len(stamped) < _FEW or len(labelled) < _USUALLY * len(stamped):
        return lines
    return [
        replace(line, candidates=(one, *line.candidates), structural=True)
        if line.original and line.text.strip() and (one := _chat_label(line)) is not None
        else line
        for line in lines
    ]


def _chat_label(line: _Line) -> Candidate | None:
    one = next(iter(line.candidates), None)
    if one is None or one.form not in {Form.COLON, Form.BRACKET} or one.later:
        return None
    return one if one.text.strip() and kind_of(one.label) is not LabelKind.HEADING else None


def _is_stamped_throughout(lines: Sequence[_Line]) -> bool:
    """Whether times stand between the lines although nobody is named, as YouTube shows them."""
    between = sum(line.is_stamp for line in lines)
    before = sum(bool(line.original) and not line.is_stamp for line in lines)
    spoken = len(lines) - between
    return spoken > 0 and (between >= max(2, spoken / 4) or before >= max(2, spoken / 2))


def _said(lines: Sequence[_Line], found: Speakers) -> Iterator[_Said]:
    bare = sum(line.bare and bool(line.text.strip()) for line in lines)
    stamped = bare >= max(2, _MOST * sum(not line.is_stamp for line in lines))
    speaker = ""
    for line in lines:
        one = found.choose(line.candidates)
        if one is not None and not one.later:
            speaker = one.label
            start_ms = line.times[line.candidates.index(one)]
            yield from _split_later(speaker, one.text, start_ms, line.end_ms, found)
            speaker = _last_speaker(one.text, found) or speaker
            continue
        # Without brackets a time may be speech, unless a name follows, nothing does, or all do.
        spoken = line.original if line.bare and line.text.strip() and not stamped else line.text
        start_ms = None if spoken is line.original and line.original else line.start_ms
        text, end_ms = end_stamp(spoken)
        yield from _split_later(speaker, text, start_ms, end_ms or line.end_ms, found)
        speaker = _last_speaker(text, found) or speaker


def _split_later(
    speaker: str, text: str, start_ms: int | None, end_ms: int | None, found: Speakers
) -> Iterator[_Said]:
    text, stated_end_ms = end_stamp(text)
    end_ms = end_ms if stated_end_ms is None else stated_end_ms
    begin = 0
    for one, at in later_candidates(text):
        if found.choose([one]) is None:
            continue
        yield _Said(speaker, text[begin:at], start_ms, end_ms)
        speaker, start_ms = one.label, None
        begin = len(text) - len(one.text)
    yield _Said(speaker, text[begin:], start_ms, end_ms)


def _last_speaker(text: str, found: Speakers) -> str:
    last = ""
    for one, _ in later_candidates(text):
        if found.choose([one]) is not None:
            last = one.label
    return last


# Times


def _timed(lines: Iterable[_Said]) -> list[_Said]:
    """Give a time that stands alone, or with nothing but a name, to the line after it."""
    timed: list[_Said] = []
    pending: int | None = None
    for line in lines:
        start_ms = pending if line.start_ms is None else line.start_ms
        timed.append(replace(line, start_ms=start_ms))
        pending = None if line.text.strip() else start_ms
    return timed


def _next_starts(lines: Sequence[_Said]) -> list[int | None]:
    """For each line the next stated time after it."""
    following: int | None = None
    starts: list[int | None] = []
    for line in reversed(lines):
        starts.append(following)
        following = following if line.start_ms is None else line.start_ms
    return starts[::-1]


def _end(line: _Said, next_start_ms: int | None) -> int | None:
    if line.start_ms is None:
        return None
    if line.end_ms is not None:
        return max(line.start_ms, line.end_ms)
    return None if next_start_ms is None else max(line.start_ms, next_start_ms)


FORMATS: Final = (
    Format(
        TranscriptFormat.PLAIN,
        Family.TEXT,
        "Text with names or times: Word, Otter, Teams, Zoom, Rev, Descript, f4, MAXQDA, by hand",
        *by_text(is_plain, read_plain),
        "Odile: How?\n\nRavi: With a ladder.\n",
        confidence=LAST_RESORT,
        holder="line",
    ),
)
