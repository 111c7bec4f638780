"""Escapes for characters in other people's words that would control a terminal."""

from __future__ import annotations

import re
from typing import Final

_LAST_OF_TWO_DIGITS: Final = 0xFF

TERMINAL_CONTROLS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Controls but tabs and line ends; other line ends; characters that turn the order of a line, so
that it shows other words than it has (Unicode Technical Report 36, section 3); half surrogate
pairs, which have no UTF-8."""


def escape_control_characters(text: str) -> str:
    """Replace the terminal control characters in a text by visible escape sequences.

    Line ends and tabs stay. Transcripts and payloads are other people's words.
    """
    return TERMINAL_CONTROLS.sub(lambda match: _escape(ord(match[0])), text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code <= _LAST_OF_TWO_DIGITS else f"\\u{code:04x}"
