"""Signs in a finished reading, in any format, that its times were misread, or are another's."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from contracts.transcript import Segment, TranscriptFormat
from transcripts.speakers.roles import UNNAMED

_FEWEST_TIMES: Final = 4
_FEWEST_SPOKEN: Final = 40
_MOST_WORDS_A_SECOND: Final = 8
"""Words that nobody speaks in a second for long: auctioneers reach five."""
_MOST_CHARACTERS_A_SECOND: Final = 16  # as that many words have at least, with blanks
_MOST_BACK: Final = 0.2
_LONG_MS: Final = 10_000
_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS
_DAY_MS: Final = 24 * _HOUR_MS
_SENTENCE_END: Final = re.compile(r"[.?!](?=\s|$)")
_WORDS_OF_A_SENTENCE: Final = 12
_FEWEST_MINUTES: Final = 10
_FEWEST_WORDS_A_MINUTE: Final = 10
"""Of a talk; the slowest have several times as many."""
CAPTION_FORMATS: Final = frozenset(
    {
        TranscriptFormat.WEBVTT,
        TranscriptFormat.SRT,
        TranscriptFormat.TTML,
    }
)
"""Formats in which two speakers share a cue, and so its times."""


def find_time_doubts(
    segments: Sequence[Segment], format_name: TranscriptFormat, *, is_doubted: bool = False
) -> Iterator[str]:
    """Yield warnings where a transcript's times may have been parsed wrongly.

    Args:
        segments: what was read.
        format_name: the format it was read as.
        is_doubted: its reader has doubts of its own, which compare tiers more closely.
    """
    yield from _no_room_between_times(segments)
    yield from _beyond_a_day(segments)
    if format_name is TranscriptFormat.PLAIN:
        yield from _times_of_chapters(segments)
    yield from _times_that_go_back(segments)
    if format_name not in CAPTION_FORMATS and not is_doubted:
        yield from _tiers(segments)


def _no_room_between_times(segments: Sequence[Segment]) -> Iterator[str]:
    """More words than anybody speaks between the first time and the last, as of times of day."""
    timed = [one for one in segments if one.start_ms is not None]
    if len({one.start_ms for one in timed}) < _FEWEST_TIMES:
        return
    first, last = timed[0], timed[-1]
    seconds = ((last.start_ms or 0) - (first.start_ms or 0)) / 1_000
    said = segments[first.number - 1 : last.number - 1]
    characters = sum([len(one.text) for one in said])
    if characters <= _MOST_CHARACTERS_A_SECOND * seconds:
        return  # as in speech, without a count of words
    words = sum(one.text.count(" ") + 1 for one in said)
    if words >= _FEWEST_SPOKEN and words > _MOST_WORDS_A_SECOND * max(seconds, 1):
        yield (
            f"{words:,} words stand within {seconds:,.0f} seconds: the times may be of day, or of "
            "another unit"
        )


def _beyond_a_day(segments: Sequence[Segment]) -> Iterator[str]:
    """Times of more hours than anybody records, as where `37:29` became `37:29:00`."""
    latest = max((one.start_ms for one in segments if one.start_ms is not None), default=0)
    if latest > _DAY_MS:
        yield (
            f"the times reach {latest // _HOUR_MS:,} hours: minutes may stand where hours should"
        )


def _times_of_chapters(segments: Sequence[Segment]) -> Iterator[str]:
    """So few words of nobody in so long a time that they may be a list of chapters."""
    if any(one.speaker != UNNAMED for one in segments):
        return
    ends = [one.end_ms or one.start_ms or 0 for one in segments]
    starts = [one.start_ms for one in segments if one.start_ms is not None]
    minutes = (max(ends, default=0) - min(starts, default=0)) / _MINUTE_MS
    words = sum(one.text.count(" ") + 1 for one in segments)
    sentences = sum(len(_SENTENCE_END.findall(one.text)) for one in segments)
    if sentences * _WORDS_OF_A_SENTENCE > words:
        return  # a lecture with long pauses
    if starts and minutes >= _FEWEST_MINUTES and words < _FEWEST_WORDS_A_MINUTE * minutes:
        yield (
            f"{words:,} words stand within {minutes:,.0f} minutes, and nobody is named: they may "
            "be a list of chapters"
        )


def _times_that_go_back(segments: Sequence[Segment]) -> Iterator[str]:
    """Turns that begin long before the one above them, again and again."""
    starts = [one.start_ms for one in segments if one.start_ms is not None]
    back = sum(later < earlier - _LONG_MS for earlier, later in pairwise(starts))
    if back > 1 and back > _MOST_BACK * len(starts):
        yield f"the times go back in {back:,} places: they may be misread"


def _tiers(segments: Sequence[Segment]) -> Iterator[str]:
    """A label whose every turn has the very times of another's: notes on it or a translation."""
    turns: dict[str, list[Segment]] = defaultdict(list)
    for one in segments:
        turns[one.speaker].append(one)
    places: dict[tuple[int, int], set[str]] = defaultdict(set)
    for label, said in turns.items():
        for one in said:
            if one.start_ms is not None and one.end_ms is not None and one.end_ms > one.start_ms:
                places[one.start_ms, one.end_ms].add(label)
    for label, said in turns.items():
        shared = [places.get((one.start_ms or 0, one.end_ms or 0), set()) for one in said]
        if label != UNNAMED and all(len(one) > 1 for one in shared):
            yield f"every turn of “{label}” has the times of another's: it may be a tier of notes"
            return
