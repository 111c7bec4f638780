"""``onrecord pipeline``: what each service has before it, and how long that takes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated

import typer

from onrecord.console import Json, out, print_json
from onrecord.pages.rendering import get_page_width
from onrecord.settings import ClientSettings

if TYPE_CHECKING:
    from contracts.operations import PipelineState

Seconds = Annotated[
    float,
    typer.Option(
        "--for", min=1, max=600, help="Seconds between the two looks that the pace is of."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command ``pipeline`` to the command line."""
    app.command(rich_help_panel="Operating")(pipeline)


def pipeline(*, seconds: Seconds = 5.0, json_output: Json = False) -> None:
    """Show each service's backlog, its throughput, and when the backlog will be processed.

    It looks twice. The lag has the messages that wait to be tried again, too; some of it may be
    done and not committed yet. "unknown" stands where nothing was finished meanwhile. A service
    that is not ready says why: an outage, a limit of a model's endpoint, or that it stopped itself
    (`onrecord resume`).

    Examples of use:

        onrecord pipeline
        onrecord pipeline --for 60
        onrecord pipeline --json
    """
    from onrecord.pages.pipeline import (  # noqa: PLC0415 - slow to import
        compute_throughput,
        format_pipeline,
    )

    before, after, passed_s = asyncio.run(_look_twice(seconds))
    paces = compute_throughput(before, after, passed_s)
    if json_output:
        found = after.model_dump(mode="json")
        for one in found["services"]:
            pace = paces[one["service"]]
            one |= {"per_s": round(pace.per_s, 3), "done_in_s": pace.done_in_s}
        print_json(found)
        return
    for line in format_pipeline(after, paces, get_page_width(out)):
        out.print(line)


async def _look_twice(seconds: float) -> tuple[PipelineState, PipelineState, float]:
    from onrecord.connections import open_control_client  # noqa: PLC0415 - slow to import

    async with open_control_client(ClientSettings.load()) as control:
        before, begin = await control.pipeline(), time.monotonic()
        await asyncio.sleep(seconds)
        after = await control.pipeline()
        return before, after, time.monotonic() - begin
