"""What the readers of vendors' JSON share: words with times, and passages made of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache, partial
from itertools import groupby
from math import ceil
from operator import itemgetter
from typing import Any, Final, NamedTuple

from transcripts.notices import Notices, Repair
from transcripts.segments.turns import SpokenPassage
from transcripts.text import TextSpan, new_text_span
from transcripts.times import clamp_end_time, parse_clock_time
from transcripts.vendors.json_documents import normalize_speaker_id

_LONGEST_MS: Final = 1_000 * 3_600 * 1_000
_NUMBER: Final = re.compile(r"\s*(-?\d{1,12}(?:\.\d{1,12})?)\s*(s?)\s*")
_TICKS_A_MS: Final = 10_000
_ISO_DURATION: Final = re.compile(
    r"PT(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,7}(?:\.\d{1,9})?)S)?", re.IGNORECASE
)
# Punctuation that vendors give as a token of its own hangs on the word before it.
_HANGS: Final = re.compile(r"[.,!?;:…%)\]}\u2019\u201d\u3002\uff0c\uff01\uff1f]+|['\u2019]\w{1,2}")


class TimedWord(NamedTuple):
    """Word of a transcript with its speaker, and start and end in milliseconds.

    Attributes:
        speaker: who says it; empty if the vendor does not tell, None if it goes with the last.
        hangs: there is no blank before it.
    """

    text: str
    start_ms: int | None = None
    end_ms: int | None = None
    speaker: str | None = None
    hangs: bool = False


new_timed_word: Final = partial(tuple.__new__, TimedWord)
"""Makes a word of a tuple of all its fields, in a third of the time of the constructor."""


class TimeConverter:
    """Converter of a file's times to milliseconds; invalid times become None.

    Args:
        ms: how many milliseconds one unit has; 1 for milliseconds, 1,000 for seconds.
        notices: takes how many times could not be used.
    """

    def __init__(self, ms: float, notices: Notices) -> None:
        self._ms = ms
        self._most = int(_LONGEST_MS / min(1, ms))  # beyond that a number is no time
        self._longest = self._most // max(1, ceil(ms))  # surely a time within a recording
        self._notices = notices

    def __call__(self, value: object) -> int | None:
        """Milliseconds of a number, or of text such as ``1.5``, ``1.5s``, ``PT1.5S``, ``0:01``."""
        if type(value) is float and 0 <= value <= self._longest:
            return round(value * self._ms)
        if value is None or value == "":
            return None
        if type(value) is int and 0 <= value <= self._longest:
            return round(value * self._ms)
        made = self._read_text(value) if type(value) is str else self._read(value)
        if made is None or not 0 <= made <= _LONGEST_MS:
            self._notices.add(Repair.UNUSABLE_TIME)
            return None
        return made

    def span(self, start: object, end: object) -> tuple[int | None, int | None]:
        """Start and end, the end moved to the start where it is earlier."""
        kind = type(start)
        if (
            (kind is float or kind is int)
            and type(end) is kind
            and 0 <= start <= end <= self._longest  # type: ignore[operator]
        ):
            return round(start * self._ms), round(end * self._ms)  # type: ignore[operator]
        start_ms, end_ms = self(start), self(end)
        if start_ms is None or end_ms is None or start_ms <= end_ms:
            return start_ms, end_ms
        return start_ms, clamp_end_time(start_ms, end_ms, self._notices)

    def _read(self, value: object) -> int | None:
        if isinstance(value, str):
            return self._read_text(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            # Compared first: JSON's integers may exceed a float, and NaN compares false.
            return round(value * self._ms) if abs(value) <= self._most else None
        if isinstance(value, dict):  # protobuf's Duration
            seconds, nanos = self._read(value.get("seconds", 0)), value.get("nanos", 0)
            whole = seconds is not None and isinstance(nanos, int)
            return seconds + nanos // 10**6 if whole and seconds is not None else None
        return None

    def _read_text(self, value: str) -> int | None:
        if match := _NUMBER.fullmatch(value):
            return round(float(match[1]) * (1_000 if match[2] else self._ms))
        if match := _ISO_DURATION.fullmatch(value):
            hours, minutes, seconds_ = (float(one or 0) for one in match.groups())
            return round(((hours * 60 + minutes) * 60 + seconds_) * 1_000)
        return parse_clock_time(value.strip())


def ticks_to_ms(value: object) -> float | None:
    """Convert a time in .NET ticks (100 ns) to milliseconds."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value / _TICKS_A_MS
    return None


def is_object_list(value: Any) -> bool:
    """Return whether a JSON value is a non-empty list of objects."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def filter_objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a JSON list; [] if the value is not a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def get_nested(document: Any, *keys: str) -> Any:
    """Return the value at a path of keys in a JSON document; None if a key is missing."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def build_lookup_key(*values: Any) -> tuple[str, ...]:
    """Convert JSON values to a tuple of strings, to use it as a dictionary key."""
    return tuple(str(one) if isinstance(one, str | int | float) else "" for one in values)


def get_text_or_empty(value: Any) -> str:
    """Return a JSON value if it is a string, otherwise ""."""
    return value if isinstance(value, str) else ""


def format_speaker_label(value: Any) -> str:
    """Format a diarised speaker's id as a label: ``Speaker 0``, ``Speaker A``."""
    return _format_identifier(normalize_speaker_id(value))


@lru_cache(maxsize=1_024)
def _format_identifier(identifier: str) -> str:
    """The label of a speaker whom a vendor gives as text."""
    label = identifier.strip()
    if not label:
        return ""
    return f"Speaker {label}" if label.isdecimal() or len(label) == 1 else label


def group_words_by_speaker(words: Iterable[TimedWord], notices: Notices) -> Iterator[SpokenPassage]:
    """Group consecutive words of the same speaker into passages."""
    del notices
    speaker = ""
    owned: list[tuple[str, TimedWord]] = []
    for word in words:
        speaker = speaker if word.speaker is None else word.speaker
        owned.append((speaker, word))
    for label, group in groupby(owned, key=itemgetter(0)):
        yield SpokenPassage(label, tuple([_piece(word) for _, word in group]))


def _piece(word: TimedWord) -> TextSpan:
    text, start_ms, end_ms, _, hangs = word
    if not hangs and (text[:1].isalpha() or _HANGS.fullmatch(text) is None):
        text = f" {text}"
    return new_text_span((text, start_ms, end_ms))


def build_segment_passages(
    speaker: str, said: str, times: tuple[int | None, int | None], words: Iterable[TimedWord] = ()
) -> Iterator[SpokenPassage]:
    """Convert one segment of a JSON transcript to a passage, with times of words if present.

    Args:
        speaker: who speaks; empty if the vendor does not tell.
        said: the segment's text, which is what was said.
        times: its start and end in milliseconds.
        words: its words in order; where they name other speakers, they are what was said.
    """
    shown = [(text, word) for word in words if (text := word[0].strip())]
    if not shown:
        yield SpokenPassage(speaker, (TextSpan(said, *times),))
        return
    others = {word.speaker for _, word in shown if word.speaker}
    if len(others) > 1:
        yield from group_words_by_speaker([word for _, word in shown], Notices())
        return
    pieces: list[TextSpan] = []
    begin = 0
    pending: tuple[int | None, int | None] = times
    for text, (_, start_ms, end_ms, _, _) in shown:
        found = said.find(text, begin)
        if found < 0 or start_ms is None:
            continue
        if found > begin and not said[begin:found].isspace():
            pieces.append(TextSpan(said[begin:found], *pending))
            begin = found
        end = found + len(text)
        pieces.append(new_text_span((said[begin:end], start_ms, end_ms)))
        begin, pending = end, (None, None)
    if said[begin:]:
        pieces.append(TextSpan(said[begin:], *pending))
    yield SpokenPassage(speaker, (TextSpan(" "), *pieces))


def get_first_present(holder: Mapping[str, Any], *keys: str) -> Any:
    """Return the value of the first of some keys that a JSON object has, or None."""
    for key in keys:
        value = holder.get(key)
        if value is not None:
            return value
    return None
