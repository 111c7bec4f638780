"""Markdown's headings of parts of a talk, which stand between turns and which nobody says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from transcripts.notices import Notices, Repair
from transcripts.plain_text.label_rows import Row, find_nonblank_rows
from transcripts.plain_text.stamps import parse_leading_timestamp
from transcripts.plain_text.summaries import is_summary_heading
from transcripts.speakers.candidates import LabelMarking
from transcripts.speakers.line_labels import find_label_candidates

_HEADING: Final = re.compile(r"\s{0,3}#{1,6}\s+(?P<text>\S.*)")
_LIST_ITEM: Final = re.compile(r"\s*(?:[-*•‣◦·+|]|\d{1,3}[.)])\s")
_CLOCK: Final = re.compile(r"\d:\d\d")
_MARKS: Final = frozenset({LabelMarking.COLON, LabelMarking.BOLD, LabelMarking.STAMPED})
_AROUND: Final = " #*_:"
_FEWEST_TURNS: Final = 3
_MOST: Final = 0.8
_HALF: Final = 0.5


def remove_part_headings(rows: list[Row], notices: Notices) -> list[Row]:
    """Remove headings that stand once each, where names before colons begin the turns.

    A heading above a list in which nobody is named stays, so that the list is in doubt.

    Args:
        rows: a file's lines with their numbers.
        notices: takes how many headings were dropped, and where.
    """
    filled = find_nonblank_rows(rows)
    headings = [(at, match["text"]) for at, row in filled if (match := _HEADING.match(row))]
    if not headings:
        return rows
    labels = {at: key for at, row in filled if not _HEADING.match(row) and (key := _label(row))}
    counts = Counter(labels.values())
    turns = {at for at, key in labels.items() if counts[key] > 1}
    if len(turns) < max(_FEWEST_TURNS, _HALF * len(headings)):
        return rows
    texts = Counter(text for _, text in headings)
    title = filled[0][0]
    ends = [*(at for at, _ in headings[1:]), len(rows)]
    dropped = {
        at
        for (at, text), end in zip(headings, ends, strict=True)
        if at != title
        and texts[text] == 1
        and text.strip(_AROUND).casefold() not in counts
        and not is_summary_heading(text)
        and _CLOCK.search(text) is None
        and not _heads_list([row for place, row in filled if at < place < end])
    }
    notices.drop_lines(Repair.HEADING, [rows[at][0] for at in dropped])
    return [row for at, row in enumerate(rows) if at not in dropped]


def _label(row: str) -> str:
    """The key of the label that a row begins with, set off by a colon, bold type or a time."""
    stamp = parse_leading_timestamp(row.strip())
    line = row.strip() if stamp is None else stamp.rest
    one = next(iter(find_label_candidates(line)), None)
    return one.key if one is not None and one.form in _MARKS else ""


def _heads_list(rows: Sequence[str]) -> bool:
    """Whether nothing but points of a list stands below a heading, and none begins with a name."""
    if any(_label(row) for row in rows) or not rows:
        return False
    return sum(_LIST_ITEM.match(row) is not None for row in rows) >= _MOST * len(rows)
