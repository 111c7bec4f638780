"""The reading report: how sure one may be of who is named and when, for people and for thresholds.

Whoever reads a note has to be able to trust its speaker unseen, so a reading in doubt is not passed
on without a person's word. The thresholds stand here; they are this project's own, set so that
none of the real interviews and meetings it was tried on is in doubt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from contracts.transcript import Role, Segment, TranscriptFormat
from transcripts.registry import Recognition
from transcripts.roles import UNNAMED
from transcripts.turns import Source

MOST_UNNAMED: Final = 0.05
"""Share of the words without a speaker that is in doubt, in a file that names speakers."""
FEWEST_UNNAMED_WORDS: Final = 50
"""Fewer words without a speaker are a title or a sound, and in no doubt."""
LONG_TURN_WORDS: Final = 150
"""A label that stands once within a turn of so many words may be speech."""


@dataclass(frozen=True, slots=True)
class SpeakerShare:
    """A speaker's part in a transcript; ``share`` is of all words, from 0 to 1."""

    label: str
    role: Role
    words: int
    share: float


@dataclass(frozen=True, slots=True)
class ReadingReport:
    """What a reader made of a file.

    Attributes:
        format: the file's format.
        confidence: how sure the format is, above 0, at most 1.
        speakers: in the order in which they first speak; words of nobody named are ``Speaker``'s.
        unnamed_share: share of the words without a named speaker, from 0 to 1.
        timed_share: share of the segments with a start, from 0 to 1.
        notices: what was mended, dropped, merged or assumed, in sentences.
        doubts: why a person should look before the transcript is used, in sentences.
    """

    format: TranscriptFormat
    confidence: float
    speakers: tuple[SpeakerShare, ...]
    unnamed_share: float
    timed_share: float
    notices: tuple[str, ...]
    doubts: tuple[str, ...]


def report_on(
    recognised: Recognition, segments: Sequence[Segment], notices: tuple[str, ...], source: Source
) -> ReadingReport:
    """Report on a reading.

    Args:
        recognised: the format that was read, and those that are as likely.
        segments: what was read.
        notices: what was mended on the way.
        source: the passages that the segments come from.
    """
    words: Counter[str] = Counter()
    roles: dict[str, Role] = {}
    for segment in segments:
        words[segment.speaker] += segment.text.count(" ") + 1  # a clean text has single blanks
        roles.setdefault(segment.speaker, segment.role)
    total = max(1, sum(words.values()))
    named = any(label != UNNAMED for label in words)
    unnamed = words[UNNAMED] / total if named else 1.0
    doubts = [
        *_unnamed(words[UNNAMED], total, named=named),
        *(
            f"“{label}” stands before a colon several times and was taken for speech"
            for label in source.rejected_labels
        ),
        *_seen_once(segments, source.labels_seen_once),
        *_as_likely(recognised),
    ]
    return ReadingReport(
        recognised.format.name,
        recognised.confidence,
        tuple(
            SpeakerShare(label, roles[label], count, count / total)
            for label, count in words.items()
        ),
        unnamed,
        sum(one.start_ms is not None for one in segments) / max(1, len(segments)),
        notices,
        tuple(doubts),
    )


def _as_likely(recognised: Recognition) -> list[str]:
    if not recognised.others:
        return []
    names = ", ".join(one.name.value for one in recognised.others)
    return [f"the file may be {recognised.format.name.value} or {names}: name the format"]


def _unnamed(count: int, total: int, *, named: bool) -> list[str]:
    if not named or count < FEWEST_UNNAMED_WORDS or count / total <= MOST_UNNAMED:
        return []
    share = f"{count / total:.0%} of the words ({count:,} of {total:,})"
    return [f"{share} have no speaker, although the file names speakers"]


def _seen_once(segments: Sequence[Segment], once: frozenset[str]) -> list[str]:
    """Labels that stand once and cut what may be one long turn of another speaker."""
    if len({segment.speaker for segment in segments} - {UNNAMED}) <= 2:  # noqa: PLR2004 - a talk of two
        return []
    return [
        f"“{later.speaker}” is named once only, within {earlier.speaker}'s long turn "
        f"(segment {later.number}): it may be speech"
        for earlier, later in pairwise(segments)
        if later.speaker.casefold() in once
        and earlier.speaker != UNNAMED
        and len(earlier.text.split()) + len(later.text.split()) >= LONG_TURN_WORDS
        and len(later.speaker.split()) == 1
    ]
