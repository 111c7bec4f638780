"""The turns of an interview around a time of its recording."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Final

from onrecord.errors import UsageError
from read_model.transcripts import TranscriptSegment
from transcripts.times import parse_clock_time

_TIME: Final = re.compile(r"(?:\d{1,3}:)?\d{1,3}:\d\d", re.ASCII)


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


async def find_turns_at(
    segments: AsyncIterator[TranscriptSegment], at_ms: int, turns: int
) -> list[TranscriptSegment]:
    """Return the turn at a time, and those around it; segments behind them are not read.

    The turn at a time is the last that began by then; before the first turn with a time, that one.

    Args:
        segments: of an interview, in order.
        at_ms: the time, in milliseconds from the recording's start.
        turns: how many before it, and how many behind it.

    Raises:
        UsageError: no segment of the interview has a time.
    """
    read: list[TranscriptSegment] = []
    found: int | None = None
    is_past = False
    async for one in segments:
        read.append(one)
        if one.start_ms is not None:
            if found is None or (one.start_ms <= at_ms and not is_past):
                found = len(read) - 1
            # Where times jump back later, the first turn beyond the time still ends the search.
            is_past = is_past or one.start_ms > at_ms
        if found is not None and is_past and len(read) > found + turns:
            break
    if found is None:
        raise UsageError("nothing in this interview has a time: read it without --at")
    return read[max(0, found - turns) : found + turns + 1]
