"""Subtitles of MicroDVD (SUB), ``{25}{75}Text|second line``, and of MPL2, ``[10][30]Text``.

MicroDVD counts frames, MPL2 tenths of seconds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.captions.cues import Cue, read_cue_passages, split_lines
from transcripts.errors import MalformedTranscriptError
from transcripts.formats import CERTAIN, FormatDefinition, FormatFamily, adapt_text_functions
from transcripts.notices import Notices
from transcripts.segments.turns import ParsedTranscript
from transcripts.timecodes import FrameRate

_CUE: Final = re.compile(r"\ufeff?\s*\{(?P<start>\d{1,8})\}\{(?P<end>\d{0,8})\}(?P<said>.*)")
_MPL2_CUE: Final = re.compile(r"\ufeff?\s*\[(?P<start>\d{1,8})\]\[(?P<end>\d{0,8})\](?P<said>.*)")
_TENTHS: Final = 10.0
_RATE: Final = re.compile(r"\s*(\d{2,3}(?:[.,]\d{1,3})?)\s*")
_CODE: Final = re.compile(r"\{[^{}|]{0,60}\}")
_ITALIC: Final = re.compile(r"(?:^|(?<=[\n:])) ?/(?=\S)", re.MULTILINE)
"""The sign that a line is in italics, at its beginning or behind a name."""


def is_microdvd(content: str) -> bool:
    """Return whether a text is a subtitle file in MicroDVD or MPL2 format."""
    return _CUE.match(content) is not None or _MPL2_CUE.match(content) is not None


def read_microdvd(content: str, speakers: Sequence[Speaker], notices: Notices) -> ParsedTranscript:
    """Parse a MicroDVD or MPL2 subtitle file into passages with text and times.

    Raises:
        MalformedTranscriptError: a line is no cue.
    """
    is_mpl2 = _MPL2_CUE.match(content) is not None
    cue, rate = (_MPL2_CUE, _TENTHS) if is_mpl2 else (_CUE, 0.0)
    cues: list[Cue] = []
    for number, line in enumerate(split_lines(content), start=1):
        if not line.strip():
            continue
        match = cue.match(line)
        if match is None:
            raise MalformedTranscriptError(f"line {number}: not a cue", line=number)
        stated = _RATE.fullmatch(match["said"]) if not cues and not rate else None
        if stated is not None:
            rate = float(stated[1].replace(",", "."))
            continue
        said = _ITALIC.sub("", _CODE.sub("", match["said"]).replace("|", "\n"))
        start, end = int(match["start"]), int(match["end"] or match["start"])
        start_ms, end_ms = (
            round(one * 1_000 / (rate or FrameRate().nominal)) for one in (start, end)
        )
        cues.append(Cue(start_ms, max(start_ms, end_ms), said))
    if not rate:
        FrameRate().note(notices, len(cues))
    return read_cue_passages(cues, speakers, notices)


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.MICRODVD,
        FormatFamily.CAPTIONS,
        "MicroDVD's and MPL2's subtitles (.sub)",
        *adapt_text_functions(is_microdvd, read_microdvd),
        "{1}{1}25\n{25}{50}Odile: How?\n{75}{125}Ravi: With a ladder.\n",
        confidence=CERTAIN,
        holder="line",
    ),
)
