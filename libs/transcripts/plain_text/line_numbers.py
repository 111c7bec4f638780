"""Numbers that count the lines of a text, or its questions, and are no part of what was said."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import Final

from transcripts.notices import Notices
from transcripts.plain_text.label_rows import Row, find_nonblank_rows

_NUMBERED: Final = re.compile(
    r"\s{0,8}(?:[¶§#]?(\d{1,5})(?:[.)]\s|\t|\s{1,4})|[(\[](\d{1,5})[)\]]\s)\s*(?=\S)"
)
_NUMBERED_LABEL: Final = re.compile(
    r"\s{0,8}(?P<number>\d{1,4})[.)]\s{1,4}(?P<label>[^\W\d_][^:\n]{0,40})(?=:\s)"
)
_IN_BRACKETS: Final = re.compile(r"\s*\([^()]*\)")
_REFERENCE: Final = re.compile(r"\s{0,4}\[(?P<document>\d{1,4}):(?P<paragraph>\d{1,5})\]\s+(?=\S)")
_NUMBERED_AT_TIMES: Final = re.compile(r"\s{0,8}(\d{1,5})(?:\t|\s{1,6})\s*(?=\S)")
_NUMBERED_BEHIND: Final = re.compile(r"(?<=\S)(?:\s{2,}|\t+)(\d{1,5})$")
_EVERY: Final = 5
"""Word processors and courts number every fifth line, or every tenth."""
_FEW: Final = 3
_MOST: Final = 0.8
_HALF: Final = 0.5


def remove_line_numbers(rows: list[Row], notices: Notices) -> list[Row]:
    """Remove line numbers or question numbers from the beginnings of a text's rows."""
    del notices
    rows = _without_references(rows)
    filled = find_nonblank_rows(rows)
    behind = [match for _, row in filled if (match := _NUMBERED_BEHIND.search(row))]
    if len(behind) >= _FEW and len(behind) >= _HALF * len(filled):
        values = [int(match[1]) for match in behind]
        if all(later == earlier + 1 for earlier, later in pairwise(values)):
            return [(number, _NUMBERED_BEHIND.sub("", row, count=1)) for number, row in rows]
    counts = [(row, match) for _, row in filled if (match := _NUMBERED.match(row))]
    if len(counts) >= _FEW and len(counts) >= _MOST * len(filled):
        values = [int(match[1] or match[2]) for _, match in counts]
        if all(earlier < later for earlier, later in pairwise(values)):
            return [(number, _NUMBERED.sub("", row, count=1)) for number, row in rows]
    return _without_numbers_at_times(_without_numbers_of_labels(rows))


def _without_references(rows: list[Row]) -> list[Row]:
    """The lines without the document and paragraph before most of them: `[1:12]`, as ATLAS.ti's."""
    filled = find_nonblank_rows(rows)
    found = [match for _, row in filled if (match := _REFERENCE.match(row))]
    if len(found) < _FEW or len(found) < _MOST * len(filled):
        return rows
    places = [(int(match["document"]), int(match["paragraph"])) for match in found]
    rising = all(earlier < later for earlier, later in pairwise(places))
    if not rising or all(len(match["paragraph"]) > 1 for match in found):
        return rows  # times, whose seconds have two digits
    return [(number, _REFERENCE.sub("", row, count=1)) for number, row in rows]


def _without_numbers_of_labels(rows: list[Row]) -> list[Row]:
    """The lines without numbers before a label that recurs: `1. Interviewer: …`, `2. …`."""
    found = {at: match for at, (_, row) in enumerate(rows) if (match := _NUMBERED_LABEL.match(row))}
    counts = Counter(match["label"] for match in found.values())
    # `1. Lisa Harrow (Ashby): …`, and `Lisa Harrow: …` below.
    unnumbered = {row.partition(":")[0].strip() for _, row in rows if ":" in row}
    for label in counts:
        counts[label] += _IN_BRACKETS.sub("", label).strip() in unnumbered
    starts = {at: match.start("label") for at, match in found.items() if counts[match["label"]] > 1}
    numbers = [int(found[at]["number"]) for at in starts]
    if any(earlier >= later for earlier, later in pairwise(numbers)):
        return rows
    return [(number, row[starts.get(at, 0) :]) for at, (number, row) in enumerate(rows)]


def _without_numbers_at_times(rows: list[Row]) -> list[Row]:
    """The lines without a number at every fifth or tenth, by blank lines counted or not."""
    for counted in (find_nonblank_rows(rows), list(enumerate(row for _, row in rows))):
        found = [
            (place, position, int(match[1]))
            for place, (position, row) in enumerate(counted, start=1)
            if (match := _NUMBERED_AT_TIMES.match(row)) and int(match[1]) % _EVERY == 0
        ]
        steps = {later[0] - earlier[0] for earlier, later in pairwise(found)}
        values = {later[2] - earlier[2] for earlier, later in pairwise(found)}
        first = found[0] if found else (0, 0, -1)
        if len(found) >= 2 and len(steps) == 1 and (steps == values or first[0] == first[2]):  # noqa: PLR2004 - two are a pattern
            numbered = {position for _, position, _ in found}
            return [
                (number, _NUMBERED_AT_TIMES.sub("", row, count=1) if at in numbered else row)
                for at, (number, row) in enumerate(rows)
            ]
        if len(found) == 1 and first[0] == first[2] and len(counted) < 2 * _EVERY:
            at = first[1]
            number, row = rows[at]
            return [*rows[:at], (number, _NUMBERED_AT_TIMES.sub("", row, count=1)), *rows[at + 1 :]]
    return rows
