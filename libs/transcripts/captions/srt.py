"""SubRip (SRT) and YouTube's SBV, with the same ways of naming speakers as WebVTT.

A parser of our own: ``pysubs2`` turns the text into SubStation's dialect and back, which is not
verbatim, and knows no line numbers to name in an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.captions.cue_times import (
    TimingLineReader,
    get_cue_settings,
    is_timing_line,
    parse_timing_line,
)
from transcripts.captions.cues import Cue, read_cue_passages, split_lines
from transcripts.captions.regular_cues import parse_regular_cues
from transcripts.captions.webvtt import is_cue_id
from transcripts.errors import MalformedTranscriptError
from transcripts.formats import (
    CERTAIN,
    LIKELY,
    FormatDefinition,
    FormatFamily,
    adapt_text_functions,
)
from transcripts.notices import Notices, Repair
from transcripts.segments.turns import ParsedTranscript
from transcripts.speakers.label_kinds import LabelKind, classify_label

_INDEX: Final = re.compile(r"[\s\ufeff]*\d{1,7}[.)]?[\s\ufeff]*")
_NAMED_INDEX: Final = re.compile(r"[\s\ufeff]*(\d{1,7})[\s:.-]+[\"\u201c(\[]?[^\W\d].{0,100}")
_MEANT: Final = re.compile(r"^[ \t\ufeff]*[\d:.,]{1,40}[ \t]*-->", re.MULTILINE)
_FENCE: Final = re.compile(r"\s*(?:```\w*|WEBVTT.*)\s*")
_SETTING: Final = re.compile(r"[A-Za-z]\w*:[\w%.,:-]+")
_HALF: Final = 0.5


_ASS_EVENTS: Final = re.compile(r"^\[Events\][ \t]*\r?\n\s*Format:", re.MULTILINE | re.IGNORECASE)
_HEAD: Final = 20_000
_ASS_DIALOGUE: Final = re.compile(r"Dialogue:\s*(.*)")
_ASS_FORMAT: Final = re.compile(r"Format:\s*(.*)")
_ASS_OVERRIDE: Final = re.compile(r"\{[^{}]*\}")
_ASS_BREAK: Final = re.compile(r"\\[Nnh]")


def is_ass(content: str) -> bool:
    """Return whether a text is a subtitle file in SubStation Alpha format (ASS, SSA)."""
    head = content.removeprefix("\ufeff").lstrip()
    return head.startswith("[Script Info]") or _ASS_EVENTS.search(head[:_HEAD]) is not None


def read_ass(content: str, speakers: Sequence[Speaker], notices: Notices) -> ParsedTranscript:
    """Parse a SubStation Alpha file into passages, with speakers from its ``Name`` fields.

    Raises:
        MalformedTranscriptError: a time cannot be read, or the fields are not named.
    """
    fields: list[str] = []
    cues: list[Cue] = []
    styles: list[str] = []
    inside = False
    lines = split_lines(content)
    clock = TimingLineReader((), notices)
    for number, line in enumerate(lines, start=1):
        if line.startswith("["):
            inside = line.strip().casefold() == "[events]"
        elif inside and (match := _ASS_FORMAT.match(line)):
            fields = [one.strip().casefold() for one in match[1].split(",")]
        elif inside and (match := _ASS_DIALOGUE.match(line)):
            if not {"start", "end", "text"} <= set(fields):
                raise MalformedTranscriptError(
                    f"line {number}: the events' fields are not named before", line=number
                )
            values = dict(zip(fields, match[1].split(",", len(fields) - 1), strict=False))
            times = f"{values.get('start', '')} --> {values.get('end', '')}"
            said = _ASS_BREAK.sub("\n", _ASS_OVERRIDE.sub("", values.get("text", "")))
            name = values.get("name", values.get("actor", "")).strip()
            voice = f"<v {name}>" if name else ""
            styles.append(values.get("style", "").strip())
            cues.append(Cue(*clock.read(times, number), voice + said))
    if not any(cue.payload.startswith("<v ") for cue in cues) and _name_speakers(styles):
        cues = [
            cue._replace(payload=f"<v {style}>{cue.payload}")
            for cue, style in zip(cues, styles, strict=True)
        ]
    return read_cue_passages(cues, speakers, notices)


def _name_speakers(styles: Sequence[str]) -> bool:
    """Whether styles are names of people who take turns, rather than ways to show a text."""
    names = set(styles)
    return 1 < len(names) < len(styles) and all(
        classify_label(name) in {LabelKind.NAME, LabelKind.ROLE} for name in names
    )


def is_srt(content: str) -> bool:
    """Return whether a text is an SRT subtitle file: it has a timing line."""
    if "-->" in content and _MEANT.search(content) is not None:
        return True
    return any(parse_timing_line(line) is not None for line in split_lines(content))


def read_srt(content: str, speakers: Sequence[Speaker], notices: Notices) -> ParsedTranscript:
    """Parse an SRT subtitle file into passages, each with speaker, text and times.

    Raises:
        MalformedTranscriptError: a timing line cannot be read, or there is none.
    """
    cues = parse_regular_cues(content, any_id=False)
    if cues is None:
        cues = list(iter_srt_cues(content, notices))
    return read_cue_passages(cues, speakers, notices)


def iter_srt_cues(content: str, notices: Notices) -> Iterator[Cue]:
    """Yield the cues of an SRT file in file order, with the markup in their text.

    Raises:
        MalformedTranscriptError: a timing line cannot be read, or there is none.
    """
    lines = split_lines(content)
    timings = [index for index, line in enumerate(lines) if is_timing_line(line)]
    if not timings:
        raise MalformedTranscriptError("an SRT file has cues with times; none was found")
    before = lines[: timings[0]]
    stray = any(
        line.strip() and not _INDEX.fullmatch(line) and not _FENCE.fullmatch(line)
        for line in before[:-1]
    ) or any(
        line.strip() and not _INDEX.fullmatch(line) and not _NAMED_INDEX.fullmatch(line)
        for line in before[-1:]
    )
    notices.add(Repair.BLOCK_WITHOUT_TIME, int(stray))
    clock = TimingLineReader(lines, notices)
    named = _names_stand_in_indexes(lines, timings)
    identifier = before[-1].strip() if before else ""
    part, earlier = 0, -1
    for timing, following in pairwise([*timings, len(lines)]):
        start_ms, end_ms = clock.read(lines[timing], timing + 1)
        if start_ms < earlier and _number(identifier) in {0, 1}:
            part += 1
        earlier = start_ms
        end, next_identifier = following, ""
        if following < len(lines) and _index_precedes(lines, following, timing, identifier, named):
            end, next_identifier = following - 1, lines[following - 1].strip()
        payload = [line for line in lines[timing + 1 : end] if not _FENCE.fullmatch(line)]
        if not any(line.strip() for line in payload):
            payload = _said_behind_times(lines[timing])
        # SubViewer, which SBV comes from, breaks a cue's lines with a mark of its own.
        said = "\n".join(payload).replace("[br]", "\n")
        yield Cue(start_ms, end_ms, said, identifier if named else "", part)
        identifier = next_identifier


def _said_behind_times(line: str) -> list[str]:
    """What stands on a cue's timing line behind its times, but for settings and coordinates."""
    behind = get_cue_settings(line).lstrip("]) ")
    return [] if all(_SETTING.fullmatch(one) for one in behind.split()) else [behind]


def _number(identifier: str) -> int | None:
    match = re.match(r"\ufeff?(\d{1,7})", identifier)
    return int(match[1]) if match else None


def _names_stand_in_indexes(lines: Sequence[str], timings: Sequence[int]) -> bool:
    """Whether most cues' indexes have a speaker's name behind the number."""
    named = sum(
        timing > 0 and _NAMED_INDEX.fullmatch(lines[timing - 1]) is not None for timing in timings
    )
    return named > 1 and named >= _HALF * len(timings)


def _index_precedes(
    lines: Sequence[str],
    following: int,
    timing: int,
    identifier: str,
    named: bool,  # noqa: FBT001
) -> bool:
    """Whether the line before the following cue is that cue's index, and no speech."""
    last = following - 1
    if last <= timing:
        return False
    if named and _NAMED_INDEX.fullmatch(lines[last]):
        return True
    if not _INDEX.fullmatch(lines[last]):
        return False
    if last - 1 > timing and not lines[last - 1].strip():
        return True
    if last - 1 == timing:  # nothing else is said in the cue
        return bool(identifier) and is_cue_id(lines[last], identifier)
    number = re.match(r"\ufeff?(\d{1,7})", identifier)
    return number is not None and is_cue_id(lines[last], number[1])


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.ASS,
        FormatFamily.CAPTIONS,
        "SubStation Alpha: Aegisub, Subtitle Edit",
        *adapt_text_functions(is_ass, read_ass),
        "[Script Info]\nTitle: x\n\n[Events]\nFormat: Start, End, Name, Text\n"
        "Dialogue: 0:00:01.00,0:00:02.00,Odile,How?\n",
        confidence=CERTAIN,
    ),
    FormatDefinition(
        TranscriptFormat.SRT,
        FormatFamily.CAPTIONS,
        "SubRip (SRT), SubViewer and YouTube's SBV: Premiere, Descript, Otter, Rev, podcasts",
        *adapt_text_functions(is_srt, read_srt),
        "1\n00:00:01,000 --> 00:00:02,000\nOdile: How?\n\n"
        "2\n00:00:03,000 --> 00:00:05,500\nRavi: With a ladder.\n",
        confidence=LIKELY,
        holder="line",
    ),
)
