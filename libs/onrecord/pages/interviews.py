"""Interviews of a study, and one with what became of its submissions, as pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.text import Text

from contracts.events import TranscriptSettled
from onrecord.pages.rendering import format_count, format_recording_time, wrap_paragraph
from read_model.reading_reports import TranscriptReadingReport
from read_model.transcripts import TranscriptSegment, TranscriptStatus, TranscriptSummary

_STATUSES: Final = {
    TranscriptStatus.IN_PROGRESS: "in progress",
    TranscriptStatus.COMPLETE: "complete",
    TranscriptStatus.DEAD_IN_PART: "dead in part",
}


def format_interviews(interviews: Sequence[TranscriptSummary], width: int) -> Iterator[Text]:
    """Format interviews as a list: title, id and progress of each.

    Args:
        interviews: in the order in which they are to stand.
        width: of a line, in columns.
    """
    for one in interviews:
        yield from _format_interview(one, width)


def format_interview(
    interview: TranscriptSummary, outcomes: Sequence[TranscriptSettled], width: int
) -> Iterator[Text]:
    """Format one interview, with the outcomes of its submissions below it.

    Args:
        interview: its current revision.
        outcomes: the latest first.
        width: of a line, in columns.
    """
    yield from _format_interview(interview, width)
    for one in outcomes:
        outcome = one.outcome.value.replace("_", " ")
        yield from wrap_paragraph(f"{_describe_submission(one)}: {outcome}", width, indent="  ")
        for reason in one.reasons:
            said = f"{reason.service} {reason.code}: {reason.message}".removesuffix(": ")
            yield from wrap_paragraph(said, width, indent="    ", style="dim")


def format_segments(segments: Sequence[TranscriptSegment], width: int) -> Iterator[Text]:
    """Format what was said: each turn with its time and who speaks.

    Args:
        segments: in the order in which they are to stand.
        width: of a line, in columns.
    """
    for one in segments:
        said = f"{format_recording_time(one.start_ms)} {one.speaker}"
        yield from wrap_paragraph(said, width, style="bold")
        yield from wrap_paragraph(one.text, width, indent="  ")


def format_reading_report(report: TranscriptReadingReport, width: int) -> Iterator[Text]:
    """Format the report on how an interview was read.

    Args:
        report: as the caller may see it.
        width: of a line, in columns.
    """
    read = (
        f"read as {report.format} ({report.confidence:.0%} sure), "
        f"{1 - report.unnamed_share:.0%} of the words named, "
        f"{report.timed_share:.0%} of the segments timed"
    )
    yield from wrap_paragraph(read, width, indent="  ")
    speakers = [
        f"{one.speaker} ({one.role}), {format_count(one.words, 'word')}, {one.share:.0%}"
        for one in report.speakers
    ]
    yield from _format_list("speakers", speakers, report.speakers_left_out, width)
    yield from _format_list("mended", report.notices, report.notices_left_out, width, "yellow")
    yield from _format_list("in doubt", report.doubts, report.doubts_left_out, width, "red")


def _format_list(
    name: str, entries: Sequence[str], left_out: int, width: int, style: str = ""
) -> Iterator[Text]:
    """Format a list with its name before it, and behind it how many entries were left out."""
    more = [f"and {left_out:,} more"] if left_out else []
    indent = " " * 12
    for number, entry in enumerate((*entries, *more)):
        first = indent if number else f"  {name:<10}"
        yield from wrap_paragraph(entry, width, indent=indent, first=first, style=style)


def _describe_submission(one: TranscriptSettled) -> str:
    if one.refreshes is not None:  # its number is none that people count
        return f"revision {one.refreshes}, asked again"
    return "no valid revision" if one.revision is None else f"submission of revision {one.revision}"


def _format_interview(one: TranscriptSummary, width: int) -> Iterator[Text]:
    yield from wrap_paragraph(one.title, width, style="bold")
    yield Text(f"  id {one.transcript_id}")
    lost = [(one.dead, "dead"), (one.discarded, "discarded")]
    parts = [
        f"revision {one.revision}"
        if one.refreshes is None
        else f"revision {one.refreshes}, asked again",
        _STATUSES[one.status],
        f"{one.stored} of {format_count(one.chunks, 'chunk')} stored",
        *(f"{number} {what}" for number, what in lost if number),
        format_count(one.notes, "note")
        if one.notes_expired_at is None
        else f"notes gone since {one.notes_expired_at:%Y-%m-%d}, as their time is over",
    ]
    yield from wrap_paragraph(", ".join(parts), width, indent="  ", style="dim")
