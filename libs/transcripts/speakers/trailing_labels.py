"""Speakers named in brackets behind what they say: ``Have you slept? (Ilka)``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from transcripts.speakers.label_kinds import LabelKind, classify_label, is_capitalised

_BEHIND: Final = re.compile(r"(.*\S)\s*[(\[]([^()\[\]]{1,60})[)\]]\s*", re.DOTALL)
_CLOSED: Final = (")", "]")
_FEWEST: Final = 3
_MOST: Final = 0.8
_HALF: Final = 0.5
_NAMES: Final = frozenset({LabelKind.NAME, LabelKind.ROLE})


class TrailingLabel(NamedTuple):
    """Text with the speaker label at its end; the label is "" if there is none."""

    label: str
    said: str


def find_trailing_labels(texts: Sequence[str]) -> list[TrailingLabel] | None:
    """Split speaker labels off the ends of texts; None unless nearly all texts end with one.

    Args:
        texts: the file's lines or cues that are not blank.

    Returns:
        One for each text; None if brackets at the ends of texts hold something else, or are rare.
    """
    closed = sum(text.rstrip().endswith(_CLOSED) for text in texts)
    if closed < max(_FEWEST, _MOST * len(texts)):
        return None
    found = [_BEHIND.fullmatch(text) for text in texts]
    labels = [match[2].strip() for match in found if match]
    counts = Counter(labels)
    recurring = sum(count for count in counts.values() if count > 1)
    if (
        len(labels) < max(_FEWEST, _MOST * len(texts))
        or len(counts) == 1
        or recurring < _HALF * len(labels)
        or not all(map(_may_be_name, counts))
        or not any(classify_label(label) in _NAMES for label in counts)
    ):
        return None
    return [
        TrailingLabel(match[2].strip(), match[1]) if match else TrailingLabel("", text)
        for text, match in zip(texts, found, strict=True)
    ]


def _may_be_name(label: str) -> bool:
    kind = classify_label(label)
    return kind in _NAMES or (kind is LabelKind.WORDS and is_capitalised(label))
