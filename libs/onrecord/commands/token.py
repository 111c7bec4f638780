"""``onrecord token``: access tokens for control's API, made, listed and revoked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, TypeVar
from uuid import UUID

import typer
from pydantic import ValidationError
from rich.markup import escape
from rich.table import Table

from contracts.access import MAX_TOKEN_DAYS, AccessToken, CreateTokenRequest, Role, RoleGrant
from contracts.ids import UUID_PATTERN
from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.settings import ClientSettings

if TYPE_CHECKING:
    from onrecord.control_client import ControlClient

T = TypeVar("T")

SHORTEST_ID: Final = 4
"""Characters of an id that people have to give at least."""

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Whose token it is; the trail calls them so.")
]
Roles = Annotated[
    list[str],
    typer.Option(
        "--role",
        metavar="ROLE[:STUDY]",
        help="A role, in one study or in all: reader, evidence_reader, researcher, operator or "
        "admin. Can be repeated.",
    ),
]
Days = Annotated[
    int, typer.Option("--days", min=1, max=MAX_TOKEN_DAYS, help="Days until it is refused.")
]
Forever = Annotated[bool, typer.Option("--never-expires", help="It is valid until revoked.")]
TokenId = Annotated[
    str, typer.Argument(metavar="ID", help="The token's id, or how it begins, from the list.")
]


Why = Annotated[str, typer.Option("--reason", help="Why you ask; it goes into the trail.")]


def register(app: typer.Typer) -> None:
    """Add the commands of ``token`` to the command line."""
    token = typer.Typer(
        help="Access tokens: who may read notes, and operate the system.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    token.command()(create)
    token.command("list")(list_)
    token.command()(revoke)
    token.command()(whoami)
    app.add_typer(token, name="token", rich_help_panel="Operating")


def create(  # noqa: PLR0913 - one parameter an option
    name: Name,
    roles: Roles,
    *,
    days: Days = 90,
    never_expires: Forever = False,
    reason: Why = "",
    json_output: Json = False,
) -> None:
    """Create an access token and print its secret, which is shown only once.

    Whoever has it sets ONRECORD_TOKEN, or sends `Authorization: Bearer SECRET`.

    Examples of use:

        onrecord token create ada --role reader:small-repair-shops
        onrecord token create night-shift --role operator --days 30
        onrecord token create console --role admin --never-expires --json
    """
    try:
        wanted = CreateTokenRequest(
            name=name,
            grants=tuple(_parse_grant(role) for role in roles),
            expires_in_days=None if never_expires else days,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    made = _ask(lambda control: control.create_token(wanted), reason)
    if json_output:
        print_json(made.model_dump(mode="json"))
        return
    out.print(made.secret, markup=False, soft_wrap=True)
    err.print(f"{_describe(made.token)}; this secret is not shown again", markup=False)


def list_(json_output: Json = False) -> None:  # noqa: FBT002 - a flag
    """List access tokens, the latest first, with their roles and last use.

    Examples of use:

        onrecord token list
        onrecord token list --json | jq '.[] | select(.revoked_at == null) | .name'
    """
    tokens = _ask(lambda control: control.list_tokens())
    if json_output:
        print_json([one.model_dump(mode="json") for one in tokens])
        return
    out.print(_table(tokens))


def revoke(
    token_id: TokenId,
    reason: Why = "",
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Revoke an access token, so that requests with it are refused.

    Examples of use:

        onrecord token revoke 3f2a90c1
    """

    async def find_and_revoke(control: ControlClient) -> AccessToken:
        if re.fullmatch(UUID_PATTERN, token_id):
            return await control.revoke_token(UUID(token_id))
        return await control.revoke_token(_find(token_id, await control.list_tokens()))

    revoked = _ask(find_and_revoke, reason)
    if json_output:
        print_json(revoked.model_dump(mode="json"))
    else:
        out.print(f"revoked: {_describe(revoked)}", markup=False)


def whoami(json_output: Json = False) -> None:  # noqa: FBT002 - a flag
    """Print the name and roles of the access token that commands use.

    Examples of use:

        onrecord token whoami
    """
    found = _ask(lambda control: control.who_am_i())
    if json_output:
        print_json(found.model_dump(mode="json"))
    else:
        out.print(f"{found.name}: {_format_grants(found.grants)}", markup=False)


def _parse_grant(text: str) -> RoleGrant:
    name, _, study = text.partition(":")
    try:
        role = Role(name)
    except ValueError:
        raise UsageError(
            f"there is no role {name!r}; there are {', '.join(one.value for one in Role)}"
        ) from None
    return RoleGrant(role=role, study_id=study or None)


def _find(beginning: str, tokens: Sequence[AccessToken]) -> UUID:
    if len(beginning) < SHORTEST_ID:
        raise UsageError(f"give at least {SHORTEST_ID} characters of a token's id")
    found = [one.token_id for one in tokens if str(one.token_id).startswith(beginning.lower())]
    if len(found) != 1:
        number = "no" if not found else "more than one"
        raise UsageError(f"{number} token's id begins with {beginning!r}: `onrecord token list`")
    return found[0]


def _table(tokens: Sequence[AccessToken]) -> Table:
    table = Table("id", "name", "roles", "expires", "last used", "state", box=None)
    for one in tokens:
        table.add_row(
            str(one.token_id)[:8],
            escape(one.name),
            escape(_format_grants(one.grants)),
            _day(one.expires_at) or "never",
            _day(one.last_used_at) or "never",
            _state(one),
        )
    return table


def _state(token: AccessToken) -> str:
    if token.revoked_at is not None:
        return "revoked"
    is_over = token.expires_at is not None and token.expires_at <= datetime.now(UTC)
    return "expired" if is_over else "valid"


def _describe(token: AccessToken) -> str:
    until = f"until {_day(token.expires_at)}" if token.expires_at else "for ever"
    return f"{token.name}, {_format_grants(token.grants)}, {until}"


def _format_grants(grants: Sequence[RoleGrant]) -> str:
    return ", ".join(
        f"{one.role} of {one.study_id}" if one.study_id else str(one.role) for one in grants
    )


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d}"


def _ask(question: Callable[[ControlClient], Awaitable[T]], reason: str = "") -> T:
    from onrecord.connections import ask_control  # noqa: PLC0415 - slow to import

    return asyncio.run(ask_control(ClientSettings.load(), question, reason))
