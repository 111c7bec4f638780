"""The turns of an interview around a time of its recording, and around the quotes of notes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from onrecord.errors import UsageError
from read_model.notes import StoredNote
from read_model.transcripts import TranscriptSegment
from transcripts.times import parse_clock_time

if TYPE_CHECKING:
    from onrecord.control_transport import Params
    from onrecord.reading_client import ReadingClient

_TIME: Final = re.compile(r"(?:\d{1,3}:)?\d{1,3}:\d\d", re.ASCII)
_QUOTED_AT_ONCE: Final = 100
"""Most quoted turns whose neighbours control lists at once."""


@dataclass(frozen=True, slots=True)
class SurroundingTurns:
    """Turns before and behind the quotes of notes, as the reader may see them.

    Attributes:
        turns: how many before each quote, and behind it.
        by_interview: the turns by their number, by interview and revision.
    """

    turns: int
    by_interview: Mapping[tuple[UUID, int], Mapping[int, TranscriptSegment]]

    def find(self, note: StoredNote) -> list[TranscriptSegment]:
        """Return the turns around a note's quotes, those that it quotes included, in order."""
        said = self.by_interview.get((note.transcript_id, note.revision), {})
        numbers = {
            number
            for quote in note.evidence
            for number in range(quote.segment - self.turns, quote.segment + self.turns + 1)
        }
        return [said[number] for number in sorted(numbers & said.keys())]


def parse_recording_time(text: str) -> int:
    """Parse a time within a recording, ``12:34`` or ``1:02:03``, to milliseconds.

    Minutes alone may be more than 59, as they are in recordings of more than an hour.

    Raises:
        UsageError: it is none.
    """
    written = text.strip()
    at_ms = parse_clock_time(written) if _TIME.fullmatch(written) else None
    if at_ms is None:
        raise UsageError(f"{text!r} is no time of a recording: write it like 12:34 or 1:02:03")
    return at_ms


async def read_turns_at(
    reading: ReadingClient, transcript_id: UUID, which: Params, at_ms: int, turns: int
) -> list[TranscriptSegment]:
    """Return the turn at a time, and those around it; no others are read.

    Args:
        reading: reads them.
        transcript_id: the interview.
        which: the endpoint's ``revision`` and ``exact``; None leaves one out.
        at_ms: the time, in milliseconds from the recording's start.
        turns: how many before it, and how many behind it.

    Raises:
        UsageError: no segment of the interview has a time.
    """
    params: Params = {**which, "at_ms": at_ms, "turns_before": turns}
    found: list[TranscriptSegment] = []
    at: int | None = None
    async for page in reading.segment_pages(transcript_id, params, most=2 * turns + 1):
        at = page.at if at is None else at
        found.extend(page.segments)
    # At the beginning there are fewer before it.
    return [one for one in found if at is None or one.number <= at + turns]


async def read_surrounding_turns(
    reading: ReadingClient, notes: Iterable[StoredNote], turns: int, *, exact: bool
) -> SurroundingTurns:
    """Return the turns around the quotes of notes.

    Args:
        reading: reads them.
        notes: of any interviews.
        turns: how many before each quote, and behind it.
        exact: exact words and names where the study masks them.
    """
    quoted: defaultdict[tuple[UUID, int], set[int]] = defaultdict(set)
    for note in notes:
        quoted[note.transcript_id, note.revision] |= {one.segment for one in note.evidence}
    found: dict[tuple[UUID, int], dict[int, TranscriptSegment]] = {}
    for (transcript_id, revision), numbers in quoted.items():
        said = found.setdefault((transcript_id, revision), {})
        ordered = sorted(numbers)
        for begin in range(0, len(ordered), _QUOTED_AT_ONCE):
            some = ordered[begin : begin + _QUOTED_AT_ONCE]
            which = _build_params(revision, some, turns, exact=exact)
            async for one in reading.segments(transcript_id, which):
                said[one.number] = one
    return SurroundingTurns(turns, found)


def _build_params(revision: int, numbers: Sequence[int], turns: int, *, exact: bool) -> Params:
    around = ",".join(map(str, numbers))
    return {"revision": revision, "around": around, "turns": turns, "exact": exact or None}
