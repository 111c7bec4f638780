"""Labels of lines of plain speech, by quick ways for what most lines of most files are."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from transcripts.speakers.candidates import (
    LONGEST_LABEL,
    OTHER_COLONS,
    LabelCandidate,
    LabelMarking,
    new_candidate,
    parse_label,
)
from transcripts.speakers.label_marks import (
    ASCII_MARK,
    LINE_MAY_BE_DOTTED,
    MAY_BE_DOTTED,
    NOT_PLAIN,
    NOT_PLAIN_TEXT,
    SENTENCE_END,
    has_blanks_or_dashes,
    may_be_set_off_without_mark,
)
from transcripts.speakers.line_labels import find_label_candidates, find_labels_within_line

_MAY_HOLD_SEVERAL: Final = re.compile(rf"[:{OTHER_COLONS}]|\s[\[(<]|\s\*\*")
_COLON_MARK: Final = LabelMarking.COLON


def find_all_labels(line: str) -> tuple[LabelCandidate, ...]:
    """Find all possible speaker labels in a line, those at its beginning first."""
    line = line.lstrip()
    if _MAY_HOLD_SEVERAL.search(line) is None:
        return find_label_candidates(line)
    at = line.find(": ")
    if 0 < at <= LONGEST_LABEL and line.isascii() and line.isprintable():
        name, rest = line[:at], line[at + 1 :]
        label, key, is_simple = _label_before_colon(name)
        if is_simple and not ASCII_MARK.search(rest) and not has_blanks_or_dashes(rest):
            return (LabelCandidate(label, rest.lstrip(), LabelMarking.COLON, key),)
    first = find_label_candidates(line)
    later = [one.candidate for one in find_labels_within_line(line)]
    return (*first, *later) if later else first


def find_label_of_plain_line(line: str) -> tuple[LabelCandidate, ...] | None:
    """Find a simple line's speaker label, fast; None if ``find_all_labels`` must decide.

    Returns:
        The label, if there is one; None for a line that may have several, or has mark-up, or
        characters to clean away other than single blanks around it.
    """
    mark = NOT_PLAIN.search(line)
    if mark is None:
        return None if may_be_set_off_without_mark(line) else ()
    at = mark.start()
    said = line[at + 1 :]
    if (
        mark[0] != ":"
        or said[:1] != " "
        or at > LONGEST_LABEL
        or NOT_PLAIN.search(said)
        or has_blanks_or_dashes(said)
    ):
        return None
    label, key, is_simple = _label_before_colon(line[:at])
    return (new_candidate((label, said[1:], _COLON_MARK, key, False)),) if is_simple else None


def find_label_of_plain_text(text: str) -> tuple[LabelCandidate, ...] | None:
    """Return the label of a text with one label or none, fast; None if it may have more.

    Returns:
        The label; nothing if there is none; None for a text whose lines are to be looked at.
    """
    mark = NOT_PLAIN_TEXT.search(text)
    if has_blanks_or_dashes(text) or ("." in text and LINE_MAY_BE_DOTTED.search(text)):
        return None
    if mark is None:
        return ()
    at = mark.start()
    end = text.find("\n")
    if (
        mark[0] != ":"
        or text[at + 1 : at + 2] != " "
        or not 0 < at <= LONGEST_LABEL
        or -1 < end < at
        or NOT_PLAIN_TEXT.search(text, at + 1)
    ):
        return None
    label, key, is_simple = _label_before_colon(text[:at])
    if not is_simple:
        return None
    said = text[at + 2 :] if end < 0 else text[at + 2 : end]
    return (new_candidate((label, said, _COLON_MARK, key, False)),)


@lru_cache(maxsize=4_096)
def _label_before_colon(name: str) -> tuple[str, str, bool]:
    """A label and its key, and whether a line that begins with it can have no other label.

    Args:
        name: what stands before the first colon of a line, which a blank follows.
    """
    label, key = parse_label(name)
    others = ASCII_MARK.search(name) or has_blanks_or_dashes(name) or MAY_BE_DOTTED.match(name)
    return label, key, bool(label) and not others and SENTENCE_END.search(name) is None
