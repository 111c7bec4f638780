"""Characters that a text spells as HTML does, ``&#8212;`` or ``&amp;``, though it is no page."""

from __future__ import annotations

import re
from html import unescape
from typing import Final

from transcripts.notices import Notices, Repair

_REFERENCE: Final = re.compile(
    r"&(?:#\d{2,6}|#[xX][0-9a-fA-F]{2,5}|amp|lt|gt|quot|apos|nbsp|[mn]dash|hellip|[lr][sd]quo"
    r"|[aeiouAEIOU](?:acute|grave|circ|uml)|[anoANO]tilde|[cC]cedil|szlig|[ao]elig);"
)


def decode_character_references(text: str, notices: Notices) -> str:
    """Return a text with the characters that its HTML references stand for.

    Nobody says `&#8212;`: databases and web forms leave it behind in plain texts and tables.

    Args:
        text: a line or a cell; what looks like mark-up in it stays.
        notices: takes how many references were decoded.
    """
    if "&" not in text or ";" not in text:
        return text
    decoded, count = _REFERENCE.subn(lambda found: unescape(found[0]), text)
    notices.add(Repair.CHARACTER_REFERENCE, count)
    return decoded
