"""SubRip (SRT), with the same ways of naming speakers as WebVTT.

A parser of our own: ``pysubs2`` turns the text into SubStation's dialect and back, which is not
verbatim, and knows no line numbers to name in an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from contracts.transcript import Speaker
from transcripts.cues import Cue, is_timing, parse_timing, source_of, split_lines
from transcripts.errors import MalformedTranscriptError
from transcripts.notices import Mended, Notices
from transcripts.turns import Source

_INDEX = re.compile(r"\s*\d+\s*")
_TIMING_AT_LINE_START = re.compile(r"^[ \t]*[\d:.,]{1,40}[ \t]*-->", re.MULTILINE)


def is_srt(content: str) -> bool:
    """Whether a line of the text is meant to give a cue's times."""
    return "-->" in content and _TIMING_AT_LINE_START.search(content) is not None


def read_srt(content: str, speakers: Sequence[Speaker], notices: Notices) -> Source:
    """Read an SRT file; blank lines within a cue's text do no harm.

    Raises:
        MalformedTranscriptError: a timing line cannot be read, or there is none.
    """
    return source_of(list(_read_cues(split_lines(content), notices)), speakers, notices)


def _read_cues(lines: Sequence[str], notices: Notices) -> Iterator[Cue]:
    timings = [index for index, line in enumerate(lines) if is_timing(line)]
    if not timings:
        raise MalformedTranscriptError("an SRT file has cues with times; none was found")
    before = lines[: timings[0]]
    stray = any(line.strip() and not _INDEX.fullmatch(line) for line in before)
    notices.add(Mended.BLOCK_WITHOUT_TIME, int(stray))
    for timing, following in pairwise([*timings, len(lines)]):
        cue = parse_timing(lines[timing], timing + 1)
        end = following - int(_index_precedes(lines, following, timing))
        yield replace(cue, payload="\n".join(lines[timing + 1 : end]))


def _index_precedes(lines: Sequence[str], following: int, timing: int) -> bool:
    """Whether the line before the following cue is that cue's index, and no speech."""
    last = following - 1
    if following == len(lines) or last <= timing or not _INDEX.fullmatch(lines[last]):
        return False
    return last - 1 == timing or not lines[last - 1].strip()
