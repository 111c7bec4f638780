"""``onrecord explain``: why a note was accepted or refused."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Annotated, Final

import typer

from onrecord.console import Json, out, print_json
from onrecord.errors import UsageError
from onrecord.pages.rendering import get_page_width
from onrecord.settings import ClientSettings

if TYPE_CHECKING:
    from contracts.note_decisions import NoteDecisions
    from read_model.explanation import NoteExplanation

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
    """Explain a note: show its evidence, its statement, and the result of each check.

    Refused notes have ids too: `onrecord notes --rejected` prints them. The checks are asked again
    as they are today; where one says something else than when the note was decided on, both are
    told. What people decided about the note follows. Takes the right to read evidence.

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
    explanation, decided = asyncio.run(_explained(digits))
    if json_output:
        decisions = decided.model_dump(mode="json")["decisions"] if decided else []
        print_json({**explanation.as_json(), "decisions": decisions})
        return
    from onrecord.pages.explanation import format_explanation  # noqa: PLC0415 - keeps help quick
    from onrecord.pages.note_decisions import format_decisions  # noqa: PLC0415 - keeps help quick

    for line in format_explanation(explanation, get_page_width(out)):
        out.print(line)
    if decided is not None and decided.decisions:
        out.print()
        for text in format_decisions(decided, get_page_width(out)):
            out.print(text)


async def _explained(digits: str) -> tuple[NoteExplanation, NoteDecisions | None]:
    """Return a note's explanation, and what people decided about it; refused notes have nothing."""
    from onrecord.connections import open_control_client  # noqa: PLC0415 - slow to import
    from onrecord.control_transport import NoSuchThingError  # noqa: PLC0415 - slow to import
    from onrecord.note_deciding import read_decisions  # noqa: PLC0415 - slow to import
    from onrecord.reading_client import ReadingClient  # noqa: PLC0415 - slow to import

    async with open_control_client(ClientSettings.load()) as control:
        explanation = await ReadingClient(control).explanation(digits)
        if explanation.state == "refused":
            return explanation, None
        try:
            return explanation, await read_decisions(control, explanation.id.hex)
        except NoSuchThingError:  # it says the same as another, or is of an earlier revision
            return explanation, None
