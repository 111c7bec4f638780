"""``onrecord retention``: how long interviews, notes, letters, answers and the trail are kept."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from contracts.study_retention import RetainedKind
from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.pages.rendering import get_page_width
from onrecord.settings import ClientSettings

if TYPE_CHECKING:
    from onrecord.control_client import ControlClient

T = TypeVar("T")

StudyId = Annotated[str, typer.Argument(metavar="STUDY", help="The study's id.")]
Transcripts = Annotated[
    str | None,
    typer.Option(
        metavar="365d|forever",
        help="Interviews, with all that there is of them, since their newest revision was stored.",
    ),
]
Notes = Annotated[
    str | None,
    typer.Option(metavar="180d|forever", help="Notes and their evidence; the interview stays."),
]
Letters = Annotated[
    str | None,
    typer.Option(metavar="30d|forever", help="Dead letters, if shorter than for all studies."),
]
Answers = Annotated[
    str | None, typer.Option(metavar="30d|forever", help="Cached answers of models.")
]
Trail = Annotated[
    str | None,
    typer.Option(metavar="730d|forever", help="Reasons, targets and addresses in the trail."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only show what would be deleted; set nothing.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before something is deleted.")]


def register(app: typer.Typer) -> None:
    """Add the commands of ``retention`` to the command line."""
    retention = typer.Typer(
        help="How long interviews, notes, letters, answers and the trail of a study are kept.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    retention.command("show")(show)
    retention.command("set")(set_)
    retention.command("preview")(preview)
    app.add_typer(retention, name="retention")


def show(
    study: StudyId,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Show how long what there is of a study is kept, and what was deleted last.

    Examples of use:

        onrecord retention show repairs
        onrecord retention show repairs --json | jq .last
    """
    # Keeps help quick.
    from onrecord.pages.study_retention import format_retention  # noqa: PLC0415
    from onrecord.study_retention import find_retention  # noqa: PLC0415

    found = _ask(lambda control: find_retention(control, study))
    if json_output:
        print_json(found.model_dump(mode="json"))
        return
    for line in format_retention(found, get_page_width(out)):
        out.print(line)


def preview(
    study: StudyId,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Show how much of a study is too old now, and within 30 days; nothing is deleted.

    Examples of use:

        onrecord retention preview repairs
        onrecord retention preview repairs --json | jq '.kinds[] | select(.due_soon > 0)'
    """
    # Keeps help quick.
    from onrecord.pages.study_retention import format_preview  # noqa: PLC0415
    from onrecord.study_retention import preview_retention  # noqa: PLC0415

    found = _ask(lambda control: preview_retention(control, study))
    if json_output:
        print_json(found.model_dump(mode="json"))
        return
    out.print(format_preview(found))


def set_(  # noqa: PLR0913, PLR0917 - one parameter an option
    study: StudyId,
    transcripts: Transcripts = None,
    notes: Notes = None,
    letters: Letters = None,
    answers: Answers = None,
    trail: Trail = None,
    dry_run: DryRun = False,  # noqa: FBT002 - a flag
    yes: Yes = False,  # noqa: FBT002 - a flag
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Set for how long what there is of a study is kept, in whole days; the rest stays as it is.

    If the change deletes something at once, it is shown what, and asked first. What is deleted
    cannot be had back.

    Examples of use:

        onrecord retention set repairs --transcripts 730d --notes 365d --dry-run
        onrecord retention set repairs --answers 30d --trail 104w --yes
        onrecord retention set repairs --notes forever
    """
    # Keeps help quick.
    from onrecord.pages.study_retention import (  # noqa: PLC0415
        format_preview,
        format_retention,
    )
    from onrecord.study_retention import (  # noqa: PLC0415
        change_policy,
        find_retention,
        preview_change,
        set_retention,
    )

    times = (transcripts, notes, letters, answers, trail)
    given = dict(zip(RetainedKind, times, strict=True))
    if not any(times):
        raise UsageError("say for how long something is kept, such as --transcripts 365d")
    current = _ask(lambda control: find_retention(control, study))
    policy = change_policy(current.policy, given)
    due = _ask(lambda control: preview_change(control, current, policy))
    before = _ask(lambda control: preview_change(control, current, current.policy))
    deletes_more = due.deletes_more_than(before)
    if dry_run and json_output:
        print_json(due.model_dump(mode="json"))
        return
    if dry_run or deletes_more:
        err.print(format_preview(due))
    if dry_run:
        err.print("nothing was set: this was a dry run")
        return
    if deletes_more and not yes:
        _confirm()
    changed = _ask(lambda control: set_retention(control, current, policy))
    if json_output:
        print_json(changed.model_dump(mode="json"))
        return
    for line in format_retention(changed, get_page_width(out)):
        out.print(line)


def _confirm() -> None:
    if not sys.stdin.isatty():
        raise UsageError(
            "what is due now would be deleted, and there is no terminal to ask at: add --yes, or "
            "--dry-run"
        )
    if not typer.confirm("Delete what is due now, for ever?", err=True):
        err.print("nothing was set")
        raise typer.Exit(1)


def _ask(question: Callable[[ControlClient], Awaitable[T]]) -> T:
    from onrecord.connections import ask_control  # noqa: PLC0415 - slow to import

    return asyncio.run(ask_control(ClientSettings.load(), question))
