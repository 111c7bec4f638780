"""A thousand chunks delivered twice: the calls that the second time makes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from bench.harness import Lab, Result
from bench.model_lab import chunk, fresh_postgres, server, simulation, whole_client
from contracts.events import NotesDrafted
from enrichment.drafter import NoteDrafter
from model_client import ModelClient

WITHOUT_BROKER: Final = True

NUMBER: Final = 1_000
AT_ONCE: Final = 64


async def measure(lab: Lab) -> Result:
    """Calls of the second delivery, by another process's client."""
    number = lab.scaled(NUMBER, least=20)
    async with simulation() as model, server() as running:
        postgres = await fresh_postgres(running)
        sides = {}
        drafts = []
        for side in ("first delivery", "second delivery"):
            before = (await model.counts())["calls"]
            begin = time.perf_counter()
            async with whole_client(model.settings(), postgres) as client:
                drafts.append(await _deliver(client, number))
            calls = (await model.counts())["calls"] - before
            sides[side] = {"calls": calls, "chunks_per_s": number / (time.perf_counter() - begin)}
    assert drafts[0] == drafts[1], "the second delivery has the first one's drafts"
    return Result(
        figure=sides["second delivery"]["calls"],
        goal=0,
        better="lower",
        unit=f"calls for {number} chunks delivered again",
        sides=sides,
        notes=("the second delivery has a client of its own, as after a restart",),
    )


async def _deliver(client: ModelClient, number: int) -> Sequence[NotesDrafted]:
    drafter, places = NoteDrafter(client), asyncio.Semaphore(AT_ONCE)

    async def one(place: int) -> NotesDrafted:
        async with places:
            return await drafter.draft(chunk(place), attempt=1, deadline=float("inf"))

    return await asyncio.gather(*(one(place) for place in range(number)))
