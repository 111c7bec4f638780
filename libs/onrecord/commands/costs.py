"""``onrecord costs``: what calls of language models cost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table
from rich.text import Text

from contracts.terminal import escape_control_characters
from onrecord.console import Json, err, out, print_json
from onrecord.errors import UsageError
from onrecord.pages.rendering import format_count, format_spend
from onrecord.settings import ClientSettings
from onrecord.time_spans import parse_time_span

if TYPE_CHECKING:
    from read_model.spending import CallGroupCost

KINDS: Final = ("study", "model", "purpose", "day")

By = Annotated[
    str,
    typer.Option(
        help="A line for each study, model, purpose (draft, judge, judge-control) or day (UTC)."
    ),
]
Since = Annotated[
    str | None, typer.Option(metavar="SPAN", help="Only calls of the last 24h, 7d, 4w and so on.")
]


def register(app: typer.Typer) -> None:
    """Add the command ``costs`` to the command line."""
    app.command(rich_help_panel="Operating")(costs)


def costs(*, by: By = "study", since: Since = None, json_output: Json = False) -> None:
    """List the costs of model calls in US dollars, with their tokens.

    Every call is counted, also those that failed. "lost" are calls whose process was killed: what
    they cost is not known; budgets count the most they can have cost.

    Examples of use:

        onrecord costs
        onrecord costs --by day --since 7d
        onrecord costs --by model --json | jq '.rows[] | {name, cost_usd}'
    """
    from read_model.spending import sum_call_costs  # noqa: PLC0415 - slow to import

    if by not in KINDS:
        raise UsageError(f"--by is one of {', '.join(KINDS)}; not {by!r}")
    found = asyncio.run(_find(by, None if since is None else parse_time_span(since)))
    if json_output:
        rows = [{"name": name, **cost.as_json()} for name, cost in found.items()]
        print_json(
            {"by": by, "since": since, "rows": rows, "total": sum_call_costs(found).as_json()}
        )
        return
    if not found:
        err.print("no calls" if since is None else f"no calls within {since}", markup=False)
        return
    _show(by, found)


async def _find(by: str, since: timedelta | None) -> Mapping[str, CallGroupCost]:
    from onrecord.connections import open_spending_client  # noqa: PLC0415 - slow to import

    async with open_spending_client(ClientSettings.load()) as spending:
        return await spending.costs(by, since)


def _show(by: str, found: Mapping[str, CallGroupCost]) -> None:
    from read_model.spending import sum_call_costs  # noqa: PLC0415 - slow to import

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for title in (by, "calls", "answered", "failed", "input", "cached", "output", "US$"):
        table.add_column(title, justify="left" if title == by else "right", no_wrap=True)
    for name, cost in found.items():
        table.add_row(Text(escape_control_characters(name)), *_cells(cost))
    everything = sum_call_costs(found)
    if len(found) > 1:
        table.add_section()
        table.add_row("all", *_cells(everything))
    out.print(table)
    for line in _remarks(everything):
        out.print(line)


def _cells(cost: CallGroupCost) -> list[str]:
    counts = (cost.calls, cost.answered, cost.failed)
    tokens = (cost.input_tokens, cost.cached_tokens, cost.output_tokens)
    return [*(f"{number:,}" for number in (*counts, *tokens)), _spent(cost)]


def _spent(cost: CallGroupCost) -> str:
    return format_spend(cost.known_usd, unpriced=cost.unpriced)


def _remarks(cost: CallGroupCost) -> list[str]:
    """Return remarks on what the table cannot show, such as estimated prices."""
    said = []
    if cost.estimated_usd:
        said.append(
            f"{format_usd(cost.estimated_usd)} of it are estimated: the endpoint gave no tokens"
        )
    if cost.under_way:
        said.append(f"{format_count(cost.under_way, 'call')} under way")
    if cost.lost:
        said.append(
            f"{format_count(cost.lost, 'call')} lost with their process: "
            f"{format_usd(cost.lost_usd)} at most, not in the sum"
        )
    if cost.unpriced:
        said.append(
            f"{format_count(cost.unpriced, 'call')} of unknown price, not in the sum: "
            "ONRECORD_MODEL_PRICED_AS or `prices` set it"
        )
    return said


def format_usd(usd: Decimal) -> str:
    """Format an amount of US dollars with four decimals, for a table column."""
    return f"{usd:,.4f}"
