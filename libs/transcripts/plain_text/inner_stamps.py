"""Times within what was said, as services insert them into long turns: ``Yes. [00:00:06] And``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from transcripts.times import parse_clock_time

_INNER: Final = re.compile(
    r"\s*(?:\[(\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?)\]|#(\d{2}:\d{2}:\d{2})(?:-(\d))?#)\s*"
)
"""`[00:00:06]`, and f4's `#00:00:06-5#`, whose last digit is a tenth of a second."""
_FEWEST: Final = 2


class TimedText(NamedTuple):
    """Text of a speaker with its start time in milliseconds, if the file states one."""

    text: str
    start_ms: int | None


def split_at_inner_timestamps(turns: Sequence[TimedText]) -> list[list[TimedText]] | None:
    """Split turns at bracketed timestamps within their text; None if there are no such times.

    Args:
        turns: what was said, in order, each with its stated start.

    Returns:
        The parts of each turn; None if such times are no timestamps of the recording: if there are
        fewer than two times in all, or they do not rise through the whole file.
    """
    if not any(":" in one.text and _INNER.search(one.text) for one in turns):
        return None
    parts = [list(_parts(one)) for one in turns]
    starts = [part.start_ms for turn in parts for part in turn if part.start_ms is not None]
    if len(starts) < _FEWEST or any(later < earlier for earlier, later in pairwise(starts)):
        return None
    return parts


def _parts(turn: TimedText) -> Iterator[TimedText]:
    begin, start_ms = 0, turn.start_ms
    for match in _INNER.finditer(turn.text):
        clock = parse_clock_time(match[1] or match[2])
        if clock is None:
            continue
        clock += 100 * int(match[3] or 0)
        yield TimedText(turn.text[begin : match.start()], start_ms)
        begin, start_ms = match.end(), clock
    yield TimedText(turn.text[begin:], start_ms)
