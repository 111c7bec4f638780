"""``onrecord budgets``: what calls of language models may cost, by study and by day."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table
from rich.text import Text

from contracts.terminal import escape_control_characters
from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.pages.rendering import format_count, format_spend
from onrecord.settings import ClientSettings

if TYPE_CHECKING:
    from read_model.spending import BudgetStatus

NONE: Final = "none"
DEFAULT: Final = "default"
SHARED: Final = "self-registered"
MAX_BUDGET_USD: Final = Decimal(1_000_000_000)
"""The largest budget, in US dollars."""

StudyId = Annotated[str, typer.Argument(metavar="STUDY", help="The study's id.")]
Limit = Annotated[
    str,
    typer.Argument(
        metavar="USD|none|default",
        help="US dollars; none: no limit; default: what the services' settings have.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands of ``budgets`` to the command line."""
    verbs = typer.Typer(rich_markup_mode="markdown")
    verbs.callback(invoke_without_command=True)(budgets)
    verbs.command("set")(set_study_budget)
    verbs.command("set-day")(set_daily_budget)
    app.add_typer(verbs, name="budgets", rich_help_panel="Operating")


def budgets(context: typer.Context, *, json_output: Json = False) -> None:
    """List the budgets in US dollars: limit, spent, reserved and left.

    Behind the budgets of studies come those of their day; `onrecord study edit` sets these.
    The most a call can cost is reserved before it is made. A call that a budget does not allow is
    not made: its message becomes a dead letter, to be replayed once the budget is raised.

    Examples of use:

        onrecord budgets
        onrecord budgets --json
        onrecord budgets set small-repair-shops 25
        onrecord budgets set-day none
        onrecord dlq replay --all --code budget_exceeded
        onrecord dlq replay --all --code price_unknown
    """
    if context.invoked_subcommand is None:
        _list(json_output=json_output)


def set_study_budget(study: StudyId, limit: Limit, *, json_output: Json = False) -> None:
    """Set the budget of one study, in US dollars.

    Examples of use:

        onrecord budgets set small-repair-shops 25
        onrecord budgets set small-repair-shops none
        onrecord budgets set small-repair-shops default
    """
    if not study.strip():
        raise UsageError("which study? its id is empty")
    if not asyncio.run(_set(study, limit)):
        err.print(
            f"nothing is known of a study '{escape_control_characters(study)}' yet", markup=False
        )
    _list(json_output=json_output)


def set_daily_budget(limit: Limit, *, json_output: Json = False) -> None:
    """Set the budget of each day (UTC) for all studies together, in US dollars.

    Examples of use:

        onrecord budgets set-day 100
        onrecord budgets set-day none
        onrecord budgets set-day default
    """
    asyncio.run(_set(None, limit))
    _list(json_output=json_output)


async def _set(study: str | None, limit: str) -> bool:
    """Set a study's limit or each day's; returns whether the study, if it is one's, is known."""
    from onrecord.connections import open_spending_client  # noqa: PLC0415 - slow to import

    usd = None if limit in {NONE, DEFAULT} else _dollars(limit)
    async with open_spending_client(ClientSettings.load()) as spending:
        if limit == DEFAULT:
            return await spending.reset_budget(study)
        return await spending.set_budget(study, usd)


def _dollars(text: str) -> Decimal:
    try:
        usd = Decimal(text.replace("_", ""))
    except InvalidOperation:
        usd = Decimal("nan")
    if not (usd.is_finite() and 0 <= usd <= MAX_BUDGET_USD):
        raise UsageError(f"{text!r} is no limit: give US dollars such as 25 or 0.50, none, default")
    return usd


def _list(*, json_output: bool) -> None:
    found = asyncio.run(_find())
    if json_output:
        print_json([one.as_json() for one in found])
    else:
        _show(found)


async def _find() -> Sequence[BudgetStatus]:
    from onrecord.connections import open_spending_client  # noqa: PLC0415 - slow to import

    async with open_spending_client(ClientSettings.load()) as spending:
        return await spending.budgets()


def _show(found: Sequence[BudgetStatus]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for title in ("budget", "limit US$", "set by", "spent", "reserved", "left"):
        is_text = title in {"budget", "set by"}
        table.add_column(title, justify="left" if is_text else "right", no_wrap=True)
    for one in found:
        name = SHARED if one.name == "*" else escape_control_characters(one.name)
        name += "" if one.scope == "study" else " (today, UTC)"
        cells = (
            format_spend(one.known_usd, unpriced=one.unpriced),
            _amount(one.reserved_usd),
            _amount(one.left_usd),
        )
        table.add_row(Text(name), _amount(one.limit_usd), one.set_by or "", *cells)
    out.print(table)
    if unpriced := sum(one.unpriced for one in found if one.scope == "study"):
        out.print(
            f"{format_count(unpriced, 'call')} of unknown price: "
            "ONRECORD_MODEL_PRICED_AS or `prices` set it"
        )
    # Each call is in a study and in a day: the day's part is of today only, so studies are summed.
    lost = sum((one.lost_usd for one in found if one.scope == "study"), Decimal(0))
    if lost:
        out.print(f"{lost:,.4f} stay reserved for calls that were lost with their process")


def _amount(usd: Decimal | None) -> str:
    return "none" if usd is None else f"{usd:,.4f}"
