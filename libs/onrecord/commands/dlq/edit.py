"""``onrecord dlq edit``: another value in place of a dead letter's message."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.letter_edits import EditLetterRequest, LetterEdits
from onrecord.commands.dlq.selection import ask_control_once
from onrecord.console import Json, err, out, print_json
from onrecord.errors import CommandError, UsageError

LetterId = Annotated[
    str, typer.Argument(metavar="ID", help="A letter's id, or the beginning of it (4 or more).")
]
File = Annotated[
    str | None, typer.Option("--file", metavar="FILE", help="The whole event as JSON; - is stdin.")
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="/FIELD=VALUE", help="Set one field, several times: a JSON Pointer."
    ),
]
Show = Annotated[bool, typer.Option("--show", help="Only show the edits so far.")]
Undo = Annotated[bool, typer.Option("--undo", help="Send the message as it is again.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only check the edit; nothing is kept.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it goes into the trail.")]


def register(dlq: typer.Typer) -> None:
    """Add the command ``edit`` to the group ``dlq``."""
    dlq.command()(edit)


def edit(  # noqa: PLR0913 - one parameter an option
    letter_id: LetterId,
    *,
    file: File = None,
    settings: Set = None,
    show: Show = False,
    undo: Undo = False,
    dry_run: DryRun = False,
    reason: Why = "",
    json_output: Json = False,
) -> None:
    """Edit the message that a replay of a dead letter sends: in $EDITOR, from a file or by field.

    The edit is checked as its service would check it. The message stays in its DLQ as it was;
    a replay sends one of the two, never both. What was said, by whom, and all ids are locked: a
    corrected interview is submitted anew. It takes the roles operator and evidence_reader.

    Examples of use:

        onrecord dlq edit 3fa9 --reason "the model named the wrong segment"
        onrecord dlq edit 3fa9 --set /accept_doubtful=true --reason "the labels are right"
        onrecord dlq edit 3fa9 --file edited.json --reason "the labels are right" --dry-run
        onrecord dlq edit 3fa9 --show
        onrecord dlq edit 3fa9 --undo --reason "a mistake"
        onrecord dlq rehearse 3fa9
    """
    from onrecord.letter_edits import (  # noqa: PLC0415 - slow to import
        fetch_letter_edits,
        store_letter_edit,
        undo_letter_edit,
    )

    _require_one_way(file, settings, show=show, undo=undo)
    if not show and not dry_run and not reason.strip():
        raise UsageError("--reason: say why the message is edited")
    letter = ask_control_once(lambda control: fetch_letter_edits(control, letter_id), reason)
    if undo:
        letter = ask_control_once(lambda control: undo_letter_edit(control, letter), reason)
    if show or undo:
        _print(letter, json_output=json_output)
        return
    value, kept = _ask_for_value(letter, file, settings)
    wanted = EditLetterRequest(value=value, reason=reason or "a check", dry_run=dry_run)
    try:
        edited = ask_control_once(
            lambda control: store_letter_edit(control, letter, wanted), reason
        )
    except CommandError:
        if kept is not None:
            err.print(f"what you wrote is in {kept}: mend it, and use --file", markup=False)
        raise
    if kept is not None:
        kept.unlink()
    if dry_run:
        err.print("it would be sent as it is; nothing was kept")
    _print(edited, json_output=json_output)


def _require_one_way(
    file: str | None, settings: list[str] | None, *, show: bool, undo: bool
) -> None:
    if sum(map(bool, (file, settings, show, undo))) > 1:
        raise UsageError("one of --file, --set, --show and --undo")


def _ask_for_value(
    letter: LetterEdits, file: str | None, settings: list[str] | None
) -> tuple[dict[str, Any], Path | None]:
    """The event that is to be sent, and the file in which somebody wrote it in an editor."""
    from onrecord.letter_edits import (  # noqa: PLC0415 - slow to import
        parse_edited_event,
        require_editable,
        set_event_fields,
    )

    require_editable(letter)
    if file is not None:
        return parse_edited_event(_read(file), file), None
    if settings:
        return set_event_fields(letter.value, settings), None
    return _ask_editor(letter)


def _ask_editor(letter: LetterEdits) -> tuple[dict[str, Any], Path]:
    from onrecord.letter_edits import edit_letter_in_text_editor  # noqa: PLC0415 - slow to import

    if not sys.stdin.isatty():
        raise UsageError("there is no terminal for an editor: use --file or --set")
    return edit_letter_in_text_editor(letter)


def _print(letter: LetterEdits, *, json_output: bool) -> None:
    from onrecord.pages.letter_edits import format_letter_edits  # noqa: PLC0415 - slow to import

    if json_output:
        print_json(letter.model_dump(mode="json"))
        return
    for line in format_letter_edits(letter):
        out.print(line)


def _read(file: str) -> str:
    try:
        if file == "-":
            return sys.stdin.buffer.read().decode()
        return Path(file).read_text("utf-8")
    except OSError as error:
        raise UsageError(f"--file {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--file {file}: is not UTF-8") from error
