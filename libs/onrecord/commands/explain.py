"""``onrecord explain``: why a note was accepted or refused."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Final

import typer

from grounding.syntax.spacy_parser import load_spacy_parser
from onrecord.console import Json, out, print_json
from onrecord.errors import UsageError
from onrecord.pages.rendering import get_page_width, shorten_id
from onrecord.settings import ClientSettings
from read_model.explanation import ExplanationQueries, NoteExplanation, NoteMatch
from spacy_models import is_spacy_installed

NoteId = Annotated[
    str,
    typer.Argument(
        metavar="NOTE",
        help="A note's id, or how it begins (4 characters), as `onrecord notes` prints it.",
        show_default=False,
    ),
]

SHORTEST_ID: Final = 4
"""Characters of an id that people have to give at least."""

_ID: Final = re.compile(r"[0-9a-f]{4,32}")


def register(app: typer.Typer) -> None:
    """Add the command ``explain`` to the command line."""
    app.command(rich_help_panel="Interviews and notes")(explain)


def explain(note: NoteId, *, json_output: Json = False) -> None:
    """Explain a note: its evidence, its statement, and the result of each check.

    Refused notes have ids too: `onrecord notes --rejected` prints them. The checks are asked again
    as they are today; where one says something else than when the note was decided on, both are
    told. Takes the right to read evidence.

    Examples of use:

        onrecord explain 3f2a91c0
        onrecord explain 3f2a91c0 --json | jq '.checks[] | select(.then != null)'
    """
    digits = note.strip().lower().replace("-", "")
    if not _ID.fullmatch(digits):
        raise UsageError(
            f"{note!r} is no note's id: `onrecord notes` prints them in brackets; "
            f"give {SHORTEST_ID} characters or more"
        )
    explanation = asyncio.run(_explained(digits))
    if json_output:
        print_json(explanation.as_json())
        return
    from onrecord.pages.explanation import format_explanation  # noqa: PLC0415 - keeps help quick

    for line in format_explanation(explanation, get_page_width(out)):
        out.print(line)


async def _explained(digits: str) -> NoteExplanation:
    from onrecord.connections import open_postgres  # noqa: PLC0415 - slow to import

    parse = load_spacy_parser() if is_spacy_installed() else None
    async with open_postgres(ClientSettings.load()) as database:
        explaining = ExplanationQueries(database, parse)
        return await explaining.explain(_only(digits, await explaining.find(digits)))


def _only(digits: str, found: list[NoteMatch]) -> NoteMatch:
    if not found:
        raise UsageError(
            f"no note's id begins with {digits}: `onrecord notes` and `onrecord notes --rejected` "
            "print those there are"
        )
    if len(found) > 1:
        several = "; ".join(
            f"{shorten_id(one.id)} ({one.kind}, {one.standing}: {one.statement[:40]})"
            for one in found
        )
        raise UsageError(f"{digits} is how several notes begin: {several}")
    return found[0]
