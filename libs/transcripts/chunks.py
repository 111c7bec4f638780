"""Cutting a transcript into chunks that go to the model in one call each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.transcript import Role, Segment


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive whole segments, with the few before them for understanding.

    ``index`` counts from 1; ``segments`` are what notes may cite, ``context`` is not.
    """

    index: int
    context: tuple[Segment, ...]
    segments: tuple[Segment, ...]


def make_chunks(
    segments: Sequence[Segment], *, max_characters: int = 6_000, context_characters: int = 800
) -> tuple[Chunk, ...]:
    """Pack segments into chunks, in order; every segment is in exactly one.

    A chunk does not end with a question if the question and the next segment fit into a chunk.

    Args:
        segments: a transcript's segments, in order.
        max_characters: the most text in a chunk; a longer segment is a chunk of its own.
        context_characters: the most text in a chunk's context.

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


def _end_of_chunk(segments: Sequence[Segment], start: int, max_characters: int) -> int:
    size = len(segments[start].text)
    end = start + 1
    while end < len(segments) and size + len(segments[end].text) <= max_characters:
        size += len(segments[end].text)
        end += 1
    if end == len(segments) or end - 1 == start or not _asks(segments[end - 1]):
        return end
    together = len(segments[end - 1].text) + len(segments[end].text)
    return end - 1 if together <= max_characters else end


def _asks(segment: Segment) -> bool:
    if segment.role is Role.UNKNOWN:
        return segment.text.endswith("?")
    return segment.role is Role.INTERVIEWER


def _context(segments: Sequence[Segment], start: int, budget: int) -> tuple[Segment, ...]:
    first = start
    while first > 0 and len(segments[first - 1].text) <= budget:
        budget -= len(segments[first - 1].text)
        first -= 1
    return tuple(segments[first:start])
