"""Processes that read interviews, so that none costs the service more than its share."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Final, Protocol

from contracts.content_bugs import raise_content_bugs
from contracts.encoded import EncodedEvent
from contracts.events import Event, TranscriptSubmitted
from ingestion.domain import Cutting, ingest
from processes import Bounds, WorkerPool

READING: Final = "reading the transcript"

LARGE_BYTES: Final = 2 * 1024 * 1024
"""Interviews whose text takes more memory are read one at a time: three hours of plain talk take
0.4 MB, so that the others hardly ever wait."""


class ReadInterview(Protocol):
    """Reads an interview and cuts it into chunks."""

    async def __call__(self, submitted: TranscriptSubmitted) -> tuple[Event, ...]:
        """The interview as segments, then its chunks in order."""
        ...


@asynccontextmanager
async def readers(
    *, processes: int, bounds: Bounds, cutting: Cutting
) -> AsyncIterator[ReadInterview]:
    """Run processes that read interviews; yields what reads one.

    It raises what ``read_encoded`` does, and ``processes.errors`` where reading takes more than
    the bounds.

    Args:
        processes: how many.
        bounds: what reading one interview may use.
        cutting: how interviews are cut.
    """
    large = asyncio.Lock()
    async with WorkerPool(read_encoded, processes=processes, bounds=bounds, doing=READING) as pool:

        async def read(submitted: TranscriptSubmitted) -> tuple[Event, ...]:
            is_large = sys.getsizeof(submitted.content) > LARGE_BYTES
            async with large if is_large else nullcontext():
                return await pool(submitted, cutting)

        yield read


def read_encoded(submitted: TranscriptSubmitted, cutting: Cutting) -> tuple[EncodedEvent, ...]:
    """Read an interview into events that are JSON already.

    As objects, the words of a long interview would take ten times the memory in both processes.

    Raises:
        ContentBugError: a reader came upon what its author did not foresee.
    """
    with raise_content_bugs(READING):
        return tuple(EncodedEvent.of(event) for event in ingest(submitted, cutting))
