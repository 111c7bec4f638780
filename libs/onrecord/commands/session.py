"""``onrecord session``: browsers in which somebody has logged in at control, listed and ended."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Final, TypeVar
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Table

from contracts.access import Session
from contracts.ids import UUID_PATTERN
from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.settings import ClientSettings

if TYPE_CHECKING:
    from onrecord.control_client import ControlClient

T = TypeVar("T")

SHORTEST_ID: Final = 4
"""Characters of an id that people have to give at least."""

Ended = Annotated[bool, typer.Option("--ended", help="List those that have ended, too.")]
SessionId = Annotated[
    str, typer.Argument(metavar="ID", help="The session's id, or how it begins, from the list.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of ``session`` to the command line."""
    session = typer.Typer(
        help="Sessions of browsers: who has logged in, and where from.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    session.command("list")(list_)
    session.command()(revoke)
    app.add_typer(session, name="session", rich_help_panel="Operating")


def list_(ended: Ended = False, json_output: Json = False) -> None:  # noqa: FBT002 - flags
    """List the login sessions of browsers, the latest first.

    Examples of use:

        onrecord session list
        onrecord session list --ended --json | jq '.[] | select(.name == "ann") | .address'
    """
    sessions = _ask(lambda control: control.list_sessions(ended=ended))
    if json_output:
        print_json([one.model_dump(mode="json") for one in sessions])
    elif sessions:
        out.print(_table(sessions))
    else:
        err.print("nobody has logged in")


def revoke(session_id: SessionId, json_output: Json = False) -> None:  # noqa: FBT002 - a flag
    """End a browser's login session, so that its requests are refused.

    Examples of use:

        onrecord session revoke 3f2a90c1
    """

    async def find_and_end(control: ControlClient) -> UUID:
        if re.fullmatch(UUID_PATTERN, session_id):
            found = UUID(session_id)
        else:
            found = _find(session_id, await control.list_sessions())
        await control.end_session(found)
        return found

    ended = _ask(find_and_end)
    if json_output:
        print_json({"session_id": str(ended), "ended": True})
    else:
        out.print(f"ended: {ended}", markup=False)


def _find(beginning: str, sessions: Sequence[Session]) -> UUID:
    if len(beginning) < SHORTEST_ID:
        raise UsageError(f"give at least {SHORTEST_ID} characters of a session's id")
    found = [
        one.session_id for one in sessions if str(one.session_id).startswith(beginning.lower())
    ]
    if len(found) != 1:
        number = "no" if not found else "more than one"
        raise UsageError(
            f"{number} session's id begins with {beginning!r}: `onrecord session list`"
        )
    return found[0]


def _table(sessions: Sequence[Session]) -> Table:
    table = Table("id", "name", "roles", "address", "opened", "last used", "expires", box=None)
    for one in sessions:
        roles = ", ".join(
            f"{grant.role} of {grant.study_id}" if grant.study_id else str(grant.role)
            for grant in one.grants
        )
        moments = (one.created_at, one.last_used_at, one.ended_at or one.expires_at)
        cells = (one.name, roles, one.address, *(f"{moment:%Y-%m-%d %H:%M}" for moment in moments))
        table.add_row(str(one.session_id)[:8], *map(escape, cells))
    return table


def _ask(question: Callable[[ControlClient], Awaitable[T]]) -> T:
    from onrecord.connections import ask_control  # noqa: PLC0415 - slow to import

    return asyncio.run(ask_control(ClientSettings.load(), question))
