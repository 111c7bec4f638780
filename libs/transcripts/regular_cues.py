"""Cues of files that are written as the standards have it, which most are, in one pass.

Whatever is not wholly regular is left to the readers in ``webvtt`` and ``srt``, which go line by
line; both ways find the same cues, which the tests hold them to.
"""

from __future__ import annotations

import re
from typing import Final

from transcripts.cue_order import Cue
from transcripts.limits import refuse_long_text

_CLOCK: Final = r"(?:(\d{2,4}):)?([0-5]\d):([0-5]\d)[.,](\d\d\d)"
_TIMING: Final = re.compile(rf"^{_CLOCK} --> {_CLOCK}(?:[ \t][^\n]*)?\n", re.MULTILINE)
# What may make a line a timing line, a block a comment, or a file several files.
_IRREGULAR: Final = (
    "\r", "\ufeff", "```", "=>", "→", "⟶", "⇒", "—>", "\u2013>", "—\u00a0>", "\u2013\u00a0>",
    "\nNOTE", "\nSTYLE", "\nREGION", "\nWEBVTT",
)  # fmt: skip
_FRENCH_ARROW: Final = re.compile(r"^\s*[\d:.,]+\s*à", re.MULTILINE)
_HEADER: Final = re.compile(r"WEBVTT[^\n]*\n(?:[^\n]+\n)*\n+(?:(?P<id>[^\n]+)\n)?")
_INDEX: Final = re.compile(r"(?P<id>\d{1,7})\n")


def regular_cues(content: str, *, any_id: bool) -> list[Cue] | None:
    """The cues of a regular WebVTT or SRT file, in the order of the file.

    Args:
        content: the file's text.
        any_id: the line before a time is a cue's id whatever it is, as in WebVTT; if not, it has
            to be a number.

    Returns:
        The cues with their payload verbatim; None if the file is not regular.

    Raises:
        TooLargeTranscriptError: there are more lines than a transcript may have.
    """
    refuse_long_text(content)
    content = content.removeprefix("\ufeff")
    if any(one in content for one in _IRREGULAR) or (
        not content.isascii() and "à" in content and _FRENCH_ARROW.search(content)
    ):
        return None
    timings = list(_TIMING.finditer(content))
    if not timings or len(timings) != content.count("->"):
        return None
    before = content[: timings[0].start()]
    first = (_HEADER if any_id else _INDEX).fullmatch(before)
    if first is None and before:
        return None
    identifier = first["id"] or "" if first is not None else ""
    cues: list[Cue] = []
    ends = [one.start() for one in timings[1:]]
    for timing, end in zip(timings, [*ends, len(content)], strict=True):
        body, blank, rest = content[timing.end() : end].partition("\n\n")
        following = rest.strip("\n")
        if end == len(content):
            if following:
                return None
            body = body.rstrip("\n")
        elif (
            not blank or "\n" in following or not (any_id or not following or _is_number(following))
        ):
            return None
        if not body or body[0] == "\n":
            return None
        hours, minutes, seconds, ms, to_hours, to_minutes, to_seconds, to_ms = map(
            int, timing.groups("0")
        )
        cues.append(
            Cue(
                ((hours * 60 + minutes) * 60 + seconds) * 1_000 + ms,
                ((to_hours * 60 + to_minutes) * 60 + to_seconds) * 1_000 + to_ms,
                body,
                identifier,
            )
        )
        identifier = following
    return cues


def _is_number(line: str) -> bool:
    return line.isascii() and line.isdecimal()
