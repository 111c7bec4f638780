"""Speakers whom WebVTT files name outside of the text of cues: in comments, and in metadata.

A comment such as ``NOTE Speaker: Ann Lee`` holds until the next one. Teams' metadata has an object
of JSON in each cue, with the speaker and the words in it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from transcripts.captions.cue_order import Cue
from transcripts.speakers.label_kinds import LabelKind, classify_label

_NAMED_NOTE: Final = re.compile(
    r"NOTE\s+(?:speaker|voice|name|who|spoken by|said by|participant|sprecher(?:in)?|locuteur"
    r"|hablante)\s*(?:name\s*)?[:=\s-]\s*[\"\u201c]?(?P<name>[^\n\"\u201d]{1,80}?)[\"\u201d]?\s*",
    re.IGNORECASE,
)
_JSON_NOTE: Final = re.compile(
    r"NOTE\s+\{[^\n]{0,400}?\"speaker(?:_?name)?\"\s*:\s*\"(?P<name>[^\n\"]{1,80})\"[^\n]{0,400}\}\s*",
    re.IGNORECASE,
)
_BARE_NOTE: Final = re.compile(r"NOTE\s+(?P<name>[^\n:]{1,60}?):?\s*")
_FEWEST: Final = 2
_MOST: Final = 0.8

Comment = tuple[int, str]
"""Number of cues that stand before a comment, and its text."""


def assign_speakers_from_comments(
    cues: Sequence[Cue], comments: Sequence[Comment]
) -> Sequence[Cue]:
    """Give WebVTT cues the speakers that the comments between them name.

    Args:
        cues: in the order of the file.
        comments: in the order of the file.

    Returns:
        The cues as they are where comments name nobody, or where cues have voices themselves.
    """
    names = _names_of_comments([text for _, text in comments])
    if not names or any("<v" in cue.payload for cue in cues):
        return cues
    by_place = {
        place: name for (place, _), name in zip(comments, names, strict=True) if name is not None
    }
    named: list[Cue] = []
    speaker = ""
    for place, cue in enumerate(cues):
        speaker = by_place.get(place, speaker)
        named.append(_with_voice(cue, speaker, cue.payload))
    return named


def _names_of_comments(comments: Sequence[str]) -> list[str | None]:
    """The name in each comment; none at all if the comments do not name speakers."""
    marked = [_NAMED_NOTE.fullmatch(text) or _JSON_NOTE.fullmatch(text) for text in comments]
    if any(marked):
        return [match["name"] if match else None for match in marked]
    bare = [match["name"] if (match := _BARE_NOTE.fullmatch(text)) else None for text in comments]
    names = [
        name if name and classify_label(name) in {LabelKind.NAME, LabelKind.ROLE} else None
        for name in bare
    ]
    counts = Counter(name for name in names if name)
    again = counts.total() > len(counts)
    mostly = counts.total() >= max(_FEWEST, _MOST * len(comments))
    return names if mostly and len(counts) >= _FEWEST and (again or _all_roles(counts)) else []


def _all_roles(names: Counter[str]) -> bool:
    return all(classify_label(name) is LabelKind.ROLE for name in names)


def assign_speaker_from_settings(cue: Cue, settings: str) -> Cue:
    """Give a WebVTT cue the speaker whose name is written in place of cue settings.

    Args:
        cue: the cue.
        settings: what stands behind its times; the standard's settings have colons.
    """
    if not settings or ":" in settings or "<v" in cue.payload:
        return cue
    name = settings.strip("[]()<>\"' ")
    known = classify_label(name) in {LabelKind.NAME, LabelKind.ROLE}
    return _with_voice(cue, name, cue.payload) if known else cue


def read_json_payloads(cues: Sequence[Cue]) -> Sequence[Cue]:
    """Replace JSON in the text of cues by the words and speaker that the JSON contains."""
    if not any('"spokenText"' in cue.payload for cue in cues):
        return cues
    return [_read_payload(cue) for cue in cues]


def _read_payload(cue: Cue) -> Cue:
    try:
        spoken = json.loads(cue.payload)
    except (ValueError, RecursionError):
        return cue
    if not isinstance(spoken, dict) or not isinstance(spoken.get("spokenText"), str):
        return cue
    speaker = spoken.get("speakerName")
    said = spoken["spokenText"].replace("&", "&amp;").replace("<", "&lt;")
    return _with_voice(cue, speaker if isinstance(speaker, str) else "", said)


def _with_voice(cue: Cue, speaker: str, payload: str) -> Cue:
    name = re.sub(r"[<>\n]", " ", speaker).strip()
    return cue._replace(payload=f"<v {name}>{payload}" if name else payload)
