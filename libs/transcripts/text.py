"""Text as evidence will quote it: visible characters, single spaces, one Unicode form."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from contracts.transcript import WordTiming

# Characters nobody sees: controls that are no white space, the soft hyphen, zero-width and
# direction marks, invisible operators, the byte order mark.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
# JSON can smuggle in half a surrogate pair, which UTF-8 cannot carry.
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of speech as the source has it, with its own white space around it.

    ``start_ms`` and ``end_ms`` are milliseconds from the start of the recording, or None.
    """

    text: str
    start_ms: int | None = None
    end_ms: int | None = None


def clean(text: str) -> str:
    """The text without invisible characters, in NFC, white space made single spaces."""
    if not (text.isascii() and text.isprintable()):
        text = _SURROGATE.sub("\ufffd", _INVISIBLE.sub("", text))
        text = unicodedata.normalize("NFC", text)
    return " ".join(text.split())


def join(pieces: Iterable[Piece]) -> tuple[str, tuple[WordTiming, ...]]:
    """Put pieces together into a turn's text.

    Returns:
        The clean text, and for every piece with a start its times at the offset of its first
        character; a piece without an end ends where it starts.
    """
    parts: list[str] = []
    words: list[WordTiming] = []
    length = 0
    spaced = False
    for piece in pieces:
        text = clean(piece.text)
        visible = _INVISIBLE.sub("", piece.text)
        if not text:
            spaced = spaced or bool(visible)
            continue
        if length and (spaced or visible[0].isspace()):
            parts.append(" ")
            length += 1
        if piece.start_ms is not None:
            words.append(_timing(piece, piece.start_ms, length))
        parts.append(text)
        length += len(text)
        spaced = visible[-1].isspace()
    return _in_one_form("".join(parts), tuple(words))


def _timing(piece: Piece, start_ms: int, offset: int) -> WordTiming:
    end_ms = start_ms if piece.end_ms is None else max(start_ms, piece.end_ms)
    return WordTiming(offset=offset, start_ms=start_ms, end_ms=end_ms)


def _in_one_form(text: str, words: tuple[WordTiming, ...]) -> tuple[str, tuple[WordTiming, ...]]:
    """Mend the rare text whose pieces compose across a border, such as an accent of its own.

    Nothing composes across a space, so tokens are normalised one by one; of the timings, those
    at the start of a token stay.
    """
    if unicodedata.is_normalized("NFC", text):
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
