"""In which order interviews are read."""

from __future__ import annotations

import asyncio
import base64
import gzip

import pytest

from contracts.events import TranscriptSubmitted
from contracts.transcript import ContentForm
from ingestion.parsing_scheduler import (
    LARGE_BYTES,
    MAX_OVERTAKEN,
    ParsingScheduler,
    estimate_text_memory,
)
from support.chunks import INTERVIEW, STUDY

MIB = 1024 * 1024


class Readings:
    """Interviews that are read until the test ends them; remembers in which order they began."""

    def __init__(self, places: int = 1) -> None:
        self._turns = ParsingScheduler(places)
        self._ends: dict[str, asyncio.Event] = {}
        self.begun: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def arrive(self, name: str, size: int) -> None:
        self._ends[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._read(name, size))
        await asyncio.sleep(0)

    async def _read(self, name: str, size: int) -> None:
        async with self._turns.take(size):
            self.begun.append(name)
            await self._ends[name].wait()

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await self.tasks[name]
        await asyncio.sleep(0)


async def test_the_smallest_that_waits_is_next() -> None:
    readings = Readings()
    for name, size in {"first": 900, "large": 800, "small": 10, "middle": 300}.items():
        await readings.arrive(name, size)
    assert readings.begun == ["first"]
    for name in ("first", "small", "middle", "large"):
        await readings.end(name)
    assert readings.begun == ["first", "small", "middle", "large"]


async def test_a_large_one_is_overtaken_so_many_times_and_no_more() -> None:
    readings = Readings()
    await readings.arrive("first", 1)
    await readings.arrive("large", 5 * LARGE_BYTES)
    running = "first"
    for number in range(MAX_OVERTAKEN + 1):
        await readings.arrive(f"small {number}", 1)
        await readings.end(running)
        running = readings.begun[-1]
    assert readings.begun.index("large") == 1 + MAX_OVERTAKEN
    assert running == "large"


async def test_of_two_places_one_at_most_is_taken_by_a_large_one() -> None:
    readings = Readings(places=2)
    await readings.arrive("large 1", 2 * LARGE_BYTES)
    await readings.arrive("large 2", 2 * LARGE_BYTES)
    assert readings.begun == ["large 1"]
    await readings.arrive("small", 1)
    assert readings.begun == ["large 1", "small"]
    await readings.end("large 1")
    assert readings.begun == ["large 1", "small", "large 2"]


@pytest.mark.parametrize("cancelled", ["waits", "is read"])
async def test_a_cancelled_one_leaves_its_place_to_the_next(cancelled: str) -> None:
    readings = Readings()
    for name in ("is read", "waits", "next"):
        await readings.arrive(name, 5 * LARGE_BYTES)
    readings.tasks[cancelled].cancel()
    await asyncio.gather(readings.tasks[cancelled], return_exceptions=True)
    for name in ("is read", "waits"):
        if name != cancelled:
            await readings.end(name)
    assert readings.begun[-1] == "next"
    await readings.end("next")


async def test_one_cancelled_just_as_its_turn_came_leaves_its_place_to_the_next() -> None:
    turns, begun = ParsingScheduler(1), list[int]()

    async def read(number: int) -> None:
        async with turns.take(1):
            begun.append(number)

    async with turns.take(1):
        second, third = (asyncio.create_task(read(number)) for number in (2, 3))
        await asyncio.sleep(0)
    second.cancel()  # its turn has come, but its task has not run since
    await asyncio.gather(second, third, return_exceptions=True)
    assert begun == [3]


def submitted(content: str, form: ContentForm) -> TranscriptSubmitted:
    return TranscriptSubmitted(
        transcript_id=INTERVIEW, title="x", study=STUDY, content=content, content_form=form
    )


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_what_is_compressed_counts_with_what_it_holds(end: str) -> None:
    packed = gzip.compress(b"a" * (3 * MIB))
    text = base64.encodebytes(packed).decode().rstrip("\n") + end
    assert estimate_text_memory(submitted(text, ContentForm.GZIP)) == 3 * MIB
    assert estimate_text_memory(submitted("file:///a.gz", ContentForm.URI), packed) == 3 * MIB


@pytest.mark.parametrize("content", ["", "no base64!", "aaaaa"])
def test_what_is_no_gzip_counts_with_its_own_size(content: str) -> None:
    assert estimate_text_memory(submitted(content, ContentForm.GZIP)) < 1_000


def test_text_counts_with_its_size_in_memory() -> None:
    assert estimate_text_memory(submitted("a" * MIB, ContentForm.TEXT)) >= MIB
    assert estimate_text_memory(submitted("\u0301" * MIB, ContentForm.TEXT)) >= 2 * MIB
