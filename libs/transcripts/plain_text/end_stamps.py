"""Times that stand behind what was said: at the ends of lines, or on the lines below.

They become the marks that f4 has at the end of a paragraph, ``#00:00:05-0#``, which readers take
for the end of what was said. Where the first of them is 0:00 they tell starts, and go before the
line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from transcripts.notices import Notices, Repair
from transcripts.plain_text.stamps import parse_leading_timestamp

_AT_END: Final = re.compile(
    r"(?P<said>.*\S)(?:\s*[\[(]\s?(?P<closed>(?:\d{1,3}:)?\d{1,3}:\d{2}(?:[.,]\d{1,3})?)\s?[\])]"
    r"|(?:\t\s*|\s{2,})(?P<bare>(?:\d{1,3}:)?\d{1,3}:\d{2}(?:[.,]\d{1,3})?))\s*"
)
_ENDS: Final = frozenset("])")
_MOST: Final = 0.6
_FEW: Final = 0.2
_FEWEST: Final = 3


def mark_end_timestamps(rows: list[tuple[int, str]], notices: Notices) -> list[tuple[int, str]]:
    """Mark timestamps at the ends of a text's rows as end times; return the rows.

    Args:
        rows: a file's lines with their numbers.
        notices: takes how many times were taken as ends.
    """
    filled = [position for position, (_, row) in enumerate(rows) if row.strip()]
    ends = {
        position: match
        for position in filled
        if _may_end_with_time(rows[position][1])
        and (match := _AT_END.fullmatch(rows[position][1]))
        and parse_leading_timestamp(match["said"]) is None
    }
    leading = sum(
        parse_leading_timestamp(rows[position][1].strip()) is not None for position in filled
    )
    if len(ends) >= max(_FEWEST, _MOST * len(filled)) and leading <= _FEW * len(filled):
        return _marked_at_ends(rows, ends, notices)
    return _marked_below(rows, filled, notices)


def _may_end_with_time(row: str) -> bool:
    last = row.rstrip()[-1:]
    return last.isdecimal() or last in _ENDS


def _marked_at_ends(
    rows: list[tuple[int, str]], ends: dict[int, re.Match[str]], notices: Notices
) -> list[tuple[int, str]]:
    clocks = [match["closed"] or match["bare"] for match in ends.values()]
    if not clocks[0].strip("0:.,"):  # the first is 0:00, so they are starts
        return [
            (number, f"[{ends[at]['closed'] or ends[at]['bare']}] {ends[at]['said']}")
            if at in ends
            else (number, row)
            for at, (number, row) in enumerate(rows)
        ]
    notices.add(Repair.TIME_BEHIND, len(ends))
    return [
        (number, f"{ends[at]['said']} {_mark(ends[at]['closed'] or ends[at]['bare'])}")
        if at in ends
        else (number, row)
        for at, (number, row) in enumerate(rows)
    ]


def _marked_below(
    rows: list[tuple[int, str]], filled: Sequence[int], notices: Notices
) -> list[tuple[int, str]]:
    """Times on lines of their own, of which the last ends the file and none begins it."""
    alone = {
        position: start_ms
        for position in filled
        if (start_ms := _time_alone_ms(rows[position][1])) is not None
    }
    places = list(alone)
    if len(alone) < _FEWEST or places[-1] != filled[-1] or places[0] == filled[0]:
        return rows
    if not alone[places[0]]:  # 0:00 is no end
        return rows
    before = dict(zip(filled[1:], filled, strict=False))
    marked = {before[position]: _mark_ms(start_ms) for position, start_ms in alone.items()}
    notices.add(Repair.TIME_BEHIND, len(alone))
    return [
        (number, f"{row} {marked[at]}" if at in marked else row)
        for at, (number, row) in enumerate(rows)
        if at not in alone
    ]


def _time_alone_ms(row: str) -> int | None:
    """The time of a line that holds nothing else, in milliseconds."""
    stamp = parse_leading_timestamp(row.strip())
    return stamp.start_ms if stamp is not None and not stamp.rest.strip() else None


def _mark_ms(ms: int) -> str:
    seconds, rest_ms = divmod(ms, 1_000)
    hours, minutes = divmod(seconds // 60, 60)
    return f"#{hours:02}:{minutes:02}:{seconds % 60:02}-{rest_ms // 100}#"


def _mark(clock: str) -> str:
    whole, _, fraction = re.sub(",", ".", clock).partition(".")
    parts = [int(one) for one in whole.split(":")]
    hours, minutes, seconds = [0] * (3 - len(parts)) + parts
    return f"#{hours:02}:{minutes:02}:{seconds:02}-{(fraction or '0')[0]}#"
