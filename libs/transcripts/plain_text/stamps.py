"""Times that stand beside what was said in plain text: before a name, behind it, on a line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from transcripts.times import parse_clock_time, parse_seconds

_OFFSET: Final = (
    r"(?:\d{1,2}:\d{2}:\d{2}:\d{2}|(?:\d{1,3}:)?\d{1,3}:\d{2}(?:[.,]\d{1,3})?"
    r"|\d{2};\d{2};\d{2};\d{2})"
)
_UNITS: Final = (
    r"(?:\d{1,3}\s?h(?:ours?|r?s?)?\s?)?(?:\d{1,3}\s?m(?:in(?:ute)?s?)?\s?)\d{1,2}\s?s(?:ec(?:ond)?s?)?"
    r"|\d{1,9}\s?ms|\d{1,5}(?:\.\d{1,3})?\s?s(?:ec(?:ond)?s?)?"
)
_OF_DAY: Final = (
    r"(?:(?:\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|\d{4}-\d{2}-\d{2}),?\s+)?"
    r"\d{1,2}:\d{2}(?::\d{2})?(?:\s?[AaPp]\.?[Mm]\.?)"
    r"|\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4},?\s+\d{1,2}:\d{2}(?::\d{2})?"
    r"|(?:[Tt]oday|[Yy]esterday|(?:[Ll]ast )?[MTWFS][a-z]{2,5}day)(?: at|,)? \d{1,2}:\d{2}"
    r"(?:\s?[AaPp]\.?[Mm]\.?)?"
    r"|\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z?"
    r"|(?:(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.? \d{1,2},? \d{4}"
    r"|\d{1,2}\.? (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?,? \d{4}),?"
    r"(?: at)? \d{1,2}:\d{2}(?::\d{2})?(?:\s?[AaPp]\.?[Mm]\.?)?"
)
_TIME: Final = rf"(?:{_OF_DAY}|{_OFFSET}|{_UNITS})"
_TO: Final = (
    r"(?:\s*(?:-->|->|→|\u2013|—|-|to|,)\s*"
    r"|(?:(?<=\d{2}[:;.,]\d{2})|(?<=\d{2}\.\d{3}))\s+(?=\d{2}:\d{2}:\d{2}))"
)
_RANGE: Final = rf"(?P<start>{_TIME})(?:{_TO}(?P<end>{_TIME}))?"
_SEPARATORS: Final = r"[\s:|/→•·,\u2013—-]{0,6}"
_BRACKETED: Final = re.compile(
    rf"[\[(<{{#`【]\s?{_RANGE}(?:-(?P<tenth>\d))?\s?[\])>}}#`】]{_SEPARATORS}"
)
# `[0.0 - 3.2]`, as speech models print a segment's seconds.
_SECONDS_RANGE: Final = re.compile(
    r"[\[(]\s?(?P<start>\d{1,6}\.\d{1,9})s?(?:\s*(?:-->|->|→|\u2013|—|-|to|,)\s*)"
    rf"(?P<end>\d{{1,6}}\.\d{{1,9}})s?\s?[\])]{_SEPARATORS}"
)
_BARE_SECONDS_RANGE: Final = re.compile(
    r"(?P<start>\d{1,6}\.\d{1,9})s?\s*(?:-->|->|→|\u2013|—|-)\s*(?P<end>\d{1,6}\.\d{1,9})s?"
    r"(?:[:|]\s*|\s+(?:\|\s*)?|$)"
)
_IN_WORDS: Final = re.compile(r"(?:\d{1,3} hours? )?(?:\d{1,3} minutes? )?\d{1,2} seconds?")
_CLOCKS: Final = rf"(?:{_OF_DAY}|{_OFFSET})"
_BARE: Final = re.compile(
    rf"@?(?P<start>{_CLOCKS}|\d{{1,2}}h\d{{2}}m\d{{2}}s|\d{{1,5}}(?:\.\d{{1,3}})?s(?=\s[A-Z]))"
    rf"(?:{_TO}(?P<end>{_CLOCKS}))?"
    r"(?:\s+[|/→•·\u2013—-]\s+|\s{1,8}|\s?[|]\s?|$|:\s|,(?=[^\W\d_]))"
)
_BEHIND_LABEL: Final = re.compile(
    rf"(?P<label>[^:\[\]{{}}|\t]{{1,80}}?)"
    rf"(?:(?P<wide>\s\s+|\t)|(?P<mark>\s*[,|•·]\s*|\s+[\u2013—-]\s+)|\s?(?=[\[(<{{`_])|\s)"
    rf"(?P<open>[\[(<{{`_]\s?)?{_RANGE}(?P<close>\s?[\])>}}`_])?"
    rf"\s*(?P<colon>[:\uff1a])?\s*(?P<rest>.*)"
)
_BEFORE_SPEECH: Final = re.compile(rf"[\[(]\s?{_RANGE}\s?[\])]\s*(?:[:\uff1a]\s*)?")
_AT_END: Final = re.compile(r"\s*#(?P<end>\d{1,2}:\d{2}:\d{2})(?:-(?P<tenth>\d))?#\s*$")
_DAY: Final = re.compile(r"T|day|\d[/.-]\d{1,2}[/.-]\d|[A-Z][a-z]{2}")
_BEHIND_BRACKETS: Final = re.compile(
    rf"(?:\[(?P<square>[^\[\]]{{1,80}})\]|\((?P<round>[^()]{{1,80}})\))\s*"
    rf"(?:{_RANGE}|[\[(]{_RANGE.replace('start', 'from').replace('end', 'to')}[\])])\s*[:\uff1a]?"
)
_IN_ONE_BRACKET: Final = re.compile(
    rf"\[(?P<label>[^\[\]:]{{1,80}}?)[\s,|-]+(?P<start>{_OFFSET}|\d{{1,6}}\.\d{{1,3}}s?)\]"
    r"\s*:?\s*(?P<rest>.*)"
)
_TRANSANA: Final = re.compile(r"¤<(\d{1,9})>\s*")
_FRAMES_A_SECOND: Final = 25
_TIME_STARTS: Final = frozenset("[(<{#`【@¤")
"""What a time at the beginning of a line begins with, if with no digit."""
_DIGIT: Final = re.compile(r"\d")
_UNIT: Final = re.compile(r"(\d+(?:\.\d+)?)\s?(ms|[hms])")
_FACTORS: Final = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}


@dataclass(frozen=True, slots=True)
class LineTimestamp:
    """Timestamp at the beginning of a line, with the rest of the line.

    Attributes:
        start_ms: milliseconds from the start; None for a time of day.
        end_ms: the end, where the stamp is a range.
        rest: the line behind it.
        bare: it has no brackets, so that it may be speech.
    """

    start_ms: int | None
    end_ms: int | None
    rest: str
    bare: bool = False


@dataclass(frozen=True, slots=True)
class TimestampedLabel:
    """Speaker label followed by a time, such as ``Ann Lee  0:03`` or ``Ann (0:03): Hi``.

    Attributes:
        wide: a tab or two blanks part them, as vendors write and nobody says.
        closed: the time is in brackets, or a colon follows it.
    """

    label: str
    start_ms: int | None
    text: str
    wide: bool
    closed: bool


def parse_leading_timestamp(line: str) -> LineTimestamp | None:
    """Parse the timestamp at the beginning of a line; return None if there is none."""
    first = line[:1]
    # Most lines of speech are done with here.
    return _parse_stamp(line) if first in _TIME_STARTS or first.isdecimal() else None


def _parse_stamp(line: str) -> LineTimestamp | None:
    if match := _TRANSANA.match(line):
        return LineTimestamp(int(match[1]), None, line[match.end() :])
    if match := _SECONDS_RANGE.match(line) or _BARE_SECONDS_RANGE.match(line):
        start_s, end_s = float(match["start"]), float(match["end"])
        return LineTimestamp(round(start_s * 1_000), round(end_s * 1_000), line[match.end() :])
    if match := _BRACKETED.match(line):
        start_ms = _ms(match["start"])
        if start_ms is not None and match["tenth"]:  # f4: `#00:00:04-5#`
            start_ms += 100 * int(match["tenth"])
        return LineTimestamp(start_ms, _ms(match["end"]), line[match.end() :])
    if line[:1].isdigit() and line[-1:] == "s" and _IN_WORDS.fullmatch(line):
        return LineTimestamp(_ms(line), None, "", bare=True)  # Teams: `1 minute 10 seconds`
    if match := _BARE.match(line):
        return LineTimestamp(_ms(match["start"]), _ms(match["end"]), line[match.end() :], bare=True)
    return None


def parse_timestamped_label(line: str) -> TimestampedLabel | None:
    """Parse the speaker label and the time at the beginning of a line; None if it has none."""
    if _DIGIT.search(line) is None:
        return None  # as most lines of speech, at once
    if bracketed := _BEHIND_BRACKETS.fullmatch(line):
        name = bracketed["square"] or bracketed["round"]
        time = bracketed["start"] or bracketed["from"]
        return TimestampedLabel(name, _ms(time), "", wide=True, closed=True)
    if (inside := _IN_ONE_BRACKET.fullmatch(line)) and inside["label"][:1].isalpha():
        return TimestampedLabel(
            inside["label"], _ms(inside["start"]), inside["rest"], wide=False, closed=True
        )
    match = _BEHIND_LABEL.fullmatch(line)
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    closed = bool(match["open"] or match["colon"])
    whole = (match["start"] or "").count(":") > 1
    if match["rest"] and not closed and not match["mark"] and not whole:
        return None  # `we met at 10:30 in town`
    return TimestampedLabel(
        match["label"].strip(" ,|-\u2013—•·"),
        _ms(match["start"]),
        match["rest"],
        wide=bool(match["wide"] or match["mark"]),
        closed=closed,
    )


def parse_timestamp_after_label(text: str) -> LineTimestamp | None:
    """Parse the bracketed time after a label (``Ann: [00:02] Hi``); None if there is no time."""
    if (match := _SECONDS_RANGE.match(text)) is not None:
        return parse_leading_timestamp(text)
    match = _BEFORE_SPEECH.match(text)
    if match is None:
        return None
    return LineTimestamp(_ms(match["start"]), _ms(match["end"]), text[match.end() :])


def split_end_timestamp(text: str) -> tuple[str, int | None]:
    """Split off the time at a text's end (``#00:00:05-8#``); return the rest and milliseconds."""
    match = _AT_END.search(text) if "#" in text else None
    if match is None:
        return text, None
    whole = parse_clock_time(match["end"])
    if whole is None:
        return text, None
    return text[: match.start()], whole + 100 * int(match["tenth"] or 0)


def _ms(time: str | None) -> int | None:
    if time is None:
        return None
    if _DAY.search(time) or (":" in time and time[-1] in "mM.Z"):
        return None  # a time of day tells nothing of the recording
    if ";" in time or time.count(":") > 2:  # noqa: PLR2004 - hours, minutes, seconds and frames
        hours, minutes, seconds, frames = map(int, time.replace(";", ":").split(":"))
        whole = (hours * 60 + minutes) * 60 + seconds
        return whole * 1_000 + round(frames * 1_000 / _FRAMES_A_SECOND)
    if ":" in time:
        return parse_clock_time(time)
    if time[-1].isdecimal():  # `0.52`, in seconds
        return parse_seconds(time)
    units = _UNIT.findall(time)
    return round(sum(float(number) * _FACTORS[unit] for number, unit in units)) if units else None
