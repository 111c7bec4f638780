"""The reading report that goes along with an interview: what it says, and how large it may be."""

from __future__ import annotations

import gzip
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.events import TranscriptIngested, TranscriptSubmitted
from contracts.reading_report import (
    MAX_REPORT_SENTENCE_CHARACTERS,
    MAX_REPORT_SENTENCES,
    MAX_REPORTED_SPEAKERS,
    BoundedReadingReport,
)
from contracts.transcript import ContentForm, Role, TranscriptFormat
from ingestion.domain import (
    ChunkSizes,
    StoredInterview,
    build_events_of_stored,
    build_ingestion_events,
)
from ingestion.reports import build_reading_report
from support.chunks import INTERVIEW, STUDY
from transcripts import ReadingReport, TranscriptReading, read_transcript

SIZES = ChunkSizes(max_characters=600, context_characters=100)
TALK = "Interviewer: How did it begin?\nRavi: With a borrowed ladder, I think.\n"
LONG = "and then we carried the ladder home again " * 30


def ingest(content: str, **changes: Any) -> TranscriptIngested:
    submitted = TranscriptSubmitted(
        transcript_id=INTERVIEW, title="Ana", study=STUDY, content=content, **changes
    )
    ingested, *_ = build_ingestion_events(submitted, SIZES)
    assert isinstance(ingested, TranscriptIngested)
    return ingested


def report_of(content: str, **changes: Any) -> BoundedReadingReport:
    report = ingest(content, **changes).reading_report
    assert report is not None
    return report


def test_says_who_speaks_how_much_and_what_was_mended() -> None:
    report = report_of(TALK.replace("ladder", "lad\0der"))
    assert [(one.label, one.role, one.words) for one in report.speakers] == [
        ("Interviewer", Role.INTERVIEWER, 4),
        ("Ravi", Role.PARTICIPANT, 6),
    ]
    assert report.speakers[1].share == pytest.approx(0.6)
    assert (report.unnamed_share, report.timed_share, report.doubts) == (0, 0, ())
    assert 0 < report.confidence <= 1
    assert report.notices == ("1 null character (U+0000) was removed",)
    assert report_of(TALK, format=TranscriptFormat.PLAIN).confidence == 1


def test_says_how_a_file_was_decoded() -> None:
    content = b64encode(gzip.compress(f"{TALK}Ravi: Déjà vu.\n".encode("cp1252"))).decode()
    report = report_of(content, content_form=ContentForm.GZIP)
    assert any("1252" in one for one in report.notices), report.notices


def test_roles_are_those_of_the_segments_where_it_is_in_doubt_who_speaks() -> None:
    talk = f"Interviewer: How?\nBen: {LONG}\nTrappe: Where {LONG}\nInterviewer: And?\nBen: Fine.\n"
    ingested = ingest(talk, accept_doubtful=True)
    assert ingested.reading_report is not None
    assert any("“Trappe” is named once only" in one for one in ingested.reading_report.doubts)
    roles = {one.speaker: one.role for one in ingested.segments}
    assert {one.label: one.role for one in ingested.reading_report.speakers} == roles


def test_an_interview_that_is_asked_again_is_not_read_again() -> None:
    read = ingest(TALK)
    stored = StoredInterview("Ana", read.format, datetime(2026, 1, 1, tzinfo=UTC), read.segments)
    submitted = TranscriptSubmitted(
        transcript_id=INTERVIEW, title="-", content="", study_id=STUDY.study_id, refresh_version=2
    )
    ingested, *_ = build_events_of_stored(submitted, stored, STUDY, SIZES)
    assert isinstance(ingested, TranscriptIngested)
    assert ingested.reading_report is None


def test_what_an_event_has_no_room_for_is_cut_and_counted() -> None:
    speakers = 3 * MAX_REPORTED_SPEAKERS
    talk = "\n".join(f"Person {n:04}: {'yes ' * (2 if n % 3 else 5)}" for n in range(speakers))
    reading = read_transcript(talk)
    long = tuple(f"line {n}, “{'x' * 1_000}\ud800\0”" for n in range(MAX_REPORT_SENTENCES + 7))
    reading = TranscriptReading(
        reading.format,
        reading.segments,
        ReadingReport(
            reading.format, 1.0, reading.report.speakers, 0.0, 0.0, long, (*long, "one more")
        ),
    )
    report = build_reading_report(reading, ("decoded",))
    assert len(report.speakers) == MAX_REPORTED_SPEAKERS
    assert report.speakers_left_out == speakers - MAX_REPORTED_SPEAKERS
    assert {one.words for one in report.speakers} == {5}
    assert [one.label for one in report.speakers] == sorted(one.label for one in report.speakers)
    assert (report.notices[0], report.notices_left_out, report.doubts_left_out) == ("decoded", 8, 8)
    assert {len(one) for one in report.notices[1:]} == {MAX_REPORT_SENTENCE_CHARACTERS}
    assert BoundedReadingReport.model_validate_json(report.model_dump_json()) == report


def test_no_event_is_larger_than_its_bounds() -> None:
    with_bounds = report_of(TALK)
    for field, value in (
        ("notices", ("x",) * (MAX_REPORT_SENTENCES + 1)),
        ("doubts", ("x" * (MAX_REPORT_SENTENCE_CHARACTERS + 1),)),
        ("doubts", ("\0",)),
        ("timed_share", 1.1),
        ("speakers", with_bounds.speakers * MAX_REPORTED_SPEAKERS),
    ):
        changed = with_bounds.model_copy(update={field: value}).model_dump(warnings=False)
        with pytest.raises(ValidationError):
            BoundedReadingReport.model_validate(changed)


def test_an_event_without_a_report_is_valid() -> None:
    document = ingest(TALK).model_dump(mode="json", exclude={"reading_report"})
    assert TranscriptIngested.model_validate(document).reading_report is None
