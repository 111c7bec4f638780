"""Cutting a transcript into chunks that go to the model in one call each.

    turns     Q  ───── a long answer ─────  Q  A
    chunk 1  [Q  ────────── ]
    chunk 2          (────) [ ────────────  Q  A]     (context): read, not cited

A chunk is whole turns as far as they fit its budget. Only a turn that is longer than the budget is
cut, behind a sentence. A part keeps the number of its turn and says where in it it begins
(``Segment.text_offset``), so that evidence is a range of the whole turn, whichever part has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from contracts.transcript import Role, Segment
from transcripts.segments.splitting import (
    count_fitting_characters,
    cut_turn_part,
    estimate_size_in_english_characters,
    find_cut_position,
    find_tail_start,
)

_QUESTION: Final = re.compile(
    "(?:[?\uff1f\u061f\u037e\u203d\u2047-\u2049]|\u304b\u3002)"  # か。 ends one in Japanese
    "[\"”\u2019')\\]\u300d\u300f\uff09]*$"
)

MIN_OVERLAP: Final = 100
"""Least of a turn, in characters of an alphabet, that comes before a part of it as context: a check
that looks for the "not" of a clause sees it also where the clause was cut in two."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive segments for one call of a language model, with preceding turns as context.

    ``index`` counts from 1; ``segments`` are what notes may cite, ``context`` is not.
    """

    index: int
    context: tuple[Segment, ...]
    segments: tuple[Segment, ...]


class _Place(NamedTuple):
    """Place in a transcript: before a character of a segment."""

    segment: int
    offset: int = 0


def split_into_chunks(
    segments: Sequence[Segment], *, max_characters: int = 6_000, context_characters: int = 800
) -> tuple[Chunk, ...]:
    """Split an interview's segments into chunks, each for one call of a language model.

    A chunk does not end with questions that fit into one chunk with their answer, or with the
    beginning of an answer that is longer than a chunk. Sizes are estimates of tokens: four
    characters of English are counted as one, and letters of other scripts as more.

    Args:
        segments: a transcript's segments, in order.
        max_characters: the most text in a chunk, in characters of English; a longer segment is cut
            into parts.
        context_characters: the most text in a chunk's context, likewise; ``MIN_OVERLAP`` where a
            turn was cut and that is more.

    Raises:
        ValueError: a limit makes no sense.
    """
    if max_characters < 1 or context_characters < 0:
        raise ValueError("max_characters must be positive and context_characters not negative")
    chunks: list[Chunk] = []
    sizes = [estimate_size_in_english_characters(segment.text) for segment in segments]
    start = _Place(0)
    while start.segment < len(segments):
        end = _end_of_chunk(segments, sizes, start, max_characters)
        context = _context(segments, start, context_characters)
        chunks.append(Chunk(len(chunks) + 1, context, tuple(_between(segments, start, end))))
        start = end
    return tuple(chunks)


def is_question_turn(segment: Segment) -> bool:
    """Return whether a turn is a question: spoken by an interviewer, or ending with "?"."""
    if segment.role is Role.UNKNOWN:
        return _QUESTION.search(segment.text) is not None
    return segment.role is Role.INTERVIEWER


def select_context_turns(before: Sequence[Segment], size: int) -> tuple[Segment, ...]:
    """Select the latest turns that together fit into ``size`` as an interview chunk's context.

    Where a question is the last turn and too long, its last sentences are the context.

    Args:
        before: turns in order.
        size: in characters of English, four a token.
    """
    first = len(before)
    while (
        first > 0
        and (needed := estimate_size_in_english_characters(before[first - 1].text)) <= size
    ):
        size -= needed
        first -= 1
    if first == len(before) > 0 and size >= MIN_OVERLAP and is_question_turn(before[-1]):
        return (_tail(before[-1], len(before[-1].text), size),)
    return tuple(before[first:])


def _end_of_chunk(
    segments: Sequence[Segment], sizes: Sequence[int], start: _Place, most: int
) -> _Place:
    rest = segments[start.segment].text[start.offset :]
    if len(rest) > most or (size := estimate_size_in_english_characters(rest)) > most:
        return _cut(segments, start, most)
    end = start.segment + 1
    while end < len(segments) and size + sizes[end] <= most:
        size += sizes[end]
        end += 1
    if end == len(segments):
        return _Place(end)
    # Of an answer that has to be cut anyway, at least the first half of a chunk goes with them.
    answer = sizes[end] if sizes[end] <= most else max(1, most // 2)
    first = end
    while first > start.segment and is_question_turn(segments[first - 1]):
        answer += sizes[first - 1]
        if answer > most:
            break
        first -= 1
    if first > start.segment:
        return _Place(first)
    return _cut(segments, _Place(end), most - size) if sizes[end] > most else _Place(end)


def _cut(segments: Sequence[Segment], start: _Place, size: int) -> _Place:
    """Return where a part of a long turn ends: the place at which the next one begins."""
    text = segments[start.segment].text
    most = count_fitting_characters(text[start.offset : start.offset + size], size)
    end = find_cut_position(text, start.offset, start.offset + max(1, most))
    end += text.startswith(" ", end)
    return _Place(start.segment, end) if end < len(text) else _Place(start.segment + 1)


def _between(segments: Sequence[Segment], start: _Place, end: _Place) -> Iterator[Segment]:
    """Yield the segments from a place to another; of those that are cut, the part between."""
    for number in range(start.segment, end.segment):
        yield _part(segments[number], start.offset if number == start.segment else 0)
    if end.offset:
        begin = start.offset if start.segment == end.segment else 0
        yield _part(segments[end.segment], begin, end.offset)


def _context(segments: Sequence[Segment], start: _Place, size: int) -> tuple[Segment, ...]:
    # A turn has at least a character, so that no more turns than this fit.
    before = segments[max(0, start.segment - size - 1) : start.segment]
    if not start.offset:
        return select_context_turns(before, size)
    turn = segments[start.segment]
    tail = _tail(turn, start.offset, max(size, MIN_OVERLAP))
    left = size - estimate_size_in_english_characters(tail.text)
    if tail.text_offset or left <= 0:
        return (tail,)
    return (*select_context_turns(before, left), tail)


def _tail(segment: Segment, end: int, size: int) -> Segment:
    end -= segment.text.endswith(" ", 0, end)
    return _part(segment, min(find_tail_start(segment.text, end, size), end - 1), end)


def _part(segment: Segment, begin: int, end: int | None = None) -> Segment:
    """Return what stands between two places of a segment's text, without a space at its end."""
    text = segment.text
    end = len(text) if end is None else end
    if begin == 0 and end == len(text):
        return segment
    part = cut_turn_part(text, segment.words, begin, end - text.endswith(" ", begin, end))
    return segment.model_copy(
        update={
            "text": part.text,
            "text_offset": segment.text_offset + begin,
            "words": part.words,
            "start_ms": segment.start_ms if part.start_ms is None else part.start_ms,
            "end_ms": segment.end_ms if part.end_ms is None else part.end_ms,
        }
    )
