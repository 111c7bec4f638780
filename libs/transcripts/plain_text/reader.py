"""Plain text in the layouts that people and tools write, with names, with times, or with both.

``plain_rows`` takes off what is not speech, ``plain_lines`` finds the times and possible labels of
each line, ``speakers`` decides over the whole file which labels name somebody. A line without a
label goes on with the speaker before it. A turn's stated time is its start; it is taken to end
where the next stated time begins.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from contracts.transcript import Speaker, TranscriptFormat
from transcripts.formats import LAST_RESORT, FormatDefinition, FormatFamily, TranscriptContent
from transcripts.notices import Notices, Repair
from transcripts.plain_text.details import remove_header_field_labels
from transcripts.plain_text.inner_stamps import TimedText, split_at_inner_timestamps
from transcripts.plain_text.lines import TextLine, parse_lines
from transcripts.plain_text.reading_doubts import find_layout_doubts
from transcripts.plain_text.rows import split_rows
from transcripts.plain_text.stamps import split_end_timestamp
from transcripts.plain_text.vouched_labels import vouch_for_labels
from transcripts.segments.times_of_day import are_times_of_day
from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.speakers.candidates import LabelCandidate, LabelMarking
from transcripts.speakers.decision import find_speaker_labels
from transcripts.speakers.label_doubts import find_label_doubts
from transcripts.speakers.label_kinds import LabelKind, classify_label
from transcripts.speakers.labels import LineLabels, SpeakerLabels
from transcripts.speakers.line_labels import find_labels_within_line
from transcripts.text import TextSpan, clean_text, ends_within_sentence

_KEY_LINE: Final = re.compile(r"\s*(?:- )?[a-z_]{1,40}:(?:\s|$)")
_SETTING: Final = re.compile(r"\s*[\w.-]{1,60}\s*=.*")
_SECTION: Final = re.compile(r"\s*\[[\w. :/\"-]{1,60}\]\s*")
_LINES_LOOKED_AT: Final = 200
_NEARLY_ALL: Final = 0.9
_MOST: Final = 0.8
_USUALLY: Final = 0.7
_FEW: Final = 3
_TWICE: Final = 2
_BRACKETS: Final = ("[", "(", "<")
_SECOND_VERSION: Final = (
    "lines of different speakers begin and end at the same times in {:,} places: one may be a "
    "translation or another version of the other"
)
_MAY_BE_WORDS: Final = frozenset({LabelMarking.BRACKET, LabelMarking.BOLD, LabelMarking.ALONE})
"""Marks that leave open whether a line of nothing else is a label or what was said."""


@dataclass(frozen=True, slots=True)
class _Said:
    speaker: str
    text: str
    start_ms: int | None
    end_ms: int | None = None


def is_key_value_file(content: str) -> bool:
    """Return whether a text is a file of keys and values, such as YAML, and no transcript."""
    beginning = "\n".join(content.split("\n", _LINES_LOOKED_AT)[:_LINES_LOOKED_AT])
    lines = [line for line in beginning.splitlines()[:_LINES_LOOKED_AT] if line.strip()]
    keys = sum(_KEY_LINE.match(line) is not None for line in lines)
    pairs = sum(_SETTING.fullmatch(line) is not None for line in lines)
    sections = sum(_SECTION.fullmatch(line) is not None for line in lines)
    if sections and pairs >= sections and pairs + sections >= _NEARLY_ALL * len(lines):
        return True
    nested = any(line[:1].isspace() and _KEY_LINE.match(line) for line in lines)
    return nested and keys > 1 and keys >= _NEARLY_ALL * len(lines)


def is_plain_transcript(content: TranscriptContent) -> bool:
    """Return whether a plain text is a transcript: it has speaker labels or timestamps."""
    lines, found, _ = content.derive(_read_lines)
    return bool(found) or _is_stamped_throughout(lines)


def _read_lines(text: str) -> tuple[Sequence[TextLine], SpeakerLabels, Notices]:
    """The lines, the labels among them if no speaker is declared, and what was mended."""
    notices = Notices()
    lines = remove_header_field_labels(parse_lines(split_rows(text, notices)))
    return lines, _find(lines, ()), notices


def read_plain_transcript(
    content: TranscriptContent, speakers: Sequence[Speaker], notices: Notices
) -> ParsedTranscript:
    """Parse a plain-text transcript into passages, each with speaker, text and time."""
    lines, found, others = content.derive(_read_lines)
    notices.include(others)
    if speakers:
        found = _find(lines, speakers)
    _note_names_within_lines(lines, found, notices)
    said = _with_starts_at_ends(_timed(_said(lines, found)), notices)
    said = _without_times_of_day(_with_inner_times(said), notices)
    said = _in_order(said, notices)
    doubles = _count_same_spans(said)
    ends = _next_starts(said)
    passages = tuple(
        SpokenPassage(line.speaker, (TextSpan(line.text, line.start_ms, _end(line, end_ms)),))
        for line, end_ms in zip(said, ends, strict=True)
        if clean_text(line.text)
    )
    starts = [line.candidates for line in lines]
    unnamed = bool(found) and bool(passages) and not passages[0].speaker
    notices.add(Repair.NO_SPEAKER, int(unnamed or (bool(passages) and not passages[0].speaker)))
    return ParsedTranscript(
        passages,
        rejected_labels=found.rejected,
        labels_seen_once=found.once,
        doubts=(
            *found.doubts(starts),
            *find_label_doubts(found, starts),
            *find_layout_doubts(lines, found),
            *([_SECOND_VERSION.format(doubles)] if doubles >= _TWICE else []),
        ),
    )


def _with_starts_at_ends(said: list[_Said], notices: Notices) -> list[_Said]:
    """What was said, beginning where what stands before it ends, if the file states ends only.

    So f4 and MAXQDA have it: one time, ``#00:00:05-0#``, behind each paragraph, from which playing
    goes on. What another time behind a paragraph tells is not known.
    """
    spoken = [one for one in said if one.text.strip()]
    ends = [one.end_ms for one in spoken if one.end_ms is not None]
    if (
        notices.has(Repair.TIME_BEHIND)
        or len(ends) < max(_TWICE, _MOST * len(spoken))
        or any(one.start_ms is not None for one in said)
        or any(later < earlier for earlier, later in pairwise(ends))
    ):
        return said
    made: list[_Said] = []
    before: int | None = None
    for one in said:
        made.append(replace(one, start_ms=before))
        before = one.end_ms if one.text.strip() else before
    notices.add(Repair.START_AT_END, sum(one.start_ms is not None for one in made))
    return made


def _with_inner_times(said: list[_Said]) -> list[_Said]:
    """What was said, divided where times stand within it."""
    parts = split_at_inner_timestamps([TimedText(one.text, one.start_ms) for one in said])
    if parts is None:
        return said
    return [
        replace(one, text=part.text, start_ms=part.start_ms, end_ms=one.end_ms if last else None)
        for one, turn in zip(said, parts, strict=True)
        for part, last in zip(turn, [*[False] * (len(turn) - 1), True], strict=True)
        if last or part.text.strip()
    ]


def _in_order(said: list[_Said], notices: Notices) -> list[_Said]:
    """What was said by its starts, where each line has a start and an end, as tiers have."""
    starts = [one.start_ms for one in said if one.start_ms is not None and one.end_ms is not None]
    late = sum(later < earlier for earlier, later in pairwise(starts))
    if not late or len(starts) < len(said):
        return said
    notices.add(Repair.SORTED, late)
    return sorted(said, key=lambda one: one.start_ms or 0)


def _count_same_spans(said: Sequence[_Said]) -> int:
    """How many starts and ends two speakers share, as a speaker and a gloss or translation do."""
    spans: dict[tuple[int, int], set[str]] = defaultdict(set)
    for one in said:
        if one.start_ms is not None and one.end_ms is not None and one.text.strip():
            spans[one.start_ms, one.end_ms].add(one.speaker)
    return sum(len(speakers) > 1 for speakers in spans.values())


def _without_times_of_day(said: list[_Said], notices: Notices) -> list[_Said]:
    """What was said without times that begin in the middle of a day, as chats have them."""
    starts = [one.start_ms for one in said if one.start_ms is not None]
    if not are_times_of_day(starts):
        return said
    notices.add(Repair.TIME_OF_DAY, len(starts))
    return [replace(one, start_ms=None, end_ms=None) for one in said]


# Speakers


def _find(lines: Sequence[TextLine], speakers: Sequence[Speaker]) -> SpeakerLabels:
    lines = vouch_for_labels(lines)
    has_paragraphs = sum(line.paragraph for line in lines) > 1
    found = find_speaker_labels(
        [
            LineLabels(
                line.candidates,
                line.paragraph or not has_paragraphs,
                line.structural,
                is_list_item=line.is_list_item,
                interrupts=not line.paragraph
                and not line.original
                and before is not None
                and ends_within_sentence(before.text),
            )
            for before, line in zip((None, *lines), lines, strict=False)
        ],
        speakers,
    )
    return _without_silent(lines, found)


def _without_silent(lines: Sequence[TextLine], found: SpeakerLabels) -> SpeakerLabels:
    """Labels without those that may be words, behind which nothing is ever said."""
    heard: set[str] = set()
    silent: set[str] = set()
    current = ""
    for line in lines:
        one = found.choose(line.candidates)
        if one is not None:
            current = one.key
            silent |= {one.key} if _may_be_words(one) else set()
        if (line.text if one is None else one.text).strip():
            heard.add(current)
    kept = {key: forms for key, forms in found.forms.items() if key not in silent - heard}
    return replace(found, forms=kept)


def _may_be_words(one: LabelCandidate) -> bool:
    """Whether nothing but its form makes a label of what may be said, or head a part."""
    return one.form in _MAY_BE_WORDS or (
        one.form is LabelMarking.COLON
        and classify_label(one.label) not in {LabelKind.NAME, LabelKind.ROLE}
    )


def _is_stamped_throughout(lines: Sequence[TextLine]) -> bool:
    """Whether times stand between the lines although nobody is named, as YouTube shows them."""
    between = sum(line.is_stamp for line in lines)
    before = sum(bool(line.original) and not line.is_stamp for line in lines)
    spoken = len(lines) - between
    return spoken > 0 and (between >= max(2, spoken / 4) or before >= max(2, spoken / 2))


def _said(lines: Sequence[TextLine], found: SpeakerLabels) -> Iterator[_Said]:
    bare = sum(line.bare and bool(line.text.strip()) for line in lines)
    stamped = bare >= max(2, _MOST * sum(not line.is_stamp for line in lines))
    speaker = ""
    is_chat = _is_chat(lines, found)
    for line in lines:
        one = found.choose(line.candidates)
        if is_chat and one is None and line.original and line.text.strip():
            speaker = ""  # what the tool writes, as of somebody who joined
        if one is not None and not one.later:
            speaker = one.label
            start_ms = line.times[line.candidates.index(one)]
            said = _Said(speaker, one.text, start_ms, line.end_ms)
            yield from _split_later(said, found, behind_label=True)
            speaker = _last_speaker(one.text, found, behind_label=True) or speaker
            continue
        # Without brackets a time may be speech, unless a name follows, nothing does, or all do.
        spoken = line.original if line.bare and line.text.strip() and not stamped else line.text
        start_ms = None if spoken is line.original and line.original else line.start_ms
        text, end_ms = split_end_timestamp(spoken)
        said = _Said(speaker, text, start_ms, end_ms or line.end_ms)
        yield from _split_later(said, found, behind_label=False)
        speaker = _last_speaker(text, found, behind_label=False) or speaker


def _is_chat(lines: Sequence[TextLine], found: SpeakerLabels) -> bool:
    """Whether nearly all lines with a time have a label, and the times are of day."""
    dated = [line for line in lines if line.original and line.text.strip()]
    if len(dated) < _FEW or any(line.start_ms is not None for line in dated):
        return False
    return sum(found.choose(line.candidates) is not None for line in dated) >= _USUALLY * len(dated)


def _split_later(said: _Said, found: SpeakerLabels, *, behind_label: bool) -> Iterator[_Said]:
    speaker, start_ms = said.speaker, said.start_ms
    text, stated_end_ms = split_end_timestamp(said.text)
    end_ms = said.end_ms if stated_end_ms is None else stated_end_ms
    begin = 0
    for one, at, end in find_labels_within_line(text, behind_label=behind_label):
        if found.choose([one]) is None:
            continue
        yield _Said(speaker, text[begin:at], start_ms, end_ms)
        speaker, start_ms = one.label, None
        begin = end
    yield _Said(speaker, text[begin:], start_ms, end_ms)


def _note_names_within_lines(
    lines: Sequence[TextLine], found: SpeakerLabels, notices: Notices
) -> None:
    """Note names in brackets within lines, which begin turns, as one that is quoted would."""
    numbers: list[int] = []
    for line in lines:
        one = found.choose(line.candidates)
        is_label = one is not None and not one.later
        text = one.text if one is not None and is_label else line.text
        if any(bracket in text for bracket in _BRACKETS):
            numbers += [
                line.number
                for within, at, end in find_labels_within_line(text, behind_label=is_label)
                if text[at:end].lstrip()[:1] in _BRACKETS and found.choose([within]) is not None
            ]
    first = f"{numbers[0]:,}" if numbers else ""
    notices.add(Repair.NAME_WITHIN_LINE, len(numbers), first=first)


def _last_speaker(text: str, found: SpeakerLabels, *, behind_label: bool) -> str:
    last = ""
    for one, _, _ in find_labels_within_line(text, behind_label=behind_label):
        if found.choose([one]) is not None:
            last = one.label
    return last


# Times


def _timed(lines: Iterable[_Said]) -> list[_Said]:
    """Give a time that stands alone, or with nothing but a name, to the line after it."""
    timed: list[_Said] = []
    pending: int | None = None
    pending_end: int | None = None
    for line in lines:
        start_ms = pending if line.start_ms is None else line.start_ms
        end_ms = line.end_ms
        if line.start_ms is None and start_ms is not None and end_ms is None:
            end_ms = pending_end
        is_same = start_ms == line.start_ms and end_ms == line.end_ms
        timed.append(line if is_same else replace(line, start_ms=start_ms, end_ms=end_ms))
        is_spoken = bool(line.text.strip())
        pending, pending_end = (None, None) if is_spoken else (start_ms, end_ms)
    return timed


def _next_starts(lines: Sequence[_Said]) -> list[int | None]:
    """For each line the next stated time after it; None if others without a time speak between."""
    following: int | None = None
    between: set[str] = set()
    starts: list[int | None] = []
    for line in reversed(lines):
        starts.append(None if between - {line.speaker} else following)
        if line.start_ms is not None:
            following, between = line.start_ms, set()
        elif line.text.strip():
            between.add(line.speaker)
    return starts[::-1]


def _end(line: _Said, next_start_ms: int | None) -> int | None:
    if line.start_ms is None:
        return None
    if line.end_ms is not None:
        return max(line.start_ms, line.end_ms)
    return None if next_start_ms is None else max(line.start_ms, next_start_ms)


FORMATS: Final = (
    FormatDefinition(
        TranscriptFormat.PLAIN,
        FormatFamily.TEXT,
        "Text with names or times: Word, Otter, Teams, Zoom, Rev, Descript, f4, MAXQDA, by hand",
        is_plain_transcript,
        read_plain_transcript,
        "Odile: How?\n\nRavi: With a ladder.\n",
        confidence=LAST_RESORT,
        holder="line",
    ),
)
