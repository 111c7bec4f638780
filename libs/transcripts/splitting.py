"""Cuts a turn that is too long for one segment, where a sentence ends if it can."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from contracts.transcript import WordTiming

MAX_SEGMENT_CHARACTERS: Final = 12_000
"""The longest segment by default, in characters: about 13 minutes of talk without a break."""

_SENTENCE_END = re.compile(r"[.!?…][\"”\u2019')\]]*(?= )|[\u3002\uff01\uff1f]")
_LONGEST_CLUSTER = 16  # marks on one letter beyond which they may be parted from it


class TurnPart(NamedTuple):
    """Part of a speaker's turn that becomes one segment: its text, words and times."""

    text: str
    words: tuple[WordTiming, ...]
    start_ms: int | None
    end_ms: int | None


def split_turn(text: str, words: tuple[WordTiming, ...], most: int) -> Iterator[TurnPart]:
    """Split a speaker's long turn into parts for segments; a short turn is one part.

    A cut is made behind a sentence in the second half of what fits, else between two words, else
    between two characters; the space at a cut goes.

    Args:
        text: the turn's text, with single spaces.
        words: its times, in order of offset.
        most: characters a stretch may have.

    Yields:
        Stretches with offsets of their own. What is spoken in a timing that began in the
        stretch before takes that timing's start and end, within which it lies.
    """
    if len(text) <= most:
        if text:
            yield TurnPart(text, words, *_span(words))
        return
    offsets = [word.offset for word in words]
    begin = 0
    while begin < len(text):
        end = _end(text, begin, most)
        first, behind = bisect_left(offsets, begin), bisect_left(offsets, end)
        own = words[first:behind]
        begun_before = first > 0 and (not own or own[0].offset > begin)
        heard = words[first - begun_before : behind]
        yield TurnPart(
            text[begin:end],
            tuple(_moved(word, begin) for word in own) if begin else own,
            *_span(heard),
        )
        begin = end + text.startswith(" ", end)


def _span(words: Sequence[WordTiming]) -> tuple[int | None, int | None]:
    """When the first of several words begins, and the last one ends."""
    if not words:
        return None, None
    return min([word.start_ms for word in words]), max([word.end_ms for word in words])


def _moved(word: WordTiming, begin: int) -> WordTiming:
    return word.model_copy(update={"offset": word.offset - begin})


def _end(text: str, begin: int, most: int) -> int:
    limit = begin + most
    if len(text) <= limit:
        return len(text)
    # The space behind a sentence may itself stand beyond the limit.
    stops = _SENTENCE_END.finditer(text, begin + most // 2, limit + 1)
    if ends := [stop.end() for stop in stops if stop.end() <= limit]:
        return ends[-1]
    space = text.rfind(" ", begin + 1, limit + 1)
    return space if space > begin else _between_letters(text, begin, limit)


def _between_letters(text: str, begin: int, limit: int) -> int:
    """The limit, or a little before it where a letter's accents would be cut off."""
    for end in range(limit, max(begin, limit - _LONGEST_CLUSTER), -1):
        if not unicodedata.combining(text[end]):
            return end
    return limit
