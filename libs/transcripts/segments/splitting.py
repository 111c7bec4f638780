"""Cuts a long turn into parts, where a sentence ends if it can; sizes are tokens, estimated."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Final, NamedTuple

from contracts.transcript import WordTiming

MAX_SEGMENT_CHARACTERS: Final = 250_000
"""The longest segment by default, in characters: about four hours of talk without a break. A longer
turn is several segments; a shorter one cites as one, whichever part of it a chunk has."""

CHARACTERS_A_TOKEN: Final = 4
"""Characters of English that are about a token. Sizes are in characters of English."""

# What a letter of a script takes of a model's context, in characters of English, and which code
# points that script has. Measured with the vocabularies cl100k_base and o200k_base on the first
# article of the Universal Declaration of Human Rights, by the larger of the two: a model of another
# maker may be no better (docs/adr/0040-letters-of-other-scripts-are-more-tokens.md).
_SCRIPTS: Final = (
    (2, "\u0400-\u052f"),  # Cyrillic
    # Greek, Hebrew, Arabic, Devanagari, Thai, Vietnamese letters, Chinese, Japanese, Korean
    (4, "\u0370-\u03ff\u0590-\u06ff\u0860-\u097f\u0e00-\u0e7f\u1100-\u11ff\u1e00-\u1fff"),
    (4, "\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\ufb1d-\ufdff\ufe70-\ufefc\uff01-\uffee"),
    # Armenian, Syriac to Mandaic, Bengali to Sinhala, Lao, Tibetan, Burmese, Georgian, Khmer, ...
    (8, "\u0530-\u058f\u0700-\u085f\u0980-\u0dff\u0e80-\u10ff\u1680-\u1cff\u2c00-\u2dff"),
    (8, "\ua4d0-\ua71f\ua800-\uabff"),
    (12, "\u1200-\u167f\U00020000-\U0003ffff"),  # Ethiopic, Cherokee, Inuktitut, rare Chinese
)
_LETTERS: Final = tuple((size - 1, re.compile(f"[{points}]")) for size, points in _SCRIPTS)
_LARGE: Final = re.compile(f"[{''.join(points for _, points in _SCRIPTS)}]")
_SENTENCE_END: Final = re.compile(
    r"[.!?…\u061f\u06d4\u0964][\"”\u2019')\]]*(?= )"
    r"|[\u3002\uff01\uff1f][”\u2019\u300d\u300f\uff09]*"
)
_LONGEST_CLUSTER = 16  # marks on one letter beyond which they may be parted from it
_JOINER = "\u200d"
_offset = attrgetter("offset")
_start = attrgetter("start_ms")
_end = attrgetter("end_ms")


class TurnPart(NamedTuple):
    """Part of a speaker's long turn that becomes one segment: text, words and times."""

    text: str
    words: tuple[WordTiming, ...]
    start_ms: int | None
    end_ms: int | None


def estimate_size_in_english_characters(text: str) -> int:
    """Estimate how many characters of English take as many model tokens as a text."""
    if text.isascii() or _LARGE.search(text) is None:
        return len(text)
    return len(text) + sum(added * len(letters.findall(text)) for added, letters in _LETTERS)


def count_fitting_characters(text: str, size: int) -> int:
    """Return how many of a text's first characters fit into a size in model tokens."""
    window = text[:size]
    if window.isascii():
        return len(window)
    added = 0
    for match in _LARGE.finditer(window):
        if match.start() + added >= size:
            break
        added += _added_size(match[0])
        if match.end() + added > size:
            return match.start()
    return min(len(window), size - added)


@lru_cache(maxsize=1_024)
def _added_size(letter: str) -> int:
    """What a letter takes beyond a letter of English."""
    return next(added for added, letters in _LETTERS if letters.match(letter))


def find_cut_position(text: str, begin: int, limit: int) -> int:
    """Find the best position to cut a text before a limit: after a sentence, or else a word.

    It ends behind a sentence in the second half of what fits, else between two words, else between
    two characters.

    Args:
        text: with single spaces.
        begin: where the part begins.
        limit: where it has to end, if the text is longer; beyond ``begin``.
    """
    if len(text) <= limit:
        return len(text)
    # The space behind a sentence may itself stand beyond the limit.
    stops = _SENTENCE_END.finditer(text, begin + (limit - begin) // 2, limit + 1)
    if ends := [stop.end() for stop in stops if stop.end() <= limit]:
        return ends[-1]
    space = text.rfind(" ", begin + 1, limit + 1)
    return space if space > begin else _between_letters(text, begin, limit)


def find_tail_start(text: str, end: int, size: int) -> int:
    """Find where the last sentences of a text begin that together fit into ``size``.

    Where no sentence begins in the first half of what fits, it is the first word; where there is
    none, the first character.
    """
    begin = end - count_fitting_characters(text[max(0, end - size) : end][::-1], size)
    if begin == 0:
        return 0
    half = begin + (end - begin) // 2
    for stop in _SENTENCE_END.finditer(text, max(0, begin - 2), half + 1):
        start = stop.end() + text.startswith(" ", stop.end())
        if begin <= start <= half:
            return start
    if text[begin - 1] == " ":
        return begin
    space = text.find(" ", begin, end)
    return space + 1 if space >= 0 else _between_letters(text, begin - _LONGEST_CLUSTER, begin)


def cut_turn_part(text: str, words: Sequence[WordTiming], begin: int, end: int) -> TurnPart:
    """Cut out the part of a turn between two text positions, with the times of its words.

    What is spoken in a timing that began before the part takes that timing's start and end, within
    which it lies.

    Args:
        text: the turn's text.
        words: its times, in order of offset.
        begin: index of the part's first character.
        end: index behind its last one.
    """
    first = bisect_left(words, begin, key=_offset)
    behind = bisect_left(words, end, key=_offset)
    own = words[first:behind]
    begun_before = first > 0 and (not own or own[0].offset > begin)
    return TurnPart(
        text[begin:end],
        tuple(_moved(word, begin) for word in own) if begin else tuple(own),
        *_span(words[first - begun_before : behind]),
    )


def split_turn(text: str, words: tuple[WordTiming, ...], most: int) -> Iterator[TurnPart]:
    """Split a speaker's long turn into parts; a short turn is one part.

    The space at a cut goes.

    Args:
        text: the turn's text, with single spaces.
        words: its times, in order of offset.
        most: characters a part may have.

    Yields:
        Parts with offsets of their own (``cut_turn_part``), cut as ``find_cut_position`` does.
    """
    if 0 < len(text) <= most:
        yield TurnPart(text, words, *_span(words))
        return
    begin = 0
    while begin < len(text):
        end = find_cut_position(text, begin, begin + most)
        yield cut_turn_part(text, words, begin, end)
        begin = end + text.startswith(" ", end)


def _span(words: Sequence[WordTiming]) -> tuple[int | None, int | None]:
    """When the first of several words begins, and the last one ends."""
    if not words:
        return None, None
    return min(map(_start, words)), max(map(_end, words))


def _moved(word: WordTiming, begin: int) -> WordTiming:
    return word.model_copy(update={"offset": word.offset - begin})


def _between_letters(text: str, begin: int, limit: int) -> int:
    """The limit, or a little before it where a letter or a picture would be cut in two."""
    for end in range(limit, max(begin, limit - _LONGEST_CLUSTER), -1):
        is_mark = unicodedata.category(text[end]).startswith("M")
        if not is_mark and _JOINER not in text[end - 1 : end + 1]:
            return end
    return limit
