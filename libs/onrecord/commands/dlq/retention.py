"""``onrecord dlq retention``: which dead letters expire when, and how full the DLQs are."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from onrecord.commands.dlq.selection import ask_control_once
from onrecord.console import Json, out, print_json
from onrecord.pages.rendering import get_page_width


def register(dlq: typer.Typer) -> None:
    """Add the command ``retention`` to the group ``dlq``."""
    dlq.command()(retention)


def retention(*, json_output: Json = False) -> None:
    """Show which open dead letters expire when, by cause, and how full the DLQs are.

    What expired is in `onrecord dlq list --state expired`, and in the trail as `letters.expire`.
    How long letters are kept is set by CONTROL_OPEN_LETTERS_KEPT_DAYS and
    CONTROL_CLOSED_LETTERS_KEPT_DAYS, and by `--retention-days` of studies.

    Examples of use:

        onrecord dlq retention
        onrecord dlq retention --json
    """
    from contracts.letter_retention import LetterRetention  # noqa: PLC0415 - slow to import
    from onrecord.pages.letter_retention import format_retention  # noqa: PLC0415 - as above

    found = LetterRetention.model_validate(
        ask_control_once(lambda control: control.get("/v1/letters/retention"))
    )
    if json_output:
        print_json(found.model_dump(mode="json"))
        return
    for line in format_retention(found, datetime.now(UTC), get_page_width(out)):
        out.print(line)
