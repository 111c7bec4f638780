"""Times in seconds beside names, such as ``[1.52] Ada: Hi`` and ``Ada [1.5 - 3.0]: Hi``.

A number with a point may as well be a section's, a pause's, or what somebody says. So numbers are
times only where they begin most turns of a file, rise through it, and do not count. Then they are
written as clock times before the line, which every other step reads.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from transcripts.notices import Notices, Repair
from transcripts.plain_text.label_rows import Row, find_nonblank_rows

_SECONDS: Final = r"\d{1,6}[.,]\d{1,9}"
_TO: Final = r"(?:\s*(?:-->|->|→|\u2013|—|-|to|,)\s*|\s+)"
_SPAN: Final = rf"(?P<start>{_SECONDS})s?(?:{_TO}(?P<end>{_SECONDS})s?)?"
_BRACKETED: Final = rf"[\[(<]\s?{_SPAN}\s?[\])>]"
_BEFORE: Final = re.compile(rf"\s{{0,8}}{_BRACKETED}\s*[:|-]?\s*(?=\S)(?P<said>.*)")
_BARE_BEFORE: Final = re.compile(
    rf"\s{{0,8}}{_SPAN}(?:\s?[:|]\s*|\s+(?:[|-]\s+)?)(?=\S)(?P<said>.*)"
)
_LABEL: Final = r"(?P<label>\[[^\[\]\d:][^\[\]:]{0,60}\]|[^\W\d_][^\[\](){}<>:|\t\n]{0,60}?)"
_BEHIND: Final = re.compile(
    rf"\s{{0,8}}{_LABEL}(?:\s?:)?\s{{0,8}}{_BRACKETED}\s*:?(?:\s+(?P<said>\S.*)|\s*)"
)
_BARE_BEHIND: Final = re.compile(
    rf"\s{{0,8}}{_LABEL}\s{{1,8}}(?P<start>{_SECONDS})s?{_TO}(?P<end>{_SECONDS})s?\s*:?\s+"
    r"(?=\S)(?P<said>.*)"
)
_POINTS: Final = (".", ",")
_FEWEST: Final = 3
_MOST: Final = 0.8
_SOME: Final = 0.2
_TWICE: Final = 2
_MINUTE: Final = 60
_DIGITS: Final = 2
_LONG_LINE: Final = 20
_FASTEST: Final = 25
"""Characters that nobody speaks in a second for long."""


def replace_second_stamps(rows: list[Row], notices: Notices) -> list[Row]:
    """Replace times in seconds beside speakers' names by clock times at the beginning of lines.

    Args:
        rows: a plain text's lines with their numbers.
        notices: takes how many times are in seconds.
    """
    filled = [
        (at, row) for at, row in find_nonblank_rows(rows) if any(point in row for point in _POINTS)
    ]
    if len(filled) < _FEWEST:
        return rows
    lines = len(find_nonblank_rows(rows))
    for pattern, share, is_bare in _LAYOUTS:
        found = {at: match for at, row in filled if (match := pattern.fullmatch(row))}
        if len(found) < max(_FEWEST, share * lines) or not _are_times(list(found.values())):
            continue
        if pattern is _BEFORE and all(match["end"] for match in found.values()):
            continue  # a start and an end in brackets are times by themselves
        written = _write_before if pattern in _BEFORE_LABELS else _write_before_label
        if (written is _write_before_label or is_bare) and not _labels_recur(list(found.values())):
            continue
        in_minutes = _are_minutes(rows, found)
        notices.add(Repair.MINUTES if in_minutes else Repair.SECONDS, len(found))
        return [
            (number, written(found[at], in_minutes=in_minutes) if at in found else row)
            for at, (number, row) in enumerate(rows)
        ]
    return rows


def _are_minutes(rows: Sequence[Row], found: Mapping[int, re.Match[str]]) -> bool:
    """Whether `01.05` is a minute and five seconds: seconds leave no room for what is said.

    A zero before it tells nothing, as seconds may be padded too.
    """
    texts = [text for match in found.values() for text in (match["start"], match["end"]) if text]
    parts = [tuple(_with_point(text).split(".")) for text in texts]
    if not all(len(part) == _DIGITS and int(part) < _MINUTE for _, part in parts):
        return False
    rates: list[float] = []
    for at, later in pairwise(found):
        said = sum(len(row) for _, row in rows[at:later])
        taken = _as_seconds(found[later]["start"]) - _as_seconds(found[at]["start"])
        if said >= _LONG_LINE and taken > 0:
            rates.append(said / taken)
    return bool(rates) and sorted(rates)[len(rates) // 2] > _FASTEST


def _with_point(number: str) -> str:
    return number.replace(",", ".")


def _as_seconds(number: str) -> float:
    return float(_with_point(number))


def _are_times(found: Sequence[re.Match[str]]) -> bool:
    """Whether numbers rise as times of turns do, which take longer than a second each."""
    texts = [_with_point(match["start"]) for match in found]
    values = list(map(float, texts))
    rise = all(earlier <= later for earlier, later in pairwise(values))
    end = found[-1]["end"]
    last = float(_with_point(end)) if end else values[-1]
    ends = [float(_with_point(match["end"] or match["start"])) for match in found]
    if any(later < earlier for earlier, later in zip(values, ends, strict=True)):
        return False
    has_ends = all(match["end"] for match in found)
    return rise and (has_ends or (last - values[0] >= len(values) and not _count_sections(texts)))


def _count_sections(texts: Sequence[str]) -> bool:
    """Whether each number is the next after the one before it, as 1.1, 1.2 and 2.1 are."""
    parts = [tuple(map(int, text.split("."))) for text in texts]
    return all(
        later in {(whole, part + 1), (whole + 1, 0), (whole + 1, 1)}
        for (whole, part), later in pairwise(parts)
    )


def _labels_recur(found: Sequence[re.Match[str]]) -> bool:
    """Whether what stands beside the numbers recurs, as names do."""
    labels = Counter(
        match["label"] if "label" in match.re.groupindex else match["said"].partition(":")[0]
        for match in found
    )
    again = sum(count for count in labels.values() if count >= _TWICE)
    return again >= _MOST * len(found) and len(labels) > 1


def _write_before(match: re.Match[str], *, in_minutes: bool) -> str:
    return f"{_clock(match, in_minutes=in_minutes)} {match['said']}"


def _write_before_label(match: re.Match[str], *, in_minutes: bool) -> str:
    label, said = match["label"].strip(), match["said"] or ""
    mark = "" if label.startswith("[") or not said else ":"
    return f"{_clock(match, in_minutes=in_minutes)} {label}{mark} {said}".rstrip()


def _clock(match: re.Match[str], *, in_minutes: bool) -> str:
    write = _write_minutes if in_minutes else _write_clock
    end = f" - {write(match['end'])}" if match["end"] else ""
    return f"[{write(match['start'])}{end}]"


def _write_minutes(number: str) -> str:
    return _with_point(number).replace(".", ":")


def _write_clock(seconds: str) -> str:
    minutes, rest_ms = divmod(round(_as_seconds(seconds) * 1_000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest_ms // 1_000:02}.{rest_ms % 1_000:03}"


_BEFORE_LABELS: Final = (_BEFORE, _BARE_BEFORE)
_LAYOUTS: Final[tuple[tuple[re.Pattern[str], float, bool], ...]] = (
    (_BEFORE, _SOME, False),
    (_BEHIND, _SOME, False),
    (_BARE_BEFORE, _MOST, True),
    (_BARE_BEHIND, _MOST, True),
)
"""Layouts, the share of the lines that have it, and whether the number has no brackets."""
