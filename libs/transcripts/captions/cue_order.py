"""Cues, and the order of a file's cues: put in order, repeated ones dropped, joined files kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Final, NamedTuple

from transcripts.notices import Notices, Repair
from transcripts.times import clamp_end_time

_LONG_MS: Final = 60_000
_BEGINNING: Final = 0.1
_FEW: Final = 3


class Cue(NamedTuple):
    """Subtitle cue as read from a file: start and end in milliseconds, and text with markup.

    Attributes:
        part: which of several files put together it comes from, from 0.
    """

    start_ms: int
    end_ms: int
    payload: str = ""
    id: str = ""
    part: int = 0


new_cue: Final = partial(tuple.__new__, Cue)
"""Makes a cue of a tuple of all its fields, in half the time of the constructor."""


def sort_cues(cues: Sequence[Cue], notices: Notices) -> Sequence[Cue]:
    """Sort subtitle cues by start time within each part of a file, and remove duplicates.

    Args:
        cues: in the order of the file.
        notices: takes what was sorted, dropped, or found to end before it began.
    """
    if _is_regular(cues):
        return cues
    return _without_repeats(_sorted(cues, notices), notices)


def _is_regular(cues: Sequence[Cue]) -> bool:
    """Whether every cue of a single file begins after the one before it, and ends after that."""
    latest = -1
    for start_ms, end_ms, _, _, part in cues:
        if start_ms <= latest or end_ms < start_ms or part:
            return False
        latest = start_ms
    return True


def _in_parts(cues: Sequence[Cue]) -> list[Cue]:
    """Cues of files that were put together: their times begin anew, and go on from there.

    A few cues out of order are put in order instead.
    """
    made: list[Cue] = []
    shift, latest, first = 0, -1, None
    for position, cue in enumerate(cues):
        if cue.part + shift != (made[-1].part if made else cue.part):
            latest, first = -1, None
        first = cue.start_ms if first is None else first
        ahead = [one.start_ms for one in cues[position : position + _FEW]]
        if _counts_anew(cues, position) or (
            latest - first >= _LONG_MS
            and cue.start_ms <= first + (latest - first) * _BEGINNING
            and len(ahead) > 1
            and ahead == sorted(ahead)
            and max(ahead) < latest
        ):
            shift, latest, first = shift + 1, -1, cue.start_ms
        latest = max(latest, cue.start_ms)
        made.append(cue._replace(part=cue.part + shift) if shift else cue)
    return made


def _counts_anew(cues: Sequence[Cue], position: int) -> bool:
    """Whether cues are counted from 1 again here, and begin earlier than the one before."""
    if position == 0 or cues[position].id != "1" or cues[position].part:
        return False
    before, following = cues[position - 1], cues[position + 1 : position + 2]
    return (
        before.id.isdecimal()
        and int(before.id) > 1
        and cues[position].start_ms < before.start_ms
        and bool(following)
        and following[0].id == "2"
    )


def _sorted(cues: Sequence[Cue], notices: Notices) -> list[Cue]:
    cues = _in_parts(cues)
    latest: dict[int, int] = {}
    for cue in cues:
        notices.add(Repair.SORTED, int(cue.start_ms < latest.get(cue.part, -1)))
        latest[cue.part] = max(latest.get(cue.part, -1), cue.start_ms)
    mended = [
        cue._replace(end_ms=clamp_end_time(cue.start_ms, cue.end_ms, notices) or cue.start_ms)
        for cue in cues
    ]
    return sorted(mended, key=lambda cue: (cue.part, cue.start_ms))


def _without_repeats(cues: list[Cue], notices: Notices) -> list[Cue]:
    seen: set[tuple[int, int, str]] = set()
    kept: list[Cue] = []
    for cue in cues:
        identity = (cue.start_ms, cue.end_ms, cue.payload.strip())
        if identity[2] and identity in seen:
            notices.add(Repair.REPEATED_CUE)
        else:
            kept.append(cue)
        seen.add(identity)
    latest: dict[int, int] = {}
    for cue in kept:
        latest[cue.part] = max(latest.get(cue.part, 0), cue.start_ms)
    starts: dict[int, int] = {}
    for cue in kept:
        starts.setdefault(cue.part, cue.start_ms)
    again = sum(starts[later] < latest[earlier] for earlier, later in pairwise(sorted(starts)))
    notices.add(Repair.PART, again)
    return kept
