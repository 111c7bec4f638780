"""Submits a batch of interviews, waits for their notes, and reports the outcome of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from contracts.events import SettledOutcome, TranscriptSettled
from contracts.study import Study
from onrecord.client import Producer
from onrecord.connections import (
    build_compression_settings,
    build_kafka_settings,
    explain_kafka_errors,
    open_producer,
)
from onrecord.console import err
from onrecord.errors import CommandError, FailedError, UnreachableError
from onrecord.outcomes import build_outcome_filter
from onrecord.pages.rendering import format_count, wrap_paragraph
from onrecord.settings import URL_SETTING, ClientSettings
from onrecord.submit.control_api import (
    UnregisteredStudyError,
    fetch_interview_states,
    refuse_stored_conflicts,
    submit_to_control,
)
from onrecord.submit.interview_files import InterviewFile
from onrecord.submit.preparation import PreparedSubmission, SubmissionOptions, prepare_submissions
from onrecord.submit.waiting import (
    NOT_COUNTED,
    BatchOutcomes,
    describe_outcome,
    wait_for_outcomes,
)

_NOBODY_LOOKED: Final = "nobody looked whether these revisions are stored with other content"


@dataclass(frozen=True, slots=True)
class SubmittedBatch:
    """Batch of submitted interviews, with their outcomes once they are known.

    Attributes:
        interviews: what is sent, in order.
        outcomes: what became of each when the wait ended; None if nobody waited.
        sent: whether they were sent.
    """

    interviews: Sequence[PreparedSubmission]
    outcomes: BatchOutcomes | None = None
    sent: bool = True


def prepare_batch(
    interviews: Sequence[InterviewFile],
    study: Study | str,
    declared: SubmissionOptions,
    settings: ClientSettings,
) -> SubmittedBatch:
    """Parse and check interviews before any is sent, with a progress bar on stderr.

    Args:
        interviews: the files.
        study: what the notes are to be about; or the id of a registered study.
        declared: what holds for all files.
        settings: how messages are compressed.

    Raises:
        UsageError: a file cannot be submitted.
    """
    with _bars() as bars:
        checking = bars.add_task("checking", total=len(interviews))
        ready = prepare_submissions(
            interviews,
            study,
            declared,
            build_compression_settings(settings),
            checked=lambda: bars.advance(checking),
        )
    return SubmittedBatch(ready, sent=False)


async def submit_batch(
    batch: SubmittedBatch,
    settings: ClientSettings,
    *,
    wait_s: float | None = None,
    by_kafka: bool = True,
) -> SubmittedBatch:
    """Send a batch of interviews, and wait for their outcomes if ``wait_s`` is set.

    Args:
        batch: the interviews.
        settings: how to reach control and the broker.
        wait_s: wait so many seconds at most for the notes; None not to wait.
        by_kafka: whether to send them to the broker; else to control's API.

    Returns:
        The same interviews, with what became of them.

    Raises:
        UsageError: a revision is stored with other content; nothing was sent.
        UnreachableError: the broker or control does not answer.
    """
    if by_kafka:
        return await _submit_to_kafka(batch, settings, wait_s)
    with _bars() as bars:
        outcomes = await submit_to_control(batch.interviews, settings, wait_s, bars)
    return SubmittedBatch(batch.interviews, outcomes)


async def _submit_to_kafka(
    batch: SubmittedBatch, settings: ClientSettings, wait_s: float | None
) -> SubmittedBatch:
    kafka, ready = build_kafka_settings(settings), batch.interviews
    with _bars() as bars:
        notice = await _look_for_conflicts(ready, settings)
        async with open_producer(kafka) as producer:
            if wait_s is not None:
                producer.require_outcomes()
            await _send(ready, producer, bars)
            outcomes = await _wait(ready, producer, wait_s, bars) if wait_s is not None else None
    if notice:
        err.print(notice, markup=False)
    return SubmittedBatch(ready, outcomes)


async def _look_for_conflicts(ready: Sequence[PreparedSubmission], settings: ClientSettings) -> str:
    """Refuse what is stored with other content.

    Returns:
        A sentence for people if nobody could look; a producer need not reach control.

    Raises:
        UsageError: a revision is stored with other content, or the study is not registered.
    """
    if settings.names_kafka_alone:
        return f"{_NOBODY_LOOKED}: {URL_SETTING} does not say where control is"
    try:
        states = await fetch_interview_states(ready, settings)
    except UnregisteredStudyError:
        raise
    except CommandError as error:
        return f"{_NOBODY_LOOKED}: {error}"
    refuse_stored_conflicts(ready, states)
    return ""


async def _send(ready: Sequence[PreparedSubmission], producer: Producer, bars: Progress) -> None:
    sending = bars.add_task("sending", total=len(ready))
    sent = 0
    try:
        async with explain_kafka_errors():
            for one in ready:
                await producer.send(one.compressed or one.event)
                sent += 1
                bars.advance(sending)
    except UnreachableError as error:
        if not sent:
            raise
        raise UnreachableError(
            f"{error} ({sent} of {len(ready)} were sent: submit the same again, and only the rest "
            "is new)"
        ) from error


async def _wait(
    ready: Sequence[PreparedSubmission], producer: Producer, wait_s: float, bars: Progress
) -> BatchOutcomes:
    waiting = bars.add_task("settled", total=len(ready))
    expected = [
        build_outcome_filter(one.event, was_compressed=one.compressed is not None) for one in ready
    ]
    return await wait_for_outcomes(
        producer, expected, wait_s, lambda settled: bars.update(waiting, completed=settled)
    )


def _bars() -> Progress:
    """Progress bars that disappear when the work is done, as the result follows."""
    shown = TextColumn("{task.description:<8}")
    return Progress(
        shown,
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


def format_batch(batch: SubmittedBatch, width: int) -> Iterator[Text]:
    """Format a submitted batch for the terminal, with the outcome of each interview."""
    for one in batch.interviews:
        yield from wrap_paragraph(one.event.title, width, style="bold")
        yield from wrap_paragraph(_found(one), width, indent="  ")
        yield Text(f"  id {one.event.transcript_id}", style="dim")
        for notice in one.notices:
            yield from wrap_paragraph(notice, width, indent="    ", first="  ! ", style="yellow")
        if (outcome := _outcome_of(one, batch)) is not None:
            yield from wrap_paragraph(describe_outcome(outcome), width, indent="  ")
    if find_batch_failure(batch) is None:
        yield Text(f"{format_count(len(batch.interviews), 'interview')} {_summarise(batch)}")


def _summarise(batch: SubmittedBatch) -> str:
    if batch.outcomes is None:
        return "submitted" if batch.sent else "can be submitted; nothing was sent"
    others = Counter(
        one.outcome.value for one in batch.outcomes.settled.values() if one.outcome in NOT_COUNTED
    )
    if not others:
        return "submitted and read"
    return f"submitted; {', '.join(f'{count} {outcome}' for outcome, count in others.items())}"


def _outcome_of(one: PreparedSubmission, batch: SubmittedBatch) -> TranscriptSettled | None:
    return batch.outcomes.settled.get(one.event.transcript_id) if batch.outcomes else None


def _found(one: PreparedSubmission) -> str:
    if one.reading is None:
        return f"{one.file.path} (not looked at)"
    segments = format_count(len(one.reading.segments), "segment")
    return f"{one.file.path}: {one.reading.format.value}, {segments}"


def batch_to_json(batch: SubmittedBatch) -> list[dict[str, Any]]:
    """Convert a batch to JSON data, with one object for each interview."""
    waited = batch.outcomes is not None
    return [
        {**_sent_json(one), **(_outcome_json(_outcome_of(one, batch)) if waited else {})}
        for one in batch.interviews
    ]


def _sent_json(one: PreparedSubmission) -> dict[str, Any]:
    reading = one.reading
    return {
        "file": str(one.file.path),
        "title": one.event.title,
        "transcript_id": str(one.event.transcript_id),
        "revision": one.event.revision,
        "study_id": one.event.named_study_id,
        "format": reading.format.value if reading else one.event.format,
        "segments": len(reading.segments) if reading else None,
        "notices": list(one.notices),
    }


def _outcome_json(event: TranscriptSettled | None) -> dict[str, Any]:
    """What became of an interview; without counts if that is not known yet."""
    if event is None:
        nothing = dict.fromkeys(("chunks", "stored", "dead", "notes"))
        return {**nothing, "refused": False, "done": False, "outcome": None}
    return {
        "chunks": event.chunks,
        "stored": event.stored,
        "dead": event.dead,
        "notes": event.notes,
        "refused": event.outcome is SettledOutcome.REFUSED,
        "done": True,
        "outcome": event.outcome.value,
        "rejected_notes": event.rejected_notes,
        "reasons": [one.model_dump() for one in event.reasons],
        "superseded_by": event.superseded_by,
    }


def find_batch_failure(batch: SubmittedBatch) -> FailedError | None:
    """Return the error to exit with if interviews of a batch failed; None if none failed.

    The page has each interview's outcome, so this line only sums up.
    """
    if batch.outcomes is None:
        return None
    sent = f"{format_count(len(batch.interviews), 'interview')} submitted"
    outcome = [*_set_aside(batch.outcomes.settled.values())]
    if going_on := batch.outcomes.going_on:
        outcome.append(
            f"{_still(going_on)} not read to the end when the wait was over, and the work goes on: "
            "`onrecord coverage` shows how far it is; submit the same again to wait again"
        )
    return FailedError("; ".join([sent, *outcome])) if outcome else None


def _set_aside(settled: Collection[TranscriptSettled]) -> Iterator[str]:
    refused = sum(one.outcome is SettledOutcome.REFUSED for one in settled)
    dead = sum(one.dead for one in settled if one.outcome is SettledOutcome.DEAD_IN_PART)
    counted = [format_count(refused, "interview")] * bool(refused) + [
        format_count(dead, "chunk")
    ] * bool(dead)
    if counted:
        were = "was" if refused + dead == 1 else "were"
        yield f"{' and '.join(counted)} {were} set aside: `onrecord dlq list` shows why"


def _still(interviews: int) -> str:
    return f"{format_count(interviews, 'interview')} {'was' if interviews == 1 else 'were'}"
