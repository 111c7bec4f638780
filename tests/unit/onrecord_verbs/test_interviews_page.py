"""An interview as a page: how far it is read, and what became of its submissions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from contracts.events import SettledOutcome, SettledReason, TranscriptSettled
from contracts.ids import derive_id
from onrecord.pages.interviews import format_interview, format_reading_report
from read_model.reading_reports import SpeakerInReport, TranscriptReadingReport
from read_model.transcripts import TranscriptStatus, TranscriptSummary
from support.interviews import sha

INTERVIEW = TranscriptSummary(
    transcript_id=derive_id("one"),
    revision=2,
    study_id="billing",
    title="Ana\x1b[2J",
    format="plain",
    recorded_at=None,
    ingested_at=datetime(2026, 1, 1, tzinfo=UTC),
    status=TranscriptStatus.DEAD_IN_PART,
    segments=3,
    chunks=3,
    stored=1,
    dead=1,
    discarded=1,
    notes=1,
)


def settled(**changes: Any) -> TranscriptSettled:
    fields: dict[str, Any] = {
        "transcript_id": INTERVIEW.transcript_id,
        "revision": 2,
        "content_sha256": sha("a"),
        "number": 1,
        "outcome": SettledOutcome.DEAD_IN_PART,
    }
    return TranscriptSettled(**fields | changes)


def test_says_what_is_lost_and_why_each_submission_ended_as_it_did() -> None:
    reason = SettledReason(service="enrichment", code="llm_timeout", message="it hung")
    outcomes = [
        settled(reasons=(reason, SettledReason(service="guardrail", code="pii"))),
        settled(revision=1_000_000_001, refreshes=1, outcome=SettledOutcome.COMPLETE),
        settled(revision=None, content_sha256=None, outcome=SettledOutcome.REFUSED),
    ]
    assert [str(one) for one in format_interview(INTERVIEW, outcomes, 80)] == [
        "Ana\\x1b[2J",
        f"  id {INTERVIEW.transcript_id}",
        "  revision 2, dead in part, 1 of 3 chunks stored, 1 dead, 1 discarded, 1 note",
        "  submission of revision 2: dead in part",
        "    enrichment llm_timeout: it hung",
        "    guardrail pii",
        "  revision 1, asked again: complete",
        "  no valid revision: refused",
    ]


def test_an_interview_that_was_asked_again_has_the_number_that_people_count() -> None:
    asked_again = replace(INTERVIEW, revision=1_000_000_003, refreshes=2)
    lines = [str(one) for one in format_interview(asked_again, [], 80)]
    assert lines[2].startswith("  revision 2, asked again, dead in part, 1 of 3 chunks stored")


def test_a_reading_report_says_who_speaks_and_what_was_mended() -> None:
    report = TranscriptReadingReport(
        transcript_id=INTERVIEW.transcript_id,
        revision=2,
        is_masked=True,
        format="plain",
        confidence=0.9,
        speakers=(
            SpeakerInReport("interviewer 1", "interviewer", 1, 0.25),
            SpeakerInReport("participant 2", "participant", 3, 0.75),
        ),
        speakers_left_out=0,
        unnamed_share=0.25,
        timed_share=0.5,
        notices=("2 lines were dropped: lines 1, 2\x1b[2J", "1 time was left out"),
        notices_left_out=1_200,
        doubts=("who speaks in line 4 is in doubt",),
        doubts_left_out=0,
    )
    assert [str(one) for one in format_reading_report(report, 80)] == [
        "  read as plain (90% sure), 75% of the words named, 50% of the segments timed",
        "  speakers  interviewer 1 (interviewer), 1 word, 25%",
        "            participant 2 (participant), 3 words, 75%",
        "  mended    2 lines were dropped: lines 1, 2\\x1b[2J",
        "            1 time was left out",
        "            and 1,200 more",
        "  in doubt  who speaks in line 4 is in doubt",
    ]
