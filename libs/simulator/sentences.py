"""Sentence splitter whose sentences are exact slices of a segment's text."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from simulator.wording import parse_word_set

LONG_SENTENCE = 45
"""Words above which a sentence is cut at its clauses: nobody reads a longer note."""

_SHORTEST_CLAUSE = 8

# Begun only where a run begins, or a long run would be tried from each of its characters.
_STOP = re.compile(r"(?:(?<![.!?])[.!?]+|(?<!…)…+)[\"”\u2019')\]]*(?=\s|$)")
_OPENING = re.compile(r"[ \t\r\n\"“\u2018']*")
_RUN = re.compile(r"\S+")
_LETTER = re.compile(r"\w")
_INITIAL = re.compile(r"(?:^|[\s(])(?:[A-HJ-Z]\.|(?:[A-Za-z]\.){2,})$")
_CLAUSE = re.compile(
    r"[,;:\u2013—](?=\s)|\s(?=(?:and|but|so|because|then|although|however|'cause)\b)",
    re.IGNORECASE,
)
_ABBREVIATIONS = parse_word_set(
    "mr mrs ms dr prof st sr jr vs etc approx e.g i.e nr ca bzw usw dept fig inc ltd"
)
_OUTSIDE = " \t\r\n.…,;:-\u2013—"


@dataclass(frozen=True, slots=True)
class SentenceSlice:
    """Sentence in a segment's text, with its start and end positions."""

    start: int
    end: int
    text: str


def split_segment_sentences(text: str) -> Iterator[SentenceSlice]:
    """Split a segment's text into sentences, each with its start and end positions.

    Decimals, abbreviations, initials, and dots before a lower-case word do not end a sentence.
    A sentence of more than `LONG_SENTENCE` words comes in pieces, cut where clauses begin.
    """
    begin = 0
    for stop in _STOP.finditer(text):
        if _ends_here(text, stop):
            yield from _pieces(text, begin, stop.end())
            begin = stop.end()
    yield from _pieces(text, begin, len(text))


def split_punctuated_words(text: str) -> list[re.Match[str]]:
    """Split a text into words, each with the punctuation attached to it."""
    return [run for run in _RUN.finditer(text) if _LETTER.search(run.group())]


def _ends_here(text: str, stop: re.Match[str]) -> bool:
    opening = _OPENING.match(text, stop.end())
    following = opening.end() if opening else stop.end()
    if text[following : following + 1].islower():
        return False
    if stop.group() != ".":
        return True
    # An abbreviation can end a sentence too, but joining two sentences misquotes nobody.
    before = text[max(0, stop.start() - 20) : stop.end()]
    last = before[:-1].split()[-1:] or [""]
    return last[0].lower().lstrip('("“') not in _ABBREVIATIONS and not _INITIAL.search(before)


def _pieces(text: str, begin: int, end: int) -> Iterator[SentenceSlice]:
    words = [begin + word.start() for word in split_punctuated_words(text[begin:end])]
    if len(words) <= LONG_SENTENCE:
        yield from _trimmed(text, begin, end)
        return
    start, before = begin, 0
    for clause in _CLAUSE.finditer(text, begin, end):
        so_far = bisect_left(words, clause.end())
        if min(so_far - before, len(words) - so_far) >= _SHORTEST_CLAUSE:
            yield from _trimmed(text, start, clause.end())
            start, before = clause.end(), so_far
    yield from _trimmed(text, start, end)


def _trimmed(text: str, begin: int, end: int) -> Iterator[SentenceSlice]:
    """Yield the slice without blanks around it and without stray punctuation before it."""
    while begin < end and text[begin] in _OUTSIDE:
        begin += 1
    while end > begin and text[end - 1].isspace():
        end -= 1
    if _LETTER.search(text, begin, end):
        yield SentenceSlice(begin, end, text[begin:end])
