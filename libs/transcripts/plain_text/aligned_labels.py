"""Labels that nothing but a wide gap sets off, where what is said begins in one column.

``MOD   So, who has one?`` and ``AK    I do.``: typed with blanks or set with a tab stop.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from transcripts.notices import Notices
from transcripts.plain_text.label_rows import Row, find_nonblank_rows
from transcripts.plain_text.stamps import parse_leading_timestamp
from transcripts.speakers.label_kinds import LabelKind, classify_label

_ALIGNED: Final = re.compile(
    r"(?P<label>[^\W\d_][\w.'\u2019-]{0,24}(?: [\w.'\u2019-]{1,24}){0,2}):?"
    r"(?P<gap>[ \u00a0]{2,24}|[ \u00a0]?\t+)(?=\S)"
)
_FEW: Final = 4
_MOST: Final = 0.8
_LONGEST_INITIALS: Final = 4
_KINDS: Final = frozenset({LabelKind.NAME, LabelKind.ROLE})


def add_colons_to_aligned_labels(rows: list[Row], notices: Notices) -> list[Row]:
    """Convert rows with labels aligned in a column (`MOD   …`) to rows with colons (`MOD: …`)."""
    del notices
    filled = find_nonblank_rows(rows)
    found = {at: match for at, row in filled if (match := _ALIGNED.match(row))}
    columns = Counter(_column(match) for match in found.values())
    column, count = max(columns.items(), key=lambda one: one[1], default=(0, 0))
    aligned = {at: match for at, match in found.items() if _column(match) == column}
    labels = Counter(match["label"] for match in aligned.values())
    if count < _FEW or len(labels) == 1 or len(labels) > count / 2 + 1:
        return rows
    timed = sum(
        parse_leading_timestamp(row[match.end() :]) is not None
        for at, row in filled
        if (match := aligned.get(at))
    )
    if timed > count - _MOST * count:
        return rows  # columns of a table
    if sum(map(_may_name, labels)) < _MOST * len(labels):
        return rows
    first = min(aligned)
    below = [(at, row) for at, row in filled if at >= first]
    if sum(at in aligned or row[:1].isspace() for at, row in below) < _MOST * len(below):
        return rows
    return [
        (number, f"{aligned[at]['label']}: {row[aligned[at].end() :]}")
        if at in aligned
        else (number, row)
        for at, (number, row) in enumerate(rows)
    ]


def _may_name(label: str) -> bool:
    return classify_label(label) in _KINDS or (label.isupper() and len(label) <= _LONGEST_INITIALS)


def _column(match: re.Match[str]) -> int:
    """The column at which what is said begins; -1 behind a tab stop."""
    return -1 if "\t" in match["gap"] else match.end()
