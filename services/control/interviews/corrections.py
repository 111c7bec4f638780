"""Corrects speakers, roles and titles of stored interviews, each correction a new revision.

A correction is a submission of control's own: it names the stored revision whose words it has, and
ingestion reads them from PostgreSQL, with the correction. So it is settled, audited and paid for as
every other, and works however long the interview's own submission is gone from Kafka::

    claimed in PostgreSQL ─▶ transcripts-submitted ─▶ marked as published
            └────────── crash: the next request publishes it ──┘
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from contracts.corrections import CorrectTranscriptRequest, TranscriptCorrection
from contracts.errors import OnrecordError
from contracts.events import TranscriptSubmitted
from contracts.topics import TRANSCRIPTS_SUBMITTED
from contracts.transcript import Segment
from control.domain import BadRequestError, ConcurrentChangeError, NotFoundError
from control.interviews.corrected_turns import (
    ChunksToAsk,
    SpokenTurns,
    correct_turns,
    find_chunks_to_ask,
    list_changed_turns,
)
from control.queries import load_control_queries
from database.pool import Database
from database.queries import transpose_rows
from messaging import KafkaUnavailableError, Publisher
from read_model.corrections import CorrectionQueries
from read_model.explanation import FunctionRunner
from read_model.transcripts import TranscriptRevision

_QUERIES: Final = load_control_queries("corrections.sql")

ACKNOWLEDGED_WITHIN_S: Final = 10.0
"""Longest that a request waits for the broker to have its submission, in seconds."""


class RevisionOnTheWayError(OnrecordError):
    """Raised when an interview cannot be corrected while a newer revision is on its way (409)."""


@dataclass(frozen=True, slots=True)
class PlannedCorrection:
    """Correction of an interview that is not made yet.

    Attributes:
        title: its title from then on.
        turns: the turns that have another speaker or role.
        changes: what it changes, and which chunks are asked again.
    """

    title: str
    turns: tuple[Segment, ...]
    changes: TranscriptCorrection

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing."""
        return not (self.turns or self.changes.changes_title)


class TranscriptCorrector:
    """Publisher of corrections of stored interviews, which it claims in PostgreSQL.

    Args:
        database: where interviews and corrections are.
        publisher: sends the submissions.
        compute: runs what takes the CPU for long.
    """

    def __init__(self, database: Database, publisher: Publisher, compute: FunctionRunner) -> None:
        self._database = database
        self._publisher = publisher
        self._compute = compute

    async def plan(
        self,
        transcript_id: UUID,
        found: TranscriptRevision,
        wanted: CorrectTranscriptRequest,
        *,
        shows_labels: bool,
    ) -> PlannedCorrection:
        """Return what a correction of an interview's current revision would change.

        Args:
            transcript_id: the interview.
            found: its current revision.
            wanted: what is right.
            shows_labels: whether errors may name the speakers as they are.

        Raises:
            NotFoundError: the revision is not stored any more.
            BadRequestError: it names a speaker or a turn that is not there.
        """
        reading = CorrectionQueries(self._database)
        stored = await reading.revision(transcript_id, found.revision)
        if stored is None:
            raise NotFoundError(f"there is no interview {transcript_id}")
        turns = SpokenTurns(stored.segments, stored.pseudonyms, shows_labels)
        corrected, chunks = await self._compute(compute_correction, turns, wanted, stored.chunks)
        title = stored.title if wanted.title is None else wanted.title
        changed = tuple(list_changed_turns(turns.segments, corrected))
        counts = await reading.count_notes(
            *(transcript_id, found.revision), chunks.ranges, [one.number for one in changed]
        )
        return PlannedCorrection(
            title,
            changed,
            TranscriptCorrection(
                transcript_id=transcript_id,
                study_id=found.study_id,
                corrects=found.revision,
                changes_title=title != stored.title,
                turns=len(changed),
                quotes=counts.quotes,
                chunks=chunks.chunks,
                asked_again=chunks.asked_again,
                notes=counts.notes,
                notes_asked_again=counts.asked_again,
                is_estimate=chunks.is_estimate,
            ),
        )

    async def correct(self, planned: PlannedCorrection, by: str) -> TranscriptCorrection:
        """Make a correction: claim its revision, and publish it.

        Args:
            planned: the correction.
            by: who wants it.

        Raises:
            BadRequestError: it changes nothing.
            ConcurrentChangeError: another revision is current meanwhile.
            RevisionOnTheWayError: a newer revision is on its way, or none can follow.
            NotFoundError: the interview is not there any more.
            KafkaUnavailableError: the broker does not have it; asking again goes on.
        """
        changes = planned.changes
        if planned.is_empty:
            raise BadRequestError("this changes nothing: title, speakers and roles are like that")
        if await self._publisher.find_missing_topics([TRANSCRIPTS_SUBMITTED.name]):
            raise KafkaUnavailableError("the topic of submissions does not exist")
        rows = [(one.number, one.speaker, one.role.value) for one in planned.turns]
        row = await self._database.fetchrow(
            _QUERIES.claim_correction,
            *(changes.transcript_id, changes.study_id, changes.corrects, planned.title, by),
            *transpose_rows(3, rows),
        )
        assert row is not None, "the function returns one row"
        outcome, revision = row["outcome"], row["revision"]
        if outcome in {"claimed", "unpublished"}:
            await self._publish(changes.transcript_id, revision)
        if outcome != "claimed":
            raise _explain_refusal(outcome, revision, changes)
        return changes.model_copy(update={"revision": revision})

    async def _publish(self, transcript_id: UUID, revision: int) -> None:
        row = await self._database.fetchrow(_QUERIES.select_correction, transcript_id, revision)
        if row is None:
            return  # it was erased meanwhile
        event = TranscriptSubmitted(
            transcript_id=transcript_id,
            revision=revision,
            title=row["title"],
            study_id=row["study_id"],
            content="",
            corrects=row["base_revision"],
        )
        try:
            async with asyncio.timeout(ACKNOWLEDGED_WITHIN_S):
                await self._publisher.publish([event])
        except TimeoutError as error:
            raise KafkaUnavailableError("the broker did not acknowledge in time") from error
        await self._database.execute(_QUERIES.mark_correction_published, transcript_id, revision)


def compute_correction(
    turns: SpokenTurns, wanted: CorrectTranscriptRequest, stored: list[tuple[int, int]]
) -> tuple[tuple[Segment, ...], ChunksToAsk]:
    """Return the corrected turns of an interview, and the chunks that are asked again.

    Raises:
        BadRequestError: see ``correct_turns``.
    """
    corrected = correct_turns(turns, wanted)
    return corrected, find_chunks_to_ask(turns.segments, corrected, stored)


def _explain_refusal(
    outcome: str, revision: int | None, changes: TranscriptCorrection
) -> Exception:
    if outcome == "missing":
        return NotFoundError(f"there is no interview {changes.transcript_id}")
    if outcome == "changed":
        return ConcurrentChangeError(
            f"revision {revision} is current now, not {changes.corrects}: look at it, and correct "
            "that one"
        )
    if outcome == "no_number":
        return RevisionOnTheWayError(
            f"no revision can follow {revision}: withdraw it (`onrecord transcript withdraw`), and "
            "submit the interview with the next number"
        )
    return RevisionOnTheWayError(
        f"revision {revision} of this interview is on its way, or a dead letter: correct it once "
        "it is stored (`onrecord transcript show`), or withdraw it (`onrecord transcript withdraw`)"
    )
