"""WebVTT, as Zoom, Teams and players write it.

A parser of our own after W3C WebVTT, section 6.1, because the libraries lose what we need:
``webvtt-py`` keeps one voice a cue, leaves character references as they are, and passes over
broken timing lines without a word; ``pysubs2`` drops cues with Teams' unpadded times,
and all voices. Where the standard discards silently, this one counts or refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from contracts.transcript import Speaker
from transcripts.cues import Cue, is_timing, parse_timing, source_of, split_lines
from transcripts.errors import MalformedTranscriptError
from transcripts.notices import Mended, Notices
from transcripts.turns import Source

_SIGNATURE = re.compile(r"\ufeff?\s*WEBVTT(?=\s|$)")
_NO_SPEECH = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|$)")

_Block = list[tuple[int, str]]


def is_webvtt(content: str) -> bool:
    """Whether the text begins with WebVTT's signature."""
    return _SIGNATURE.match(content) is not None


def read_webvtt(content: str, speakers: Sequence[Speaker], notices: Notices) -> Source:
    """Read a WebVTT file.

    Raises:
        MalformedTranscriptError: the signature is missing, or a timing line cannot be read.
    """
    return source_of(list(read_cues(content, notices)), speakers, notices)


def read_cues(content: str, notices: Notices) -> Iterator[Cue]:
    """The cues in the order of the file, their text with its markup verbatim.

    Raises:
        MalformedTranscriptError: the signature is missing, or a timing line cannot be read.
    """
    if not is_webvtt(content):
        raise MalformedTranscriptError("line 1: a WebVTT file begins with WEBVTT", line=1)
    blocks = _blocks(split_lines(content))
    for position, block in enumerate(blocks):
        timings = [index for index, (_, line) in enumerate(block) if is_timing(line)]
        if position > 0:
            notices.add(Mended.BLOCK_WITHOUT_TIME, int(_loses_text(block, timings)))
        yield from _cues_of(block, timings)


def _blocks(lines: Iterable[str]) -> Iterator[_Block]:
    """Numbered lines between blank ones; the first block is the header."""
    block: _Block = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            block.append((number, line))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _loses_text(block: _Block, timings: Sequence[int]) -> bool:
    if timings:
        return timings[0] > 1  # more than a cue's id stands before its times
    return _NO_SPEECH.match(block[0][1]) is None


def _cues_of(block: _Block, timings: Sequence[int]) -> Iterator[Cue]:
    """A block's cues: usually one; a timing line within the text begins the next."""
    for timing, end in pairwise([*timings, len(block)]):
        number, line = block[timing]
        identifier = block[0][1] if timing == 1 and timings[0] == 1 else ""
        payload = "\n".join(text for _, text in block[timing + 1 : end])
        yield replace(parse_timing(line, number), payload=payload, id=identifier)
