"""A stage that does nothing with all its metrics on and asked for, beside the same without them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final
from unittest.mock import patch

from bench.harness import Lab, Result, interleaved, paired, spread
from bench.noop import IN_FLIGHT, run_stage
from bench.sides import Handle, Settle, ours
from messaging import KafkaSettings
from messaging.consumer.lag import LagMonitor
from messaging.stage_metrics import StageMetrics
from telemetry.metrics_page import render_metrics

GOAL: Final = 0.85
SCRAPE_S: Final = 1.0
"""Pause between two readings of the metrics page, in seconds: 15 times as often as is usual."""

PAIRS: Final = 3
"""Pairs of runs for each of the harness' repeats: the sides differ by less than two runs may."""


async def measure(lab: Lab) -> Result:
    """Messages a second from the first one received to the last one committed."""
    number = lab.scaled(20_000, least=2_000)
    runs = {
        "with metrics": partial(run_stage, lab, _with_metrics, IN_FLIGHT, number),
        "without": partial(run_stage, lab, _without_metrics, IN_FLIGHT, number),
    }
    found = await interleaved(PAIRS * lab.repeats, runs)
    return Result(
        figure=paired(found["with metrics"], found["without"]),
        goal=GOAL,
        better="higher",
        unit="of the same stage without metrics, messages/s",
        sides={name: spread(rates) for name, rates in found.items()},
        notes=(
            f"the metrics page is read every {SCRAPE_S:g} s",
            "the other side keeps messages' timestamps, but counts, looks up and shows nothing",
        ),
    )


@asynccontextmanager
async def _with_metrics(
    kafka: KafkaSettings, handle: Handle, in_flight: int
) -> AsyncIterator[Settle]:
    async with ours(kafka, handle, in_flight) as settle:
        reading = asyncio.create_task(_read_regularly())
        try:
            yield settle
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _read_regularly() -> None:
    while True:
        render_metrics()
        await asyncio.sleep(SCRAPE_S)


def _nothing(*_: Any, **__: Any) -> None:
    """Count nothing."""


async def _never(*_: Any) -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def _without_metrics(
    kafka: KafkaSettings, handle: Handle, in_flight: int
) -> AsyncIterator[Settle]:
    counting: dict[str, Any] = {
        name: _nothing
        for name, one in vars(StageMetrics).items()
        if callable(one) and not name.startswith("_")
    }
    with patch.multiple(StageMetrics, **counting), patch.object(LagMonitor, "run", _never):
        async with ours(kafka, handle, in_flight) as settle:
            yield settle
