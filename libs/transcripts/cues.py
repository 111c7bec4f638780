"""What the caption formats have in common: cues that become passages, and who speaks in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from contracts.transcript import Speaker
from transcripts.candidates import Candidate, alone, candidates_of, later_candidates, unmark
from transcripts.label_kinds import LabelKind, kind_of
from transcripts.limits import refuse_long_text
from transcripts.markup import voices
from transcripts.notices import Mended, Notices
from transcripts.speakers import Place, Speakers, find_speakers
from transcripts.text import Piece, clean
from transcripts.times import ordered
from transcripts.turns import Passage, Source, label_of

_CHANGE_OF_SPEAKER: Final = re.compile(r"^\s*(?:[-\u2013—]\s+|-(?=[^\W\d_])|>>+\s*|&gt;&gt;\s*)")
_MARK_ALONE: Final = re.compile(r"\s*(?:[-\u2013—_*]+|>>+|```\w*)\s*")
# `1 "Ann Lee" (42)` as Webex writes it, `1 Ann Lee`: a cue's number and who speaks in it.
_NAMED_ID: Final = re.compile(
    r'\d{1,6}\s+(?:"(?P<quoted>[^"]+)"|(?P<bare>[^\d"(][^"(]*?))\s*(?:\(\d+\))?'
)
_SOUND: Final = re.compile(r"\s*(?:\[[^\[\]]{1,60}\]|\([^()]{1,60}\)|[♪♫][^♪♫]*[♪♫]?)\s*")
_STAMP_ALONE: Final = re.compile(r"\s*\[\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,3})?\]\s*")
_NOTE: Final = re.compile(r"NOTE\s+[\w ]{1,30}:?\s*[\w.\"':,-]{1,40}")
_HALF: Final = 0.5
_MOST: Final = 0.8
_FEW: Final = 3
_LONG_MS: Final = 60_000
_BEGINNING: Final = 0.1
_SELDOM_AGAIN: Final = 0.2  # of the named cues repeat the name before them: names mark changes
_OFTEN_UNNAMED: Final = 0.2


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue as the file has it: times in milliseconds, the text with its markup verbatim.

    Attributes:
        part: which of several files put together it comes from, from 0.
    """

    start_ms: int
    end_ms: int
    payload: str = ""
    id: str = ""
    part: int = 0


@dataclass(frozen=True, slots=True)
class _SpokenLine:
    """One line of a cue.

    Attributes:
        voice: the speaker that markup names; empty if none, None for a change of speaker.
        text: the line, without the marks of a change of speaker.
        changes: it begins with such a mark.
    """

    voice: str
    text: str
    changes: bool
    candidates: tuple[Candidate, ...] = ()


def split_lines(content: str) -> list[str]:
    """The lines of a file; LF, CRLF and CR end a line, other separators do not.

    Raises:
        TooLargeTranscriptError: there are more than a transcript may have.
    """
    refuse_long_text(content)
    return content.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def source_of(cues: Sequence[Cue], speakers: Sequence[Speaker], notices: Notices) -> Source:
    """Put cues in order of their start and find out who speaks in them.

    Args:
        cues: the cues in the order of the file.
        speakers: speakers the producer declared; their labels are believed.
        notices: takes what had to be mended.
    """
    named = _with_names_of_ids(_without_repeats(_in_order(cues, notices), notices))
    spoken = [(cue, name, _lines(cue.payload)) for cue, name in named]
    spoken = _without_rolling(spoken, notices)
    notices.add(Mended.CUE_WITHOUT_TEXT, sum(not lines for _, _, lines in spoken))
    found = find_speakers(list(_places(lines for _, _, lines in spoken)), speakers)
    said = [
        (cue, who, text) for cue, name, lines in spoken for who, text in _said(name, lines, found)
    ]
    said = _carried_on(said, notices)
    passages = tuple(
        Passage(who or "", (Piece(text, cue.start_ms, cue.end_ms),)) for cue, who, text in said
    )
    unnamed = sum(not passage.speaker for passage in passages)
    # A file that names nobody needs no notice for each of its cues.
    notices.add(Mended.NO_SPEAKER, unnamed if unnamed < len(passages) else 0)
    return Source(passages, rejected_labels=found.rejected, labels_seen_once=found.once)


# Order and repetition


def _in_parts(cues: Sequence[Cue]) -> list[Cue]:
    """Cues of files that were put together: their times begin anew, and go on from there.

    A few cues out of order are put in order instead.
    """
    made: list[Cue] = []
    shift, latest, first = 0, -1, None
    for position, cue in enumerate(cues):
        if cue.part + shift != (made[-1].part if made else cue.part):
            latest, first = -1, None
        first = cue.start_ms if first is None else first
        ahead = [one.start_ms for one in cues[position : position + _FEW]]
        if (
            latest - first >= _LONG_MS
            and cue.start_ms <= first + (latest - first) * _BEGINNING
            and len(ahead) > 1
            and ahead == sorted(ahead)
            and max(ahead) < latest
        ):
            shift, latest, first = shift + 1, -1, cue.start_ms
        latest = max(latest, cue.start_ms)
        made.append(replace(cue, part=cue.part + shift) if shift else cue)
    return made


def _in_order(cues: Sequence[Cue], notices: Notices) -> list[Cue]:
    cues = _in_parts(cues)
    latest: dict[int, int] = {}
    for cue in cues:
        notices.add(Mended.SORTED, int(cue.start_ms < latest.get(cue.part, -1)))
        latest[cue.part] = max(latest.get(cue.part, -1), cue.start_ms)
    mended = [
        replace(cue, end_ms=ordered(cue.start_ms, cue.end_ms, notices) or cue.start_ms)
        for cue in cues
    ]
    return sorted(mended, key=lambda cue: (cue.part, cue.start_ms))


def _without_repeats(cues: list[Cue], notices: Notices) -> list[Cue]:
    seen: set[tuple[int, int, str]] = set()
    kept: list[Cue] = []
    for cue in cues:
        identity = (cue.start_ms, cue.end_ms, cue.payload.strip())
        if identity[2] and identity in seen:
            notices.add(Mended.REPEATED_CUE)
        else:
            kept.append(cue)
        seen.add(identity)
    latest: dict[int, int] = {}
    for cue in kept:
        latest[cue.part] = max(latest.get(cue.part, 0), cue.start_ms)
    starts: dict[int, int] = {}
    for cue in kept:
        starts.setdefault(cue.part, cue.start_ms)
    again = sum(starts[later] < latest[earlier] for earlier, later in pairwise(sorted(starts)))
    notices.add(Mended.PART, again)
    return kept


_Spoken = tuple[Cue, str, list[_SpokenLine]]


def _without_rolling(spoken: list[_Spoken], notices: Notices) -> list[_Spoken]:
    """Captions that roll show each line again above the next one; said it was once."""
    texts = [[clean(line.text) for line in lines] for _, _, lines in spoken]
    filled = [one for one in texts if one]
    again = sum(
        bool(_overlap(earlier, later)) or _grows(earlier, later)
        for earlier, later in pairwise(filled)
    )
    if len(filled) < _FEW or again < _HALF * (len(filled) - 1):
        return spoken
    kept: list[_Spoken] = []
    before: list[str] = []
    for (cue, name, lines), text in zip(spoken, texts, strict=True):
        if kept and before and _grows(before, text):
            previous = kept.pop()
            cue = replace(cue, start_ms=previous[0].start_ms)  # noqa: PLW2901 - the one that grew
            notices.add(Mended.ROLLING)
            kept.append((cue, name, lines))
        else:
            repeated = _overlap(before, text)
            notices.add(Mended.ROLLING, repeated)
            if lines[repeated:] or not lines:
                kept.append((cue, name, lines[repeated:]))
        before = text or before
    return kept


def _overlap(earlier: Sequence[str], later: Sequence[str]) -> int:
    """How many lines at the start of a cue are those at the end of the one before."""
    for count in range(min(len(earlier), len(later)), 0, -1):
        if list(earlier[-count:]) == list(later[:count]):
            return count
    return 0


def _grows(earlier: Sequence[str], later: Sequence[str]) -> bool:
    """Whether a cue is the one before it with more behind, as live captions are painted on."""
    first, second = " ".join(earlier), " ".join(later)
    return len(second) > len(first) > 0 and second.startswith(first) and len(earlier) == len(later)


# Names


def _with_names_of_ids(cues: list[Cue]) -> list[tuple[Cue, str]]:
    names = [_name_of_id(cue.id) for cue in cues]
    known = [one for one in names if one]
    repeated = len(set(known)) < len(known) or len(known) > 1
    if len(known) < max(1, _HALF * len(cues)) or not repeated:
        return [(cue, "") for cue in cues]
    return list(zip(cues, names, strict=True))


def _name_of_id(identifier: str) -> str:
    match = _NAMED_ID.fullmatch(identifier.strip())
    if match is not None:
        return (match["quoted"] or match["bare"]).strip().rstrip(":")
    if identifier[:1].isdigit():
        return ""
    return identifier if kind_of(identifier) in {LabelKind.NAME, LabelKind.ROLE} else ""


def _lines(payload: str) -> list[_SpokenLine]:
    """Each line of a cue that says something, with its voice's name or none."""
    made: list[_SpokenLine] = []
    changes = False
    for name, text in voices(payload):
        voice = name if any(map(str.isalnum, name)) else ""
        changes = changes or bool(name and not voice)
        for raw in text.split("\n"):
            line = unmark(raw)
            if not clean(line) or _NOTE.fullmatch(line.strip()) or _STAMP_ALONE.fullmatch(line):
                continue
            if _MARK_ALONE.fullmatch(line):
                changes = True
                continue
            said = _CHANGE_OF_SPEAKER.sub("", line, count=1)
            changed = changes or said != line
            made.append(_SpokenLine(voice, said if not voice else line, changed, _of(said)))
            changes = False
    if len(made) > 1 and not made[0].voice and (one := alone(made[0].text)) is not None:
        made[0] = replace(made[0], candidates=(*made[0].candidates, one))
    return made


def _of(line: str) -> tuple[Candidate, ...]:
    return (*candidates_of(line.lstrip()), *(one for one, _ in later_candidates(line)))


def _places(cues: Iterator[list[_SpokenLine]] | Sequence[list[_SpokenLine]]) -> Iterator[Place]:
    for lines in cues:
        for position, line in enumerate(lines):
            if not line.voice:
                yield Place(line.candidates, is_start=position == 0 or line.changes)


def _said(
    name: str, lines: Sequence[_SpokenLine], found: Speakers
) -> Iterator[tuple[str | None, str]]:
    """Who says what in one cue; a line without a label goes on with the line before it.

    Yields:
        The speaker and the words; None for a speaker who is told to be another than before.
    """
    speaker: str | None = name
    said: list[str] = []
    was_voice = False
    for line in lines:
        for who, text in _by_label(line, found):
            if who is None:  # nobody is named here
                # Words behind a voice that has ended are nobody's.
                now = None if line.changes else ("" if was_voice and not line.voice else speaker)
            else:
                now = who
            if now != speaker and said:
                yield speaker, " ".join(said)
                said = []
            speaker = now
            if clean(text):
                said.append(text.strip())
        was_voice = bool(line.voice)
    if said:
        yield speaker, " ".join(said)


def _by_label(line: _SpokenLine, found: Speakers) -> Iterator[tuple[str | None, str]]:
    if line.voice:
        yield line.voice, _without_own_name(line)
        return
    one = found.choose(one for one in line.candidates if not one.later)
    speaker, text = (one.label, one.text) if one is not None else (None, line.text)
    begin = 0
    for later, at in later_candidates(text):
        if found.choose([later]) is None:
            continue
        yield speaker, text[begin:at]
        speaker, begin = later.label, len(text) - len(later.text)
    yield speaker, text[begin:]


def _without_own_name(line: _SpokenLine) -> str:
    """What a voice says, without its name where the text repeats it as a label."""
    own = label_of(line.voice).casefold()
    return next((one.text for one in line.candidates if one.key == own), line.text)


_Said = tuple[Cue, str | None, str]


def _carried_on(said: list[_Said], notices: Notices) -> list[_Said]:
    """Let cues without a name go on with the speaker before, where names mark changes only.

    A source that names every cue repeats a speaker's name from cue to cue; one that names
    speakers where they change does not, and leaves many cues without a name.
    """
    named = [who for _, who, _ in said if who]
    again = sum(earlier == later for earlier, later in pairwise(named))
    unnamed = sum(not who for _, who, _ in said)
    if (
        len(named) < 2  # noqa: PLR2004 - one name tells nothing of how the source names
        or again > _SELDOM_AGAIN * (len(named) - 1)
        or unnamed < _OFTEN_UNNAMED * len(said)
    ):
        return said
    carried: list[_Said] = []
    speaker = ""
    for cue, who, text in said:
        if not who and _SOUND.fullmatch(text):
            carried.append((cue, "", text))  # a sound may be anybody's, and changes nobody
            continue
        if who is None:
            speaker = ""
        elif who:
            speaker = who
        notices.add(Mended.CARRIED, int(not who and bool(speaker)))
        carried.append((cue, speaker, text))
    return carried
