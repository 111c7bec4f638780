"""Counting of what is stored, in metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from contracts.events import TranscriptIngested
from contracts.notes import Note
from telemetry.metrics import (
    NOTES_STORED,
    TRANSCRIPTS_READ,
    WORDS_READ,
    WORDS_WITHOUT_SPEAKER,
)


def record_stored_notes(notes: Iterable[Note]) -> None:
    """Count notes that are stored now, by standing."""
    for standing, number in Counter(note.standing for note in notes).items():
        NOTES_STORED.labels(standing.value).inc(number)


def record_reading_report(event: TranscriptIngested) -> None:
    """Count the words of an interview that is stored now, and those without a named speaker.

    Nothing is counted of one without a report on how it was read.
    """
    if event.reading_report is None:
        return
    words = sum(segment.text.count(" ") + 1 for segment in event.segments)
    found = event.format.value
    TRANSCRIPTS_READ.labels(found).inc()
    WORDS_READ.labels(found).inc(words)
    WORDS_WITHOUT_SPEAKER.labels(found).inc(round(words * event.reading_report.unnamed_share))
