"""WebVTT, as Zoom, Teams, YouTube, players and language models write it.

A parser of our own after W3C WebVTT, section 6.1, because the libraries lose what we need:
``webvtt-py`` keeps one voice a cue, leaves character references as they are, and passes over
broken timing lines without a word; ``pysubs2`` drops cues with Teams' unpadded times,
and all voices. Where the standard discards silently, this one counts or refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.captions.cue_times import TimingLineReader, get_cue_settings, is_timing_line
from transcripts.captions.cues import Cue, read_cue_passages, split_lines
from transcripts.captions.regular_cues import parse_regular_cues
from transcripts.captions.vtt_speakers import (
    Comment,
    assign_speaker_from_settings,
    assign_speakers_from_comments,
    read_json_payloads,
)
from transcripts.errors import MalformedTranscriptError
from transcripts.formats import CERTAIN, FormatDefinition, FormatFamily, adapt_text_functions
from transcripts.notices import Notices, Repair
from transcripts.segments.turns import ParsedTranscript

_SIGNATURE: Final = re.compile(r"[\s\ufeff]*(?:```\w*\s+)?WEBVTT(?=\s|$)")
_HEADER: Final = re.compile(r"\ufeff*WEBVTT(?:\s|$)")
_NO_SPEECH: Final = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|$)")
_ID: Final = re.compile(r"\ufeff?\d{1,7}|[0-9a-fA-F]{8}-[0-9a-fA-F-]{20,40}\S*")
_FENCE: Final = re.compile(r"```\w*")

_Block = list[tuple[int, str]]


def is_webvtt(content: str) -> bool:
    """Return whether a text is a WebVTT file: it begins with ``WEBVTT``."""
    return _SIGNATURE.match(content) is not None


def read_webvtt(content: str, speakers: Sequence[Speaker], notices: Notices) -> ParsedTranscript:
    """Parse a WebVTT file into passages, each with speaker, text and times.

    Raises:
        MalformedTranscriptError: the signature is missing, or a timing line cannot be read.
    """
    cues = parse_regular_cues(content, any_id=True)
    if cues is None:
        comments: list[Comment] = []
        cues = list(iter_webvtt_cues(content, notices, comments))
        return read_cue_passages(
            assign_speakers_from_comments(read_json_payloads(cues), comments), speakers, notices
        )
    return read_cue_passages(read_json_payloads(cues), speakers, notices)


def iter_webvtt_cues(  # noqa: C901 - what a block may be, in order
    content: str, notices: Notices, comments: list[Comment] | None = None
) -> Iterator[Cue]:
    """Yield the cues of a WebVTT file in file order, with the markup in their text.

    Args:
        content: the file's text.
        notices: takes what had to be mended.
        comments: takes the file's comments, with the number of cues before each.

    Raises:
        MalformedTranscriptError: the signature is missing, or a timing line cannot be read.
    """
    if not is_webvtt(content):
        raise MalformedTranscriptError("line 1: a WebVTT file begins with WEBVTT", line=1)
    lines = split_lines(content)
    clock = TimingLineReader(lines, notices)
    part = before = 0
    others: list[Comment] = [] if comments is None else comments
    cue: Cue | None = None
    for position, block in enumerate(_blocks(lines)):
        timings = [index for index, (_, line) in enumerate(block) if is_timing_line(line)]
        if position > 0 and _HEADER.match(block[0][1]):
            part += 1
        elif timings:
            notices.add(Repair.BLOCK_WITHOUT_TIME, int(position > 0 and timings[0] > 1))
            for following in _cues_of(block, timings, clock, cue.id if cue else ""):
                if cue is not None:
                    yield cue
                cue = following._replace(part=part)
                before += 1
        elif position > 0 and cue is not None and _belongs_to(cue, block):
            payload = "\n".join([cue.payload, *(text for _, text in block)])
            cue = cue._replace(payload=payload)
            notices.add(Repair.TEXT_AFTER_BLANK)
        elif position > 0:
            notices.add(Repair.BLOCK_WITHOUT_TIME, int(_NO_SPEECH.match(block[0][1]) is None))
            if block[0][1].startswith("NOTE"):
                others.append((before, " ".join(text.strip() for _, text in block)))
    if cue is not None:
        yield cue


def _blocks(lines: Iterable[str]) -> Iterator[_Block]:
    """Numbered lines between empty ones; the first block is the header.

    A line of blanks is not empty (section 6.1): YouTube's cues begin with one.
    """
    block: _Block = []
    for number, line in enumerate(lines, start=1):
        if line and not _FENCE.fullmatch(line.strip()):
            block.append((number, line))
        elif block and not line:
            if any(text.strip() for _, text in block):
                yield block
            block = []
    if block and any(text.strip() for _, text in block):
        yield block


def _belongs_to(cue: Cue, block: _Block) -> bool:
    """Whether a block without a time is what the cue before it says, behind a blank line."""
    return not cue.payload.strip() and not _NO_SPEECH.match(block[0][1])


def _cues_of(
    block: _Block, timings: Sequence[int], clock: TimingLineReader, last_id: str
) -> Iterator[Cue]:
    """A block's cues: usually one; a timing line within the text begins the next."""
    identifier = block[0][1] if timings[0] == 1 else ""
    for timing, end in pairwise([*timings, len(block)]):
        number, line = block[timing]
        start_ms, end_ms = clock.read(line, number)
        following = ""
        if (
            end < len(block)
            and end - 1 > timing
            and is_cue_id(block[end - 1][1], identifier or last_id)
        ):
            following = block[end - 1][1].strip()
        payload = [text for _, text in block[timing + 1 : end - bool(following)]]
        said = "\n".join(payload)
        yield assign_speaker_from_settings(
            Cue(start_ms, end_ms, said, identifier), get_cue_settings(line)
        )
        identifier = following


def is_cue_id(line: str, last_id: str) -> bool:
    """Return whether the line before a WebVTT timing line is a cue id rather than speech.

    Args:
        line: the line.
        last_id: the id of the cue before, empty if it has none.
    """
    line, last_id = (one.strip().lstrip("\ufeff").rstrip(".)") for one in (line, last_id))
    if not _ID.fullmatch(line):
        return False
    if line.isdecimal():
        return last_id.isdecimal() and int(line) == int(last_id) + 1
    return True


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.WEBVTT,
        FormatFamily.CAPTIONS,
        "WebVTT: Zoom, Teams, Webex, YouTube, Google Meet, noScribe, Whisper, podcasts",
        *adapt_text_functions(is_webvtt, read_webvtt),
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Odile>How?\n\n"
        "00:03.000 --> 00:05.500\n<v Ravi>With a ladder.\n",
        confidence=CERTAIN,
        holder="line",
    ),
)
