"""What the caption formats have in common: cues that become passages, and who speaks in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, groupby, pairwise, repeat
from operator import itemgetter
from typing import Final

from contracts.transcript import Speaker
from transcripts.captions.cue_doubts import (
    SOUND,
    find_names_said_twice,
    find_names_within_one_voice,
    find_things_named_once,
    find_unnamed_changes,
    find_unnamed_speech,
)
from transcripts.captions.cue_lines import (
    SpokenCue,
    SpokenLine,
    new_spoken_cue,
    parse_cue_lines,
    remove_rolling_repeats,
)
from transcripts.captions.cue_order import Cue, sort_cues
from transcripts.limits import check_text_length
from transcripts.notices import Notices, Repair
from transcripts.segments.turns import ParsedTranscript, SpokenPassage, normalize_label
from transcripts.speakers.candidates import OTHER_COLONS, LabelCandidate, LabelMarking
from transcripts.speakers.decision import find_speaker_labels
from transcripts.speakers.label_doubts import find_label_doubts
from transcripts.speakers.label_kinds import LabelKind, classify_label
from transcripts.speakers.labels import LineLabels, SpeakerLabels
from transcripts.speakers.line_labels import find_labels_within_line
from transcripts.speakers.trailing_labels import TrailingLabel, find_trailing_labels
from transcripts.text import (
    SENTENCE_GOES_ON,
    SURELY_VISIBLE,
    ends_within_sentence,
    has_visible_text,
    new_text_span,
)

__all__ = ["Cue", "read_cue_passages", "split_lines"]

# `1 "Ann Lee" (42)` as Webex writes it, `1 Ann Lee`: a cue's number and who speaks in it.
_NAMED_ID: Final = re.compile(
    r'(?:(?:\d{1,6}\s+)?"(?P<quoted>[^"]+)"|\d{1,6}\s+(?P<bare>[^\d"(][^"(]*?))\s*(?:\(\d+\))?'
)
_SOUND_STARTS: Final = frozenset("[(♪♫")
_COUNTED_NAME: Final = re.compile(r"(.{1,80}?)[-_](\d{1,6})")
_LINE_END: Final = re.compile("\r\r?\n|\r")
_MAY_NAME_ANOTHER: Final = re.compile(rf"[:{OTHER_COLONS}]|\s[\[(<]|\s\*\*")
_HALF: Final = 0.5
_FEWEST_CHANGES: Final = 3
_MOSTLY: Final = 0.8
_SELDOM_AGAIN: Final = 0.2  # of the named cues repeat the name before them: names mark changes
_OFTEN_UNNAMED: Final = 0.2
_FEWEST_NAMED: Final = 5
_NEARLY_ALL: Final = 0.95
# Most lines have no label: they share these.
_WITHOUT_LABELS: Final = {
    (is_start, interrupts): LineLabels((), is_start, interrupts=interrupts)
    for is_start in (False, True)
    for interrupts in (False, True)
}
_new_line_labels: Final = partial(tuple.__new__, LineLabels)
_Said = tuple[Cue, str | None, str]
"""A cue, who speaks in it, and what; None for a speaker who is told to be another than before."""


def split_lines(content: str) -> list[str]:
    """Split a file's text at LF, CRLF and CR, but not at other Unicode line separators.

    Raises:
        TooLargeTranscriptError: there are more than a transcript may have.
    """
    check_text_length(content)
    content = content.removeprefix("\ufeff")
    # CR CR LF ends one line: text written twice with the line ends of Windows.
    return _LINE_END.sub("\n", content).split("\n") if "\r" in content else content.split("\n")


def read_cue_passages(
    cues: Sequence[Cue], speakers: Sequence[Speaker], notices: Notices
) -> ParsedTranscript:
    """Convert a file's subtitle cues to passages, each with speaker, text and times.

    Args:
        cues: the cues in the order of the file.
        speakers: speakers the producer declared; their labels are believed.
        notices: takes what had to be mended.
    """
    cues = _with_names_in_front(sort_cues(cues, notices))
    spoken = [
        new_spoken_cue((cue, name, parse_cue_lines(cue[2])))
        for cue, name in zip(cues, _names_of_ids(cues), strict=False)
    ]
    spoken = remove_rolling_repeats(spoken, notices)
    notices.add(Repair.CUE_WITHOUT_TEXT, sum(not one.lines for one in spoken))
    places = list(_places(spoken))
    vouched = _vouched(places)
    found = find_speaker_labels(vouched or places, speakers)
    attributed = _attribute(spoken, found)
    said = _carried_on(attributed, notices, marks_change=_marks_change(spoken, found))
    passages = tuple(
        SpokenPassage(
            speaker or "",
            tuple([new_text_span((f" {text}", cue[0], cue[1])) for cue, _, text in turn]),
        )
        for speaker, turn in groupby(said, key=itemgetter(1))
    )
    unnamed = len([None for _, who, _ in said if not who])
    starts = [line[4] for one in spoken for line in one.lines if line[4]]  # candidates
    # A file that names nobody needs no notice for each of its cues.
    notices.add(Repair.NO_SPEAKER, unnamed if unnamed < len(said) else 0)
    return ParsedTranscript(
        passages,
        rejected_labels=found.rejected,
        labels_seen_once=found.once,
        doubts=tuple(
            chain(
                found.doubts(starts),
                () if vouched else find_label_doubts(found, starts),
                find_names_said_twice(spoken, found),
                find_unnamed_speech(spoken, attributed),
                find_things_named_once(found, starts),
            )
            if found
            else find_unnamed_changes(spoken)
            if unnamed == len(said)
            else find_names_within_one_voice(spoken)
        ),
    )


# Names


def _with_names_in_front(cues: Sequence[Cue]) -> Sequence[Cue]:
    """The cues with names as voices that most of them have in brackets at their ends."""
    filled = [cue.payload for cue in cues if cue.payload.strip()]
    labels = find_trailing_labels(filled)
    if labels is None:
        return cues
    following = iter(labels)
    return [
        cue._replace(payload=_as_voice(next(following))) if cue.payload.strip() else cue
        for cue in cues
    ]


def _as_voice(one: TrailingLabel) -> str:
    return f"<v {one.label}>{one.said}" if one.label else one.said


def _names_of_ids(cues: Sequence[Cue]) -> Iterable[str]:
    """The speakers whom the cues' ids name, or "" for as long as it is asked."""
    if all(not cue.id or cue.id.isdecimal() for cue in cues):
        return repeat("")
    names = [_name_of_id(cue.id) for cue in cues]
    names = _without_counts(names)
    known = [one for one in names if one]
    repeated = len(set(known)) < len(known) or len(known) > 1
    if len(known) < max(1, _HALF * len(cues)) or not repeated:
        return repeat("")
    return names


def _without_counts(names: list[str]) -> list[str]:
    """The names without the numbers of cues behind them: `Ann-1`, `Bo-2`, `Ann-3`."""
    found = [_COUNTED_NAME.fullmatch(name) for name in names]
    counted = [(match[1], int(match[2])) for match in found if match]
    numbers = [number for _, number in counted]
    bases = {base for base, _ in counted}
    if len(counted) < len(names) or len(bases) == len(counted):
        return names
    rising = all(earlier < later for earlier, later in pairwise(numbers))
    return [base for base, _ in counted] if rising else names


def _name_of_id(identifier: str) -> str:
    match = _NAMED_ID.fullmatch(identifier.strip())
    if match is not None:
        return (match["quoted"] or match["bare"]).strip().rstrip(":")
    if identifier[:1].isdigit():
        return ""
    return identifier if classify_label(identifier) in {LabelKind.NAME, LabelKind.ROLE} else ""


def _places(spoken: Iterable[SpokenCue]) -> Iterator[LineLabels]:
    before = ""
    for one in spoken:
        is_first = True
        for voice, _, shown, changes, candidates in one.lines:
            if not voice:
                is_start = is_first or changes
                last = before[-1:]  # of a clean text, which ends with no blank
                interrupts = not changes and (last.isalnum() or last in SENTENCE_GOES_ON)
                without = _WITHOUT_LABELS[is_start, interrupts]
                yield _new_line_labels((candidates, *without[1:])) if candidates else without
            before = shown
            is_first = False


def _vouched(places: Sequence[LineLabels]) -> list[LineLabels]:
    """The places, whose form vouches for labels if nearly all cues begin with a name; else none.

    So Zoom writes each cue; who speaks there once only, under whatever name, is named all the same.
    """
    firsts = [_label_of_cue(place) for place in places]
    counts = Counter([one.key for one in firsts if one is not None])
    again = sum(count for count in counts.values() if count > 1)
    if (
        len(places) < _FEWEST_NAMED
        or counts.total() < _NEARLY_ALL * len(places)
        or again < _HALF * len(places)
    ):
        return []
    return [
        place if one is None else place._replace(structural=True)
        for place, one in zip(places, firsts, strict=True)
    ]


def _label_of_cue(place: LineLabels) -> LabelCandidate | None:
    """The label with a colon with which a cue begins; None if there is none, or it is no name."""
    one = place.candidates[0] if place.candidates and place.is_start else None
    if one is None or one.later or one.form is not LabelMarking.COLON or not one.text.strip():
        return None
    return None if classify_label(one.label) is LabelKind.HEADING else one


def _attribute(spoken: Iterable[SpokenCue], found: SpeakerLabels) -> list[_Said]:
    """Who says what, cue by cue."""
    said: list[_Said] = []
    for cue, name, lines in spoken:
        if not lines:
            continue
        if len(lines) == 1:  # one line of speech and nothing else is usual
            voice, text, _, changes, candidates = lines[0]
            if not candidates:
                said.append((cue, voice or (None if changes else name), text.strip()))
                continue
        whole = _said_by_one(name, lines, found)
        if whole is not None:
            said.append((cue, *whole))
        else:
            said += [(cue, who, text) for who, text in _said(name, lines, found)]
    return said


def _said(
    name: str, lines: Sequence[SpokenLine], found: SpeakerLabels
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
            if has_visible_text(text):
                said.append(text.strip())
        was_voice = bool(line.voice)
    if said or (speaker and speaker != name):  # a name alone speaks in the cues that follow
        yield speaker, " ".join(said)


def _said_by_one(
    name: str, lines: Sequence[SpokenLine], found: SpeakerLabels
) -> tuple[str | None, str] | None:
    """As ``_said``, quickly, for a cue within which no other label may follow; else None."""
    single = _single(name, lines[0], found)
    if single is None or len(lines) == 1:
        return single
    speaker, first = single
    if first[:1] not in SURELY_VISIBLE and not has_visible_text(first):
        return None
    own_voice = lines[0][0]
    said = [first]
    for voice, text, _, changes, candidates in lines[1:]:
        if candidates or changes or voice != own_voice:
            return None
        said.append(text.strip())
    return speaker, " ".join(said)


def _single(name: str, line: SpokenLine, found: SpeakerLabels) -> tuple[str | None, str] | None:
    """As ``_said`` for a line within which no other label may follow; else None."""
    voice, text, _, changes, candidates = line
    if not candidates:
        return voice or (None if changes else name), text.strip()
    if voice or len(candidates) > 1:
        return None
    one = candidates[0]
    if one.form not in found.forms.get(one.key, ()):
        return (None if changes else name), text.strip()
    text = one.text.strip()
    return (one.label, text) if text and not _may_name_another(text) else None


def _may_name_another(text: str) -> bool:
    """Whether a text behind a label has a sign without which none follows; fast for most."""
    if text.isascii() and ":" not in text and "[" not in text and "(" not in text:
        return "<" in text or "**" in text
    return _MAY_NAME_ANOTHER.search(text) is not None


def _by_label(line: SpokenLine, found: SpeakerLabels) -> Iterator[tuple[str | None, str]]:
    if line.voice:
        yield line.voice, _without_own_name(line)
        return
    if not line.candidates:
        yield None, line.text
        return
    one = found.choose([one for one in line.candidates if not one.later])
    speaker, text = (one.label, one.text) if one is not None else (None, line.text)
    begin = 0
    if not _may_name_another(text):
        yield speaker, text
        return
    for later, at, end in find_labels_within_line(text, behind_label=one is not None):
        if found.choose([later]) is None:
            continue
        yield speaker, text[begin:at]
        speaker, begin = later.label, end
    yield speaker, text[begin:]


def _without_own_name(line: SpokenLine) -> str:
    """What a voice says, without its name where the text repeats it as a label."""
    own = normalize_label(line.voice).casefold()
    return next((one.text for one in line.candidates if one.key == own), line.text)


def _only_sentences_go_on(said: Sequence[_Said], named: Sequence[str]) -> bool:
    """Whether no name stands twice in a row, and cues without one go on with a sentence."""
    return (
        len(named) > _FEWEST_CHANGES
        and all(earlier != later for earlier, later in pairwise(named))
        and all(
            who or ends_within_sentence(before) for (_, _, before), (_, who, _) in pairwise(said)
        )
    )


def _marks_change(spoken: Sequence[SpokenCue], found: SpeakerLabels) -> bool:
    """Whether nearly all names stand behind a mark of a change of speaker, such as ``>>``.

    So CEA-608 has it: who goes on speaking has no mark.
    """
    if not any(line[3] for one in spoken for line in one[2]):  # as in most files
        return False
    named = [
        line.changes
        for one in spoken
        for line in one.lines
        if line.candidates and not line.voice and found.choose(line.candidates) is not None
    ]
    return len(named) >= _FEWEST_CHANGES and sum(named) >= _MOSTLY * len(named)


def _carried_on(said: list[_Said], notices: Notices, *, marks_change: bool) -> list[_Said]:
    """Let cues without a name go on with the speaker before, where names mark changes only.

    A source that names every cue repeats a speaker's name from cue to cue; one that names
    speakers where they change does not, and leaves many cues without a name, or says that it
    marks changes.
    """
    named = [who for _, who, _ in said if who]
    again = len([None for earlier, later in pairwise(named) if earlier == later])
    unnamed = len(said) - len(named)
    if (
        len(named) < 2  # noqa: PLR2004 - one name tells nothing of how the source names
        or again > _SELDOM_AGAIN * (len(named) - 1)
        or (
            unnamed < _OFTEN_UNNAMED * len(said)
            and not marks_change
            and not _only_sentences_go_on(said, named)
        )
    ):
        return said
    carried: list[_Said] = []
    speaker = ""
    gone_on = 0
    for cue, who, text in said:
        if not who and text[:1] in _SOUND_STARTS and SOUND.fullmatch(text):
            carried.append((cue, "", text))  # a sound may be anybody's, and changes nobody
            continue
        if who is None:
            speaker = ""
        elif who:
            speaker = who
        elif speaker:
            gone_on += 1
        carried.append((cue, speaker, text))
    notices.add(Repair.CARRIED, gone_on)
    return carried
