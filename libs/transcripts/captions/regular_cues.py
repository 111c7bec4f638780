"""Cues of files that are written as the standards have it, which most are, in one pass.

Whatever is not wholly regular is left to the readers in ``webvtt`` and ``srt``, which go line by
line; both ways find the same cues, which the tests hold them to.
"""

from __future__ import annotations

import re
from typing import Final

from transcripts.captions.cue_order import Cue
from transcripts.limits import check_text_length

_CLOCK: Final = r"(?:([0-9]{2,4}):)?([0-5][0-9]:[0-5][0-9])[.,]([0-9]{3})"
_SETTINGS: Final = r"(?:[ \t]+(?:[a-z]{1,20}:[^\s:]+|[XY]\d:\d+))*[ \t]*"  # others may be names
_BLOCK: Final = re.compile(
    rf"((?:([^\n]+)\n)?{_CLOCK} --> {_CLOCK}{_SETTINGS}\n([^\n]+(?:\n[^\n]+)*)(?:\n\n+|\n?\Z))"
)
# What may make a line a timing line, a block a comment, or a file several files.
_IRREGULAR: Final = (
    "\r", "\ufeff", "```", "=>", "→", "⟶", "⇒", "—>", "\u2013>", "—\u00a0>", "\u2013\u00a0>",
    "\nNOTE", "\nSTYLE", "\nREGION", "\nWEBVTT",
)  # fmt: skip
_FRENCH_ARROW: Final = re.compile(r"^\s*[\d:.,]+\s*à", re.MULTILINE)
_HOUR_MS: Final = 3_600_000
_SIXTY: Final = [f"{number:02}" for number in range(60)]
_SECONDS_MS: Final = {
    f"{minutes}:{seconds}": (int(minutes) * 60 + int(seconds)) * 1_000
    for minutes in _SIXTY
    for seconds in _SIXTY
}
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
    blocks = _BLOCK.findall(content, end)
    if not blocks or len(blocks) != content.count("->"):
        return None
    if sum([len(block[0]) for block in blocks]) != len(content) - end:
        return None  # something lies between two of them
    if not any_id and not all(map(_is_number_or_empty, [block[1] for block in blocks])):
        return None
    return [
        Cue(
            _SECONDS_MS[clock] + int(ms) + (int(hours) * _HOUR_MS if hours else 0),
            _SECONDS_MS[to_clock] + int(to_ms) + (int(to_hours) * _HOUR_MS if to_hours else 0),
            body,
            identifier,
        )
        for _, identifier, hours, clock, ms, to_hours, to_clock, to_ms, body in blocks
    ]


def _is_number_or_empty(identifier: str) -> bool:
    return not identifier or (identifier.isascii() and identifier.isdecimal())
