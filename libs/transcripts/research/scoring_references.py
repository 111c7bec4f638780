"""Files of NIST's scoring tools: segments with their words (STM), and words one by one (CTM)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.captions.cues import split_lines
from transcripts.errors import MalformedTranscriptError
from transcripts.formats import LIKELY, FormatDefinition, FormatFamily, adapt_text_functions
from transcripts.limits import check_text_length
from transcripts.notices import Notices, Repair
from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.text import TextSpan
from transcripts.times import parse_seconds

_COMMENT: Final = ";;"
_NUMBER: Final = r"\d{1,7}(?:\.\d{1,9})?"
# File, channel, speaker, begin, end, perhaps `<o,f0,male>`, words.
_SEGMENT: Final = re.compile(
    rf"(?P<file>\S+)\s+(?P<channel>\S+)\s+(?P<speaker>\S+)\s+(?P<start>{_NUMBER})\s+"
    rf"(?P<end>{_NUMBER})(?:\s+<[^<>]{{0,200}}>)?(?:\s+(?P<text>.*))?"
)
# File, channel, begin, duration, word, perhaps confidence, type and speaker.
_WORD: Final = re.compile(
    rf"(?P<file>\S+)\s+(?P<channel>\S+)\s+(?P<start>{_NUMBER})\s+(?P<length>{_NUMBER})"
    rf"\s+(?P<word>\S+)(?:\s+(?:{_NUMBER}|NA|<NA>)(?:\s+(?P<type>[a-z-]{{2,10}})"
    r"(?:\s+(?P<speaker>\S+))?)?)?"
)
_ALTERNATIVES: Final = re.compile(r"\{\s*([^{}/]*?)\s*/[^{}]*\}")
_NOTHING: Final = frozenset({"@", "<NA>"})
_NO_SPEAKERS: Final = frozenset({"inter_segment_gap", "excluded_region", "unknown_region"})
_NOT_SCORED: Final = "ignore_time_segment_in_scoring"
_SPOKEN_TYPES: Final = frozenset({"lex", "un-lex", "for-lex", "frag", "fp", "acronym", "alpha"})
_NO_NAMES: Final = frozenset({"", "null", "unknown", "<NA>", "NA"})
_SEVERAL: Final = (
    "the file holds {:,} recordings, which are read as one: divide it by its first column"
)


def is_stm(content: str) -> bool:
    """Return whether a text is a list of segments as NIST's scoring tools read them (STM)."""
    lines = _beginning(content)
    found = [_SEGMENT.fullmatch(line) for line in lines]
    return bool(lines) and all(
        match is not None and float(match["start"]) <= float(match["end"]) for match in found
    )


def is_ctm(content: str) -> bool:
    """Return whether a text is a list of timed words as NIST's scoring tools read them (CTM)."""
    lines = _beginning(content)
    return len(lines) > 1 and all(map(_WORD.fullmatch, _first_alternatives(lines)))


def read_stm(content: str, speakers: Sequence[Speaker], notices: Notices) -> ParsedTranscript:
    """Parse an STM file (NIST's scoring tools) into passages, without gaps and unscored parts.

    Raises:
        MalformedTranscriptError: a line is no segment.
    """
    del speakers  # each segment names its speaker; roles are given later
    passages: list[SpokenPassage] = []
    passed_over: list[int] = []
    files: set[str] = set()
    for number, line in _lines(content):
        match = _SEGMENT.fullmatch(line)
        if match is None:
            raise MalformedTranscriptError(f"line {number}: no segment of STM", line=number)
        files.add(match["file"])
        text = _spoken(match["text"] or "")
        if match["speaker"].lower() in _NO_SPEAKERS or text.lower() == _NOT_SCORED:
            passed_over.append(number)
            continue
        piece = TextSpan(text, parse_seconds(match["start"]), parse_seconds(match["end"]))
        passages.append(SpokenPassage(match["speaker"], (piece,)))
    notices.drop_lines(Repair.VENDOR_LINE, passed_over)
    return ParsedTranscript(tuple(passages), doubts=_doubts(files))


def read_ctm(content: str, speakers: Sequence[Speaker], notices: Notices) -> ParsedTranscript:
    """Parse a CTM file (NIST's scoring tools) into passages by speaker, or else by channel.

    Raises:
        MalformedTranscriptError: a line is no word.
    """
    del speakers  # words name speakers or channels; roles are given later
    words: list[tuple[str, str, TextSpan]] = []
    passed_over: list[int] = []
    files: set[str] = set()
    numbered = list(_lines(content))
    kept = set(_first_alternatives([line for _, line in numbered]))
    for number, line in numbered:
        match = _WORD.fullmatch(line)
        if match is None and not _is_mark_of_alternatives(line):
            raise MalformedTranscriptError(f"line {number}: no word of CTM", line=number)
        if match is None or line not in kept or not _is_spoken(match):
            passed_over.append(number)
            continue
        files.add(match["file"])
        start_ms = parse_seconds(match["start"]) or 0
        end_ms = start_ms + (parse_seconds(match["length"]) or 0)
        speaker = match["speaker"] or ""
        name = "" if speaker in _NO_NAMES else speaker
        words.append((name, match["channel"], TextSpan(f" {match['word']}", start_ms, end_ms)))
    notices.drop_lines(Repair.VENDOR_LINE, passed_over)
    words.sort(key=lambda one: one[2].start_ms or 0)
    has_channels = len({channel for _, channel, _ in words}) > 1
    passages = tuple(
        SpokenPassage(name or (f"Channel {channel}" if has_channels else ""), (word,))
        for name, channel, word in words
    )
    notices.add(Repair.NO_SPEAKER, sum(not one.speaker for one in passages))
    return ParsedTranscript(passages, doubts=_doubts(files))


def _doubts(files: set[str]) -> tuple[str, ...]:
    return (_SEVERAL.format(len(files)),) if len(files) > 1 else ()


def _beginning(content: str) -> list[str]:
    """The first lines without comments, of which all have to be in shape."""
    return [line for _, line in _lines(content[:20_000].rpartition("\n")[0] or content[:20_000])]


def _lines(content: str) -> Iterator[tuple[int, str]]:
    check_text_length(content)
    for number, line in enumerate(split_lines(content), start=1):
        if (bare := line.strip()) and not bare.startswith(_COMMENT):
            yield number, bare


def _spoken(text: str) -> str:
    """What was said, with the first of alternatives such as ``{ um / @ }``."""
    while _ALTERNATIVES.search(text):
        text = _ALTERNATIVES.sub(r"\1", text)
    return " ".join(word for word in text.split() if word not in _NOTHING)


def _is_spoken(match: re.Match[str]) -> bool:
    kind = match["type"]
    return match["word"] not in _NOTHING and (kind is None or kind in _SPOKEN_TYPES)


def _is_mark_of_alternatives(line: str) -> bool:
    return "<ALT" in line


def _first_alternatives(lines: Sequence[str]) -> Iterator[str]:
    """The lines without ``<ALT_BEGIN>`` and the like, and without all but first alternatives."""
    within = 0
    for line in lines:
        if "<ALT_BEGIN>" in line:
            within = 1
        elif "<ALT_END>" in line:
            within = 0
        elif "<ALT>" in line:
            within += 1
        elif within <= 1:
            yield line


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.STM,
        FormatFamily.RESEARCH,
        "NIST's segments (.stm): sclite, TED-LIUM, Kaldi",
        *adapt_text_functions(is_stm, read_stm),
        "talk 1 Odile 1.0 2.0 <o,f0,female> how\ntalk 1 Ravi 3.0 5.0 <o,f0,male> with a ladder\n",
        confidence=LIKELY,
        holder="line",
    ),
    FormatDefinition(
        TranscriptFormat.CTM,
        FormatFamily.RESEARCH,
        "NIST's timed words (.ctm): sclite, Kaldi, NeMo",
        *adapt_text_functions(is_ctm, read_ctm),
        "talk A 1.0 0.5 how 0.9\ntalk B 3.0 0.5 with 0.9\ntalk B 3.5 0.5 a 0.8\n",
        confidence=LIKELY,
        holder="line",
    ),
)
