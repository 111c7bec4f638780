"""Times that count frames, such as `00:00:01;12`: at which rate a file counts, and in milliseconds.

A file seldom states its rate. It shows all the same: a semicolon before the frames marks drop-frame
counting (SMPTE ST 12-1), which only the rates 29.97 and 59.94 have, and the highest number of
frames is below the rate. Drop-frame counting leaves out two numbers (four at 59.94) at the
beginning of each minute that is no tenth, so that it keeps with the clock.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from transcripts.notices import Notices, Repair
from transcripts.plain_text.turn_starts import find_turn_starts

_USUAL_RATE: Final = 25
"""Frames a second where nothing tells: no frame is more than 10 ms from its place at 24 or 30."""
_RATES: Final = (25, 30, 50, 60, 120)
_HEAD_CHARACTERS: Final = 4_000
_NTSC: Final = 1_001 / 1_000
_DROPPED: Final = {30: 2, 60: 4}
"""Numbers of frames left out in a minute, by frames a second."""
TIMECODE: Final = r"\d{1,2}[:;]\d{2}[:;]\d{2}[:;]\d{2}"
"""A time with frames behind hours, minutes and seconds. For a regular expression."""
_PARTS: Final = re.compile(r"(\d{1,4})[:;](\d{2})[:;](\d{2})([:;])(\d{2})")
_FIND: Final = re.compile(rf"(?<![\d:;.]){TIMECODE}(?![\d:;]|\.\d)")
_NUMBER: Final = r"(\d{2,3}(?:[.,]\d{1,3})?)"
_PER_SECOND: Final = r"(?:fps|frames (?:per|a) second)"
# `Frame rate: 24 fps`, `NOTE Timebase: 23.976`, `29.97 fps (drop-frame)`: a line of nothing else.
_STATED: Final = re.compile(
    r"[\W_]{0,8}(?:(?:note|video|timeline|sequence|project|source|timecode|tc|x)[\W_]{1,4}){0,2}"
    rf"(?:(?:frame[ _-]?rate|fps|time ?base)[\"']?\W{{0,4}}{_NUMBER}(?:\s?{_PER_SECOND})?"
    rf"|{_NUMBER}\s?{_PER_SECOND})"
    r"(?:[\s,(-]{1,3}(?:ndf|df|(?:non-?)?drop(?:[ -]?frame)?))?[^\w?!]{0,8}",
    re.IGNORECASE,
)
_FEW: Final = 2
_START_MARKS: Final = r"[\s\[(<{#*_>-]{0,6}"
# At the beginning of a line, alone behind a label, or in brackets: elsewhere it may be speech.
_BESIDE_SPEECH: Final = re.compile(
    rf"^{_START_MARKS}{TIMECODE}(?:[\s,|→>\u2013—-]{{1,6}}{TIMECODE})?"
    rf"|^[^\d:;.?!]{{1,60}}?[\s,:|\[(<-]{{1,4}}{TIMECODE}"
    rf"(?:[\s,|→>\u2013—-]{{1,6}}{TIMECODE})?(?=[\])>]?\s*:?\s*$|[\])>])"
    rf"|[\[(<{{]\s?{TIMECODE}(?:[\s,|→>\u2013—-]{{1,6}}{TIMECODE})?\s?[\])>}}]"
)


@dataclass(frozen=True, slots=True)
class FrameRate:
    """Frame rate by which a file's timecodes count, with the way in which it is known.

    Attributes:
        nominal: numbers of frames in a second of the count, such as 30 for 29.97.
        ntsc: a frame takes 1.001 times as long, as at 23.976, 29.97 and 59.94.
        drop: numbers are left out so that the count keeps with the clock.
        source: how the rate is known, for people.
    """

    nominal: int = _USUAL_RATE
    ntsc: bool = False
    drop: bool = False
    source: str = "which the file does not state"

    def to_ms(self, hours: int, minutes: int, seconds: int, frames: int) -> int:
        """Convert a time of this count to milliseconds."""
        whole_minutes = 60 * hours + minutes
        count = (60 * whole_minutes + seconds) * self.nominal + frames
        if self.drop:
            dropped = _DROPPED.get(self.nominal, 0)
            count -= dropped * (whole_minutes - whole_minutes // 10)
        return round(count * 1_000 * (_NTSC if self.ntsc else 1) / self.nominal)

    def parse(self, time: str) -> int | None:
        """Parse ``hh:mm:ss:ff`` or ``hh:mm:ss;ff``; return milliseconds, None if it is none."""
        match = _PARTS.fullmatch(time.strip())
        if match is None:
            return None
        hours, minutes, seconds, frames = (int(match[one]) for one in (1, 2, 3, 5))
        if minutes >= 60 or seconds >= 60:  # noqa: PLR2004 - as on a clock
            return None
        return self.to_ms(hours, minutes, seconds, frames)

    def note(self, notices: Notices, count: int = 1) -> None:
        """Count times that were read at this rate."""
        notices.add(Repair.FRAMES, count, rate=str(self))

    def __str__(self) -> str:
        """The rate as people write it, and how it is known."""
        shown = f"{self.nominal / _NTSC:.3f}".rstrip("0") if self.ntsc else str(self.nominal)
        shown = {"29.97": "29.97", "59.94": "59.94"}.get(shown, shown)
        return f"{shown} frames a second{' (drop-frame)' if self.drop else ''}, {self.source}"


def find_frame_rate(content: str, times: Sequence[str] = ()) -> FrameRate:
    """Determine a file's frame rate, as stated in its text or inferred from its timecodes.

    Args:
        content: the file's text, which may state a rate in a line above the talk.
        times: its times, if they are known; else they are looked for in the text.
    """
    found = list(map(_PARTS.fullmatch, times)) if times else []
    if not times:
        found = [_PARTS.fullmatch(one[0]) for one in _FIND.finditer(content)]
    parts = [one for one in found if one is not None]
    highest = max((int(one[5]) for one in parts), default=0)
    drop = bool(parts) and all(one[4] == ";" for one in parts)
    rate = _find_stated_rate(content)
    if rate is not None:
        nominal = round(rate)
        if highest < nominal <= _RATES[-1]:
            ntsc = abs(rate - nominal / _NTSC) < abs(rate - nominal)
            return FrameRate(nominal, ntsc, drop and ntsc, "as the file states")
    if drop:
        nominal = 30 if highest < 30 else 60  # noqa: PLR2004 - what drop-frame counting has
        return FrameRate(nominal, ntsc=True, drop=True, source="by the “;” before the frames")
    if highest >= _USUAL_RATE:
        nominal = next((one for one in _RATES if highest < one), _RATES[-1])
        return FrameRate(nominal, source="by the highest number of frames")
    return FrameRate()


def _find_stated_rate(content: str) -> float | None:
    """What a line above the first time or label states; below, somebody speaks about a rate."""
    lines = content[:_HEAD_CHARACTERS].splitlines()
    stated = [_STATED.fullmatch(line.strip()) for line in lines]
    if not any(stated):
        return None
    starts = find_turn_starts(lines)
    for at, (line, found) in enumerate(zip(lines, stated, strict=True)):
        if found is not None:
            return float((found[1] or found[2]).replace(",", "."))
        if at in starts or _FIND.search(line) is not None:
            break
    return None


def replace_frame_timecodes(
    rows: Sequence[tuple[int, str]], notices: Notices
) -> list[tuple[int, str]]:
    """Replace timecodes with frames (``00:01:02:13``) in a text by times with milliseconds.

    Args:
        rows: a plain text's lines with their numbers.
        notices: takes how many times count frames, and at which rate.
    """
    found = sum(_BESIDE_SPEECH.search(row) is not None for _, row in rows if _may_count(row))
    if found < _FEW:
        return list(rows)
    rate = find_frame_rate("\n".join([row for _, row in rows]))
    return [
        (number, _BESIDE_SPEECH.sub(lambda match: _as_clock(match[0], rate, notices), row))
        if _may_count(row)
        else (number, row)
        for number, row in rows
    ]


def _may_count(row: str) -> bool:
    return row.count(":") + row.count(";") >= 3 and _FIND.search(row) is not None  # noqa: PLR2004


def _as_clock(text: str, rate: FrameRate, notices: Notices) -> str:
    parts: list[str] = []
    end = 0
    for match in _FIND.finditer(text):
        ms = rate.parse(match[0])
        if ms is None:
            continue
        rate.note(notices)
        minutes, rest = divmod(ms, 60_000)
        clock = f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1_000:02}.{rest % 1_000:03}"
        parts += [text[end : match.start()], clock]
        end = match.end()
    return "".join(chain(parts, [text[end:]]))
