"""Decides on drafted notes: those the transcript bears out become notes, the rest are refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.events import ChunkReady
from contracts.ids import derive_id
from contracts.notes import (
    CheckFailure,
    DraftEvidence,
    DraftNote,
    Evidence,
    Note,
    RejectedNote,
)
from grounding.checks import CHECKS, Case
from grounding.evidence import Citations, Passage, copy, resolve
from grounding.syntax.clauses import Parser


@dataclass(frozen=True, slots=True)
class Weighed:
    """A drafted note, held against what it cites.

    Attributes:
        draft: the note as the model offers it.
        chunk_id: the chunk it is about.
        evidence: the passages it cites that are there, copied; not all of them, if a check failed.
        failures: the checks it did not pass, in the order of ``CHECKS``.
        statement: what people get to read; the draft's, unless something in it was masked.
        flags: what was doubted about it and let pass, with the reason.
        is_judged: whether a second model has found it borne out.
    """

    draft: DraftNote
    chunk_id: UUID
    evidence: tuple[Evidence, ...]
    failures: tuple[CheckFailure, ...]
    statement: str
    flags: tuple[CheckFailure, ...] = ()
    is_judged: bool = False

    def accepted(self, flags: tuple[CheckFailure, ...] = ()) -> Note:
        """The note, with further checks that let it pass all the same."""
        draft = self.draft
        return Note(
            # Of what is shown: a masked name could be guessed by the id it gives.
            note_id=note_id(self.chunk_id, self.statement, self.evidence),
            statement=self.statement,
            evidence=self.evidence,
            themes=tuple(dict.fromkeys(draft.themes)),
            questions=tuple(dict.fromkeys(draft.questions)),
            flags=(*self.flags, *flags),
        )

    def refused(self) -> RejectedNote:
        """The draft with its reasons; there has to be one."""
        return RejectedNote(draft=self.draft, failures=self.failures)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a draft: notes to store, and refused ones with their reasons."""

    accepted: tuple[Note, ...]
    rejected: tuple[RejectedNote, ...]


def weigh(draft: DraftNote, chunk: ChunkReady, parse: Parser | None = None) -> Weighed:
    """Hold one drafted note against the chunk.

    Every check is asked, so that all reasons are told at once.

    Args:
        draft: the note as the model offers it.
        chunk: what the model was shown.
        parse: the parser of the heavy mode; without it that mode's checks pass everything.

    Returns:
        Its exact evidence, and the checks it failed. Never raises.
    """
    case = Case(draft, chunk, resolve(draft.evidence, chunk), parse)
    return Weighed(
        draft=draft,
        chunk_id=chunk.chunk_id,
        evidence=tuple(copy(passage) for passage in case.citations.found),
        failures=_failures(case),
        statement=draft.statement,
    )


def _failures(case: Case) -> tuple[CheckFailure, ...]:
    return tuple(failure for check in CHECKS if (failure := check(case)) is not None)


def weigh_again(
    note: Note, chunk: ChunkReady, parse: Parser | None = None
) -> tuple[CheckFailure, ...]:
    """The checks that a stored note would not pass today, held against its own evidence.

    Args:
        note: as it is stored; of a masked one, the statement has placeholders.
        chunk: the segments that it was drafted from.
        parse: as for `weigh`.
    """
    turns = {segment.number: segment for segment in chunk.segments}
    found = tuple(
        Passage(turns[one.segment], one.start, one.start + one.length) for one in note.evidence
    )
    draft = DraftNote(
        statement=note.statement,
        evidence=tuple(DraftEvidence(segment=one.segment) for one in note.evidence),
        themes=note.themes,
        questions=note.questions,
    )
    return _failures(Case(draft, chunk, Citations(found, missing=()), parse))


def judge(draft: DraftNote, chunk: ChunkReady, parse: Parser | None = None) -> Note | RejectedNote:
    """Decide on one drafted note: any failed check refuses it."""
    weighed = weigh(draft, chunk, parse)
    return weighed.refused() if weighed.failures else weighed.accepted()


def note_id(chunk_id: UUID, statement: str, evidence: Iterable[Evidence]) -> UUID:
    """The id of a note: the same statement on the same passages is the same note."""
    places = (f"{one.segment}:{one.start}+{one.length}" for one in evidence)
    return derive_id("note", chunk_id, statement, *places)


def judge_all(notes: Sequence[DraftNote], chunk: ChunkReady) -> Judgement:
    """Decide on a draft's notes: any failed check refuses one."""
    weighed = [weigh(draft, chunk) for draft in notes]
    return gather(
        accepted=(one.accepted() for one in weighed if not one.failures),
        rejected=(one.refused() for one in weighed if one.failures),
    )


def gather(accepted: Iterable[Note], rejected: Iterable[RejectedNote]) -> Judgement:
    """Put a draft's notes together, without repetitions.

    A note that says the same (up to case and spaces) on the same evidence as an earlier one is
    left out; the themes and questions it adds go to the first, so nothing is lost.
    """
    kept: dict[tuple[object, ...], Note] = {}
    for note in accepted:
        key = (" ".join(note.statement.casefold().split()), note.evidence)
        kept[key] = _joined(kept[key], note) if key in kept else note
    return Judgement(tuple(kept.values()), tuple(dict.fromkeys(rejected)))


def _joined(first: Note, again: Note) -> Note:
    return first.model_copy(
        update={
            "themes": tuple(dict.fromkeys(first.themes + again.themes)),
            "questions": tuple(dict.fromkeys(first.questions + again.questions)),
        }
    )
