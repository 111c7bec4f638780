"""``onrecord dlq retention`` and ``dlq reindex``: how long letters are kept, and what there is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from onrecord.commands.dlq.selection import ask_control_once
from onrecord.console import Json, err, out, print_json
from onrecord.pages.rendering import format_count, get_page_width

if TYPE_CHECKING:
    from contracts.letter_retention import ReindexResult

Why = Annotated[str, typer.Option("--reason", help="Why you ask; it goes into the trail.")]


def register(dlq: typer.Typer) -> None:
    """Add the commands ``retention`` and ``reindex`` to the group ``dlq``."""
    dlq.command()(retention)
    dlq.command()(reindex)


def retention(*, json_output: Json = False) -> None:
    """Show when open dead letters expire, by cause, and how full the DLQs are.

    What expired is in `onrecord dlq list --state expired`, and in the trail as `letters.expire`.
    How long letters are kept is set by CONTROL_OPEN_LETTERS_KEPT_DAYS and
    CONTROL_CLOSED_LETTERS_KEPT_DAYS, and by `--retention-days` of studies.

    Examples of use:

        onrecord dlq retention
        onrecord dlq retention --json
    """
    from contracts.letter_retention import LetterRetention  # noqa: PLC0415 - slow to import
    from onrecord.pages.letter_retention import format_letter_retention  # noqa: PLC0415 - as above

    found = ask_control_once(lambda control: control.get("/v1/letters/retention", LetterRetention))
    if json_output:
        print_json(found.model_dump(mode="json"))
        return
    for line in format_letter_retention(found, datetime.now(UTC), get_page_width(out)):
        out.print(line)


def reindex(*, reason: Why = "", json_output: Json = False) -> None:
    """Read the DLQs again, to add dead letters that control's index lacks.

    Control indexes letters by itself. This is for a database that was restored or made anew, and
    for a DLQ that was copied back: letters that were gone from it, and expired for that, are open
    again. All other letters stay what they are. It may be interrupted and begun again.

    Examples of use:

        onrecord dlq reindex
        onrecord dlq reindex --reason "restored from the backup of Monday" --json
    """
    found = _read_again(None, reason)
    read, new = found.read, found.new
    while found.next is not None:
        err.print(f"{format_count(read, 'record')} read, {new:,} of letters that are new")
        found = _read_again(found.next, reason)
        read, new = read + found.read, new + found.new
    if json_output:
        print_json({"read": read, "new": new})
        return
    out.print(f"{format_count(read, 'record')} read, {new:,} of letters that are new")


def _read_again(cursor: str | None, reason: str) -> ReindexResult:
    """Have control read the next part of the DLQs."""
    from contracts.letter_retention import ReindexResult  # noqa: PLC0415 - slow to import

    asked = {} if cursor is None else {"cursor": cursor}
    return ask_control_once(
        lambda control: control.send("POST", "/v1/letters/reindex", ReindexResult, json=asked),
        reason,
    )
