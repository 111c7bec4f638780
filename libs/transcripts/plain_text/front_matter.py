"""Fields between rules at the top of a text, as notes and web pages have them (YAML)."""

from __future__ import annotations

import re
from typing import Final

from transcripts.notices import Notices, Repair
from transcripts.plain_text.label_rows import Row, find_nonblank_rows
from transcripts.plain_text.turn_starts import find_turn_starts
from transcripts.speakers.label_kinds import LabelKind, classify_label

_FIELD_LINE: Final = re.compile(r"([^\W\d][\w -]{0,40}):(?:\s|$)")
_SENTENCE_END: Final = re.compile(r"[.?!…\u3002\uff1f\uff01][\"'”\u2019»)\]]*\s*$")
_SENTENCE_FIELDS: Final = frozenset({
    "about", "abstract", "author", "authors", "comment", "comments", "context", "copyright",
    "description", "excerpt", "license", "note", "notes", "publisher", "question", "source",
    "subject", "subtitle", "summary", "tagline", "title", "topic",
})  # fmt: skip
"""Fields whose value may be a sentence, or end with an abbreviation."""
_RULE: Final = "---"
_ENDS: Final = (_RULE, "...")
_MOST_FIELDS: Final = 40


def remove_front_matter(rows: list[Row], notices: Notices) -> list[Row]:
    """Remove a text's front matter: the fields between two lines ``---`` at its top.

    Between rules may as well stand the talk's first turns, or all of it. So the lines are fields
    only if somebody speaks below who does not speak in them, and none of them reads like a turn.

    Args:
        rows: a text's lines with their numbers.
        notices: takes how many lines were dropped, and which.
    """
    filled = find_nonblank_rows(rows)[: _MOST_FIELDS + 2]
    if not filled or filled[0][1].strip() != _RULE:
        return rows
    end = next((at for at, row in filled[1:] if row.strip() in _ENDS), None)
    if end is None:
        return rows
    lines = [row for at, row in filled[1:] if at < end]
    fields = [(match[1], row[match.end() :]) for row in lines if (match := _FIELD_LINE.match(row))]
    others = [row for row in lines if not _FIELD_LINE.match(row)]
    keys = [key for key, _ in fields]
    if (
        not keys
        or len(set(keys)) < len(keys)
        or not all(row.lstrip().startswith("- ") or row[:1].isspace() for row in others)
        or any(_reads_like_a_turn(key, value) for key, value in fields)
        or all(_is_name(key) for key in keys)
    ):
        return rows
    below = [row for _, row in rows[end + 1 :]]
    begins = tuple(f"{key}:" for key in keys)
    if not find_turn_starts(below) or any(row.lstrip().startswith(begins) for row in below):
        return rows
    notices.drop_lines(Repair.VENDOR_LINE, [number for number, row in rows[: end + 1] if row])
    return rows[end + 1 :]


def _reads_like_a_turn(key: str, value: str) -> bool:
    return (
        key.casefold() not in _SENTENCE_FIELDS
        and classify_label(key) is not LabelKind.HEADING
        and _SENTENCE_END.search(value) is not None
    )


def _is_name(key: str) -> bool:
    return key[0].isupper() and classify_label(key) is LabelKind.NAME
