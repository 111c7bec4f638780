"""``onrecord note``: what people decide about notes, beside what the model wrote."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from contracts.note_decisions import (
    DecidedNoteSummary,
    DecideNoteRequest,
    NoteDecisionKind,
    NoteDecisions,
)
from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.pages.rendering import get_page_width
from onrecord.settings import ClientSettings
from onrecord.submit.document_errors import format_document_errors

NoteId = Annotated[
    str,
    typer.Argument(
        metavar="NOTE",
        help="A note's id, or how it begins (4 characters), as `onrecord notes` prints it.",
        show_default=False,
    ),
]
Why = Annotated[str | None, typer.Option("--reason", help="Why; it is shown with the decision.")]
Statement = Annotated[str, typer.Argument(metavar="STATEMENT", help="The new statement.")]
Unproven = Annotated[
    bool,
    typer.Option(
        "--unproven",
        help="Store a statement that nothing vouches for; it is shown as not proven.",
    ),
]
Themes = Annotated[
    list[str] | None,
    typer.Option("--theme", metavar="ID", help="A theme of the study; may be repeated."),
]
Questions = Annotated[
    list[str] | None,
    typer.Option("--question", metavar="ID", help="A research question; may be repeated."),
]
NoQuestions = Annotated[
    bool, typer.Option("--no-question", help="File it under no research question.")
]
Comment = Annotated[str, typer.Argument(metavar="COMMENT", help="The comment.")]
Number = Annotated[
    int,
    typer.Argument(
        metavar="NUMBER", min=1, help="The decision's number in `onrecord note history`."
    ),
]
Study = Annotated[
    str | None, typer.Option(help="The study's id; may be left out if there is only one.")
]
Lost = Annotated[
    bool,
    typer.Option(
        "--lost",
        help="Only those that do not hold in the current revision: their evidence is no longer in "
        "the transcript, no note has it, or the accepted note says something else.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands of ``note`` to the command line."""
    note = typer.Typer(
        help="Notes: accepted, edited, re-filed, hidden and commented on by people.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    note.command("accept")(accept)
    note.command("edit")(edit)
    note.command("refile")(refile)
    note.command("hide")(hide)
    note.command("show")(show)
    note.command("comment")(comment)
    note.command("withdraw")(withdraw)
    note.command("history")(history)
    note.command("decisions")(decisions)
    app.add_typer(note, name="note", rich_help_panel="Interviews and notes")


def accept(note: NoteId, *, reason: Why = None, json_output: Json = False) -> None:
    """Accept what a note says; a mark with your name.

    It holds for these very words: not for an edited statement, and not for other words of a later
    revision.

    Examples of use:

        onrecord note accept 3f2a91c0
        onrecord note accept 3f2a91c0 --reason "heard the recording"
    """
    _decide(note, {"kind": NoteDecisionKind.ACCEPTED, "reason": reason}, as_json=json_output)


def edit(
    note: NoteId,
    statement: Statement,
    *,
    unproven: Unproven = False,
    reason: Why = None,
    json_output: Json = False,
) -> None:
    """Give a note another statement; its quotes stay.

    The statement goes through the same checks as a model's. One that a check refuses is not stored;
    one that nothing vouches for only with --unproven. What the model had written stays beside it.

    Examples of use:

        onrecord note edit 3f2a91c0 "They would not recommend it."
        onrecord note edit 3f2a91c0 "They are cautious with money." --unproven
    """
    wanted = {"kind": NoteDecisionKind.EDITED, "statement": statement, "unproven": unproven}
    _decide(note, {**wanted, "reason": reason}, as_json=json_output)


def refile(  # noqa: PLR0913 - one parameter an option
    note: NoteId,
    *,
    theme: Themes = None,
    question: Questions = None,
    no_question: NoQuestions = False,
    reason: Why = None,
    json_output: Json = False,
) -> None:
    """File a note under other themes or research questions of its study.

    Examples of use:

        onrecord note refile 3f2a91c0 --theme pricing
        onrecord note refile 3f2a91c0 --theme pricing --theme trust --no-question
    """
    if question and no_question:
        raise UsageError("--no-question does not go with --question")
    questions = [] if no_question else question or None
    wanted = {"kind": NoteDecisionKind.REFILED, "themes": theme or None, "questions": questions}
    _decide(note, {**wanted, "reason": reason}, as_json=json_output)


def hide(note: NoteId, *, reason: Why = None, json_output: Json = False) -> None:
    """Hide a note from lists, counts, the matrix, coverage, search and exports.

    `onrecord notes --hidden` lists what is hidden, with who and why; `onrecord note show` undoes
    it.

    Examples of use:

        onrecord note hide 3f2a91c0 --reason "small talk"
    """
    _decide(note, {"kind": NoteDecisionKind.HIDDEN, "reason": reason}, as_json=json_output)


def show(note: NoteId, *, reason: Why = None, json_output: Json = False) -> None:
    """Show a hidden note again.

    Examples of use:

        onrecord note show 3f2a91c0
    """
    _decide(note, {"kind": NoteDecisionKind.SHOWN, "reason": reason}, as_json=json_output)


def comment(note: NoteId, comment: Comment, *, json_output: Json = False) -> None:
    """Comment on a note, for all who read it.

    Examples of use:

        onrecord note comment 3f2a91c0 "Compare with the price list."
    """
    _decide(note, {"kind": NoteDecisionKind.COMMENT, "comment": comment}, as_json=json_output)


def withdraw(
    note: NoteId, number: Number, *, reason: Why = None, json_output: Json = False
) -> None:
    """Withdraw a decision about a note, yours or another one's; both stay in the history.

    Examples of use:

        onrecord note withdraw 3f2a91c0 2
    """
    wanted = {"kind": NoteDecisionKind.WITHDRAWN, "withdraws": number, "reason": reason}
    _decide(note, wanted, as_json=json_output)


def history(note: NoteId, *, json_output: Json = False) -> None:
    """Show all decisions about a note: who, when, why, and what became of them.

    Examples of use:

        onrecord note history 3f2a91c0
        onrecord note history 3f2a91c0 --json | jq '.decisions[].decided_by'
    """
    _print(asyncio.run(_history(note)), as_json=json_output)


def decisions(*, study: Study = None, lost: Lost = False, json_output: Json = False) -> None:
    """List the notes of a study that people decided about, the latest decision first.

    Examples of use:

        onrecord note decisions --study small-repair-shops
        onrecord note decisions --lost
    """
    found = asyncio.run(_list(study, lost=lost))
    if json_output:
        print_json([one.model_dump(mode="json") for one in found])
        return
    from onrecord.pages.note_decisions import format_decided_note  # noqa: PLC0415 - keeps help quick

    for one in found:
        for line in format_decided_note(one, get_page_width(out)):
            out.print(line)
    if not found:
        err.print("all decisions hold" if lost else "nobody has decided about a note yet")


def _decide(note: str, fields: dict[str, Any], *, as_json: bool) -> None:
    try:
        wanted = DecideNoteRequest.model_validate(fields)
    except ValidationError as error:
        raise UsageError(format_document_errors(error)) from error
    _print(asyncio.run(_send(note, wanted)), as_json=as_json)


def _print(found: NoteDecisions, *, as_json: bool) -> None:
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    from onrecord.pages.note_decisions import format_decisions  # noqa: PLC0415 - keeps help quick

    for line in format_decisions(found, get_page_width(out)):
        out.print(line)


async def _send(note: str, wanted: DecideNoteRequest) -> NoteDecisions:
    from onrecord.connections import open_control_client  # noqa: PLC0415 - slow to import
    from onrecord.note_deciding import decide, parse_note_id  # noqa: PLC0415 - slow to import

    digits = parse_note_id(note)
    async with open_control_client(ClientSettings.load()) as control:
        return await decide(control, digits, wanted)


async def _history(note: str) -> NoteDecisions:
    from onrecord.connections import open_control_client  # noqa: PLC0415 - slow to import
    from onrecord.note_deciding import parse_note_id, read_decisions  # noqa: PLC0415 - slow to import

    digits = parse_note_id(note)
    async with open_control_client(ClientSettings.load()) as control:
        return await read_decisions(control, digits)


async def _list(study: str | None, *, lost: bool) -> list[DecidedNoteSummary]:
    from onrecord.connections import open_control_client  # noqa: PLC0415 - slow to import
    from onrecord.note_deciding import NOT_HELD, list_decided_notes  # noqa: PLC0415 - slow to import
    from onrecord.note_selection import select_notes  # noqa: PLC0415 - slow to import
    from onrecord.reading_client import ReadingClient  # noqa: PLC0415 - slow to import
    from read_model.notes import NoteFilter  # noqa: PLC0415 - slow to import

    async with open_control_client(ClientSettings.load()) as control:
        selection = await select_notes(ReadingClient(control), NoteFilter(study))
        if len(selection.studies) != 1:
            known = "; ".join(selection.studies) or "none with an interview yet"
            raise UsageError(f"name a study with --study; known: {known}")
        (named,) = selection.studies
        statuses = NOT_HELD if lost else (None,)
        return [one async for one in list_decided_notes(control, named, statuses)]
