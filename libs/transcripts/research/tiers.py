"""Tiers of annotations along one time line, as ELAN, Praat and EXMARaLDA have: a tier a speaker.

A tier may also hold a second version of what another one holds: a translation, or its words.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple

from transcripts.segments.turns import ParsedTranscript, SpokenPassage
from transcripts.text import TextSpan, has_visible_text

_FEWEST_SHARED: Final = 2
_MOST_SHARED: Final = 0.5
_MOST_COMPARED: Final = 20


class Annotation(NamedTuple):
    """Annotation in a tier of a transcription file: its text, start and end time.

    Attributes:
        text: what was said.
        start_ms: when it begins, in milliseconds; None if the time line does not say.
        end_ms: when it ends.
        place: where it begins among all annotations; by its start if they all have one.
    """

    text: str
    start_ms: int | None
    end_ms: int | None
    place: int


@dataclass(frozen=True, slots=True)
class Tier:
    """Tier of a transcription file: its name, its speaker and its timed annotations.

    Attributes:
        name: what the tool shows beside the tier.
        speaker: whose tier it is; "" if nobody is named.
        annotations: in order.
    """

    name: str
    speaker: str
    annotations: Sequence[Annotation]


def merge_tiers(tiers: Sequence[Tier]) -> ParsedTranscript:
    """Merge the annotations of all tiers into one transcript, sorted by time."""
    said = [
        (one.place, order, position, tier.speaker, TextSpan(one.text, one.start_ms, one.end_ms))
        for order, tier in enumerate(tiers)
        for position, one in enumerate(tier.annotations)
        if has_visible_text(one.text)
    ]
    said.sort(key=lambda one: one[:3])
    passages = tuple(SpokenPassage(speaker, (piece,)) for *_, speaker, piece in said)
    doubts = (*_find_second_versions(tiers), *_find_second_tiers(tiers))
    return ParsedTranscript(passages, doubts=doubts)


def _find_second_tiers(tiers: Sequence[Tier]) -> Iterator[str]:
    """Tiers of one speaker that go on at the same time, as speech, its words and gestures do."""
    spans = [(tier, sorted(_get_spans(tier))) for tier in tiers if tier.speaker]
    spans = [(tier, times) for tier, times in spans if len(times) >= _FEWEST_SHARED]
    for (one, times), (other, others) in combinations(spans[:_MOST_COMPARED], 2):
        if one.speaker != other.speaker:
            continue
        begins = [begin for begin, _ in times]
        within = 0
        for begin, _ in others:
            before = bisect_right(begins, begin) - 1
            within += before >= 0 and begin < times[before][1]
        if within >= max(_FEWEST_SHARED, _MOST_SHARED * len(others)):
            yield (
                f"the tiers “{one.name}” and “{other.name}” are of one speaker, and go on at the "
                f"same time in {within:,} places: one may be notes, gestures or words of the other"
            )


def _find_second_versions(tiers: Iterable[Tier]) -> Iterator[str]:
    """Tiers of different speakers whose annotations begin and end at the same times."""
    spans = {
        tier.name: (tier.speaker, times)
        for tier in tiers
        if len(times := _get_spans(tier)) >= _FEWEST_SHARED
    }
    compared = list(spans.items())[:_MOST_COMPARED]
    for (left, (one, times)), (right, (other, others)) in combinations(compared, 2):
        shared = len(times & others)
        fewest = min(len(times), len(others))
        if one != other and shared >= max(_FEWEST_SHARED, _MOST_SHARED * fewest):
            yield (
                f"the tiers “{left}” and “{right}” begin and end at the same times in {shared:,} "
                "places: one may be a translation or another version of the other"
            )


def _get_spans(tier: Tier) -> set[tuple[int, int]]:
    return {
        (one.start_ms, one.end_ms)
        for one in tier.annotations
        if one.start_ms is not None and one.end_ms is not None and has_visible_text(one.text)
    }
