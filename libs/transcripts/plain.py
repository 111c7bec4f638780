"""Plain text: ``Name: text``, with or without times, and Otter's ``Name  M:SS`` lines.

A line without a label goes on with the speaker before it. A turn's stated time is its start; it
is taken to end where the next stated time begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from contracts.transcript import Speaker
from transcripts.cues import split_lines
from transcripts.labels import Labelled, LineLabels, split_label
from transcripts.notices import Mended, Notices
from transcripts.text import Piece, clean
from transcripts.times import CLOCK, parse_clock
from transcripts.turns import Passage, Source

_LEADING_STAMP = re.compile(rf"[\[(]\s?({CLOCK})\s?[\])][\s:-]{{0,4}}|({CLOCK})(?:\s{{1,4}}|$)")
# `Name (00:12): text` and `Name [00:12]`, the latter with the text on the next lines.
_NAME_AND_STAMP = re.compile(rf"([^:\[\](){{}}]{{1,60}}?)\s?[\[(]({CLOCK})[\])]\s?(?::\s|:?$)")
_OTTER = re.compile(rf"(\S.{{0,58}}?)(?:\s\s{{1,8}}|\t)({CLOCK})")


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    start_ms: int | None = None
    label: Labelled | None = None
    heading: bool = False  # the line is nothing but a name and its time
    named_time: bool = False  # the time belongs to the name, and is speech if that is none


@dataclass(frozen=True, slots=True)
class _Said:
    speaker: str
    text: str
    start_ms: int | None


def is_plain(content: str) -> bool:
    """Whether the text has lines that begin with a speaker's name."""
    lines = list(_lines(content))
    labels = _labels(lines, ())
    return any(_speaks(line, labels) for line in lines)


def read_plain(content: str, speakers: Sequence[Speaker], notices: Notices) -> Source:
    """Read a plain text; what stands before the first name is nobody's."""
    lines = _timed(_said(list(_lines(content)), speakers))
    ends = _next_starts(lines)
    passages = tuple(
        Passage(line.speaker, (Piece(line.text, line.start_ms, _end(line, end_ms)),))
        for line, end_ms in zip(lines, ends, strict=True)
        if clean(line.text)
    )
    notices.add(Mended.NO_SPEAKER, int(bool(passages) and not passages[0].speaker))
    return Source(passages)


def _lines(content: str) -> Iterator[_Line]:
    for raw in split_lines(content):
        line = raw.strip()
        if line:
            yield _read_line(line)


def _read_line(line: str) -> _Line:
    otter = _OTTER.fullmatch(line)
    if otter is not None and (label := _whole(otter[1])) is not None:
        return _Line(line, parse_clock(otter[2]), label, heading=True)
    named = _NAME_AND_STAMP.match(line)
    if named is not None and (label := _whole(named[1])) is not None:
        label = replace(label, text=line[named.end() :])
        return _Line(line, parse_clock(named[2]), label, named_time=True)
    return _read_leading_stamp(line)


def _read_leading_stamp(line: str) -> _Line:
    stamp = _LEADING_STAMP.match(line)
    start_ms = parse_clock(stamp[1] or stamp[2]) if stamp else None
    text = line[stamp.end() :] if stamp else line
    label = split_label(text)
    # Without brackets a time may be speech, unless a name follows or nothing does.
    if stamp is None or start_ms is None or (stamp[2] and text and label is None):
        return _Line(line, None, split_label(line))
    return _Line(text, start_ms, label)


def _whole(name: str) -> Labelled | None:
    return split_label(f"{name.strip()}:")


def _labels(lines: Sequence[_Line], speakers: Sequence[Speaker]) -> LineLabels:
    return LineLabels([line.label for line in lines if line.label is not None], speakers)


def _speaks(line: _Line, labels: LineLabels) -> bool:
    return line.label is not None and (line.heading or line.label in labels)


def _said(lines: Sequence[_Line], speakers: Sequence[Speaker]) -> Iterator[_Said]:
    labels = _labels(lines, speakers)
    speaker = ""
    for line in lines:
        if line.label is not None and _speaks(line, labels):
            speaker = line.label.label
            yield _Said(speaker, line.label.text, line.start_ms)
        else:
            yield _Said(speaker, line.text, None if line.named_time else line.start_ms)


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
    if line.start_ms is None or next_start_ms is None:
        return None
    return max(line.start_ms, next_start_ms)
