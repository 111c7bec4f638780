"""``onrecord transcript``: revisions of interviews, withdrawn and restored over control's API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer
from pydantic import ValidationError

from contracts.ownership import ChangedRevision, WithdrawRevisionRequest
from onrecord.console import Json, err, print_json
from onrecord.errors import UsageError
from onrecord.settings import ClientSettings

if TYPE_CHECKING:
    from onrecord.control_client import ControlClient

T = TypeVar("T")

TranscriptId = Annotated[
    str,
    typer.Argument(metavar="ID", help="The interview's id, as `onrecord notes --json` has it."),
]
Revision = Annotated[
    int | None,
    typer.Option("--revision", metavar="N", min=1, max=2**31 - 1, help="Which revision."),
]
Reason = Annotated[str, typer.Option("--reason", help="Why; it goes into the trail.")]


def register(app: typer.Typer) -> None:
    """Add the commands of ``transcript`` to the command line."""
    transcript = typer.Typer(
        help="Interviews: which of their revisions count.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    transcript.command("withdraw")(withdraw)
    transcript.command("restore")(restore)
    app.add_typer(transcript, name="transcript")


def withdraw(
    transcript_id: TranscriptId,
    reason: Reason,
    revision: Revision = None,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Withdraw a revision of an interview, the highest if none is named: the one before counts.

    It is kept, and shown nowhere; work that is on its way for it does not bring it back. Its number
    is not used again: the next submission has the next number. `restore` undoes this.

    Examples of use:

        onrecord transcript withdraw 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --reason "wrong file"
        onrecord transcript withdraw 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --revision 9 --reason typo
        onrecord transcript withdraw 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --reason typo --json
    """
    wanted = _read(revision, reason)
    interview = _read_id(transcript_id)
    changed = _ask(lambda control: control.withdraw_revision(interview, wanted))
    _print(changed, "withdrawn", json_output=json_output)


def restore(
    transcript_id: TranscriptId,
    reason: Reason,
    revision: Revision = None,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Restore a revision that was withdrawn, the last one if none is named.

    Examples of use:

        onrecord transcript restore 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --reason "it was right"
        onrecord transcript restore 0b54c1f2-6a0e-5b6f-9d1c-3f1e2a4b5c6d --revision 2 --reason typo
    """
    wanted = _read(revision, reason)
    interview = _read_id(transcript_id)
    changed = _ask(lambda control: control.restore_revision(interview, wanted))
    _print(changed, "restored", json_output=json_output)


def _read(revision: int | None, reason: str) -> WithdrawRevisionRequest:
    try:
        return WithdrawRevisionRequest(revision=revision, reason=reason)
    except ValidationError as error:
        raise UsageError("--reason: is a line of 1 to 500 characters") from error


def _read_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no interview's id: `onrecord notes --json` has them as transcript_id"
        ) from error


def _print(changed: ChangedRevision, done: str, *, json_output: bool) -> None:
    if json_output:
        print_json(changed.model_dump(mode="json"))
        return
    now = changed.transcript
    current = "none" if now.current is None else f"revision {now.current}"
    err.print(
        f"{done}: revision {changed.revision} of {now.transcript_id}; current: {current}",
        markup=False,
    )


def _ask(question: Callable[[ControlClient], Awaitable[T]]) -> T:
    from onrecord.connections import ask_control  # noqa: PLC0415 - slow to import

    return asyncio.run(ask_control(ClientSettings.load(), question))
