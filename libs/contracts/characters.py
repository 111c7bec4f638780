"""Detection and removal of invisible characters that only hide text.

A joiner after a Persian or Sinhala letter decides how the word is written, a variation selector
after a heart makes it red, a joiner between two pictures makes one of them: they are the
transcript's own. The same characters after a Latin letter or a space show nothing, and a
right-to-left override shows other words than the ones that are stored: those are taken out, and
callers report what was removed.

Sources: The Unicode Standard 17, sections 23.2 to 23.4; UTS #51 for emoji; UAX #15, section 13,
for the length of runs of marks (Stream-Safe Text Format).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Final

MAX_MARKS: Final = 30
"""Marks on one letter beyond which they are no writing (UAX #15); sorting them takes the square of
their number."""

SOFT: Final = "\u00ad\u180e\u200b-\u200d\u2060"
"""Hyphens, spaces and zero-width joiners that decide how the letters around them are written."""

SELECTORS: Final = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Characters that choose a variant of the one before them."""

DIRECTION_MARKS: Final = "\u061c\u200e\u200f"
"""Marks that put punctuation on the right side in texts that run from right to left."""

INVISIBLE: Final = SOFT + SELECTORS + DIRECTION_MARKS
"""All of these; words compare equal with them and without. For a class of a regular expression."""

# Flags of England, Scotland and Wales: the only sequences of tags in use.
_FLAGS: Final = "|".join(
    "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in name) + "\U000e007f"
    for name in ("gbeng", "gbsct", "gbwls")
)
# Controls that are no white space; embeddings, overrides and isolates; invisible operators;
# byte order marks; annotations; tags; halves of surrogate pairs, which JSON can smuggle in.
_NEVER: Final = (
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2061-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f"
)
_WATCHED: Final = re.compile(f"{_FLAGS}|[{INVISIBLE}{_NEVER}]")
# Any match of the one above has one of these; without alternatives they are found ten times faster.
_WATCHED_SIGN: Final = re.compile(f"[{INVISIBLE}{_NEVER}]")
_FLAG: Final = re.compile(_FLAGS)
_ASCII_CONTROLS: Final = bytes(
    point for point in range(0x80) if _WATCHED_SIGN.match(chr(point)) is not None
)
_SOFT: Final = re.compile(f"[{SOFT}]")
_SELECTOR: Final = re.compile(f"[{SELECTORS}]")
_MARK: Final = re.compile(f"[{DIRECTION_MARKS}]")
SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""A surrogate code point, which UTF-8 cannot encode."""
_KEYCAPS: Final = "0123456789#*"
_FROM_RIGHT: Final = {"R", "AL"}
_ASTRAL_MARKS_END: Final = 0x1F000
_BMP_END: Final = 0xFFFF


def strip_hidden_characters(text: str, *, before: str = "") -> tuple[str, list[str]]:
    """Remove invisible characters from a text; return the text and a list of those removed.

    Args:
        text: any text.
        before: the character that stands before it, if there is one.

    Returns:
        The text, with U+FFFD in place of half a surrogate pair; and the characters taken out, in
        order.
    """
    if text.isascii() and text.isprintable():
        return text, []
    hidden: list[str] = []
    runs_from_right: bool | None = None

    def replace(match: re.Match[str]) -> str:
        nonlocal runs_from_right
        sign, at = match[0], match.start()
        previous = text[at - 1] if at else before
        if len(sign) > 1:  # a flag
            return sign
        if _MARK.match(sign) and runs_from_right is None:
            letters = _MARK.sub("", text)  # the marks themselves count as letters
            runs_from_right = any(unicodedata.bidirectional(one) in _FROM_RIGHT for one in letters)
        if _is_in_place(sign, previous, runs_from_right=bool(runs_from_right)):
            return sign
        hidden.append(sign)
        return "\ufffd" if SURROGATE.match(sign) else ""

    shown = _WATCHED.sub(replace, text) if _WATCHED_SIGN.search(text) else text
    return _without_piles(shown, hidden), hidden


def estimate_invisible_characters(text: str) -> int:
    """Estimate the number of invisible characters in a text, without removing them.

    It counts those that stay in their place, too.
    """
    if text.isascii():
        return _count_ascii_controls(text)
    # Of a flag, the picture it begins with counts too.
    return len(text) - len(_WATCHED_SIGN.sub("", text)) + len(_FLAG.findall(text))


def may_contain_hidden_characters(text: str) -> bool:
    """Return False if a text certainly has no hidden characters; fast, may wrongly return True.

    Quick, and never False for a text that holds some.
    """
    if text.isascii():
        return _count_ascii_controls(text) > 0
    return _WATCHED_SIGN.search(text) is not None or _may_have_piles(text)


def _count_ascii_controls(text: str) -> int:
    """Return how many controls that are no white space an ASCII text has."""
    encoded = text.encode("ascii")
    return len(encoded) - len(encoded.translate(None, _ASCII_CONTROLS))


# The same few pairs come again and again, in hostile texts millions of times.
@lru_cache(maxsize=1_024)
def _is_in_place(sign: str, previous: str, *, runs_from_right: bool) -> bool:
    """Return whether an invisible character has a meaning after the character before it."""
    if not previous or previous.isspace():
        return False
    if _SOFT.match(sign):
        if sign == "\u00ad":
            return previous.isalnum() or not previous.isascii()
        return not previous.isascii() and not _SOFT.match(previous) and _is_shown(previous)
    if _SELECTOR.match(sign):
        is_base = previous in _KEYCAPS or not previous.isascii()
        return is_base and not _SELECTOR.match(previous) and not _SOFT.match(previous)
    return bool(_MARK.match(sign)) and runs_from_right and not _MARK.match(previous)


def _is_shown(sign: str) -> bool:
    """Return whether a character is part of a letter or a picture."""
    return bool(_SELECTOR.match(sign)) or unicodedata.category(sign)[0] in "LMSN"


def _without_piles(text: str, hidden: list[str]) -> str:
    """Return the text with at most ``MAX_MARKS`` combining marks on a letter."""

    def cut(match: re.Match[str]) -> str:
        hidden.extend(match[0][MAX_MARKS:])
        return match[0][:MAX_MARKS]

    return _piles().sub(cut, text) if _may_have_piles(text) else text


def _may_have_piles(text: str) -> bool:
    """Check quickly whether a letter may have more than ``MAX_MARKS`` marks; False is certain."""
    return not text.isascii() and _possible_pile().search(text) is not None


@cache
def _possible_pile() -> re.Pattern[str]:
    """As ``_piles``, with any letter beyond the BMP as a mark.

    ``re`` looks up a class of the BMP in a table, and compares with other ranges one by one.
    """
    marks = "".join(
        f"\\u{first:04x}-\\u{last:04x}" for first, last in _mark_ranges() if last <= _BMP_END
    )
    return re.compile(f"[{marks}\U00010000-\U0001efff]{{{MAX_MARKS + 1}}}")


@cache
def _piles() -> re.Pattern[str]:
    return re.compile(f"[{build_combining_mark_ranges()}]{{{MAX_MARKS + 1},}}")


@cache
def build_combining_mark_ranges() -> str:
    """Build the part of a regex character class that matches all Unicode combining marks."""
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in _mark_ranges())


def _mark_ranges() -> Iterator[tuple[int, int]]:
    first: int | None = None
    for point in range(0x300, _ASTRAL_MARKS_END):
        is_mark = unicodedata.category(chr(point))[0] == "M" and not _SELECTOR.match(chr(point))
        if is_mark and first is None:
            first = point
        elif not is_mark and first is not None:
            yield first, point - 1
            first = None


def describe_character(sign: str) -> str:
    """Return a character's code point and Unicode name, such as ``U+200B ZERO WIDTH SPACE``."""
    return f"U+{ord(sign):04X} {unicodedata.name(sign, '')}".strip()
