"""Lines that begin turns, for steps that take off only what stands above or below the talk."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from transcripts.plain_text.stamps import parse_leading_timestamp, parse_timestamped_label
from transcripts.speakers.candidates import parse_label_line
from transcripts.speakers.label_kinds import LabelKind, classify_label
from transcripts.speakers.line_labels import find_label_candidates

_FIRST_WORD: Final = re.compile(r"[^\w(]{0,8}([^\W\d_][\w'\u2019-]{0,40})")
_NAMED: Final = frozenset({LabelKind.NAME, LabelKind.ROLE})
_TWICE: Final = 2


def find_turn_starts(rows: Sequence[str]) -> set[int]:
    """Find the positions of lines with a time, a name, a role, or a label that recurs.

    A field of a header, such as ``Date: 3 March``, is no turn: it is no name and stands once. A
    name alone, or with anything but a colon behind it, is a label if it recurs: ``Ada | Yes``.
    """
    labels = [_label(row) for row in rows]
    words = [_first_word(row) for row in rows]
    counts = Counter(key for key, _ in labels)
    names = {word for word, count in Counter(words).items() if word and count >= _TWICE}
    names = {word for word in names if classify_label(word) in _NAMED}
    return {
        at
        for at, (row, word, (key, is_named)) in enumerate(zip(rows, words, labels, strict=True))
        if is_named or (key and counts[key] >= _TWICE) or word in names or _is_timed(row)
    }


def _label(row: str) -> tuple[str, bool]:
    """What recurs at the beginning of turns, "" if nothing; and whether it names somebody."""
    line = row.strip()
    stamp = parse_leading_timestamp(line)
    rest = (line if stamp is None else stamp.rest).strip()
    one = next(iter(find_label_candidates(rest)), None)
    if one is not None:
        return one.key, classify_label(one.label) in _NAMED
    alone = parse_label_line(rest)  # or a title
    return alone.key if alone and classify_label(alone.label) in _NAMED else "", False


def _first_word(row: str) -> str:
    match = _FIRST_WORD.match(row)
    return "" if match is None else match[1]


def _is_timed(row: str) -> bool:
    line = row.strip()
    return parse_leading_timestamp(line) is not None or parse_timestamped_label(line) is not None
