"""Find personal data, with a model where one is installed and without where none is."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from enum import StrEnum
from functools import cache
from typing import Final

from personal_data import dictionary, entities
from personal_data.addresses import find_addresses
from personal_data.dates import find_dates_and_ages
from personal_data.findings import PersonalDataSpan, resolve_overlaps
from personal_data.identifiers import find_identifiers
from personal_data.names import (
    find_capitalized_names,
    find_demographic_groups,
    find_known_names,
    find_titled_names,
    restore_capitals,
)
from personal_data.phones import find_phone_numbers
from personal_data.tokens import split_into_tokens
from spacy_models import is_spacy_installed

_MAX_PIECE: Final = 2_000
"""Characters in which names are looked for at once; a longer text is cut at ends of sentences."""


class DetectionMode(StrEnum):
    """Way to detect names: heavy (by a trained model) or light (by capital letters)."""

    HEAVY = "heavy"
    LIGHT = "light"


@cache
def get_default_detection_mode() -> DetectionMode:
    """Return the default detection mode: heavy if its model is installed, else light."""
    return DetectionMode.HEAVY if is_spacy_installed() else DetectionMode.LIGHT


def preload_models(mode: DetectionMode | None = None) -> None:
    """Load the dictionary and the model of a detection mode, so that the first call is fast."""
    dictionary.preload_dictionary()
    if (mode or get_default_detection_mode()) is DetectionMode.HEAVY:
        entities.preload_spacy_model()


def find_personal_data(
    text: str,
    *,
    language: str = "en",
    known_names: Collection[str] = (),
    mode: DetectionMode | None = None,
) -> tuple[PersonalDataSpan, ...]:
    """Find the personal data in a text; return its spans, with kind and confidence.

    Args:
        text: any text; long ones are read in time that grows with their length.
        language: of the text, such as "en" or "en-GB". In other languages than English names are
            found only if they are known: what has a form of its own is found in all.
        known_names: names that are personal data wherever they stand, such as the speakers'.
        mode: the mode to use; `get_default_detection_mode()` if None.

    Returns:
        Spans in order, in code points; none overlaps another.
    """
    mode = mode or get_default_detection_mode()
    is_english = language.lower().replace("_", "-").split("-")[0] == "en"
    found: list[PersonalDataSpan] = []
    for begin, piece in _split_in_pieces(text):
        here = _find_in_piece(piece, known_names, mode if is_english else None)
        found += (replace(one, start=begin + one.start, end=begin + one.end) for one in here)
    return tuple(found)


def _find_in_piece(
    text: str, known_names: Collection[str], mode: DetectionMode | None
) -> tuple[PersonalDataSpan, ...]:
    """Find personal data in a text of bounded length; without a mode, only known names."""
    found = [
        *find_known_names(text, known_names),
        *find_identifiers(text),
        *find_phone_numbers(text),
    ]
    if mode is None:
        found += find_dates_and_ages(text)
    else:
        text = restore_capitals(text)
        words = split_into_tokens(text)
        found += find_dates_and_ages(text)
        found += [
            *find_titled_names(text),
            *find_demographic_groups(words),
            *find_capitalized_names(text, words),
        ]
        if mode is DetectionMode.HEAVY:
            found += entities.find_named_entities(text, words)
        found += find_addresses(text, found)
    return resolve_overlaps(text, found)


def _split_in_pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield parts of bounded length, each with its start, cut where lines or words end.

    Personal data is short; and in short pieces no pattern's backtracking can take for ever.
    """
    begin = 0
    while begin < len(text):
        end = begin + _MAX_PIECE
        if end < len(text):
            cuts = (
                text.rfind(mark, begin + _MAX_PIECE // 2, end) + 1 for mark in ("\n", ". ", " ")
            )
            end = next((cut for cut in cuts if cut), end)
        yield begin, text[begin:end]
        begin = end
