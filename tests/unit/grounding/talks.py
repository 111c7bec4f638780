"""Talks of a few lines, and the standing of a statement that cites them."""

from __future__ import annotations

from contracts.events import ChunkReady
from contracts.notes import DraftEvidence
from contracts.transcript import Role, Segment
from grounding.checks.base import CheckContext
from grounding.evidence import resolve_citations
from grounding.standing import StandingResult, determine_standing
from unit.grounding.drafts import chunk, draft

ASKS = "Ines"
"""The interviewer of a talk."""


def make_talk(text: str) -> ChunkReady:
    """Return a talk of lines such as ``Ann: words``; Ines is the interviewer."""
    lines = [line.strip().split(": ", 1) for line in text.strip().splitlines()]
    return chunk(
        *(
            Segment(
                number=number,
                speaker=name,
                role=Role.INTERVIEWER if name == ASKS else Role.PARTICIPANT,
                text=words,
            )
            for number, (name, words) in enumerate(lines, start=1)
        )
    )


def determine(talk: ChunkReady, statement: str, *cited: DraftEvidence) -> StandingResult:
    cited = cited or tuple(DraftEvidence(segment=one.number) for one in talk.segments)
    note = draft(statement, *cited)
    return determine_standing(CheckContext(note, talk, resolve_citations(note.evidence, talk)))
