"""Waits until submitted transcripts are read to the end: every chunk stored or dead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

from contracts.events import TranscriptSubmitted
from onrecord.errors import UsageError
from read_model.queries import ReadModelQueries, TranscriptProgress

POLL_S: Final = 0.3
"""Seconds between two looks at the database."""

Shown = Callable[[Sequence[TranscriptProgress]], None]


async def require_no_conflicts(
    reading: ReadModelQueries, events: Sequence[TranscriptSubmitted]
) -> frozenset[UUID]:
    """Raise for submissions whose revision is stored already with other content.

    Args:
        reading: the database.
        events: at least one, all of the same revision.

    Returns:
        The transcripts that are stored with this very content already.

    Raises:
        UsageError: some are; names them, and the revision to submit them with.
    """
    revision = events[0].revision
    stored = await reading.stored_content([event.transcript_id for event in events], revision)
    conflicts = [
        f"revision {revision} of {event.title!r} is stored with other content, study or roles: "
        f"submit the corrected interview with --revision {revision + 1}"
        for event in events
        if stored.get(event.transcript_id, event.content_sha256) != event.content_sha256
    ]
    if len(conflicts) == 1:
        raise UsageError(f"{conflicts[0]} (nothing was sent)")
    if conflicts:
        number = f"{len(conflicts)} of {len(events)} interviews"
        raise UsageError(f"{number} are stored otherwise; nothing was sent", details=conflicts)
    return frozenset(stored)


@dataclass(frozen=True, slots=True)
class SubmissionWatcher:
    """Watcher of submissions, until every chunk is stored or dead-lettered.

    Attributes:
        contents: what is submitted: ``content_sha256`` by the transcript's id.
        revision: the revision of all of them.
        known_letters: dead letters there were before, which are not theirs.
        unchanged: transcripts that are stored with this very content already.
    """

    contents: Mapping[UUID, str]
    revision: int
    known_letters: tuple[UUID, ...]
    unchanged: frozenset[UUID]

    @classmethod
    async def begin(cls, reading: ReadModelQueries, events: Sequence[TranscriptSubmitted]) -> Self:
        """Look at what is there before anything is sent.

        Args:
            reading: the database.
            events: at least one, all of the same revision.

        Raises:
            UsageError: a revision is stored with other content, so it would be refused.
        """
        unchanged = await require_no_conflicts(reading, events)
        contents = {event.transcript_id: event.content_sha256 for event in events}
        letters = await reading.known_letters(list(contents))
        return cls(contents, events[0].revision, tuple(letters), unchanged)

    async def until_done(
        self, reading: ReadModelQueries, timeout_s: float, show: Shown
    ) -> tuple[list[TranscriptProgress], bool]:
        """Wait for the end.

        Args:
            reading: the database.
            timeout_s: longest wait, in seconds.
            show: is called with each transcript's progress after every query.

        Returns:
            How far each transcript is, and whether all are done.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + timeout_s
        while True:
            progress = await reading.progress(self.contents, self.revision, self.known_letters)
            show(progress)
            if all(one.done for one in progress):
                return progress, True
            if clock() >= deadline:
                return progress, False
            await asyncio.sleep(min(POLL_S, max(0.0, deadline - clock())))
