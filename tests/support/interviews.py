"""A small interview, and the events about it."""

from __future__ import annotations

from typing import Any, Final

from contracts import ids
from contracts.events import ChunkRef, NotesValidated, TranscriptIngested
from contracts.notes import (
    CheckFailure,
    DraftNote,
    Evidence,
    Note,
    RejectedNote,
    Standing,
    Usage,
    Voucher,
    VoucherKind,
)
from contracts.reading_report import BoundedReadingReport, ReportedSpeaker
from contracts.study import Question, Study, Theme
from contracts.transcript import Role, Segment, TranscriptFormat

TRANSCRIPT = ids.derive_transcript_id("billing", "interview-1")
STUDY = Study(
    study_id="billing",
    name="Billing",
    themes=(Theme(id="price", name="Price"), Theme(id="trust", name="Trust")),
    questions=(Question(id="churn", text="Why do people leave?"),),
)
TURNS = (
    Segment(number=1, speaker="Ada", role=Role.INTERVIEWER, text="What do you pay?"),
    Segment(
        number=2,
        speaker="Bo",
        role=Role.PARTICIPANT,
        # Beyond the basic plane and with a combining accent: counted in code points.
        text="We pay 40 dollars 🙂 at the cafe\u0301, I would not recommend it.",
        start_ms=1_000,
        end_ms=9_000,
    ),
)
REPORT = BoundedReadingReport(
    confidence=0.9,
    speakers=(
        ReportedSpeaker(label="Ada", role=Role.INTERVIEWER, words=4, share=0.25),
        ReportedSpeaker(label="Bo", role=Role.PARTICIPANT, words=12, share=0.75),
    ),
    unnamed_share=0,
    timed_share=0.5,
    notices=("2 lines that a tool wrote around the talk were dropped: lines 1, 2",),
    doubts=("“Bo” is named once only, within Ada's long turn below “Meeting with Zoe Quill”",),
)


def sha(seed: str) -> str:
    return (seed * 64)[:64]


def chunk(revision: int = 1, index: int = 1) -> ChunkRef:
    chunk_id = ids.derive_chunk_id(TRANSCRIPT, revision, sha("a"), index)
    return ChunkRef(chunk_id=chunk_id, index=index, first_segment=1, last_segment=2)


def ingested(revision: int = 1, **changes: Any) -> TranscriptIngested:
    return TranscriptIngested(
        transcript_id=TRANSCRIPT,
        revision=revision,
        title="Interview 1",
        study=STUDY,
        format=TranscriptFormat.WEBVTT,
        content_sha256=sha("a"),
        segments=TURNS,
        chunks=(chunk(revision, 1), chunk(revision, 2)),
        reading_report=REPORT,
    ).model_copy(update=changes)


def evidence(quote: str = "I would not recommend it", **changes: Any) -> Evidence:
    turn = TURNS[1]
    return Evidence(
        segment=turn.number,
        start=turn.text.index(quote),
        length=len(quote),
        quote=quote,
        speaker=turn.speaker,
        role=turn.role,
        start_ms=turn.start_ms,
        end_ms=turn.end_ms,
    ).model_copy(update=changes)


def note(statement: str, *cited: Evidence, **changes: Any) -> Note:
    return Note(
        note_id=ids.derive_id("note", statement),
        statement=statement,
        evidence=cited or (evidence(),),
        themes=("price",),
        questions=("churn",),
    ).model_copy(update=changes)


VOUCHED: Final[dict[str, Any]] = {
    "standing": Standing.PROVEN,
    "vouchers": (
        Voucher(kind=VoucherKind.RULE, name="aligned", detail="Each word of it is in the quote."),
    ),
}
"""Changes that make a note a proven one."""


def refused(statement: str = "Everybody loves it") -> RejectedNote:
    failure = CheckFailure(check="quote_not_found", reason="Nobody says so.")
    return RejectedNote(draft=DraftNote(statement=statement), failures=(failure,))


def validated(*notes: Note, revision: int = 1, index: int = 1, **changes: Any) -> NotesValidated:
    return NotesValidated(
        chunk_id=chunk(revision, index).chunk_id,
        transcript_id=TRANSCRIPT,
        revision=revision,
        study_id="billing",
        attempt=1,
        notes=notes,
        model="simulator",
        prompt_version="notes-1",
        usage=Usage(input_tokens=100, output_tokens=20),
    ).model_copy(update=changes)
