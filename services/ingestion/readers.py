"""Worker processes that read interviews, so that none costs the service more than its share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from typing import Final, Protocol

from contracts.content_bugs import convert_bugs_triggered_by_message
from contracts.encoded import EncodedEvent
from contracts.events import Event, TranscriptSubmitted
from contracts.study import Study
from contracts.transcript import ContentForm
from ingestion.content import MAX_CONTENT_BYTES
from ingestion.domain import (
    ChunkSizes,
    StoredInterview,
    build_events_of_stored,
    build_ingestion_events,
)
from ingestion.errors import UriNotAllowedError
from ingestion.parsing_scheduler import ParsingScheduler, estimate_text_memory
from processes import TaskLimits, WorkerPool

READING: Final = "reading the transcript"

MAX_FETCHED: Final = 2
"""How many files behind URIs are fetched, and held in memory until they are read, at most."""


class InterviewReader(Protocol):
    """Interface of functions that parse a submitted interview into events."""

    async def __call__(
        self,
        submitted: TranscriptSubmitted,
        *,
        study: Study | None = None,
        stored: StoredInterview | None = None,
        waiting: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> tuple[Event, ...]:
        """Return the interview as segments, then its chunks in order.

        Args:
            submitted: the interview.
            study: what it is for; the study in it if None.
            stored: what is stored of it, if it is asked again or corrected.
            waiting: returns a context that is entered while it waits for its turn.
        """
        ...


FetchContent = Callable[[str], Awaitable[bytes]]
"""Returns the file behind a URI; raises ``ingestion.errors``."""


async def reject_uri(uri: str) -> bytes:
    """Raise ``UriNotAllowedError``; replaces the fetch function if fetching is turned off.

    Raises:
        UriNotAllowedError: always.
    """
    del uri
    raise UriNotAllowedError


@asynccontextmanager
async def open_interview_reader(
    *,
    processes: int,
    limits: TaskLimits,
    chunk_sizes: ChunkSizes,
    fetch: FetchContent = reject_uri,
    max_content_bytes: int = MAX_CONTENT_BYTES,
) -> AsyncIterator[InterviewReader]:
    """Run worker processes that parse interviews, for the duration of the context.

    The reader raises as ``build_encoded_events`` does, and ``processes.errors`` where reading
    takes more than the limits.

    Args:
        processes: how many.
        limits: what reading one interview may use.
        chunk_sizes: how interviews are cut.
        fetch: fetches content that is a URI; by default, none is allowed.
        max_content_bytes: the most bytes of a file, before and after decompression.
    """
    turns = ParsingScheduler(processes)
    fetching = asyncio.Semaphore(MAX_FETCHED)
    async with WorkerPool(
        build_encoded_events, processes=processes, limits=limits, doing=READING
    ) as pool:

        async def read(
            submitted: TranscriptSubmitted,
            *,
            study: Study | None = None,
            stored: StoredInterview | None = None,
            waiting: Callable[[], AbstractContextManager[object]] = nullcontext,
        ) -> tuple[Event, ...]:
            if stored is not None and study is not None:  # it was read before
                return await asyncio.to_thread(
                    build_encoded_events_of_stored, submitted, stored, study, chunk_sizes
                )
            async with AsyncExitStack() as held:
                fetched = None
                if submitted.content_form is ContentForm.URI:
                    with waiting():
                        await held.enter_async_context(fetching)
                    fetched = await fetch(submitted.content)
                size = estimate_text_memory(submitted, fetched)
                with waiting():
                    await held.enter_async_context(turns.take(size))
                return await pool(submitted, chunk_sizes, fetched, max_content_bytes, study)

        yield read


def build_encoded_events_of_stored(
    submitted: TranscriptSubmitted,
    stored: StoredInterview,
    study: Study,
    chunk_sizes: ChunkSizes,
) -> tuple[EncodedEvent, ...]:
    """Build the events to make new notes of a stored interview, serialized to JSON."""
    events = build_events_of_stored(submitted, stored, study, chunk_sizes)
    return tuple(EncodedEvent.of(event) for event in events)


def build_encoded_events(
    submitted: TranscriptSubmitted,
    chunk_sizes: ChunkSizes,
    fetched: bytes | None = None,
    max_content_bytes: int = MAX_CONTENT_BYTES,
    study: Study | None = None,
) -> tuple[EncodedEvent, ...]:
    """Parse an interview; return its events serialized to JSON.

    As objects, the words of a long interview would take ten times the memory in both processes.

    Raises:
        BugTriggeredByMessageError: a reader came upon what its author did not foresee.
    """
    with convert_bugs_triggered_by_message(READING):
        events = build_ingestion_events(submitted, chunk_sizes, fetched, max_content_bytes, study)
        return tuple(EncodedEvent.of(event) for event in events)
