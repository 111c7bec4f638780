"""Cutting a transcript into chunks that go to the model in one call each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contracts.transcript import Role, Segment

# Four characters of an alphabet are about a token of usual tokenizers; of these scripts, one is.
_WIDE: Final = re.compile(
    "[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)
_CHARACTERS_A_TOKEN: Final = 4


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive whole segments, with a few earlier ones as context, for one call of a model.

    ``index`` counts from 1; ``segments`` are what notes may cite, ``context`` is not.
    """

    index: int
    context: tuple[Segment, ...]
    segments: tuple[Segment, ...]


def split_into_chunks(
    segments: Sequence[Segment], *, max_characters: int = 6_000, context_characters: int = 800
) -> tuple[Chunk, ...]:
    """Split segments into chunks, in order; every segment is in exactly one.

    A chunk does not end with a question if the question and the next segment fit into a chunk.

    Args:
        segments: a transcript's segments, in order.
        max_characters: the most text in a chunk, in characters of an alphabet, of which four are
            about a token; a longer segment is a chunk of its own.
        context_characters: the most text in a chunk's context, likewise.

    Raises:
        ValueError: a limit makes no sense.
    """
    if max_characters < 1 or context_characters < 0:
        raise ValueError("max_characters must be positive and context_characters not negative")
    chunks: list[Chunk] = []
    start = 0
    while start < len(segments):
        end = _end_of_chunk(segments, start, max_characters)
        context = _context(segments, start, context_characters)
        chunks.append(Chunk(len(chunks) + 1, context, tuple(segments[start:end])))
        start = end
    return tuple(chunks)


def _size(segment: Segment) -> int:
    """How long a segment is for a model, in characters of an alphabet."""
    text = segment.text
    wide = 0 if text.isascii() else len(_WIDE.findall(text))
    return len(text) + (_CHARACTERS_A_TOKEN - 1) * wide


def _end_of_chunk(segments: Sequence[Segment], start: int, max_characters: int) -> int:
    size = _size(segments[start])
    end = start + 1
    while end < len(segments) and size + _size(segments[end]) <= max_characters:
        size += _size(segments[end])
        end += 1
    if end == len(segments) or end - 1 == start or not _asks(segments[end - 1]):
        return end
    together = _size(segments[end - 1]) + _size(segments[end])
    return end - 1 if together <= max_characters else end


def _asks(segment: Segment) -> bool:
    if segment.role is Role.UNKNOWN:
        return segment.text.endswith("?")
    return segment.role is Role.INTERVIEWER


def _context(segments: Sequence[Segment], start: int, budget: int) -> tuple[Segment, ...]:
    first = start
    while first > 0 and _size(segments[first - 1]) <= budget:
        budget -= _size(segments[first - 1])
        first -= 1
    return tuple(segments[first:start])
