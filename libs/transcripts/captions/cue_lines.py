"""The lines of a cue: who their markup names, what they say, and what they may begin with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache, partial
from itertools import pairwise
from typing import Final, NamedTuple

from transcripts.captions.cue_order import Cue
from transcripts.captions.markup import split_voice_spans
from transcripts.notices import Notices, Repair
from transcripts.speakers.candidates import LabelCandidate, parse_label_line, strip_direction_marks
from transcripts.speakers.plain_labels import (
    find_all_labels,
    find_label_of_plain_line,
    find_label_of_plain_text,
)
from transcripts.text import clean_text

_CHANGE_OF_SPEAKER: Final = re.compile(r"^\s*(?:[-\u2013—]\s+|-(?=[^\W\d_])|>>+\s*|&gt;&gt;\s*)")
# Panopto's line in its first cue.
_TOOLS_NOTE: Final = re.compile(
    r"\[Auto-generated transcript\. Edits may have been applied for clarity\.\]"
)
_MARK_ALONE: Final = re.compile(r"\s*(?:[-\u2013—_*]+|>>+|```\w*)\s*")
_STAMP_ALONE: Final = re.compile(r"\s*\[\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,3})?\]\s*")
_NOTE: Final = re.compile(r"NOTE\s+[\w ]{1,30}:?\s*[\w.\"':,-]{1,40}")
_BEGIN_MARKS: Final = frozenset("-\u2013—>&_*`[")
"""Beginnings of lines that may be a mark of a change of speaker, or a time alone."""
_UNUSUAL_STARTS: Final = _BEGIN_MARKS | {"", " "}
_MARKUP: Final = re.compile(r"[<&{]")
_VOICE: Final = re.compile(r"<v ([^<>&]+)>([^<&{]*)(?:</v>)?")
_NEAR: Final = 8  # marks that may stand before a label
_SMALL_WORD: Final = re.compile(
    r"(?<!\S)(?!(?:d[aeiou]|de[lnr]|du|v[ao]n|bin|ben|y|and|of|the)(?!\S))[a-z]+[,;]?(?!\S)"
)
_HALF: Final = 0.5
_FEW: Final = 3


class SpokenLine(NamedTuple):
    """Line of speech within a subtitle cue, with its speaker if the cue names one.

    Attributes:
        voice: the speaker that markup names; empty if none.
        text: the line, without the marks of a change of speaker.
        shown: the same, clean.
        changes: it begins with such a mark.
        candidates: the labels it may begin with, or hold behind the end of a sentence.
    """

    voice: str
    text: str
    shown: str
    changes: bool = False
    candidates: tuple[LabelCandidate, ...] = ()


_new_line: Final = partial(tuple.__new__, SpokenLine)
"""Makes a line of a tuple of all its fields, in half the time of the constructor."""


class SpokenCue(NamedTuple):
    """Subtitle cue with its lines of speech, and the speaker that its id names, if any."""

    cue: Cue
    name: str
    lines: list[SpokenLine]


new_spoken_cue: Final = partial(tuple.__new__, SpokenCue)
"""Makes a cue of a tuple of all its fields, in half the time of the constructor."""


def parse_cue_lines(payload: str) -> list[SpokenLine]:
    """Split a subtitle cue's text into lines of speech, each with its speaker if one is named."""
    voice, text = "", payload
    if payload[:3] == "<v " and (match := _VOICE.fullmatch(payload)) and _names(match[1]):
        voice, text = match[1].strip(), match[2]
    found = find_label_of_plain_text(text)
    if found is None or (found and voice):
        return parse_cue_lines_slowly(payload)
    # Plain speech with a label or a voice before it at most, as most cues of most files are.
    made: list[SpokenLine] = []
    for line in text.split("\n"):
        if line[:1] in _UNUSUAL_STARTS or line[-1] == " " or line[:4] == "NOTE":
            return parse_cue_lines_slowly(payload)
        made.append(_new_line((voice, line, line, False, () if made else found)))
    return _with_lone_label(made) if len(made) > 1 else made


def parse_cue_lines_slowly(payload: str) -> list[SpokenLine]:
    """Split any cue's text into lines of speech; slower than ``parse_cue_lines``."""
    if plain := _parse_unmarked_lines(payload) or _parse_plain_lines(payload):
        return plain
    made: list[SpokenLine] = []
    changes = False
    for name, text in _voices(payload):
        voice = name if name and _names(name) else ""
        changes = changes or bool(name and not voice)
        for raw in text.split("\n"):
            line = raw if raw.isascii() else strip_direction_marks(raw)
            shown = clean_text(line)
            if not shown or (shown[0] == "N" and _NOTE.fullmatch(line.strip())):
                continue
            said = line
            if shown[0] in _BEGIN_MARKS:
                if _STAMP_ALONE.fullmatch(line) or _TOOLS_NOTE.fullmatch(shown):
                    continue
                if _MARK_ALONE.fullmatch(line):
                    changes = True
                    continue
                said = _CHANGE_OF_SPEAKER.sub("", line, count=1)
                if said != line and not voice:
                    shown = clean_text(said)
            changed = changes or said != line
            if voice:  # a label counts only where it repeats the voice's name
                repeats = voice[:1].casefold() in said[:_NEAR].casefold()
                labels = find_all_labels(said) if repeats else ()
                made.append(SpokenLine(voice, line, shown, changed, labels))
            else:
                made.append(SpokenLine("", said, shown, changed, find_all_labels(said)))
            changes = False
    return _with_lone_label(made) if len(made) > 1 else made


def _parse_unmarked_lines(payload: str) -> list[SpokenLine] | None:
    """As ``parse_cue_lines``, quickly, for a cue of speech and a label at most; else None."""
    made: list[SpokenLine] = []
    for line in payload.split("\n"):
        if line[:1] in _UNUSUAL_STARTS or line[-1] == " " or line.startswith("NOTE"):
            return None
        labels = find_label_of_plain_line(line)
        if labels is None:
            return None
        made.append(_new_line(("", line, line, False, labels)))
    return _with_lone_label(made) if len(made) > 1 else made


def _parse_plain_lines(payload: str) -> list[SpokenLine] | None:
    """As ``parse_cue_lines``, quickly, for a cue without markup or marks; None for any other."""
    if "<" in payload or "&" in payload or "{" in payload or not payload.isascii():
        return None
    made: list[SpokenLine] = []
    for line in payload.split("\n") if "\n" in payload else (payload,):
        shown = line.strip(" ")
        if (
            not shown
            or not shown.isprintable()
            or shown[0] in _BEGIN_MARKS
            or "  " in shown
            or shown.startswith("NOTE")
        ):
            return None
        made.append(SpokenLine("", line, shown, False, find_all_labels(shown)))  # noqa: FBT003
    return _with_lone_label(made) if len(made) > 1 else made


def _with_lone_label(lines: list[SpokenLine]) -> list[SpokenLine]:
    """The lines, of which the first may be a name and nothing else."""
    first = lines[0]
    if not first[0] and _may_stand_alone(first[2]):
        label = parse_label_line(first.text)
        if label is not None:
            return [first._replace(candidates=(*first.candidates, label)), *lines[1:]]
    return lines


def _may_stand_alone(line: str) -> bool:
    """Whether a line has no word in small letters, as most lines of speech have."""
    return " " not in line or _SMALL_WORD.search(line) is None


@lru_cache(maxsize=1_024)
def _names(voice: str) -> bool:
    """Whether a voice names anybody; dashes and blanks do not."""
    return any(map(str.isalnum, voice))


def _voices(payload: str) -> Sequence[tuple[str, str]]:
    if _MARKUP.search(payload) is None:
        return (("", payload),)
    if match := _VOICE.fullmatch(payload):  # the usual one: a voice and nothing else
        return ((match[1].strip(), match[2]),)
    return tuple(split_voice_spans(payload))


def remove_rolling_repeats(spoken: list[SpokenCue], notices: Notices) -> list[SpokenCue]:
    """Remove lines from cues that rolling captions repeat from the cue before."""
    texts = [[line[2] for line in lines] for _, _, lines in spoken]  # as they are shown
    filled = [text for text in texts if text]
    if len(filled) < _FEW:
        return spoken
    again = sum(
        (later[0] in earlier or later[0].startswith(earlier[0])) and _repeats(earlier, later)
        for earlier, later in pairwise(filled)
    )
    if again < _HALF * (len(filled) - 1):
        return spoken
    kept: list[SpokenCue] = []
    before: list[str] = []
    for (cue, name, lines), text in zip(spoken, texts, strict=True):
        if kept and before and _grows(before, text):
            previous = kept.pop()
            notices.add(Repair.ROLLING)
            kept.append(SpokenCue(cue._replace(start_ms=previous.cue.start_ms), name, lines))
        else:
            repeated = _overlap(before, text)
            notices.add(Repair.ROLLING, repeated)
            if lines[repeated:] or not lines:
                kept.append(SpokenCue(cue, name, lines[repeated:]))
        before = text or before
    return kept


def _repeats(earlier: Sequence[str], later: Sequence[str]) -> bool:
    """Whether a cue begins with lines of the one before it, or goes on with them."""
    return _overlap(earlier, later) > 0 or _grows(earlier, later)


def _overlap(earlier: Sequence[str], later: Sequence[str]) -> int:
    """How many lines at the start of a cue are those at the end of the one before."""
    if not later or later[0] not in earlier:
        return 0
    for count in range(min(len(earlier), len(later)), 0, -1):
        if list(earlier[-count:]) == list(later[:count]):
            return count
    return 0


def _grows(earlier: Sequence[str], later: Sequence[str]) -> bool:
    """Whether a cue is the one before it with more behind, as live captions are painted on."""
    if len(earlier) != len(later) or not earlier or not later[0].startswith(earlier[0]):
        return False
    first, second = " ".join(earlier), " ".join(later)
    return len(second) > len(first) > 0 and second.startswith(first)
