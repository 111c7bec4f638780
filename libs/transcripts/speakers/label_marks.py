"""Signs without which no line has a label, so that most lines of speech are done with at once."""

from __future__ import annotations

import re
from typing import Final

# What no label of any form can do without, so that most lines are done with at once.
_DOTTED_START: Final = (
    r"(?:(?:[A-Z][a-z]{1,12}\.? ){0,2}[A-Z][A-Z'-]{0,19}(?: (?:of )?[A-Z][A-Za-z'-]*)*"
    r"(?: pro tempore)?\d{0,3}\."
    r"|(?:Mmes?|Mlles?) )"
)
MAY_BE_LABELLED: Final = re.compile(
    r"[:\uff1a\ufe55\ua789\u1366\u2236\ufe13\u05c3\[(【<{*_「『\t\u3000]|\S\s\s|\s[-\u2013—/]"
    r"|^[A-Z][A-Z'.]{1,20}(?:--|—)|^" + _DOTTED_START
)
# The same for printable ASCII, in parts: trying several patterns at every character takes long.
ASCII_MARK: Final = re.compile(r"[:\[(<{*_]")
MAY_BE_DOTTED: Final = re.compile(_DOTTED_START)
# All but letters, digits and punctuation that hide nothing, set off no label unless a blank or
# another of them stands beside them, and are in NFC.
NOT_PLAIN: Final = re.compile(
    "[^ !-%')+-9;=?-Z\\\\\\]^`a-z|}~>\u00a1-\u00ac\u00ae-\u02ff\u2018-\u201f\u2026\u0400-\u0482"
    "\u048a-\u052f\u4e00-\u9fff]"
)
NOT_PLAIN_TEXT: Final = re.compile(NOT_PLAIN.pattern.replace("[^ ", "[^\n ", 1))
"""The same for several lines."""
LINE_MAY_BE_DOTTED: Final = re.compile(r"(?<![^\n])" + _DOTTED_START)
SENTENCE_END: Final = re.compile(r"[.!?…\u3002\uff01\uff1f\"\u201d)\]]\s")


def may_be_set_off_without_mark(line: str) -> bool:
    """Return whether a line's speaker label may end in blanks, dashes or dots, without a colon."""
    if has_blanks_or_dashes(line):
        return True
    return "." in line and MAY_BE_DOTTED.match(line) is not None


def has_blanks_or_dashes(text: str) -> bool:
    """Return whether a text has runs of blanks or dashes, which may end a speaker label."""
    return "  " in text or " -" in text or " /" in text or "--" in text
