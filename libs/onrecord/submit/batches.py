"""Submits a batch of interviews, waits for their notes, and reports the outcome of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from contracts.study import Study
from messaging import KafkaSettings
from onrecord.connections import build_kafka_settings, open_postgres, open_producer
from onrecord.console import err
from onrecord.errors import FailedError, UnreachableError
from onrecord.pages.rendering import format_count, wrap_paragraph
from onrecord.settings import ClientSettings
from onrecord.submit.interview_files import InterviewFile
from onrecord.submit.preparation import PreparedSubmission, SubmissionOptions, prepare_submissions
from onrecord.submit.waiting import SubmissionWatcher, require_no_conflicts
from read_model.queries import ReadModelQueries, TranscriptProgress


@dataclass(frozen=True, slots=True)
class SubmittedBatch:
    """Batch of interviews that were read and checked, with the outcome of each.

    Attributes:
        interviews: what is sent, in order.
        progress: how far each was when the wait ended; None if nobody waited.
        finished: whether the wait ended because all was done.
        sent: whether they were sent.
    """

    interviews: Sequence[PreparedSubmission]
    progress: Sequence[TranscriptProgress] | None = None
    finished: bool = True
    sent: bool = True


def prepare_batch(
    interviews: Sequence[InterviewFile],
    study: Study,
    declared: SubmissionOptions,
    settings: ClientSettings,
) -> SubmittedBatch:
    """Read and check all interviews, with progress on stderr; nothing is sent.

    Args:
        interviews: the files.
        study: what the notes are to be about.
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
            build_kafka_settings(settings),
            checked=lambda: bars.advance(checking),
        )
    return SubmittedBatch(ready, sent=False)


async def submit_batch(
    batch: SubmittedBatch, settings: ClientSettings, *, wait_s: float | None = None
) -> SubmittedBatch:
    """Send a prepared batch of interviews, with progress on stderr.

    Args:
        batch: the interviews.
        settings: how to reach broker and database.
        wait_s: wait so many seconds at most for the notes; None not to wait.

    Returns:
        The same interviews, with what became of them.

    Raises:
        UsageError: a revision is stored with other content; nothing was sent.
        UnreachableError: the broker, or when waiting the database, does not answer.
    """
    kafka, ready = build_kafka_settings(settings), batch.interviews
    with _bars() as bars:
        if wait_s is not None:
            return await _send_and_wait(ready, kafka, settings, wait_s, bars)
        notice = await _look_for_conflicts(ready, settings)
        await _send(ready, kafka, bars)
    if notice:
        err.print(notice, markup=False)
    return SubmittedBatch(ready)


async def _look_for_conflicts(ready: Sequence[PreparedSubmission], settings: ClientSettings) -> str:
    """Refuse what is stored with other content.

    Returns:
        A sentence for people if nobody could look; a producer need not reach the database.

    Raises:
        UsageError: a revision is stored with other content.
    """
    try:
        async with open_postgres(settings) as database:
            await require_no_conflicts(ReadModelQueries(database), [one.event for one in ready])
    except (UnreachableError, FailedError) as error:
        return f"nobody looked whether these revisions are stored with other content: {error}"
    return ""


async def _send(ready: Sequence[PreparedSubmission], kafka: KafkaSettings, bars: Progress) -> None:
    sending = bars.add_task("sending", total=len(ready))
    sent = 0
    try:
        async with open_producer(kafka) as producer:
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


async def _send_and_wait(
    ready: Sequence[PreparedSubmission],
    kafka: KafkaSettings,
    settings: ClientSettings,
    wait_s: float,
    bars: Progress,
) -> SubmittedBatch:
    async with AsyncExitStack() as opened:
        reading = ReadModelQueries(await opened.enter_async_context(open_postgres(settings)))
        watch = await SubmissionWatcher.begin(reading, [one.event for one in ready])
        await _send(ready, kafka, bars)
        reading_chunks = bars.add_task("waiting", total=None)

        def show(progress: Sequence[TranscriptProgress]) -> None:
            all_known = all(one.chunks or one.refused for one in progress)
            chunks = sum(one.chunks for one in progress)
            bars.update(
                reading_chunks,
                description="chunks" if all_known else "waiting",
                total=chunks if all_known else None,
                completed=sum(one.stored + one.dead for one in progress),
            )

        progress, finished = await watch.until_done(reading, wait_s, show)
    return SubmittedBatch(ready, progress, finished)


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
    """Format a batch: one paragraph for each interview with its outcome."""
    progress = {one.transcript_id: one for one in batch.progress or ()}
    for one in batch.interviews:
        yield from wrap_paragraph(one.event.title, width, style="bold")
        yield from wrap_paragraph(_found(one), width, indent="  ")
        yield Text(f"  id {one.event.transcript_id}", style="dim")
        for notice in one.notices:
            yield from wrap_paragraph(notice, width, indent="    ", first="  ! ", style="yellow")
        if one.event.transcript_id in progress:
            yield from wrap_paragraph(
                _outcome(progress[one.event.transcript_id]), width, indent="  "
            )
    if find_batch_failure(batch) is None:
        outcome = "submitted" if batch.progress is None else "submitted and read"
        outcome = outcome if batch.sent else "can be submitted; nothing was sent"
        yield Text(f"{format_count(len(batch.interviews), 'interview')} {outcome}")


def _found(one: PreparedSubmission) -> str:
    if one.reading is None:
        return f"{one.file.path} (not looked at)"
    segments = format_count(len(one.reading.segments), "segment")
    return f"{one.file.path}: {one.reading.format.value}, {segments}"


def _outcome(one: TranscriptProgress) -> str:
    if one.refused:
        return "refused as a whole: it is a dead letter"
    chunks, notes = format_count(one.chunks, "chunk"), format_count(one.notes, "note")
    outcome = f"{one.stored} of {chunks} stored, {notes}"
    return f"{outcome}, {format_count(one.dead, 'chunk')} set aside" if one.dead else outcome


def batch_to_json(batch: SubmittedBatch) -> list[dict[str, Any]]:
    """Return a batch as JSON data, with one object for each interview."""
    progress = {one.transcript_id: one for one in batch.progress or ()}
    return [
        {**_sent_json(one), **_progress_json(progress.get(one.event.transcript_id))}
        for one in batch.interviews
    ]


def _sent_json(one: PreparedSubmission) -> dict[str, Any]:
    reading = one.reading
    return {
        "file": str(one.file.path),
        "title": one.event.title,
        "transcript_id": str(one.event.transcript_id),
        "revision": one.event.revision,
        "study_id": one.event.study.study_id,
        "format": reading.format.value if reading else one.event.format,
        "segments": len(reading.segments) if reading else None,
        "notices": list(one.notices),
    }


def _progress_json(one: TranscriptProgress | None) -> dict[str, Any]:
    if one is None:
        return {}
    return {
        "chunks": one.chunks,
        "stored": one.stored,
        "dead": one.dead,
        "notes": one.notes,
        "refused": one.refused,
        "done": one.done,
    }


def find_batch_failure(batch: SubmittedBatch) -> FailedError | None:
    """Return the error with which a batch failed; None if it did not.

    The page has each interview's progress, so this line only sums up.
    """
    if batch.progress is None:
        return None
    sent = f"{format_count(len(batch.interviews), 'interview')} submitted"
    outcome = [*_set_aside(batch.progress)]
    if not batch.finished:
        going_on = sum(not one.done for one in batch.progress)
        outcome.append(
            f"{_still(going_on)} not read to the end when the wait was over, and the work goes on: "
            "`onrecord coverage` shows how far it is"
        )
    return FailedError("; ".join([sent, *outcome])) if outcome else None


def _set_aside(progress: Sequence[TranscriptProgress]) -> Iterator[str]:
    refused = sum(one.refused for one in progress)
    dead = sum(one.dead for one in progress if not one.refused)
    counted = [format_count(refused, "interview")] * bool(refused) + [
        format_count(dead, "chunk")
    ] * bool(dead)
    if counted:
        were = "was" if refused + dead == 1 else "were"
        yield f"{' and '.join(counted)} {were} set aside: `onrecord dlq list` shows why"


def _still(interviews: int) -> str:
    return f"{format_count(interviews, 'interview')} {'was' if interviews == 1 else 'were'}"
