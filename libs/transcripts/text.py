"""Text as evidence will quote it: as people read it, with single spaces, in one Unicode form."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from string import ascii_letters, digits
from typing import Final, NamedTuple

from pydantic import TypeAdapter

from contracts.characters import strip_hidden_characters
from contracts.transcript import WordTiming

# Most of a file is printable ASCII, and validating words is what costs most after decoding: hence
# the short ways here, and all words of a turn at once instead of the model's constructor.
_VALIDATE_TIMINGS: Final[Callable[[Sequence[dict[str, int]]], tuple[WordTiming, ...]]] = (
    TypeAdapter(tuple[WordTiming, ...]).validator.validate_python
)


SENTENCE_GOES_ON: Final = frozenset(",\uff0c\u060c\u3001")
"""Marks behind which a sentence goes on."""


LONGEST_BLANKS: Final = 200
"""Blanks in a row that a file's text keeps: more than any layout has between two columns."""

_BLANKS: Final = (" ", "\t", "\u00a0")
_LONG_BLANKS: Final = re.compile(rf"[ \t\u00a0]{{{LONGEST_BLANKS + 1},}}")


SURELY_VISIBLE: Final = frozenset(ascii_letters + digits)
"""Characters of which one is enough for a text to be visible, whatever else is in it."""


_BLANKS_AND_MARKS: Final = " \u061c\u200e\u200f"
"""Blanks and marks of direction, which have nothing to decide at the end of a text."""


class TextSpan(NamedTuple):
    """Piece of a speaker's text as in the source file, with its times and white space.

    ``start_ms`` and ``end_ms`` are milliseconds from the start of the recording, or None.
    """

    text: str
    start_ms: int | None = None
    end_ms: int | None = None


new_text_span: Final = partial(tuple.__new__, TextSpan)
"""Makes a piece of a tuple of all its fields, in half the time of the constructor."""


def shorten_blanks(text: str) -> str:
    """Shorten each run of blanks to ``LONGEST_BLANKS``, so that later searches stay fast.

    Nothing that was said is lost: evidence has single spaces (``clean_text``).
    """
    if not any(one * (LONGEST_BLANKS + 1) in text for one in _BLANKS):
        return text
    return _LONG_BLANKS.sub(lambda found: found[0][:LONGEST_BLANKS], text)


def clean_text(text: str) -> str:
    """Clean a text: Unicode NFC, no hidden characters, single spaces as white space.

    Joiners, variation selectors and other invisible characters stay where they decide how the
    letters or pictures around them look; ``contracts.characters`` says where that is.
    """
    if text.isascii() and text.isprintable():
        shown = text.strip()
        return shown if "  " not in shown else " ".join(shown.split())
    shown, _ = strip_hidden_characters(text)
    return _composed(shown).rstrip(_BLANKS_AND_MARKS)


def ends_within_sentence(text: str) -> bool:
    """Return whether a text ends within a sentence: with a letter, digit or comma."""
    last = text[-1:]
    if last.isspace():
        last = text.rstrip()[-1:]
    return last.isalnum() or last in SENTENCE_GOES_ON


def has_visible_text(text: str) -> bool:
    """Return whether a text contains visible characters."""
    if text.isascii() and text.isprintable():
        return not text.isspace() and bool(text)
    return bool(clean_text(text))


def _composed(shown: str) -> str:
    if not shown.isascii():
        shown = unicodedata.normalize("NFC", shown)
    return " ".join(shown.split())


def join_pieces(pieces: Sequence[TextSpan]) -> tuple[str, tuple[WordTiming, ...]]:
    """Join pieces of text into the text of one turn, and collect the times of its words.

    Returns:
        The clean text, and for every piece with a start its times at the offset of its first
        character; a piece without an end ends where it starts.
    """
    whole = "".join([piece[0] for piece in pieces])
    if whole.isascii() and whole.isprintable():
        text = whole.strip(" ")
        if "  " not in text:
            return text, _time_words(pieces, whole.find(text[:1]))
        return _join_printable_ascii(pieces)
    parts: list[str] = []
    words: list[dict[str, int]] = []
    length = 0
    spaced = False
    before = ""
    for source, start_ms, end_ms in pieces:
        visible = source
        if source.isascii() and source.isprintable():
            text = " ".join(source.split())
        else:
            visible, _ = strip_hidden_characters(source, before=before)
            text = _composed(visible)
        before = source[-1:] or before
        if not text:
            spaced = spaced or bool(visible)
            continue
        if length and (spaced or visible[0].isspace()):
            parts.append(" ")
            length += 1
        if start_ms is not None:
            ends_ms = start_ms if end_ms is None or end_ms < start_ms else end_ms
            words.append({"offset": length, "start_ms": start_ms, "end_ms": ends_ms})
        parts.append(text)
        length += len(text)
        spaced = visible[-1].isspace()
    whole = "".join(parts).rstrip(_BLANKS_AND_MARKS)
    timed = [one for one in words if one["offset"] < len(whole)]
    return _in_one_form(whole, _VALIDATE_TIMINGS(timed))


def _time_words(pieces: Iterable[TextSpan], leading: int) -> tuple[WordTiming, ...]:
    """Times of pieces that make up a text as they are, but for blanks around the whole.

    Args:
        pieces: with single blanks between words, if any.
        leading: how many blanks stand before the first word.
    """
    words: list[dict[str, int]] = []
    offset = -leading
    for source, start_ms, end_ms in pieces:
        if start_ms is not None and source and not source.isspace():
            ends_ms = start_ms if end_ms is None or end_ms < start_ms else end_ms
            first = offset + 1 if source[0] == " " else offset
            at = max(0, first)  # the first word, behind several blanks
            words.append({"offset": at, "start_ms": start_ms, "end_ms": ends_ms})
        offset += len(source)
    return _VALIDATE_TIMINGS(words)


def _join_printable_ascii(pieces: Iterable[TextSpan]) -> tuple[str, tuple[WordTiming, ...]]:
    """As ``join_pieces``, where blanks are the only white space and nothing is hidden."""
    parts: list[str] = []
    words: list[dict[str, int]] = []
    length = 0
    spaced = False
    for source, start_ms, end_ms in pieces:
        text = source.strip(" ")
        if not text:
            spaced = spaced or bool(source)
            continue
        if "  " in text:
            text = " ".join(text.split())
        if length and (spaced or source[0] == " "):
            parts.append(" ")
            length += 1
        if start_ms is not None:
            ends_ms = start_ms if end_ms is None or end_ms < start_ms else end_ms
            words.append({"offset": length, "start_ms": start_ms, "end_ms": ends_ms})
        parts.append(text)
        length += len(text)
        spaced = source[-1] == " "
    return "".join(parts), _VALIDATE_TIMINGS(words)


def _in_one_form(text: str, words: tuple[WordTiming, ...]) -> tuple[str, tuple[WordTiming, ...]]:
    """Mend the rare text whose pieces compose across a border, such as an accent of its own.

    Nothing composes across a space, so tokens are normalised one by one; of the timings, those
    at the start of a token stay.
    """
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return text, words
    by_offset = {word.offset: word for word in words}
    tokens: list[str] = []
    kept: list[WordTiming] = []
    old = new = 0
    for token in text.split(" "):
        if old in by_offset:
            kept.append(by_offset[old].model_copy(update={"offset": new}))
        tokens.append(unicodedata.normalize("NFC", token))
        old += len(token) + 1
        new += len(tokens[-1]) + 1
    return " ".join(tokens), tuple(kept)
