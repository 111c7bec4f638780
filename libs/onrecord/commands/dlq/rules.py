"""``onrecord dlq rule``: rules by which control replays dead letters by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onrecord.commands.dlq.selection import (
    Code,
    Service,
    Study,
    Where,
    ask_control_once,
    parse_filter,
)
from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.pages.rendering import format_duration, format_time

if TYPE_CHECKING:
    from contracts.letter_rules import LetterRule
    from onrecord.control_client import ControlClient

Name = Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits and hyphens.")]
Quiet = Annotated[
    str,
    typer.Option(
        "--quiet-for",
        help="Only once no such letter was set aside for so long, such as 10m.",
    ),
]
Rate = Annotated[int, typer.Option(min=1, max=100, help="Most letters a second.")]
Most = Annotated[
    int,
    typer.Option("--at-most", min=1, max=100, help="Most replays of one message."),
]
Why = Annotated[str, typer.Option("--reason", help="Why you ask; it goes into the trail.")]


def register(dlq: typer.Typer) -> None:
    """Add the commands of ``dlq rule`` (automatic replays) to the group ``dlq``."""
    rule = typer.Typer(
        help="Rules by which control replays dead letters by itself; off until they are enabled.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    rule.command("list")(list_)
    for verb in (create, show, enable, disable, delete):
        rule.command()(verb)
    dlq.add_typer(rule, name="rule")


def create(  # noqa: PLR0913 - one parameter an option
    name: Name,
    *,
    service: Service = None,
    code: Code = None,
    study: Study = None,
    where: Where = None,
    quiet_for: Quiet = "10m",
    rate: Rate = 5,
    at_most: Most = 2,
    reason: Why = "",
    json_output: Json = False,
) -> None:
    """Create a rule for automatic replays of dead letters; it is disabled at first.

    It replays only once no such letter was set aside for --quiet-for, and a message went through
    the same service since then; if none did, one letter is replayed as a probe. It waits while 20
    of its replays, or a tenth of the latest 1,000, have no outcome yet.

    Examples of use:

        onrecord dlq rule create timeouts --code llm_timeout --quiet-for 10m --rate 5 --at-most 2
        onrecord dlq rule create bikes --where study=bikes --where cause=3fa9c1d25b7e0a44
    """
    from onrecord.letter_filters import parse_duration_option  # noqa: PLC0415 - slow to import

    which = parse_filter(where, service=service, code=code, study=study)
    wanted = {
        "name": _require_name(name),
        "filter": {key: value for key, value in which.items() if value is not None},
        "quiet_s": int(parse_duration_option("--quiet-for", quiet_for).total_seconds()),
        "rate_per_s": rate,
        "most_replays": at_most,
    }
    if not wanted["filter"]:
        raise UsageError("say which letters: by --code, --service, --study or --where")
    _print(_send("POST", "/v1/rules", reason, json=wanted), json_output=json_output)


def list_(*, json_output: Json = False) -> None:
    """List the rules for automatic replays of dead letters.

    Examples of use:

        onrecord dlq rule list
    """
    from contracts.letter_rules import LetterRulePage  # noqa: PLC0415 - slow to import

    async def ask(control: ControlClient) -> list[LetterRule]:
        pages = control.pages("/v1/rules", LetterRulePage)
        return [one async for page in pages for one in page.rules]

    found = ask_control_once(ask)
    if json_output:
        print_json([rule.model_dump(mode="json") for rule in found])
        return
    for rule in found:
        out.print(f"{rule.name}: {_describe(rule)}", markup=False)
    if not found:
        err.print("there are no rules")


def show(name: Name, *, json_output: Json = False) -> None:
    """Show a rule for automatic replays of dead letters, and when it last replayed some.

    Examples of use:

        onrecord dlq rule show timeouts
    """
    _print(_send("GET", f"/v1/rules/{_require_name(name)}", ""), json_output=json_output)


def enable(name: Name, *, reason: Why = "", json_output: Json = False) -> None:
    """Enable a rule: from now on, control replays the dead letters that match it.

    Examples of use:

        onrecord dlq rule enable timeouts --reason "the provider is slow these days"
    """
    _edit(name, reason, is_enabled=True, json_output=json_output)


def disable(name: Name, *, reason: Why = "", json_output: Json = False) -> None:
    """Disable a rule, so that it replays no more dead letters.

    Examples of use:

        onrecord dlq rule disable timeouts
    """
    _edit(name, reason, is_enabled=False, json_output=json_output)


def delete(name: Name, *, reason: Why = "", json_output: Json = False) -> None:
    """Delete a rule for automatic replays of dead letters.

    Examples of use:

        onrecord dlq rule delete timeouts
    """
    path, headers = f"/v1/rules/{_require_name(name)}", {"If-Match": "*"}
    ask_control_once(
        lambda control: control.send_for_nothing("DELETE", path, headers=headers), reason
    )
    if json_output:
        print_json({"deleted": name})
    else:
        out.print(f"{name}: deleted", markup=False)


def _edit(name: str, reason: str, *, is_enabled: bool, json_output: bool) -> None:
    found = _send(
        "PATCH",
        f"/v1/rules/{_require_name(name)}",
        reason,
        json={"is_enabled": is_enabled},
        headers={"If-Match": "*"},
    )
    _print(found, json_output=json_output)


def _send(method: str, path: str, reason: str, **options: Any) -> LetterRule:
    from contracts.letter_rules import LetterRule  # noqa: PLC0415 - slow to import

    return ask_control_once(
        lambda control: control.send(method, path, LetterRule, **options), reason
    )


def _print(rule: LetterRule, *, json_output: bool) -> None:
    if json_output:
        print_json(rule.model_dump(mode="json"))
        return
    out.print(f"{rule.name}: {_describe(rule)}", markup=False)
    if not rule.is_enabled:
        err.print(f"`onrecord dlq rule enable {rule.name}` enables it", markup=False)


def _describe(rule: LetterRule) -> str:
    """Describe a rule in one sentence."""
    fields = rule.filter.model_dump(mode="json", exclude_none=True)
    conditions = " and ".join(f"{name}={value}" for name, value in fields.items())
    fired = f"fired {format_time(rule.fired_at)}" if rule.fired_at else "never fired"
    return (
        f"{'enabled' if rule.is_enabled else 'disabled'}; letters with {conditions}, once none "
        f"was set aside for {format_duration(rule.quiet_s)}, at {rule.rate_per_s}/s, each message "
        f"{rule.most_replays} times at most; {rule.replayed:,} replayed, {fired}"
    )


def _require_name(name: str) -> str:
    from contracts.letter_rules import RULE_NAME  # noqa: PLC0415 - slow to import

    if not re.fullmatch(RULE_NAME, name):
        raise UsageError(f"NAME: small letters, digits and hyphens, 64 at most; not {name!r}")
    return name
