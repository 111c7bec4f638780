"""Why a reading may be wrong although nothing in it failed: signs that labels or times were missed.

What a reader does not understand of a layout it takes for speech, or a label. It shows: a time, a
column or mark-up stands in most of the turns, or nearly every turn has a speaker of its own. The
thresholds are this project's own, set so that none of the real interviews and meetings it was
tried on is in doubt.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from contracts.transcript import Segment
from transcripts.segments.turns import ParsedTranscript
from transcripts.speakers.roles import UNNAMED

MOST_UNNAMED: Final = 0.05
"""Share of the words without a speaker that is in doubt, in a file that names speakers."""
FEWEST_UNNAMED_WORDS: Final = 50
"""Fewer words without a speaker are a title or a sound, and in no doubt."""
MOST_UNNAMED_BETWEEN: Final = 0.25
"""Share of the words that follow a speaker's and have none, in doubt also in a short file."""
FEWEST_UNNAMED_BETWEEN: Final = 10
FEWEST_WORDS_OF_PROSE: Final = 30
"""As many words without a speaker, in a short file, are more than a title."""
LONG_TURN_WORDS: Final = 150
"""A label that stands once within a turn of so many words may be speech."""
MOST_ODD_TURNS: Final = 0.3
"""Share of turns in which a time, a column or mark-up stands beyond which they were missed."""
_FEWEST_TURNS: Final = 4
_MOST_SINGLE: Final = 0.8
_FEWEST_LABELS: Final = 6
_IN_BRACKETS: Final = re.compile(r"\s*\([^()]*\)")
_TIME: Final = re.compile(
    r"[\[(<{`]\s?(?:\d{1,3}:)?\d{1,3}:\d{2}(?:[.,]\d{1,3})?\s?[\])>}`]"
    r"|^(?:\d{1,3}:)?\d{1,3}:\d{2}(?:[.,]\d{1,3})?\b(?!\s?[ap]\.?m)|\s\d{2}:\d{2}:\d{2}(?:[.,]\d{1,3})?$"
    r"|\s\d{1,2}:\d{2}(?::\d{2})?\s?[AaPp]\.?[Mm]\.?$|\s\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}\S{0,10}$"
)
_TIME_IN_LABEL: Final = re.compile(
    r"(?<!\d)\d{1,3}:\d{2}(?!\d)|\b\d{1,7}\s?(?:ms|sec|min)\b|\b\d{1,3}[hm]\d{1,2}[ms]"
)
_DETAIL: Final = re.compile(r"(?:^|(?<=\s))[^\W\d_a-z][\w/-]{1,20}(?: [\w/-]{1,20})?: ?(?=\S)")
_FEW_DETAILS: Final = 3
_WORDS_OF_A_DETAIL: Final = 10
_COLUMNS: Final = re.compile(r"\s\|\s|\",\"|;[^\s;]{1,40};|-->")
_MARK_UP: Final = re.compile(
    r"</?[a-zA-Z][^<>]{0,80}>|\\[a-z]{2,}\{|&(?:nbsp|amp|lt|gt|quot);|^[>#|`]"
)

# A pattern, and what its every match has one of: looking for that first takes a tenth of the time.
_ODD_TEXTS: Final = (
    (_TIME, ":", "a time"),
    (_COLUMNS, ("|", '","', ";", "-->"), "a border of columns"),
    (_MARK_UP, "<\\&>#|`", "mark-up"),
)


def find_doubts(segments: Sequence[Segment], source: ParsedTranscript) -> Iterator[str]:
    """Yield warnings where a transcript's speakers or times may have been parsed wrongly.

    Args:
        segments: what was read.
        source: the passages that the segments come from.
    """
    yield from source.doubts
    yield from _unnamed(segments)
    yield from (
        f"“{label}” stands before a colon several times and was taken for speech"
        for label in source.rejected_labels
    )
    yield from _seen_once(segments, source.labels_seen_once)
    yield from _odd_turns(segments)
    yield from _times_in_labels(segments)
    yield from _too_many_speakers(segments)


def _unnamed(segments: Sequence[Segment]) -> Iterator[str]:
    """Words of nobody, in a file that names speakers."""
    unnamed = [
        one.text.count(" ") + 1
        for one in segments
        if one.speaker == UNNAMED and not (one is segments[0] and _lists_details(one.text))
    ]
    named = [one.text.count(" ") + 1 for one in segments if one.speaker != UNNAMED]
    first = segments[0] if segments else None
    is_title = first is not None and first.speaker == UNNAMED and not _lists_details(first.text)
    title = len(first.text.split()) if first is not None and is_title else 0
    count, total = sum(unnamed), sum(unnamed) + sum(named)
    many = count >= FEWEST_UNNAMED_WORDS and count / total > MOST_UNNAMED
    much = count >= FEWEST_WORDS_OF_PROSE and count / total > MOST_UNNAMED_BETWEEN
    between = count - title
    often = between >= FEWEST_UNNAMED_BETWEEN and between / total > MOST_UNNAMED_BETWEEN
    if named and (many or much or often):
        share = f"{count / total:.0%} of the words ({count:,} of {total:,})"
        yield f"{share} have no speaker, although the file names speakers"


def _lists_details(text: str) -> bool:
    """Whether a text above the talk is a list such as `Date: 4 May Duration: 42 min`."""
    return len(_DETAIL.findall(text)) >= max(_FEW_DETAILS, text.count(" ") / _WORDS_OF_A_DETAIL)


def _seen_once(segments: Sequence[Segment], once: frozenset[str]) -> Iterator[str]:
    """Labels that stand once and cut what may be one long turn of another speaker."""
    if len({segment.speaker for segment in segments} - {UNNAMED}) <= 2:  # noqa: PLR2004 - a talk of two
        return
    for earlier, later in pairwise(segments):
        if (
            later.speaker.casefold() in once
            and earlier.speaker != UNNAMED
            and len(later.speaker.split()) == 1
            and len(earlier.text.split()) + len(later.text.split()) >= LONG_TURN_WORDS
        ):
            yield (
                f"“{later.speaker}” is named once only, within {earlier.speaker}'s long turn "
                f"(segment {later.number}): it may be speech"
            )


def _odd_turns(segments: Sequence[Segment]) -> Iterator[str]:
    """Times, columns and mark-up in what was said."""
    if len(segments) < _FEWEST_TURNS:
        return
    texts = [(one.number, one.text) for one in segments]
    whole = "\n".join([text for _, text in texts])
    for pattern, needed, what in _ODD_TEXTS:
        present = [sign for sign in needed if sign in whole]
        if not present:
            continue
        odd = [
            number
            for number, text in texts
            if any(map(text.__contains__, present)) and pattern.search(text)
        ]
        if len(odd) >= max(_FEWEST_TURNS, MOST_ODD_TURNS * len(segments)):
            yield (
                f"{what} stands in what was said in {len(odd):,} of {len(segments):,} segments, "
                f"the first in segment {odd[0]}: the layout may be misunderstood"
            )


def _times_in_labels(segments: Sequence[Segment]) -> Iterator[str]:
    """Times within labels, which differ from turn to turn."""
    timed = set(filter(_TIME_IN_LABEL.search, {one.speaker for one in segments}))
    if len(timed) > 1:
        yield (
            f"a time stands in {len(timed):,} labels, such as “{min(timed)}”: the layout may be "
            "misunderstood"
        )


def _too_many_speakers(segments: Sequence[Segment]) -> Iterator[str]:
    """Labels that differ from turn to turn, as when a number or a time is part of them."""
    turns = Counter(_IN_BRACKETS.sub("", one.speaker) or one.speaker for one in segments)
    single = sum(count == 1 for count in turns.values())
    if len(turns) >= _FEWEST_LABELS and single >= _MOST_SINGLE * len(turns):
        yield (
            f"{single:,} of {len(turns):,} speakers have one turn only: "
            "their labels may not be names"
        )
