"""Decides on drafted notes: those the transcript bears out become notes, the rest are refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.events import ChunkReady
from contracts.ids import derive
from contracts.notes import DraftNote, Evidence, Note, RejectedNote
from grounding.checks import CHECKS, Case
from grounding.evidence import copy, resolve


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a draft: notes to store, and refused ones with their reasons."""

    accepted: tuple[Note, ...]
    rejected: tuple[RejectedNote, ...]


def judge(draft: DraftNote, chunk: ChunkReady) -> Note | RejectedNote:
    """Decide on one drafted note; every check is asked, so that all reasons are told at once.

    Args:
        draft: the note as the model offers it.
        chunk: what the model was shown.

    Returns:
        The note with exact evidence, or the draft with the checks it failed. Never raises.
    """
    case = Case(draft, chunk, resolve(draft.evidence, chunk))
    failures = tuple(failure for check in CHECKS if (failure := check(case)) is not None)
    if failures:
        return RejectedNote(draft=draft, failures=failures)
    evidence = tuple(copy(passage) for passage in case.citations.found)
    return Note(
        note_id=note_id(chunk.chunk_id, draft.statement, evidence),
        statement=draft.statement,
        evidence=evidence,
        themes=tuple(dict.fromkeys(draft.themes)),
        questions=tuple(dict.fromkeys(draft.questions)),
    )


def note_id(chunk_id: UUID, statement: str, evidence: Iterable[Evidence]) -> UUID:
    """The id of a note: the same statement on the same passages is the same note."""
    places = (f"{one.segment}:{one.start}+{one.length}" for one in evidence)
    return derive("note", chunk_id, statement, *places)


def judge_all(notes: Sequence[DraftNote], chunk: ChunkReady) -> Judgement:
    """Decide on a draft's notes.

    A note that says the same (up to case and spaces) on the same evidence as an earlier one is
    left out; the themes and questions it adds go to the first, so nothing is lost.
    """
    accepted: dict[tuple[object, ...], Note] = {}
    rejected: dict[RejectedNote, None] = {}
    for draft in notes:
        verdict = judge(draft, chunk)
        if isinstance(verdict, RejectedNote):
            rejected.setdefault(verdict)
            continue
        key = (" ".join(verdict.statement.casefold().split()), verdict.evidence)
        accepted[key] = _joined(accepted[key], verdict) if key in accepted else verdict
    return Judgement(tuple(accepted.values()), tuple(rejected))


def _joined(first: Note, again: Note) -> Note:
    return first.model_copy(
        update={
            "themes": tuple(dict.fromkeys(first.themes + again.themes)),
            "questions": tuple(dict.fromkeys(first.questions + again.questions)),
        }
    )
