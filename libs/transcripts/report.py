"""The reading report: how sure one may be of who is named and when, for people and for thresholds.

Whoever reads a note has to be able to trust its speaker unseen, so a reading in doubt is not passed
on without a person's word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.transcript import Role, Segment, TranscriptFormat
from transcripts.doubts import find_doubts
from transcripts.registry import RecognisedFormat
from transcripts.segments.turns import ParsedTranscript
from transcripts.speakers.roles import UNNAMED
from transcripts.structure_doubts import find_structure_doubts
from transcripts.time_doubts import find_time_doubts


@dataclass(frozen=True, slots=True)
class SpeakerShare:
    """Number of words of one speaker, and their share of all words, from 0 to 1."""

    label: str
    role: Role
    words: int
    share: float


@dataclass(frozen=True, slots=True)
class ReadingReport:
    """Report on the parsing of a transcript: format, speakers, repairs and warnings.

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


def build_report(
    recognised: RecognisedFormat,
    segments: Sequence[Segment],
    notices: tuple[str, ...],
    source: ParsedTranscript,
) -> ReadingReport:
    """Build the report on the parsing of a transcript.

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
        *find_doubts(segments, source),
        *find_structure_doubts(segments, recognised.format.name),
        *find_time_doubts(segments, recognised.format.name, is_doubted=bool(source.doubts)),
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


def _as_likely(recognised: RecognisedFormat) -> list[str]:
    if not recognised.others:
        return []
    names = ", ".join(one.name.value for one in recognised.others)
    return [f"the file may be {recognised.format.name.value} or {names}: name the format"]
