"""The lines of a plain text: a time beside them, the labels they may begin with, and their place.

A label may stand before a colon, in brackets, in bold, on a line of its own, in a column, with a
time before or behind it. Which of them name speakers is decided in ``speakers``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from transcripts.plain_text.label_rows import Row
from transcripts.plain_text.stamps import (
    LineTimestamp,
    parse_leading_timestamp,
    parse_timestamp_after_label,
    parse_timestamped_label,
)
from transcripts.speakers.candidates import (
    LabelCandidate,
    LabelMarking,
    build_label_candidate,
    parse_label_line,
)
from transcripts.speakers.label_kinds import LabelKind, classify_label, is_capitalised
from transcripts.speakers.line_labels import find_label_candidates, find_labels_within_line

_FURNITURE: Final = re.compile(r"(?:[-*•‣◦·](?:\s\[[ xX]?\])?|[☐☑✓✔]|#{1,6}|>{1,3})\s+|>{2,3}")
_LIST_MARK: Final = re.compile(r"(?:[-*•‣◦·☐☑✓✔]|#{1,6}|\d{1,3}[.)]|\[[ xX]?\])\s")
_RULE: Final = re.compile(r"[-=_*~\u2013—]{2,}|\f")
_COLUMNS: Final = re.compile(r"\t+|\s{2,}")
_DATED: Final = re.compile(
    r"\b(?:19|20)\d{2}\b|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2}\b",
    re.IGNORECASE,
)
_VOICE_AHEAD: Final = re.compile(
    r"((?:Speaker|SPEAKER|Sprecher|Locuteur|Hablante)[ _]\d{1,3})\s+(?=\w)"
    r"|(Interviewer|Interviewee|Moderator|Participant|Respondent|Facilitator|Researcher)"
    r"(?:\s\d{1,3})?\s+(?=[A-Z\"\u201c])"
)
_DASH_AHEAD: Final = re.compile(r"\s*[-\u2013\u2014]\s+")
_SECONDS: Final = re.compile(r"\d{1,6}\.\d{1,9}")
_BOLD_TIME: Final = re.compile(
    r"(?P<mark>\*\*|__)"
    r"(?P<time>[\[(]?(?:\d{1,2}:)?\d{1,2}:\d{2}(?:[.,]\d{1,3})?(?:\s?[AaPp][Mm])?[\])]?"
    r"|[\[(](?:[A-Z][a-z]{2,8} )?\d[\d/.,:T -]{6,24}(?:\s?[AaPp][Mm]|Z)?[\])])"
    r"(?P<closed>:?(?P=mark):?)?\s+"
)
_IN_ROUND_BRACKETS: Final = re.compile(r"\s*\([^()]*\)$")
_TIME_STARTS: Final = ("[", "(", "@", "`")
_FEW: Final = 3
_USUALLY: Final = 0.7
_NEARLY_ALL: Final = 0.9
_COLUMN_LABEL: Final = 60


@dataclass(frozen=True, slots=True)
class TextLine:
    """Line of a plain text, with its timestamp and its possible speaker labels.

    Attributes:
        text: the line behind its time.
        number: of the line in the file, from 1.
        paragraph: it begins one.
        start_ms: the time before it, in milliseconds; so is ``end_ms``.
        bare: that time has no brackets, so that it may be speech.
        original: the line with its time; empty if it has none.
        candidates: labels it may begin with, or hold behind the end of a sentence.
        times: the start of the line for each of the candidates.
        structural: the first candidate is set off so clearly that its form alone vouches for it.
        is_list_item: a bullet, a number or the mark of a heading stands before it.
    """

    text: str
    number: int
    paragraph: bool
    start_ms: int | None = None
    end_ms: int | None = None
    bare: bool = False
    original: str = ""
    candidates: tuple[LabelCandidate, ...] = ()
    times: tuple[int | None, ...] = ()
    structural: bool = False
    is_list_item: bool = False

    @property
    def is_stamp(self) -> bool:
        """Whether the line is nothing but a time."""
        return bool(self.original) and not self.text.strip()


def parse_lines(rows: Sequence[Row]) -> list[TextLine]:
    """Parse a text's non-blank rows into lines with timestamps and possible speaker labels."""
    lines: list[TextLine] = []
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
    lines = _with_times_before_speech(_with_times_behind_labels(lines))
    return _with_lone_labels(_without_dashes_behind_times(lines))


def _without_dashes_behind_times(lines: list[TextLine]) -> list[TextLine]:
    """The lines without the dash of `Ann (2:50) - Hi`, where it stands behind nearly all times."""
    stamped = [
        line.candidates[0].text
        for line in lines
        if line.candidates and line.candidates[0].form is LabelMarking.STAMPED
    ]
    spoken = [text for text in stamped if text.strip()]
    dashed = sum(_DASH_AHEAD.match(text) is not None for text in spoken)
    if dashed < max(_FEW, _NEARLY_ALL * len(spoken)):
        return lines
    return [
        replace(
            line,
            candidates=tuple(
                one._replace(text=_DASH_AHEAD.sub("", one.text))
                if one.form is LabelMarking.STAMPED
                else one
                for one in line.candidates
            ),
        )
        if line.candidates
        else line
        for line in lines
    ]


def _with_times_before_speech(lines: list[TextLine]) -> list[TextLine]:
    """The lines with the time of `Ann: 0:03 Hi`, where times usually stand so and rise."""
    stamps = [_time_before_speech(line) for line in lines]
    starts = [
        stamp.start_ms for stamp in stamps if stamp is not None and stamp.start_ms is not None
    ]
    labelled = sum(_first_colon(line) is not None for line in lines)
    rising = all(earlier <= later for earlier, later in pairwise(starts))
    if len(starts) < max(_FEW, _USUALLY * labelled) or not rising:
        return lines
    made: list[TextLine] = []
    for line, stamp in zip(lines, stamps, strict=True):
        one = _first_colon(line)
        if stamp is None or one is None:
            made.append(line)
        else:
            label = one._replace(text=stamp.rest)
            made.append(replace(line, candidates=(label,), times=(stamp.start_ms,)))
    return made


def _time_before_speech(line: TextLine) -> LineTimestamp | None:
    one = _first_colon(line)
    if one is None or line.original or not one.text[:1].isdigit():
        return None
    stamp = parse_leading_timestamp(one.text)
    return stamp if stamp is not None and stamp.rest.strip() else None


def _with_times_behind_labels(lines: list[TextLine]) -> list[TextLine]:
    """The lines with `Ann: 0:03` as a label and its time, where labels usually stand so."""
    labelled = [line for line in lines if _first_colon(line) is not None]
    timed = [line for line in labelled if _time_behind_label(line) is not None]
    if len(timed) < _FEW or len(timed) < _USUALLY * len(labelled):
        return lines
    made: list[TextLine] = []
    for line in lines:
        stamp, one = _time_behind_label(line), _first_colon(line)
        if stamp is None or one is None:
            made.append(line)
            continue
        label = one._replace(text="", form=LabelMarking.STAMPED)
        made.append(replace(line, candidates=(label,), times=(stamp,), structural=True))
    return made


def _first_colon(line: TextLine) -> LabelCandidate | None:
    return next((one for one in line.candidates if one.form is LabelMarking.COLON), None)


def _time_behind_label(line: TextLine) -> int | None:
    one = _first_colon(line)
    if one is None or not (one.text[:1].isdigit() or one.text[:1] in _TIME_STARTS):
        return None
    return _time_of(one.text) if _is_time(one.text) else None


def _read_line(line: str, number: int, *, paragraph: bool) -> TextLine:
    columns = _read_columns(line, number, paragraph=paragraph)
    if columns is not None:
        return columns
    bare_line = _FURNITURE.sub("", line, count=1) if _FURNITURE.match(line) else line
    start_ms = end_ms = None
    text, bare, original = line, False, ""
    stamp = parse_leading_timestamp(_unbold(bare_line))
    if stamp is not None:
        text, start_ms, end_ms = stamp.rest, stamp.start_ms, stamp.end_ms
        bare, original = stamp.bare, line
        bare_line = text
    options, times, structural = _options(bare_line, start_ms)
    return TextLine(
        text, number, paragraph, start_ms, end_ms, bare, original, options, times, structural,
        is_list_item=_LIST_MARK.match(line) is not None,
    )  # fmt: skip


def _unbold(line: str) -> str:
    """`**11:00 You:** text` with its time in front of the bold: `11:00 **You:** text`."""
    match = _BOLD_TIME.match(line)
    if match is None:
        return line
    return f"{match['time']} {'' if match['closed'] else match['mark']}{line[match.end() :]}"


def _read_columns(line: str, number: int, *, paragraph: bool) -> TextLine | None:
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
    kind = classify_label(name)
    if kind is LabelKind.OTHER or (kind is LabelKind.HEADING and len(times) == 1):
        return None  # a heading may have one time beside it, but no start and end
    text = "  ".join(cells)
    label = build_label_candidate(name, text, LabelMarking.STAMPED)
    start_ms = times[0]
    end_ms = times[1] if len(times) > 1 else None
    return TextLine(
        line, number, paragraph, start_ms, end_ms, bare=True, original=line, candidates=(label,),
        times=(start_ms,), structural=True,
    )  # fmt: skip


def _is_time(cell: str) -> bool:
    if _SECONDS.fullmatch(cell.strip()):
        return True
    stamp = parse_leading_timestamp(cell.strip())
    return stamp is not None and not stamp.rest.strip()


def _time_of(cell: str) -> int | None:
    if _SECONDS.fullmatch(cell.strip()):
        return round(float(cell) * 1_000)
    stamp = parse_leading_timestamp(cell.strip())
    return stamp.start_ms if stamp else None


def _options(
    line: str, start_ms: int | None
) -> tuple[tuple[LabelCandidate, ...], tuple[int | None, ...], bool]:
    options: list[LabelCandidate] = []
    times: list[int | None] = []
    structural = False
    plain_line = line.replace("**", "").replace("__", "") if line[:1] in "*_" else line
    if (stamped := parse_timestamped_label(plain_line)) and not _DATED.search(stamped.label):
        for one in find_label_candidates(f"{stamped.label}: "):
            sure = (
                stamped.wide or stamped.closed or classify_label(one.label) is not LabelKind.OTHER
            )
            if one.form is LabelMarking.COLON and sure:
                options.append(one._replace(text=stamped.text, form=LabelMarking.STAMPED))
                times.append(start_ms if stamped.start_ms is None else stamped.start_ms)
                structural = stamped.wide and (
                    is_capitalised(one.label) or classify_label(one.label) is LabelKind.ROLE
                )
    voice = _VOICE_AHEAD.match(line) if start_ms is not None else None
    if voice is not None:  # `[0:05] Speaker 2 It was cold.`
        options.append(build_label_candidate(voice[0], line[voice.end() :], LabelMarking.STAMPED))
        times.append(start_ms)
    for one in find_label_candidates(line):
        inner = parse_timestamp_after_label(one.text)
        if inner is not None and inner.rest:
            options.append(one._replace(text=inner.rest))
            times.append(inner.start_ms if start_ms is None else start_ms)
        else:
            options.append(one)
            times.append(start_ms)
    for within in find_labels_within_line(line):
        options.append(within.candidate)
        times.append(None)
    return tuple(options), tuple(times), structural


def _with_lone_labels(lines: list[TextLine]) -> list[TextLine]:
    """The lines, with those that may be a label of their own marked as such."""
    blanks = any(not line.paragraph for line in lines) and sum(line.paragraph for line in lines) > 1
    headed = _times_head_labels(lines)
    recurring = _labels_recur_behind_times(lines)
    made: list[TextLine] = []
    for position, line in enumerate(lines):
        following = lines[position + 1] if position + 1 < len(lines) else None
        one = parse_label_line(line.text) if following is not None else None
        if one is None or following is None or (line.original and line.bare and not line.text):
            made.append(line)
            continue
        timed_text = following.original and following.text.strip() and not following.paragraph
        if (
            line.original
            and not timed_text
            and (
                classify_label(one.label) in {LabelKind.NAME, LabelKind.ROLE}
                or (headed and is_capitalised(one.label))
                or recurring
            )
        ):
            # `0:05 - Ann Lee`, and what she said below.
            label = one._replace(form=LabelMarking.STAMPED)
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
            label = one._replace(form=LabelMarking.STAMPED)
            made.append(
                replace(
                    line,
                    candidates=(label, *line.candidates),
                    times=(following.start_ms, *line.times),
                    structural=classify_label(label.label) in {LabelKind.NAME, LabelKind.ROLE},
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


def _times_head_labels(lines: Sequence[TextLine]) -> bool:
    """Whether nearly all lines with a time are a label besides, at least one of them a name."""
    timed = [line.text for line in lines if line.original and line.text.strip()]
    labels = [one.label for text in timed if (one := parse_label_line(text)) is not None]
    if len(labels) < _FEW or len(labels) < _USUALLY * len(timed):
        return False
    kinds = {classify_label(label) for label in labels}
    return all(map(is_capitalised, labels)) and bool({LabelKind.NAME, LabelKind.ROLE} & kinds)


def _labels_recur_behind_times(lines: Sequence[TextLine]) -> bool:
    """Whether a few words stand behind nearly all times, again and again, above what is said."""
    headed = [
        _IN_ROUND_BRACKETS.sub("", line.text).strip().casefold()
        for line, following in pairwise(lines)
        if line.original and line.text.strip()
        if not following.original and following.text.strip() and parse_label_line(line.text)
    ]
    timed = sum(bool(line.original) and bool(line.text.strip()) for line in lines)
    counts = Counter(headed)
    again = sum(count for count in counts.values() if count > 1)
    return (
        len(headed) >= _FEW
        and len(counts) > 1
        and len(headed) >= _NEARLY_ALL * timed
        and again >= _USUALLY * len(headed)
    )


def _may_head(line: TextLine, following: TextLine, *, blanks: bool) -> bool:
    """Whether what follows a line may be what a speaker named on it says."""
    if following.paragraph:
        return line.paragraph and bool(following.text.strip())
    return line.paragraph or not blanks
