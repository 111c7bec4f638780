"""Cues of files that are written as the standards have it, which most are, in one pass.

Whatever is not wholly regular is left to the readers in ``webvtt`` and ``srt``, which go line by
line; both ways find the same cues, which the tests hold them to.
"""

from __future__ import annotations

import re
from typing import Final

from transcripts.captions.cue_order import Cue, new_cue
from transcripts.limits import check_text_length

_TIME: Final = r"((?:[0-9]{2,4}:)?[0-5][0-9]:[0-5][0-9][.,][0-9]{3})"
_SETTINGS: Final = r"(?:[ \t]+(?:[a-z]{1,20}:[^\s:]+|[XY]\d:\d+))*[ \t]*"  # others may be names
_BLOCK: Final = re.compile(
    rf"((?:([^\n]+)\n)?{_TIME} --> {_TIME}{_SETTINGS}\n([^\n]+(?:\n[^\n]+)*)(?:\n\n+|\n?\Z))"
)
# What may make a line a timing line, a block a comment, or a file several files.
_IRREGULAR: Final = ("\r", "```", "=>", "\nNOTE", "\nSTYLE", "\nREGION", "\nWEBVTT")
_IRREGULAR_BEYOND_ASCII: Final = (
    "\ufeff", "→", "⟶", "⇒", "—>", "\u2013>", "—\u00a0>", "\u2013\u00a0>",
)  # fmt: skip
_FRENCH_ARROW: Final = re.compile(r"^\s*[\d:.,]+\s*à", re.MULTILINE)
_HOUR_MS: Final = 3_600_000
_SIXTY: Final = [f"{number:02}" for number in range(60)]
# Looking up is twice as fast as computing.
_CLOCK_MS: Final = {
    f"{minutes}:{seconds}": (int(minutes) * 60 + int(seconds)) * 1_000
    for minutes in _SIXTY
    for seconds in _SIXTY
}
_TWO_DIGITS_MS: Final = {f"{hours:02}": hours * _HOUR_MS for hours in range(100)}
_MARKS: Final = frozenset(".,")
_FRACTION_MS: Final = {f"{ms:03}": ms for ms in range(1_000)}
_HEADER: Final = re.compile(r"WEBVTT[^\n]*\n(?:[^\n]+\n)*\n+")


def parse_regular_cues(content: str, *, any_id: bool) -> list[Cue] | None:
    """Parse a well-formed WebVTT or SRT file with one fast regex; None for other files.

    Args:
        content: the file's text.
        any_id: the line before a time is a cue's id whatever it is, as in WebVTT; if not, it has
            to be a number.

    Returns:
        The cues with their payload verbatim; None if the file is not regular.

    Raises:
        TooLargeTranscriptError: there are more lines than a transcript may have.
    """
    check_text_length(content)
    content = content.removeprefix("\ufeff")
    if _is_irregular(content):
        return None
    header = _HEADER.match(content)
    end = header.end() if header is not None else 0
    cues = _parse_numbered_blocks(content[end:], any_id=any_id)
    if cues is not None and len(cues) == content.count("->"):
        return cues
    blocks = _BLOCK.findall(content, end)
    if not blocks or len(blocks) != content.count("->"):
        return None
    if sum([len(block[0]) for block in blocks]) != len(content) - end:
        return None  # something lies between two of them
    if not any_id and not all(map(_is_number_or_empty, [block[1] for block in blocks])):
        return None
    # Written out for both times: this runs for every cue.
    return [
        new_cue(
            (
                _CLOCK_MS[start[-9:-4]] + _FRACTION_MS[start[-3:]] + _HOURS_MS[start[:-10]],
                _CLOCK_MS[end[-9:-4]] + _FRACTION_MS[end[-3:]] + _HOURS_MS[end[:-10]],
                body,
                identifier,
                0,
            )
        )
        for _, identifier, start, end, body in blocks
    ]


def _is_irregular(content: str) -> bool:
    """Whether a file may hold anything but cues with the standards' timing lines."""
    if any(one in content for one in _IRREGULAR):
        return True
    if content.isascii():
        return False
    return any(one in content for one in _IRREGULAR_BEYOND_ASCII) or (
        "à" in content and _FRENCH_ARROW.search(content) is not None
    )


def _parse_numbered_blocks(content: str, *, any_id: bool) -> list[Cue] | None:
    """Parse cues that have an id, two times with hours and one empty line between; None for others.

    Most files are so, and slices of fixed places take half the time of the regular expression.
    """
    cues: list[Cue] = []
    try:
        for block in content.rstrip("\n").split("\n\n"):
            identifier, timing, said = block.split("\n", 2)
            start, arrow, end = timing[:12], timing[12:17], timing[17:]
            if (
                arrow != " --> "
                or len(end) != len(start)
                or not start[2] == end[2] == ":"
                or start[8] not in _MARKS
                or end[8] not in _MARKS
                or not identifier
                or not said
            ):
                return None
            cues.append(
                new_cue(
                    (
                        _TWO_DIGITS_MS[start[:2]] + _CLOCK_MS[start[3:8]] + _FRACTION_MS[start[9:]],
                        _TWO_DIGITS_MS[end[:2]] + _CLOCK_MS[end[3:8]] + _FRACTION_MS[end[9:]],
                        said,
                        identifier,
                        0,
                    )
                )
            )
    except (KeyError, ValueError, IndexError):
        return None
    numbers = "" if any_id else "".join([cue[3] for cue in cues])
    return cues if any_id or (numbers.isascii() and numbers.isdecimal()) else None


class _HoursMs(dict[str, int]):
    """Milliseconds of the hours of a time, "" for a time without; filled as they are asked for."""

    def __missing__(self, hours: str) -> int:
        self[hours] = made = int(hours or 0) * _HOUR_MS
        return made


_HOURS_MS: Final = _HoursMs()


def _is_number_or_empty(identifier: str) -> bool:
    return not identifier or (identifier.isascii() and identifier.isdecimal())
