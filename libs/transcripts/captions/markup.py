"""The markup inside cues: voices, styles, karaoke times and character references.

Only tags the formats define are taken for markup. Anything else in angle brackets, such as
``<laughs>`` or ``5 < 6``, is what the transcriber wrote and stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# W3C WebVTT, section 6.4: the tags of cue text; `font` and `s` are SRT's.
_TAG = re.compile(
    r"<(?:/?(?:c|i|b|u|s|ruby|rt|lang|font)(?:[.\s][^<>]*)?|/|(?:\d+:)?\d+:\d+[.,]\d+)>",
    re.IGNORECASE,
)
_BREAK = re.compile(r"\s*(?:<br\s*/?>|\\N)\s*", re.IGNORECASE)  # HTML's, and SubStation's
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?(?:\s([^<>]*))?>|</v\s*>", re.IGNORECASE)
_OVERRIDE = re.compile(r"\{\\[^{}]*\}")  # SubStation's, which players understand in SRT
_REFERENCE = re.compile(r"&(amp|lt|gt|nbsp|lrm|rlm|quot|apos|#39|#34);")
_CHARACTERS = {
    "amp": "&",
    "lt": "<",
    "gt": ">",
    "nbsp": " ",
    "lrm": "\u200e",
    "rlm": "\u200f",
    "quot": '"',
    "apos": "'",
    "#39": "'",
    "#34": '"',
}


def split_voice_spans(payload: str) -> Iterator[tuple[str, str]]:
    """Split a WebVTT cue's text at its voice tags (``<v Ann>``) into pairs of name and text.

    Yields:
        The voice's name and what it says, without markup; an empty name outside of any voice.
    """
    name = ""
    position = 0
    for tag in _VOICE.finditer(payload):
        yield name, _unmarked(payload[position : tag.start()])
        name = _decoded((tag[1] or "").strip())
        position = tag.end()
    yield name, _unmarked(payload[position:])


def _unmarked(text: str) -> str:
    return _decoded(_OVERRIDE.sub("", _TAG.sub("", _BREAK.sub("\n", text))))


def _decoded(text: str) -> str:
    return _REFERENCE.sub(lambda match: _CHARACTERS[match[1]], text)
