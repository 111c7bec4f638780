"""``onrecord dlq causes`` and ``dlq cause``: what dead letters died of, and who looks after it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from onrecord.commands.dlq.selection import parse_filter
from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.settings import ClientSettings

if TYPE_CHECKING:
    from onrecord.control_client import ControlClient

T = TypeVar("T")

Service = Annotated[str | None, typer.Option(help="Only causes at this service.")]
Code = Annotated[str | None, typer.Option(help="Only with this error code, such as llm_timeout.")]
Study = Annotated[str | None, typer.Option(help="Only letters of this study.")]
State = Annotated[
    str,
    typer.Option(
        help="Only causes that have letters in this state: open, replaying, replayed, resolved, "
        "failed_again, discarded, expired, or all of them."
    ),
]
Muted = Annotated[bool, typer.Option("--muted", help="Muted causes too.")]
Snoozed = Annotated[
    bool, typer.Option("--snoozed", help="Causes whose open letters are all snoozed, too.")
]
Limit = Annotated[int, typer.Option(min=1, max=1_000, help="At most so many.")]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="NAME=VALUE",
        help="Only letters that match, several times: service, code, study, model, prompt.",
    ),
]
_CONDITIONS: Final = frozenset({"service", "code", "study", "model", "prompt"})
CauseId = Annotated[
    str, typer.Argument(metavar="CAUSE", help="A cause's id, as `dlq causes` has it.")
]
Assign = Annotated[str | None, typer.Option("--assign", help="Who looks after it; '' for nobody.")]
Remark = Annotated[
    str | None, typer.Option("--remark", help="What is known about it; '' for nothing.")
]
Mute = Annotated[
    str | None,
    typer.Option("--mute", help="Leave it out of lists for so long, such as 2h or 3d."),
]
Unmute = Annotated[bool, typer.Option("--unmute", help="List it again.")]


def register(dlq: typer.Typer) -> None:
    """Add the commands about causes of dead letters to the group ``dlq``."""
    dlq.command()(causes)
    dlq.command()(cause)


def causes(  # noqa: PLR0913 - one parameter an option
    *,
    service: Service = None,
    code: Code = None,
    study: Study = None,
    where: Where = None,
    state: State = "open",
    muted: Muted = False,
    snoozed: Snoozed = False,
    limit: Limit = 100,
    json_output: Json = False,
) -> None:
    """List the causes of dead letters, the cause with the most dead letters first.

    Letters of one service and code are of one cause if their messages differ by ids, numbers,
    addresses and quoted text alone.

    Examples of use:

        onrecord dlq causes
        onrecord dlq causes --service enrichment --state all
        onrecord dlq causes --where model=gpt-4o-mini --where prompt=notes-3
        onrecord dlq replay --all --where cause=3fa9c1d25b7e0a44
    """
    from contracts.letter_causes import LetterCausePage  # noqa: PLC0415 - slow to import
    from onrecord.letter_filters import STATES, require_known_value  # noqa: PLC0415 - as above
    from onrecord.pages.causes import format_dead_letter_causes  # noqa: PLC0415 - as above
    from onrecord.pages.rendering import format_count, get_page_width  # noqa: PLC0415 - as above

    require_known_value("--state", state, STATES)
    if where and (others := {*parse_filter(where)} - _CONDITIONS):
        raise UsageError(
            f"--where: causes are selected by {', '.join(sorted(_CONDITIONS))}; "
            f"`onrecord dlq list` takes {', '.join(sorted(others))}, too"
        )
    params = {
        **parse_filter(where, service=service, code=code, study=study),
        "state": state,
        "limit": limit,
        "muted": muted or None,
        "snoozed": snoozed or None,
    }
    page = _ask(lambda control: control.get("/v1/causes", LetterCausePage, params))
    if json_output:
        print_json(page.model_dump(mode="json"))
        return
    if page.causes:
        for line in format_dead_letter_causes(page.causes, datetime.now(UTC), get_page_width(out)):
            out.print(line)
    elif not page.muted and not page.snoozed:
        err.print("no dead letters" if state == "all" else f"no {state} dead letters")
    if page.muted:
        err.print(f"{format_count(page.muted, 'cause is', 'causes are')} muted: --muted shows them")
    if page.snoozed:
        named = format_count(page.snoozed, "cause has", "causes have")
        err.print(f"{named} snoozed letters alone: --snoozed shows them")
    if page.expiring:
        soon = format_count(page.expiring, "open letter expires", "open letters expire")
        err.print(f"{soon} soon: `onrecord dlq retention` shows when")
    if page.next is not None:
        err.print(f"these are the first {limit:,}; a higher --limit shows more")


def cause(  # noqa: PLR0913 - one parameter an option
    cause_id: CauseId,
    *,
    assign: Assign = None,
    remark: Remark = None,
    mute: Mute = None,
    unmute: Unmute = False,
    json_output: Json = False,
) -> None:
    """Show one cause of dead letters, or assign, annotate or mute it.

    With what its letters' calls cost, and what was new when it began: prompts, models, endpoints,
    versions of studies, budgets.

    Examples of use:

        onrecord dlq cause 3fa9c1d25b7e0a44
        onrecord dlq cause 3fa9c1d25b7e0a44 --assign ada --remark "the provider is looking"
        onrecord dlq cause 3fa9c1d25b7e0a44 --mute 2h
    """
    from contracts.letter_causes import CAUSE_ID, CauseBackground, LetterCause  # noqa: PLC0415 - slow to import
    from onrecord.pages.causes import format_cause_background, format_dead_letter_cause  # noqa: PLC0415 - as above
    from onrecord.pages.rendering import get_page_width  # noqa: PLC0415 - as above

    if not re.fullmatch(CAUSE_ID, cause_id):
        raise UsageError(
            f"CAUSE: 16 hex digits, as `onrecord dlq causes` prints them; not {cause_id!r}"
        )
    changes = _changes(assign, remark, mute, unmute=unmute)
    path = f"/v1/causes/{cause_id}"
    headers = {"If-Match": "*"}
    shown = _ask(
        (lambda control: control.send("PATCH", path, LetterCause, json=changes, headers=headers))
        if changes
        else (lambda control: control.get(path, LetterCause))
    )
    background = _ask(lambda control: control.get(f"{path}/background", CauseBackground))
    if json_output:
        past = background.model_dump(mode="json")
        print_json(shown.model_dump(mode="json") | {"background": past})
        return
    for line in format_dead_letter_cause(shown, datetime.now(UTC), get_page_width(out)):
        out.print(line)
    for line in format_cause_background(background, get_page_width(out)):
        out.print(line)


def _changes(
    assign: str | None, remark: str | None, mute: str | None, *, unmute: bool
) -> dict[str, Any]:
    from onrecord.letter_filters import parse_duration_option  # noqa: PLC0415 - slow to import

    if mute is not None and unmute:
        raise UsageError("either --mute or --unmute")
    changes: dict[str, Any] = {"assignee": assign, "remark": remark}
    given = {name: value for name, value in changes.items() if value is not None}
    if mute is not None:
        given["muted_until"] = (
            datetime.now(UTC) + parse_duration_option("--mute", mute)
        ).isoformat()
    if unmute:
        given["muted_until"] = None
    return given


def _ask(question: Callable[[ControlClient], Awaitable[T]]) -> T:
    from onrecord.connections import ask_control  # noqa: PLC0415 - slow to import

    return asyncio.run(ask_control(ClientSettings.load(), question))
