"""What the readers of vendors' JSON share: words with times, and passages made of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final, NamedTuple

from transcripts.documents import reference
from transcripts.notices import Mended, Notices
from transcripts.text import Piece
from transcripts.times import ordered, parse_clock
from transcripts.turns import Passage

_LONGEST_MS: Final = 1_000 * 3_600 * 1_000
_LONGEST_NUMBER: Final = 1_000 * 3_600
"""Seconds, or anything smaller, that are surely a time within a recording."""
_NUMBER: Final = re.compile(r"\s*(-?\d{1,12}(?:\.\d{1,12})?)\s*s?\s*")
_TICKS_A_MS: Final = 10_000
_ISO_DURATION: Final = re.compile(
    r"PT(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,7}(?:\.\d{1,9})?)S)?", re.IGNORECASE
)
# Punctuation that vendors give as a token of its own hangs on the word before it.
_HANGS: Final = re.compile(r"[.,!?;:…%)\]}\u2019\u201d\u3002\uff0c\uff01\uff1f]+|['\u2019]\w{1,2}")


class Word(NamedTuple):
    """Word as a vendor has it; times in milliseconds.

    Attributes:
        speaker: who says it; empty if the vendor does not tell, None if it goes with the last.
        hangs: there is no blank before it.
    """

    text: str
    start_ms: int | None = None
    end_ms: int | None = None
    speaker: str | None = None
    hangs: bool = False


class Clock:
    """Converter of a vendor's times to milliseconds; invalid times become None and are counted.

    Args:
        ms: how many milliseconds one unit has; 1 for milliseconds, 1,000 for seconds.
        notices: takes how many times could not be used.
    """

    def __init__(self, ms: float, notices: Notices) -> None:
        self._ms = ms
        self._notices = notices

    def __call__(self, value: object) -> int | None:
        """Milliseconds of a number, or of text such as ``1.5``, ``1.5s``, ``PT1.5S``, ``0:01``."""
        if type(value) is float and 0 <= value <= _LONGEST_NUMBER:
            return round(value * self._ms)
        if value is None or value == "":
            return None
        made = self._read(value)
        if made is None or not 0 <= made <= _LONGEST_MS:
            self._notices.add(Mended.UNUSABLE_TIME)
            return None
        return made

    def span(self, start: object, end: object) -> tuple[int | None, int | None]:
        """Start and end, the end moved to the start where it is earlier."""
        start_ms, end_ms = self(start), self(end)
        if start_ms is None or end_ms is None or start_ms <= end_ms:
            return start_ms, end_ms
        return start_ms, ordered(start_ms, end_ms, self._notices)

    def _read(self, value: object) -> int | None:
        if isinstance(value, str):
            return self._read_text(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            # Compared first: JSON's integers may exceed a float, and NaN compares false.
            return round(value * self._ms) if abs(value) <= _LONGEST_MS else None
        if isinstance(value, dict):  # protobuf's Duration
            seconds, nanos = self._read(value.get("seconds", 0)), value.get("nanos", 0)
            whole = seconds is not None and isinstance(nanos, int)
            return seconds + nanos // 10**6 if whole and seconds is not None else None
        return None

    def _read_text(self, value: str) -> int | None:
        if match := _NUMBER.fullmatch(value):
            return round(float(match[1]) * (1_000 if value.rstrip().endswith("s") else self._ms))
        if match := _ISO_DURATION.fullmatch(value):
            hours, minutes, seconds_ = (float(one or 0) for one in match.groups())
            return round(((hours * 60 + minutes) * 60 + seconds_) * 1_000)
        return parse_clock(value.strip())


def ticks(value: object) -> float | None:
    """Convert .NET's ticks of 100 ns to milliseconds."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value / _TICKS_A_MS
    return None


def is_objects(value: Any) -> bool:
    """Return whether a value is a list of objects that is not empty."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; other things in it are left out."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def at(document: Any, *keys: str) -> Any:
    """Return the value under nested keys; None if one of them is missing."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def key(*values: Any) -> tuple[str, ...]:
    """Return values as a key to look up; "" in place of what is neither number nor text."""
    return tuple(str(one) if isinstance(one, str | int | float) else "" for one in values)


def text(value: Any) -> str:
    """Return a value if it is text, otherwise ""."""
    return value if isinstance(value, str) else ""


def voice(value: Any) -> str:
    """Return the label of a diarised voice: ``Speaker 0`` for ``0``, ``Speaker A`` for ``A``."""
    label = reference(value).strip()
    if not label:
        return ""
    return f"Speaker {label}" if label.isdecimal() or len(label) == 1 else label


def of_words(words: Iterable[Word], notices: Notices) -> Iterator[Passage]:
    """Yield passages of consecutive words of one speaker; words without one join the last."""
    del notices
    speaker = ""
    owned: list[tuple[str, Word]] = []
    for word in words:
        speaker = speaker if word.speaker is None else word.speaker
        owned.append((speaker, word))
    for label, group in groupby(owned, key=lambda pair: pair[0]):
        yield Passage(label, tuple(_piece(word) for _, word in group))


def _piece(word: Word) -> Piece:
    hangs = word.hangs or _HANGS.fullmatch(word.text) is not None
    return Piece(word.text if hangs else f" {word.text}", word.start_ms, word.end_ms)


def of_segment(
    speaker: str, said: str, times: tuple[int | None, int | None], words: Iterable[Word] = ()
) -> Iterator[Passage]:
    """Yield a passage of a segment's own text, with the times of those words that stand in it.

    Args:
        speaker: who speaks; empty if the vendor does not tell.
        said: the segment's text, which is what was said.
        times: its start and end in milliseconds.
        words: its words in order; where they name other speakers, they are what was said.
    """
    words = [word for word in words if word.text.strip()]
    if not words:
        yield Passage(speaker, (Piece(said, *times),))
        return
    others = {word.speaker for word in words if word.speaker}
    if len(others) > 1:
        yield from of_words(words, Notices())
        return
    pieces: list[Piece] = []
    begin = 0
    pending: tuple[int | None, int | None] = times
    for word in words:
        found = said.find(word.text.strip(), begin)
        if found < 0 or word.start_ms is None:
            continue
        if found > begin and said[begin:found].strip():
            pieces.append(Piece(said[begin:found], *pending))
            begin = found
        end = found + len(word.text.strip())
        pieces.append(Piece(said[begin:end], word.start_ms, word.end_ms))
        begin, pending = end, (None, None)
    if said[begin:]:
        pieces.append(Piece(said[begin:], *pending))
    yield Passage(speaker, (Piece(" "), *pieces))


def first(holder: Mapping[str, Any], *keys: str) -> Any:
    """Return the value of the first of several keys that an object has, None if it has none."""
    return next((holder[key] for key in keys if holder.get(key) is not None), None)
