"""Labels that say how or where somebody speaks: ``OLAV (on phone)`` is Olav, as ``OLAV`` is.

Subtitles for the hard of hearing and scripts write them so. The direction moves into what is
said, in brackets, so that one speaker is one speaker and nothing is lost.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from typing import Final

from transcripts.segments.turns import ParsedTranscript, SpokenPassage, normalize_label

_QUALIFIED: Final = re.compile(
    r"(?P<name>[^()\[\]]{1,80}?)(?:\s*[(\[](?P<inside>[^()\[\]]{2,40})[)\]]"
    r"|,\s*(?P<behind>[^,()\[\]]{2,40}))\s*"
)
_WORD: Final = r"[\w'\u2019-]{2,20}"
_DIRECTION: Final = re.compile(
    rf"(?:(?!early|elderly|family|only)\w{{2,}}ly|\w{{3,}}ing|(?:on|over|via|through|in|from|to|into)"
    rf"(?: (?:the|a|his|her))?(?: {_WORD}){{1,2}}|off(?:[ -]?(?:screen|camera|stage|mic|mike))?"
    r"|v\.? ?o\.?|o\.? ?[sc]\.?|voice-?over|cont['\u2019]?d\.?|continued|continues|laughs|chuckles"
    r"|sighs|whispers|shouts|yells|aside|pinned|edited)",
    re.IGNORECASE,
)
_ALWAYS_UPPER: Final = re.compile(r"V\.? ?O\.?|O\.? ?[SC]\.?|CONT['\u2019]?D\.?")


def move_stage_directions_to_text(source: ParsedTranscript) -> ParsedTranscript:
    """Move stage directions from speaker labels ("Ann (laughs)") to the text of passages.

    A label is changed only where what is left of it also stands alone in the file.
    """
    labels = {passage.speaker for passage in source.passages}
    alone = {normalize_label(label).casefold() for label in labels}
    directed = {
        label: found
        for label in labels
        if (found := split_stage_direction(label, alone)) is not None
    }
    if not directed:
        return source
    names = {label.casefold(): label for label in labels}
    move = partial(_move, directed=directed, names=names)
    return replace(source, passages=tuple(map(move, source.passages)))


def _move(
    passage: SpokenPassage, *, directed: dict[str, tuple[str, str]], names: dict[str, str]
) -> SpokenPassage:
    found = directed.get(passage.speaker)
    if found is None or not passage.pieces:
        return passage
    name, direction = found
    first, *others = passage.pieces
    said = first._replace(text=f" ({direction}) {first.text.lstrip()}")
    return SpokenPassage(names.get(name.casefold(), name), (said, *others))


def split_stage_direction(label: str, alone: Collection[str]) -> tuple[str, str] | None:
    """Split a speaker label into name and stage direction: ``Ingrid, quietly``.

    Args:
        label: the label.
        alone: labels that stand without a direction, in lower case.

    Returns:
        None if the label has no direction, or its name does not stand alone.
    """
    match = _QUALIFIED.fullmatch(label) if label[-1:] in ")]" or "," in label else None
    if match is None:
        return None
    name, direction = match["name"].strip(), (match["inside"] or match["behind"]).strip()
    is_upper = bool(match["inside"]) and label.isupper()
    written_so = direction[:1].islower() or is_upper or bool(_ALWAYS_UPPER.fullmatch(direction))
    if not written_so or not _DIRECTION.fullmatch(direction):
        return None
    return (name, direction) if normalize_label(name).casefold() in alone else None
