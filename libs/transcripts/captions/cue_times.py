"""Timing lines of captions: the standard's, and what tools and translators make of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from transcripts.errors import MalformedTranscriptError
from transcripts.notices import Notices
from transcripts.timecodes import FrameRate, find_frame_rate

_S: Final = r"[ \t\u00a0\u200e\u200f\u202f]{0,3}"
# Hours may be missing, and minutes too where there is a fraction; a fourth number counts frames.
_TIME: Final = (
    rf"(?:\d{{1,4}}{_S}:{_S})?\d{{1,3}}{_S}:{_S}\d{{1,2}}(?:{_S}[.,:;]{_S}\d{{1,9}})?"
    r"|\d{1,6}[.,]\d{1,9}|\d{1,2};\d{2};\d{2};\d{2}"
)
_ARROW: Final = r"(?:-{1,6}\s?>|-\s-\s?>|[—\u2013]{1,2}\s?>|→|⟶|⇒|=+>|à)"
_SPACE: Final = r"[\s\u00a0\u200e\u200f\ufeff]*"
_TIMING: Final = re.compile(
    rf"{_SPACE}(?P<start>{_TIME}){_SPACE}{_ARROW}{_SPACE}(?P<end>{_TIME})(?![\d:.,;]*\d)(?=\D|$)"
)
_SBV: Final = re.compile(
    r"(?P<start>\d{1,2}:\d{2}:\d{2}\.\d{1,3}),(?P<end>\d{1,2}:\d{2}:\d{2}\.\d{1,3})"
)
# An arrow with a time-like thing on one side is meant as a timing line; others are speech.
_MEANT_AS_TIMING: Final = re.compile(r"\s*(?=[:.,]{0,5}\d)[\d:.,]{1,40}\s*-->|.*?-->\s*\d+[:.,]\d")
_PARTS: Final = re.compile(
    r"(?:(?:(?P<hours>\d{1,4}):)?(?P<minutes>\d{1,3}):)?(?P<seconds>\d{1,6})"
    r"(?:(?P<mark>[.,:;])(?P<fraction>\d{1,9}))?"
)
_BLANKS: Final = re.compile(r"[\s\u00a0\u200e\u200f\u202f]+")
_MS: Final = 1_000
_MIN: Final = 60
_OVERFLOW_DIGITS: Final = 4
_HEAD_LINES: Final = 40
_MS_DIGITS: Final = 3


@dataclass(frozen=True, slots=True)
class CueTiming:
    """Start and end time of a subtitle cue, as written in the file."""

    start: str
    end: str


def parse_timing_line(line: str) -> CueTiming | None:
    """Parse the start and end time on a subtitle cue's timing line; None if it has none."""
    match = _TIMING.match(line) or _SBV.fullmatch(line.strip())
    if match is None:
        return None
    return CueTiming(_BLANKS.sub("", match["start"]), _BLANKS.sub("", match["end"]))


def get_cue_settings(line: str) -> str:
    """Return the WebVTT cue settings that follow the times on a timing line, or ""."""
    match = _TIMING.match(line)
    return line[match.end() :].strip() if match is not None else ""


def is_timing_line(line: str) -> bool:
    """Return whether a line looks like a subtitle timing line, even a malformed one."""
    return parse_timing_line(line) is not None or (
        "-->" in line and _MEANT_AS_TIMING.match(line) is not None
    )


class TimingLineReader:
    """Reader that converts a subtitle file's timing lines to milliseconds.

    Some tools round milliseconds up to a fourth digit, ``00:00:00,1000``. Where no fraction of
    four digits in a file is above 1000, they are milliseconds; else they are decimals.

    Args:
        lines: the file's lines.
        notices: takes how often times count frames.
    """

    def __init__(self, lines: Iterable[str], notices: Notices) -> None:
        self._notices = notices
        lines = list(lines)
        timings = [timing for line in lines if (timing := parse_timing_line(line)) is not None]
        times = [one for timing in timings for one in (timing.start, timing.end)]
        fractions = [
            match["fraction"]
            for one in times
            if (match := _PARTS.fullmatch(one)) is not None and match["mark"] in {".", ","}
        ]
        four = [one for one in fractions if len(one) == _OVERFLOW_DIGITS]
        self._rate = self._find_rate(lines, times)
        self._whole_ms = bool(four) and all(int(one) <= _MS for one in four)

    def read(self, line: str, number: int) -> tuple[int, int]:
        """Start and end in milliseconds.

        Args:
            line: a line for which ``is_timing_line`` holds.
            number: its number in the file, for the error.

        Raises:
            MalformedTranscriptError: one of the times cannot be read.
        """
        timing = parse_timing_line(line)
        start_ms = self._ms(timing.start) if timing else None
        end_ms = self._ms(timing.end) if timing else None
        if start_ms is None or end_ms is None:
            raise MalformedTranscriptError(
                f"line {number}: the cue's times cannot be read", line=number
            )
        return start_ms, end_ms

    @staticmethod
    def _find_rate(lines: Sequence[str], times: Iterable[str]) -> FrameRate | None:
        """The rate at which times with hours, minutes, seconds and frames count; None without."""
        framed = [one for one in times if ";" in one or one.count(":") > 2]  # noqa: PLR2004
        return find_frame_rate("\n".join(lines[:_HEAD_LINES]), framed) if framed else None

    def _ms(self, time: str) -> int | None:
        if self._rate is not None and (framed := self._rate.parse(time)) is not None:
            self._rate.note(self._notices)
            return framed
        match = _PARTS.fullmatch(time)
        if match is None:
            return None
        hours, minutes, seconds = (int(match[one] or 0) for one in ("hours", "minutes", "seconds"))
        if match["minutes"] is not None and seconds >= _MIN:
            return None
        if match["hours"] is not None and minutes >= _MIN:
            return None
        whole = ((hours * _MIN + minutes) * _MIN + seconds) * _MS
        return whole + self._fraction_ms(match["mark"], match["fraction"])

    def _fraction_ms(self, mark: str | None, fraction: str | None) -> int:
        if mark is None or fraction is None:
            return 0
        if mark in ":;" and len(fraction) < _MS_DIGITS:
            rate = self._rate or FrameRate()
            rate.note(self._notices)
            return rate.to_ms(0, 0, 0, int(fraction))
        if self._whole_ms and len(fraction) == _OVERFLOW_DIGITS:
            return int(fraction)
        return int(fraction[:3].ljust(3, "0"))
