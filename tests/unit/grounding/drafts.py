"""Small chunks and drafts for the tests of grounding."""

from __future__ import annotations

from uuid import UUID

from contracts.events import ChunkReady
from contracts.notes import DraftEvidence, DraftNote, Note, RejectedNote
from contracts.study import Question, Study, Theme
from contracts.transcript import Role, Segment

STUDY = Study(
    study_id="tools",
    name="How people choose tools",
    themes=(Theme(id="price", name="Price"), Theme(id="trust", name="Trust")),
    questions=(Question(id="q1", text="What do they pay?"),),
)


def segment(number: int, text: str, role: Role = Role.PARTICIPANT) -> Segment:
    """A segment without times."""
    return Segment(number=number, speaker=f"S{number}", role=role, text=text)


def chunk(*segments: Segment, context: tuple[Segment, ...] = ()) -> ChunkReady:
    """A chunk of these segments."""
    return ChunkReady(
        chunk_id=UUID(int=1),
        transcript_id=UUID(int=2),
        revision=1,
        index=1,
        chunk_count=1,
        title="An interview",
        study=STUDY,
        context=context,
        segments=segments,
    )


def draft(statement: str, *cited: DraftEvidence, theme: str = "price") -> DraftNote:
    """A draft under one theme that cites these passages, or all of segment 1."""
    return DraftNote(
        statement=statement, evidence=cited or (DraftEvidence(segment=1),), themes=(theme,)
    )


def failed(verdict: Note | RejectedNote) -> list[str]:
    """The names of the checks a verdict tells of; none if the note was accepted."""
    return [] if isinstance(verdict, Note) else [one.check for one in verdict.failures]


def failed_beyond_form(verdict: Note | RejectedNote) -> list[str]:
    """As ``failed``, of scraps too, which are no statements."""
    return [name for name in failed(verdict) if name != "no_statement"]
