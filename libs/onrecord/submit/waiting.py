"""Waits until submitted interviews are settled, as ``transcripts-settled`` tells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from contracts.events import SettledOutcome, TranscriptSettled, TranscriptSubmitted
from onrecord.client import Producer
from onrecord.errors import UsageError
from onrecord.outcomes import NotSettledError, OutcomeFilter
from onrecord.pages.rendering import format_count

NOT_COUNTED: Final = frozenset({SettledOutcome.SUPERSEDED, SettledOutcome.ERASED})
"""Outcomes of interviews whose chunks and notes are not counted."""


def refuse_revision_conflicts(
    events: Sequence[TranscriptSubmitted], stored: Mapping[UUID, str]
) -> None:
    """Raise ``UsageError`` for submissions whose revision is stored with different content.

    Args:
        events: at least one, all of the same revision.
        stored: hash of the content that is stored of that revision, by transcript id.

    Raises:
        UsageError: some are; names them, and the revision to submit them with.
    """
    revision = events[0].revision
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


@dataclass(frozen=True, slots=True)
class BatchOutcomes:
    """Outcomes of a batch of interviews, and the number of interviews without one.

    Attributes:
        settled: the outcome of each interview that has one, by the transcript's id.
        going_on: how many interviews have none yet.
    """

    settled: Mapping[UUID, TranscriptSettled]
    going_on: int = 0


async def wait_for_outcomes(
    producer: Producer,
    expected: Iterable[OutcomeFilter],
    timeout_s: float,
    show: Callable[[int], None],
) -> BatchOutcomes:
    """Wait until each submitted interview has an outcome, for at most ``timeout_s`` seconds.

    Args:
        producer: opened before the interviews were sent.
        expected: what is waited for.
        timeout_s: longest wait for all of them, in seconds.
        show: is called with the number of outcomes after each.

    Raises:
        KafkaUnavailableError: outcomes cannot be read.
    """
    settled: dict[UUID, TranscriptSettled] = {}
    try:
        async for event in producer.settled(expected, timeout_s=timeout_s):
            settled[event.transcript_id] = event
            show(len(settled))
    except NotSettledError as error:
        return BatchOutcomes(settled, len(error.transcript_ids))
    return BatchOutcomes(settled)


def describe_outcome(event: TranscriptSettled) -> str:
    """Describe an interview's outcome in one line for people."""
    causes = "; ".join(
        f"{one.service} {one.code}{f': {one.message}' if one.message else ''}"
        for one in event.reasons
    )
    match event.outcome:
        case SettledOutcome.REFUSED:
            text = "refused as a whole: it is a dead letter"
            return f"{text} ({causes})" if causes else text
        case SettledOutcome.SUPERSEDED:
            if event.withdrawn:
                return f"withdrawn: revision {event.revision} is kept and not shown"
            return f"superseded: revision {event.superseded_by} is stored"
        case SettledOutcome.ERASED:
            return "erased"
        case SettledOutcome.COMPLETE | SettledOutcome.DEAD_IN_PART:
            chunks, notes = format_count(event.chunks, "chunk"), format_count(event.notes, "note")
            text = f"{event.stored} of {chunks} stored, {notes}"
            if event.dead:
                text += f", {format_count(event.dead, 'chunk')} set aside"
            return f"{text} ({causes})" if causes else text
