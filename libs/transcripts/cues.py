"""What WebVTT and SRT have in common: timing lines, and cues that become passages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from contracts.transcript import Speaker
from transcripts.errors import MalformedTranscriptError
from transcripts.labels import CueLabels, Labelled, split_label
from transcripts.markup import voices
from transcripts.notices import Mended, Notices
from transcripts.text import Piece, clean
from transcripts.times import CLOCK, ordered, parse_clock
from transcripts.turns import Passage, Source

_ARROW = "-->"
_TIMING = re.compile(rf"\s*({CLOCK})\s*-->\s*({CLOCK})(?=\s|$)")
# An arrow with a time-like thing on one side is meant as a timing line; others are speech.
_MEANT_AS_TIMING = re.compile(r"\s*(?=[:.,]{0,5}\d)[\d:.,]{1,40}\s*-->|.*?-->\s*\d+[:.,]\d")
_CHANGE_OF_SPEAKER = re.compile(r"^\s*(?:-(?:\s+|(?=[^\W\d_]))|>>+\s*)")


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue as the file has it: times in milliseconds, the text with its markup verbatim."""

    start_ms: int
    end_ms: int
    payload: str = ""
    id: str = ""


def split_lines(content: str) -> list[str]:
    """The lines of a file; LF, CRLF and CR end a line, other separators do not."""
    return content.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def is_timing(line: str) -> bool:
    """Whether a line is meant to give a cue's times, well written or not."""
    return _ARROW in line and _MEANT_AS_TIMING.match(line) is not None


def parse_timing(line: str, number: int) -> Cue:
    """Read ``start --> end``, with or without settings after it.

    Args:
        line: the timing line.
        number: its number in the file, for the error.

    Raises:
        MalformedTranscriptError: one of the times cannot be read.
    """
    match = _TIMING.match(line)
    start_ms, end_ms = (parse_clock(match[1]), parse_clock(match[2])) if match else (None, None)
    if start_ms is None or end_ms is None:
        raise MalformedTranscriptError(
            f"line {number}: the cue's times cannot be read", line=number
        )
    return Cue(start_ms, end_ms)


def source_of(cues: Sequence[Cue], speakers: Sequence[Speaker], notices: Notices) -> Source:
    """Put cues in order of their start and find out who speaks in them.

    Args:
        cues: the cues in the order of the file.
        speakers: speakers the producer declared; their labels are believed.
        notices: takes what had to be mended.
    """
    spoken = [(cue, list(_lines(cue.payload))) for cue in _in_order(cues, notices)]
    notices.add(Mended.CUE_WITHOUT_TEXT, sum(not lines for _, lines in spoken))
    labels = CueLabels(
        [[None if name else _labelled(line) for name, line in lines] for _, lines in spoken],
        speakers,
    )
    passages = tuple(
        Passage(name, (Piece(text, cue.start_ms, cue.end_ms),))
        for cue, lines in spoken
        for name, text in _said(lines, labels)
    )
    unnamed = sum(not passage.speaker for passage in passages)
    # A file that names nobody needs no notice for each of its cues.
    notices.add(Mended.NO_SPEAKER, unnamed if unnamed < len(passages) else 0)
    return Source(passages)


def _in_order(cues: Sequence[Cue], notices: Notices) -> list[Cue]:
    latest = -1
    for cue in cues:
        notices.add(Mended.SORTED, int(cue.start_ms < latest))
        latest = max(latest, cue.start_ms)
    mended = [
        replace(cue, end_ms=ordered(cue.start_ms, cue.end_ms, notices) or cue.start_ms)
        for cue in cues
    ]
    return sorted(mended, key=lambda cue: cue.start_ms)


def _lines(payload: str) -> Iterator[tuple[str, str]]:
    """Each line of a cue that says something, with its voice's name or none."""
    for name, text in voices(payload):
        for line in text.split("\n"):
            if clean(line):
                yield name, line


def _said(lines: Sequence[tuple[str, str]], labels: CueLabels) -> Iterator[tuple[str, str]]:
    """Who says what in one cue; a line without a label goes on with the line before it."""
    speaker = labelled = ""
    said: list[str] = []
    for name, line in lines:
        who, text = (name, line) if name else _by_label(line, labels, labelled)
        labelled = "" if name else who  # words after a closed voice are nobody's
        if who != speaker and said:
            yield speaker, " ".join(said)
            said = []
        speaker = who
        said.append(text)
    if said:
        yield speaker, " ".join(said)


def _by_label(line: str, labels: CueLabels, speaker: str) -> tuple[str, str]:
    text = _CHANGE_OF_SPEAKER.sub("", line, count=1)
    one = split_label(text)
    if one is not None and one in labels:
        return one.label, one.text
    return ("" if text != line else speaker), text


def _labelled(line: str) -> Labelled | None:
    return split_label(_CHANGE_OF_SPEAKER.sub("", line, count=1))
