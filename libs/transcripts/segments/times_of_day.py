"""Times of day in place of times of a recording, as chats and logs of meetings have them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from transcripts.notices import Notices, Repair
from transcripts.segments.turns import SpokenPassage

LATEST_BEGINNING_MS: Final = 6 * 3_600_000
"""A recording's first words are earlier than that."""
DAY_MS: Final = 24 * 3_600_000


def are_times_of_day(starts_ms: Iterable[int]) -> bool:
    """Return whether start times are times of day, not times from a recording's beginning."""
    starts = list(starts_ms)
    return bool(starts) and min(starts) >= LATEST_BEGINNING_MS and max(starts) < DAY_MS


def remove_times_of_day(
    passages: Sequence[SpokenPassage], notices: Notices
) -> tuple[SpokenPassage, ...]:
    """Remove the times of passages if they are times of day; return the passages.

    Args:
        passages: of the whole file.
        notices: takes how many times were left out.
    """
    starts = [one.start_ms for said in passages for one in said.pieces if one.start_ms is not None]
    if not are_times_of_day(starts):
        return tuple(passages)
    notices.add(Repair.TIME_OF_DAY, len(starts))
    return remove_times(passages)


def remove_times(passages: Iterable[SpokenPassage]) -> tuple[SpokenPassage, ...]:
    """Remove all times of passages, which then have none."""
    return tuple(
        said._replace(pieces=tuple(one._replace(start_ms=None, end_ms=None) for one in said.pieces))
        for said in passages
    )
