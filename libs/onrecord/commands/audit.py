"""``onrecord audit``: proves that nothing was lost."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.table import Table

from onrecord.console import Json, err, out, print_json
from onrecord.options import validate_seconds
from onrecord.pages.rendering import format_count
from onrecord.settings import ClientSettings

if TYPE_CHECKING:
    from audit import AuditResult, StateCounts
    from onrecord.control_client import ControlClient

PAUSE_S: Final = 1.0
"""Seconds between two audits that wait until nothing is on its way."""

MOST_NAMED: Final = 20
"""Lost messages that are listed; their number is always shown."""

Wait = Annotated[
    bool, typer.Option("--wait", help="First wait until nothing is on its way any more.")
]
Timeout = Annotated[
    float, typer.Option(min=0, callback=validate_seconds, help="Longest wait, in seconds.")
]


def register(app: typer.Typer) -> None:
    """Add the command ``audit`` to the command line."""
    app.command(rich_help_panel="Operating")(audit)


def audit(
    wait: Wait = False,  # noqa: FBT002 - a flag
    timeout: Timeout = 60.0,
    json_output: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Audit that no submitted interview was lost; exit code 1 if one was.

    submitted = stored + waiting + in retry + dead + discarded + superseded + withdrawn, for
    interviews and for the chunks they became; from Kafka's offsets and PostgreSQL. With --wait,
    exit 1 also if something is still on its way when the wait is over.

    Examples of use:

        onrecord audit
        onrecord audit --wait --timeout 300
        onrecord audit --json
    """
    within_s = timeout if wait else 0.0
    with err.status("taking stock"):
        balance = asyncio.run(audit_system(ClientSettings.load(), within_s))
    if json_output:
        print_json(_document(balance))
    else:
        _show(balance)
    in_time = balance.is_settled or not wait
    if not in_time:
        err.print(f"still on its way after {timeout:g} s: {_on_its_way(balance)}", markup=False)
    raise typer.Exit(0 if balance.balances and in_time else 1)


async def audit_system(settings: ClientSettings, within_s: float) -> AuditResult:
    """Audit the running system until no message is pending, for at most ``within_s`` seconds.

    Control does it: it reads Kafka's offsets and PostgreSQL.
    """
    from onrecord.connections import open_control_client  # noqa: PLC0415 - slow to import

    async with open_control_client(settings) as control:
        return await _audit_by_control(control, within_s)


async def _audit_by_control(control: ControlClient, within_s: float) -> AuditResult:
    from audit.reports import convert_report_to_result  # noqa: PLC0415 - slow to import

    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        balance = convert_report_to_result(await control.audit())
        if balance.is_settled or asyncio.get_running_loop().time() > deadline:
            return balance
        await asyncio.sleep(PAUSE_S)


def _document(balance: AuditResult) -> dict[str, Any]:
    return {
        "balances": balance.balances,
        "settled": balance.is_settled,
        "submissions": _account(balance.submissions),
        "unreadable": _account(balance.unreadable),
        "chunks": _account(balance.chunks),
        "services": [asdict(one) for one in balance.services],
        "deleted": [
            {"service": service, "topic": topic, "records": number}
            for (service, topic), number in balance.deleted.items()
        ],
        "missing_topics": list(balance.missing_topics),
    }


def _account(account: StateCounts) -> dict[str, Any]:
    return {
        "submitted": account.total,
        **{state.value: number for state, number in account.states.items() if state != "lost"},
        "lost": list(account.lost),
    }


def _on_its_way(balance: AuditResult) -> str:
    accounts = (
        ("interview", balance.submissions),
        ("unreadable record", balance.unreadable),
        ("chunk", balance.chunks),
    )
    parts = [
        f"{format_count(number, name)} {state.value.replace('_', ' ')}"
        for name, account in accounts
        for state, number in account.states.items()
        if number and state.value in MOVING
    ]
    messages = [
        f"{format_count(number, 'message')} {state} at {one.service}"
        for one in balance.services
        for state, number in (("waiting", one.waiting), ("in retry", one.in_retry))
        if number
    ]
    return ", ".join(parts or messages)


MOVING: Final = ("waiting", "in_retry")
STATES: Final = ("stored", "waiting", "in_retry", "dead", "discarded", "superseded")
SELDOM: Final = ("withdrawn", "erased")
"""States that are shown where there is something in them: else they would widen the table."""


def _show(balance: AuditResult) -> None:
    accounts = (
        ("interviews", balance.submissions),
        # Seldom there, so it is not in the way of those who have none.
        *([("no interview", balance.unreadable)] if balance.unreadable.total else []),
        ("chunks", balance.chunks),
    )
    there = {
        state.value for _, account in accounts for state, number in account.states.items() if number
    }
    found = [state for state in SELDOM if state in there]
    columns = (*STATES, *found, "lost")
    states = _table("", "submitted", *columns)
    for name, account in accounts:
        counts = {state.value: number for state, number in account.states.items()}
        states.add_row(name, str(account.total), *(str(counts[state]) for state in columns))
    out.print(states)
    out.print()
    messages = _table("messages", "received", "handled", "waiting", "in_retry", "dead", "discarded")
    for one in balance.services:
        numbers = (one.received, one.handled, one.waiting, one.in_retry, one.dead, one.discarded)
        messages.add_row(one.service, *map(str, numbers))
    out.print(messages)
    out.print()
    if held := sum(one.held for one in balance.services):
        out.print(
            f"{format_count(held, 'message')} kept until an interview that is now a dead letter "
            "is replayed"
        )
        out.print()
    if balance.balances:
        out.print("the books balance: nothing is lost")
        return
    for (service, topic), number in balance.deleted.items():
        err.print(
            f"the broker deleted {format_count(number, 'record')} of {topic} before {service} had "
            "finished them: nobody knows what they were",
            markup=False,
        )
    if balance.missing_topics:
        err.print(
            f"topics are missing: {', '.join(balance.missing_topics)}; what was in them cannot be "
            "read, so nothing is proved about it. `python -m messaging topics create` makes them",
            markup=False,
        )
    if balance.lost:
        err.print("the books do not balance; nowhere to be found:")
    for lost in sorted(balance.lost)[:MOST_NAMED]:
        err.print(f"  {lost}", markup=False)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for place, column in enumerate(columns):
        title = column.replace("_", " ")
        table.add_column(title, justify="right" if place else "left", no_wrap=True)
    return table
