"""Marks of languages before lines that stand once in each of several: `[EN] …`, `[DE] …`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from transcripts.speakers.candidates import LabelCandidate, LabelMarking

_CODES: Final = """
    en de fr es it pt nl pl ru uk tr ar he fa zh ja ko hi sv da fi cs ro hu el sk bg hr sr sl ca
    eng deu ger fra fre spa ita por nld dut pol rus ukr tur ara heb zho chi jpn kor hin swe dan fin
    english german french spanish italian portuguese dutch polish russian ukrainian turkish arabic
    hebrew persian farsi chinese mandarin cantonese japanese korean hindi urdu swedish danish
    deutsch französisch englisch français anglais español inglés italiano português
"""
_LANGUAGES: Final = frozenset(_CODES.split())
_MARK: Final = re.compile(r"[\[(](?P<code>[^\W\d_]{2,12})[\])]\s|(?P<plain>[A-Z]{2,3}):\s")
_LANGUAGE_BEHIND: Final = re.compile(
    r"(?P<name>.{1,80}?)[\s/|-]{1,3}[\[(]?(?P<code>[^\W\d_]{2,12})[\])]?"
)
_MARK_STARTS: Final = ("[", "(")
_FEWEST: Final = 2
_FORMS: Final = frozenset({LabelMarking.BRACKET, LabelMarking.COLON})


def find_language_labels(starts: Sequence[Sequence[LabelCandidate]]) -> frozenset[str]:
    """Find labels in a translated file that name languages instead of speakers.

    Args:
        starts: the possible labels of each of a file's lines.
    """
    found: set[str] = set()
    for candidates in starts:
        for one in candidates:
            if (
                one.key in _LANGUAGES
                and one.form in _FORMS
                and not one.later
                and is_language_label(one.label)
            ):
                found.add(one.key)
            if one.text[:1] not in _MARK_STARTS and ":" not in one.text[2:4]:
                continue  # as most lines of speech, at once
            match = _MARK.match(one.text)
            if match and is_language_label(match["code"] or match["plain"]):
                found.add((match["code"] or match["plain"]).casefold())
    return frozenset(found) if len(found) >= _FEWEST else frozenset()


def find_label_with_language(labels: Iterable[str]) -> str:
    """Return a label that is another one with a language (`Ada (EN)` beside `Ada`), or ""."""
    kept = set(labels)
    return next(
        (
            label
            for label in sorted(kept)
            if (match := _LANGUAGE_BEHIND.fullmatch(label))
            and match["name"] in kept
            and is_language_label(match["code"])
        ),
        "",
    )


def is_language_label(label: str) -> bool:
    """Return whether a label is the name of a language, or a code such as "EN"."""
    return label.casefold() in _LANGUAGES and (label.isupper() or len(label) > 3)  # noqa: PLR2004 - a code
