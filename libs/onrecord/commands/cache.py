"""``onrecord cache``: what is kept of models' answers, and what it saved."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from contracts.terminal import escape_control_characters
from onrecord.console import Json, err, out, print_json
from onrecord.errors import FailedError
from onrecord.pages.rendering import format_count
from onrecord.settings import ClientSettings
from onrecord.time_spans import parse_time_span

if TYPE_CHECKING:
    from read_model.cache_stats import CacheFilter, ModelCacheStats

MB = 1_000_000

Model = Annotated[str | None, typer.Option(help="Only answers of this model.")]
PromptVersion = Annotated[str | None, typer.Option(help="Only answers to this version's prompt.")]
OlderThan = Annotated[
    str | None, typer.Option(metavar="SPAN", help="Only answers older than 24h, 7d, 4w and so on.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    """Add the commands of ``cache`` to the command line."""
    verbs = typer.Typer(
        help="What is kept of models' answers, so that none is paid twice.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    verbs.command()(stats)
    verbs.command()(clear)
    app.add_typer(verbs, name="cache", rich_help_panel="Operating")


def stats(*, json_output: Json = False) -> None:
    """Show statistics of cached model responses by model: number, uses and saved cost.

    The hit rate is that of the answers kept now; those that were deleted do not count.

    Examples of use:

        onrecord cache stats
        onrecord cache stats --json | jq '.total.saved_usd'
    """
    from read_model.cache_stats import sum_cache_stats  # noqa: PLC0415 - slow to import

    found = asyncio.run(_find())
    if json_output:
        print_json(
            {"rows": [one.as_json() for one in found], "total": sum_cache_stats(found).as_json()}
        )
    elif found:
        _show(found if len(found) == 1 else [*found, sum_cache_stats(found)])
    else:
        err.print("no answers are kept")


def clear(
    *,
    model: Model = None,
    prompt_version: PromptVersion = None,
    older_than: OlderThan = None,
    yes: Yes = False,
    json_output: Json = False,
) -> None:
    """Delete cached model responses, so that the model is called, and paid, again.

    Examples of use:

        onrecord cache clear
        onrecord cache clear --older-than 7d --yes
        onrecord cache clear --model gpt-4o-mini --prompt-version notes-1
    """
    from read_model.cache_stats import CacheFilter  # noqa: PLC0415 - slow to import

    which = CacheFilter(
        model, prompt_version, None if older_than is None else parse_time_span(older_than)
    )
    if not yes:
        _confirm(asyncio.run(_count(which)))
    deleted = asyncio.run(_delete(which))
    if json_output:
        print_json({"deleted": deleted})
    else:
        out.print(f"{format_count(deleted, 'answer')} deleted")


def _confirm(answers: int) -> None:
    if answers and not typer.confirm(f"Delete {format_count(answers, 'answer')}?", err=True):
        raise FailedError("nothing was deleted")


async def _find() -> Sequence[ModelCacheStats]:
    from onrecord.connections import open_spending_client  # noqa: PLC0415 - slow to import

    async with open_spending_client(ClientSettings.load()) as spending:
        return await spending.cache_statistics()


async def _count(which: CacheFilter) -> int:
    from onrecord.connections import open_spending_client  # noqa: PLC0415 - slow to import

    async with open_spending_client(ClientSettings.load()) as spending:
        return await spending.count_cached(which)


async def _delete(which: CacheFilter) -> int:
    from onrecord.connections import open_spending_client  # noqa: PLC0415 - slow to import

    async with open_spending_client(ClientSettings.load()) as spending:
        return await spending.clear_cache(which)


def _show(found: Sequence[ModelCacheStats]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for title in ("model", "answers", "MB", "hits", "hit rate", "tokens saved", "US$ saved"):
        table.add_column(title, justify="left" if title == "model" else "right", no_wrap=True)
    for one in found:
        table.add_row(
            Text(escape_control_characters(one.name)),
            f"{one.answers:,}",
            f"{one.bytes / MB:,.1f}",
            f"{one.hits:,}",
            "" if one.hit_rate is None else f"{one.hit_rate:.1%}",
            f"{one.saved_tokens:,}",
            f"{one.saved_usd:,.4f}",
        )
    out.print(table)
