"""Decides what became of submitted content, from what the database knows of it; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from uuid import UUID

from contracts.bounds import MAX_NAME_CHARACTERS, MAX_REASONS
from contracts.events import SettledOutcome, SettledReason, TranscriptSettled


@dataclass(frozen=True, slots=True)
class DeadLetterCause:
    """Error that made an interview or chunk a dead letter, with the service that failed."""

    letter_id: UUID
    service: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class SubmissionFacts:
    """Facts that decide a submission's outcome: its chunks, notes and dead letters.

    Attributes:
        transcript_id: which interview it is of.
        revision: None if the submission has no valid one.
        content_sha256: None if the submission is not valid.
        submissions: how often it was submitted.
        last_submitted_at: when it was submitted last.
        ingested: whether it is what is stored under the revision.
        newest_revision: the current revision of the interview; None if there is none.
        has_newer: whether a newer revision is current, or a refresh of it.
        is_withdrawn: whether it is ingested, and its revision is withdrawn.
        is_erased: whether its interview was erased on request.
        refreshes: the revision that it asks again, if it is a refresh.
        is_going_on: whether a chunk of it is neither stored nor a dead letter.
        chunks: how many chunks it has, if it is ingested and nothing is going on.
        stored: how many of them are stored.
        notes: how many notes are stored, without repeats.
        rejected_notes: how many notes were refused.
        letters: the latest dead letter of each chunk that is not stored, or the latest one of the
            interview itself if it is not ingested.
    """

    transcript_id: UUID
    revision: int | None
    content_sha256: str | None
    submissions: int
    last_submitted_at: datetime
    ingested: bool = False
    newest_revision: int | None = None
    has_newer: bool = False
    is_withdrawn: bool = False
    is_erased: bool = False
    refreshes: int | None = None
    is_going_on: bool = False
    chunks: int = 0
    stored: int = 0
    notes: int = 0
    rejected_notes: int = 0
    letters: Sequence[DeadLetterCause] = ()

    @property
    def is_superseded(self) -> bool:
        """Whether it is ingested, and withdrawn, or a newer revision is ingested too."""
        return self.ingested and (self.is_withdrawn or self.has_newer)

    @property
    def is_dead_in_part(self) -> bool:
        """Whether nothing is going on, and not all chunks are stored."""
        done = self.ingested and not self.is_superseded and not self.is_going_on
        return done and self.stored < self.chunks


@dataclass(frozen=True, slots=True)
class OutcomeDecision:
    """Decided outcome of a submission: the event to publish, and a hash of the facts behind it.

    Attributes:
        event: what is published.
        facts_sha256: hash of the facts it was decided by; the same facts are no new outcome.
    """

    event: TranscriptSettled
    facts_sha256: str


def decide_outcome(facts: SubmissionFacts, number: int) -> OutcomeDecision | None:
    """Decide the final outcome of a submission; return None while it is in progress.

    What is ingested counts before dead letters of the interview: another submission of the same
    content may have died.

    Args:
        facts: what is known of it.
        number: the outcome's number.
    """
    if facts.is_erased:
        event = _event(facts, number, SettledOutcome.ERASED)
        # A submission that comes later is discarded, and answered again.
        submissions = (facts.submissions, facts.last_submitted_at)
        return OutcomeDecision(event, _hash(event, submissions))
    if facts.ingested:
        return _of_ingested(facts, number)
    if facts.letters:
        letter = facts.letters[0]
        reasons = (_reason(letter, 0),)
        event = _event(facts, number, SettledOutcome.REFUSED, reasons)
        return OutcomeDecision(event, _hash(event, [letter.letter_id]))
    return None


def _of_ingested(facts: SubmissionFacts, number: int) -> OutcomeDecision | None:
    # Nothing further comes of submitting such content again, so that itself is answered.
    submissions = (facts.submissions, facts.last_submitted_at)
    if facts.is_superseded:
        event = _event(facts, number, SettledOutcome.SUPERSEDED)
        return OutcomeDecision(event, _hash(event, submissions))
    if facts.is_going_on:
        return None
    if not facts.is_dead_in_part:
        event = _event(facts, number, SettledOutcome.COMPLETE)
        return OutcomeDecision(event, _hash(event, submissions))
    reasons = tuple(islice(_reasons(facts.letters), MAX_REASONS))
    event = _event(facts, number, SettledOutcome.DEAD_IN_PART, reasons)
    # A chunk that was replayed and died again has another letter.
    return OutcomeDecision(event, _hash(event, (letter.letter_id for letter in facts.letters)))


def _event(
    facts: SubmissionFacts,
    number: int,
    outcome: SettledOutcome,
    reasons: tuple[SettledReason, ...] = (),
) -> TranscriptSettled:
    is_superseded = outcome is SettledOutcome.SUPERSEDED
    is_withdrawn = is_superseded and facts.is_withdrawn
    is_counted = outcome not in {SettledOutcome.SUPERSEDED, SettledOutcome.ERASED}
    chunks, stored = (facts.chunks, facts.stored) if is_counted else (0, 0)
    return TranscriptSettled(
        transcript_id=facts.transcript_id,
        revision=facts.revision,
        content_sha256=facts.content_sha256,
        number=number,
        outcome=outcome,
        chunks=chunks,
        stored=stored,
        dead=chunks - stored,
        notes=facts.notes if is_counted else 0,
        rejected_notes=facts.rejected_notes if is_counted else 0,
        reasons=reasons,
        superseded_by=facts.newest_revision if is_superseded and not is_withdrawn else None,
        withdrawn=is_withdrawn,
        refreshes=facts.refreshes,
    )


def _reasons(letters: Iterable[DeadLetterCause]) -> Iterator[SettledReason]:
    """Reasons by service and code, each with the message of its first letter."""
    first: dict[tuple[str, str], DeadLetterCause] = {}
    chunks: dict[tuple[str, str], int] = {}
    for letter in letters:
        cause = letter.service, letter.code
        first.setdefault(cause, letter)
        chunks[cause] = chunks.get(cause, 0) + 1
    return (_reason(letter, chunks[cause]) for cause, letter in first.items())


def _reason(letter: DeadLetterCause, chunks: int) -> SettledReason:
    return SettledReason(
        service=letter.service,
        code=letter.code[:MAX_NAME_CHARACTERS],
        message=letter.message[:MAX_NAME_CHARACTERS],
        chunks=chunks,
    )


def _hash(event: TranscriptSettled, further: Iterable[object]) -> str:
    # Neither its number nor which revision came after it makes it another outcome.
    excluded = {"number", "reasons", "superseded_by"}
    # Outcomes that were decided before there were such fields.
    excluded |= {name for name in ("withdrawn", "refreshes") if not getattr(event, name)}
    decided = event.model_dump_json(exclude=excluded)
    return hashlib.sha256("\n".join((decided, *map(str, further))).encode()).hexdigest()
