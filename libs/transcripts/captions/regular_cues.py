"""Cues of files that are written as the standards have it, which most are, in one pass.

Whatever is not wholly regular is left to the readers in ``webvtt`` and ``srt``, which go line by
line; both ways find the same cues, which the tests hold them to.
"""

from __future__ import annotations

import re
from typing import Final

from transcripts.captions.cue_order import Cue
from transcripts.limits import check_text_length

_CLOCK: Final = r"(?:(\d{2,4}):)?([0-5]\d):([0-5]\d)[.,](\d\d\d)"
_SETTINGS: Final = r"(?:[ \t]+(?:[a-z]{1,20}:[^\s:]+|[XY]\d:\d+))*[ \t]*"  # others may be names
_BLOCK: Final = re.compile(
    rf"(?:([^\n]+)\n)?{_CLOCK} --> {_CLOCK}{_SETTINGS}\n([^\n]+(?:\n[^\n]+)*)(?:\n\n+|\n?\Z)"
)
# What may make a line a timing line, a block a comment, or a file several files.
_IRREGULAR: Final = (
    "\r", "\ufeff", "```", "=>", "→", "⟶", "⇒", "—>", "\u2013>", "—\u00a0>", "\u2013\u00a0>",
    "\nNOTE", "\nSTYLE", "\nREGION", "\nWEBVTT",
)  # fmt: skip
_FRENCH_ARROW: Final = re.compile(r"^\s*[\d:.,]+\s*à", re.MULTILINE)
_HEADER: Final = re.compile(r"WEBVTT[^\n]*\n(?:[^\n]+\n)*\n+")


def parse_regular_cues(content: str, *, any_id: bool) -> list[Cue] | None:
    """Return the cues of a WebVTT or SRT file by one fast pattern; None if it is irregular.

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
    if any(one in content for one in _IRREGULAR) or (
        not content.isascii() and "à" in content and _FRENCH_ARROW.search(content)
    ):
        return None
    header = _HEADER.match(content)
    end = header.end() if header is not None else 0
    cues: list[Cue] = []
    for block in _BLOCK.finditer(content, end):
        if block.start() != end:
            return None
        end = block.end()
        identifier, hours, minutes, seconds, ms, to_hours, to_minutes, to_seconds, to_ms, body = (
            block.groups("")
        )
        if identifier and not any_id and not (identifier.isascii() and identifier.isdecimal()):
            return None
        start_s = int(minutes) * 60 + int(seconds)
        end_s = int(to_minutes) * 60 + int(to_seconds)
        if hours:
            start_s += int(hours) * 3_600
        if to_hours:
            end_s += int(to_hours) * 3_600
        cues.append(Cue(start_s * 1_000 + int(ms), end_s * 1_000 + int(to_ms), body, identifier))
    whole = end == len(content) and len(cues) == content.count("->")
    return cues if cues and whole else None
