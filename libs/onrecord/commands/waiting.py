"""``onrecord waiting``: messages in retry topics, released at once, held or given up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from onrecord.commands.dlq.selection import (
    Code,
    Service,
    Study,
    Yes,
    ask_control_once,
    refuse_without_terminal,
)
from onrecord.commands.dlq.waiting import Held, Where, parse_waiting_filter, waiting
from onrecord.console import Json, err, out, print_json
from onrecord.errors import FailedError, UsageError
from onrecord.pages.rendering import format_count, format_time

if TYPE_CHECKING:
    from contracts.waiting import WaitingDecisionResult

All = Annotated[bool, typer.Option("--all", help="Everything that waits.")]
AtMost = Annotated[
    int | None,
    typer.Option("--limit", min=1, max=50_000, help="At most so many, the next due first."),
]
Until = Annotated[
    str, typer.Option(help="For so long, such as 2h or 3d, or until a time; for 7 days at most.")
]
Why = Annotated[str, typer.Option("--reason", help="Why you ask; it goes into the trail.")]
Reason = Annotated[
    str, typer.Option(help="Why they are not tried any more; it is in the trail and the letters.")
]


class WaitingSelection(NamedTuple):
    """Selection of waiting messages by the options of ``onrecord waiting``.

    Attributes:
        which: the API's parameters.
        limit: at most so many; None: all that match.
        every: whether all are meant if nothing narrows them.
        yes: whether nobody is asked first.
    """

    which: dict[str, Any]
    limit: int | None
    every: bool
    yes: bool


def register(app: typer.Typer) -> None:
    """Add the commands of ``waiting`` (messages in retry topics) to the command line."""
    group = typer.Typer(
        help="Messages that wait in retry topics: list, release, hold, give up.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    group.command("list")(waiting)
    group.command()(release)
    group.command()(hold)
    group.command("give-up")(give_up)
    app.add_typer(group, name="waiting", rich_help_panel="Operating")


def release(  # noqa: PLR0913 - one parameter an option
    *,
    every: All = False,
    service: Service = None,
    code: Code = None,
    study: Study = None,
    where: Where = None,
    held: Held = None,
    limit: AtMost = None,
    yes: Yes = False,
    reason: Why = "",
    json_output: Json = False,
) -> None:
    """Try messages in retry topics now, before their time, also those that are held.

    A message that fails again waits anew.

    Examples of use:

        onrecord waiting release --service enrichment --code llm_timeout
        onrecord waiting release --held --all --yes --reason "the model is mended"
        onrecord waiting release --where "attempts>=2" --limit 5
    """
    which = parse_waiting_filter(where, service=service, code=code, study=study, held=held)
    choice = WaitingSelection(which, limit, every=every, yes=yes)
    _decide("release", choice, {"reason": reason}, json_output=json_output)


def hold(  # noqa: PLR0913 - one parameter an option
    *,
    every: All = False,
    service: Service = None,
    code: Code = None,
    study: Study = None,
    where: Where = None,
    held: Held = None,
    limit: AtMost = None,
    until: Until = "24h",
    yes: Yes = False,
    reason: Why = "",
    json_output: Json = False,
) -> None:
    """Hold messages in retry topics, so that they are not tried before a time or a release.

    Others pass them. When the time is over, each is tried as if its own had come.

    Examples of use:

        onrecord waiting hold --service enrichment --until 2h
        onrecord waiting hold --study bikes --until 2026-05-04T12:30Z --yes --reason "a new prompt"
    """
    from onrecord.letter_filters import parse_future  # noqa: PLC0415 - slow to import

    which = parse_waiting_filter(where, service=service, code=code, study=study, held=held)
    held_until = parse_future("--until", until, datetime.now(UTC))
    wanted = {"reason": reason, "held_until": held_until.isoformat()}
    choice = WaitingSelection(which, limit, every=every, yes=yes)
    _decide("hold", choice, wanted, json_output=json_output)


def give_up(  # noqa: PLR0913 - one parameter an option
    *,
    reason: Reason,
    every: All = False,
    service: Service = None,
    code: Code = None,
    study: Study = None,
    where: Where = None,
    held: Held = None,
    limit: AtMost = None,
    yes: Yes = False,
    json_output: Json = False,
) -> None:
    """Turn waiting messages into dead letters of code given_up, which can be replayed.

    Examples of use:

        onrecord waiting give-up --code llm_refused --reason "the model will not take them"
        onrecord waiting give-up --where "text=no answer" --limit 5 --reason "a test" --yes
    """
    if not reason.strip():
        raise UsageError("--reason: say why these messages are not tried any more")
    which = parse_waiting_filter(where, service=service, code=code, study=study, held=held)
    choice = WaitingSelection(which, limit, every=every, yes=yes)
    _decide("give-up", choice, {"reason": reason}, json_output=json_output)


def _decide(
    verb: str, choice: WaitingSelection, wanted: dict[str, Any], *, json_output: bool
) -> None:
    """Count what matches, ask, and decide.

    Raises:
        UsageError: nothing is selected.
        FailedError: nothing matches, or the answer is no.
    """
    from contracts.waiting import WaitingDecisionResult  # noqa: PLC0415 - slow to import

    if not choice.which and not choice.every and choice.limit is None:
        raise UsageError("say which messages: --where and other options, or --all")
    refuse_without_terminal(verb, yes=choice.yes)
    if not choice.yes:
        _confirm(verb, choice)
    body = {**choice.which, **wanted, "limit": choice.limit}
    body = {name: value for name, value in body.items() if value not in {"", None}}
    path = f"/v1/waiting/{verb}"
    done = ask_control_once(
        lambda control: control.send("POST", path, WaitingDecisionResult, json=body)
    )
    if json_output:
        print_json(done.model_dump(mode="json"))
    else:
        _print(verb, done)
    if done.is_partial:
        err.print("there are more in the topics than one request reads: ask again")
    if not done.messages:
        raise FailedError("no message that waits matches")


def _confirm(verb: str, choice: WaitingSelection) -> None:
    from contracts.waiting import WaitingPage  # noqa: PLC0415 - slow to import

    page = ask_control_once(
        lambda control: control.get("/v1/waiting", WaitingPage, {**choice.which, "limit": 1})
    )
    if not page.matching:
        raise FailedError("no message that waits matches")
    number = min(choice.limit or page.matching, page.matching)
    name = verb.replace("-", " ").capitalize()
    if not typer.confirm(f"{name} {format_count(number, 'message')} that wait?", err=True):
        raise FailedError("nothing was changed")


def _print(verb: str, done: WaitingDecisionResult) -> None:
    said = {
        "release": "released: tried within seconds",
        "hold": f"held until {format_time(done.held_until)}" if done.held_until else "held",
        "give-up": "given up: `onrecord dlq list --code given_up` shows them",
    }[verb]
    out.print(f"{format_count(done.messages, 'message')} {said}", markup=False)
    counts = ", ".join(f"{name} {number:,}" for name, number in done.by_service.items())
    if counts:
        err.print(f"{counts}; those whose try has begun meanwhile are not affected", markup=False)
