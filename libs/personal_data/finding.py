"""Finds personal data, with a model where one is installed and without where none is."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from enum import StrEnum
from functools import cache
from typing import Final

from personal_data import entities, ordinary
from personal_data.addresses import addresses
from personal_data.findings import Finding, settled
from personal_data.identifiers import identifiers
from personal_data.names import groups, known, names, recased, titles
from personal_data.phones import phones
from personal_data.times import times
from personal_data.tokens import tokens

_LONGEST: Final = 2_000
"""Characters in which names are looked for at once; a longer text is cut at ends of sentences."""


class Mode(StrEnum):
    """How names are found."""

    HEAVY = "heavy"
    LIGHT = "light"


@cache
def mode() -> Mode:
    """What `find` does by default here: heavy if the extra ``personal-data`` is installed."""
    return Mode.HEAVY if entities.is_installed() else Mode.LIGHT


def preload(wanted: Mode | None = None) -> None:
    """Load dictionary and model now, once per process, in place of at the first `find`."""
    ordinary.load()
    if (wanted or mode()) is Mode.HEAVY:
        entities.load()


def find(
    text: str,
    *,
    language: str = "en",
    known_names: Collection[str] = (),
    wanted: Mode | None = None,
) -> tuple[Finding, ...]:
    """Find the personal data in a text.

    Args:
        text: any text; long ones are read in time that grows with their length.
        language: of the text, such as "en" or "en-GB". In other languages than English names are
            found only if they are known: what has a form of its own is found in all.
        known_names: names that are personal data wherever they stand, such as the speakers'.
        wanted: a mode in place of `mode()`.

    Returns:
        Findings in order of place, none overlapping another, in code points.
    """
    how = wanted or mode()
    is_english = language.lower().replace("_", "-").split("-")[0] == "en"
    found: list[Finding] = []
    for begin, piece in _pieces(text):
        here = _in_piece(piece, known_names, how if is_english else None)
        found += (replace(one, start=begin + one.start, end=begin + one.end) for one in here)
    return tuple(found)


def _in_piece(text: str, known_names: Collection[str], how: Mode | None) -> tuple[Finding, ...]:
    """The findings in a text of bounded length; without a mode, names only if they are known."""
    found = [*known(text, known_names), *identifiers(text), *phones(text)]
    if how is None:
        found += times(text)
    else:
        text = recased(text)
        words = tokens(text)
        found += times(text)
        found += [*titles(text), *groups(words), *names(text, words)]
        if how is Mode.HEAVY:
            found += entities.entities(text, words)
        found += addresses(text, found)
    return settled(text, found)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """A text in parts of bounded length, each with its place, cut where lines or words end.

    What is looked for is short; in a part that is, too, no pattern can take for ever.
    """
    begin = 0
    while begin < len(text):
        end = begin + _LONGEST
        if end < len(text):
            cuts = (text.rfind(mark, begin + _LONGEST // 2, end) + 1 for mark in ("\n", ". ", " "))
            end = next((cut for cut in cuts if cut), end)
        yield begin, text[begin:end]
        begin = end
