"""Choose the modes in which the checks are measured: light, and heavy where its parser is there."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from evaluation.errors import InputError
from grounding.syntax.clauses import SyntaxParser
from grounding.syntax.spacy_parser import load_spacy_parser
from spacy_models import is_spacy_installed


class CheckMode(StrEnum):
    """The set of checks that notes are held against: with a parser (heavy) or without (light)."""

    LIGHT = "light"
    HEAVY = "heavy"


_NOT_INSTALLED: Final = (
    "the heavy mode needs spaCy and a model: install the extra heavy-grounding "
    "(pip install 'onrecord[heavy-grounding]')"
)


def load_parsers(requested: CheckMode | None) -> Mapping[CheckMode, SyntaxParser | None]:
    """Load the parser of each mode to measure.

    Args:
        requested: the only mode to measure; None for the light one, and the heavy one beside it
            where its packages are installed.

    Returns:
        The modes in order; the first one's figures are compared with the goals.

    Raises:
        InputError: the heavy mode was asked for and is not installed.
    """
    if requested is CheckMode.LIGHT or (requested is None and not is_spacy_installed()):
        return {CheckMode.LIGHT: None}
    if not is_spacy_installed():
        raise InputError(_NOT_INSTALLED)
    heavy = {CheckMode.HEAVY: load_spacy_parser()}
    return heavy if requested is CheckMode.HEAVY else {CheckMode.LIGHT: None, **heavy}
