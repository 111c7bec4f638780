"""What the standings of notes mean, in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from contracts.notes import Standing

READING_LABEL: Final = "model's reading, not proven"
"""What stands before a statement that is no finding."""

UNPROVEN: Final = "not proven: nothing vouches for this statement"
"""What stands below an unproven statement where the study or the reader asked for all."""

_MEANINGS: Final[Mapping[Standing, str]] = {
    Standing.VERBATIM: "the statement is the quote's own words",
    Standing.PROVEN: "code accounted for every part of the statement in the quotes",
    Standing.CONFIRMED: "a model that was asked found that the quotes support the statement",
    Standing.UNPROVEN: "nothing vouches for the statement and nothing refutes it; the quotes are "
    "exact, and the statement is how the model read them",
    Standing.REFUTED: "a check or a judging model refutes the statement, so that it is no note",
}


def describe_standing(standing: Standing) -> str:
    """Return a phrase that explains a note's standing, such as ``proven``."""
    return _MEANINGS[standing]
