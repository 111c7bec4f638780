"""Waits until submitted transcripts are read to the end: every chunk stored or dead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

from contracts.events import TranscriptSubmitted
from onrecord.errors import UsageError
from onrecord.reading import Reading, TranscriptProgress

POLL_S: Final = 0.3
"""Seconds between two looks at the database."""

Shown = Callable[[Sequence[TranscriptProgress]], None]


@dataclass(frozen=True, slots=True)
class Watch:
    """Looks after some submissions, from before they are sent.

    Attributes:
        transcripts: what is submitted.
        revision: the revision of all of them.
        known_letters: dead letters there were before, which are not theirs.
        unchanged: transcripts that are stored with this very content already.
    """

    transcripts: tuple[UUID, ...]
    revision: int
    known_letters: tuple[UUID, ...]
    unchanged: frozenset[UUID]

    @classmethod
    async def begin(cls, reading: Reading, events: Sequence[TranscriptSubmitted]) -> Self:
        """Look at what is there before anything is sent.

        Args:
            reading: the database.
            events: at least one, all of the same revision.

        Raises:
            UsageError: a revision is stored with other content, so it would be refused.
        """
        revision = events[0].revision
        transcripts = tuple(event.transcript_id for event in events)
        stored = await reading.stored_content(transcripts, revision)
        for event in events:
            if stored.get(event.transcript_id, event.content_sha256) != event.content_sha256:
                raise UsageError(
                    f"revision {revision} of {event.title!r} is stored with other content, study "
                    f"or roles: submit the corrected interview with --revision {revision + 1} "
                    "(nothing was sent)"
                )
        letters = await reading.known_letters(transcripts)
        return cls(transcripts, revision, tuple(letters), frozenset(stored))

    async def until_done(
        self, reading: Reading, timeout_s: float, show: Shown
    ) -> tuple[list[TranscriptProgress], bool]:
        """Wait for the end.

        Args:
            reading: the database.
            timeout_s: longest wait, in seconds.
            show: is told how far each transcript is, at every look.

        Returns:
            How far each transcript is, and whether all are done.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + timeout_s
        while True:
            progress = await reading.progress(self.transcripts, self.revision, self.known_letters)
            show(progress)
            if all(one.done for one in progress):
                return progress, True
            if clock() >= deadline:
                return progress, False
            await asyncio.sleep(min(POLL_S, max(0.0, deadline - clock())))
