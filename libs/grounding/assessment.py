"""Check drafted notes: those the transcript supports become notes, the others are rejected."""

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
    Standing,
    Voucher,
)
from grounding.checks import CHECKS, PROOF_BARRING_NAMES, CheckContext
from grounding.evidence import (
    ResolvedCitations,
    copy_evidence,
    locate_evidence,
    resolve_citations,
)
from grounding.standing import UNPROVEN, determine_standing
from grounding.syntax.clauses import SyntaxParser


@dataclass(frozen=True, slots=True)
class CheckedNote:
    """Draft note after its checks, with quotes copied from the transcript, and failed checks.

    Attributes:
        draft: the note as the model offers it.
        chunk_id: the chunk it is about.
        evidence: the passages it cites that are there, copied; not all of them, if a check failed.
        failures: the checks it did not pass, in the order of ``CHECKS``.
        statement: what people get to read; the draft's, unless something in it was masked.
        flags: what was doubted about it and let pass, with the reason.
        standing: what vouches for the statement; of a note with failed checks it does not count.
        vouchers: which rules and models vouch for it.
    """

    draft: DraftNote
    chunk_id: UUID
    evidence: tuple[Evidence, ...]
    failures: tuple[CheckFailure, ...]
    statement: str
    flags: tuple[CheckFailure, ...] = ()
    standing: Standing = Standing.UNPROVEN
    vouchers: tuple[Voucher, ...] = ()

    def to_note(self, flags: tuple[CheckFailure, ...] = ()) -> Note:
        """Return the note to store, with its flags and further ones.

        A note that fails checks and is let pass all the same is unproven, whatever vouched for it.
        """
        draft = self.draft
        return Note(
            # Of what is shown: a masked name could be guessed by the id it gives.
            note_id=derive_note_id(self.chunk_id, self.statement, self.evidence),
            statement=self.statement,
            evidence=self.evidence,
            themes=tuple(dict.fromkeys(draft.themes)),
            questions=tuple(dict.fromkeys(draft.questions)),
            flags=(*self.flags, *flags),
            standing=Standing.UNPROVEN if self.failures else self.standing,
            vouchers=() if self.failures else self.vouchers,
        )

    def to_rejected_note(self) -> RejectedNote:
        """Return the draft with the checks it failed, of which there has to be one."""
        return RejectedNote(draft=self.draft, failures=self.failures)


@dataclass(frozen=True, slots=True)
class DraftAssessment:
    """Result of checking all notes of a draft: accepted notes, and rejected ones with reasons."""

    accepted: tuple[Note, ...]
    rejected: tuple[RejectedNote, ...]


def check_note(
    draft: DraftNote, chunk: ChunkReady, parse: SyntaxParser | None = None
) -> CheckedNote:
    """Run all checks on one draft note; return its quotes and the checks that it failed.

    All checks run, even after a failure, so that the model gets all reasons at once. What is proven
    leaves no room for doubt: most checks that only doubt do not count there.

    Args:
        draft: the note as the model offers it.
        chunk: what the model was shown.
        parse: the parser of the heavy mode; without it that mode's checks pass everything.

    Returns:
        Its exact evidence, the checks it failed, and its standing. Never raises.
    """
    return _check(CheckContext(draft, chunk, resolve_citations(draft.evidence, chunk), parse))


def check_statement(
    note: Note, statement: str, chunk: ChunkReady, parse: SyntaxParser | None = None
) -> CheckedNote:
    """Run all checks on a new statement of a stored note, with the note's own quotes.

    Args:
        note: whose quotes and topics count; quotes of other chunks do not.
        statement: the new statement.
        chunk: the segments that the note was drafted from.
        parse: as for `check_note`.
    """
    return _check(_build_context(note, statement, chunk, parse))


def _build_context(
    note: Note, statement: str, chunk: ChunkReady, parse: SyntaxParser | None
) -> CheckContext:
    found = locate_evidence(note.evidence, chunk)
    draft = DraftNote(
        statement=statement,
        evidence=tuple(DraftEvidence(segment=one.segment.number) for one in found),
        themes=note.themes,
        questions=note.questions,
    )
    return CheckContext(draft, chunk, ResolvedCitations(found, missing=()), parse)


def _check(context: CheckContext) -> CheckedNote:
    """Run all checks on a note, and determine its standing."""
    draft, chunk = context.draft, context.chunk
    failures = _run_checks(context)
    is_provable = PROOF_BARRING_NAMES.isdisjoint(one.check for one in failures)
    found = determine_standing(context) if is_provable else UNPROVEN
    if found.standing is not Standing.UNPROVEN:
        failures = ()
    return CheckedNote(
        draft=draft,
        chunk_id=chunk.chunk_id,
        evidence=tuple(copy_evidence(passage) for passage in context.citations.found),
        failures=failures,
        statement=draft.statement,
        standing=found.standing,
        vouchers=found.vouchers,
    )


def _run_checks(context: CheckContext) -> tuple[CheckFailure, ...]:
    return tuple(failure for check in CHECKS if (failure := check(context)) is not None)


def recheck_note(
    note: Note, chunk: ChunkReady, parse: SyntaxParser | None = None
) -> tuple[CheckFailure, ...]:
    """Run the current version of the checks on a stored note; return the checks that it fails.

    Args:
        note: as it is stored; of a masked one, the statement has placeholders. Its quotes in other
            chunks do not count.
        chunk: the segments that it was drafted from.
        parse: as for `check_note`.
    """
    return _run_checks(_build_context(note, note.statement, chunk, parse))


def assess_note(
    draft: DraftNote, chunk: ChunkReady, parse: SyntaxParser | None = None
) -> Note | RejectedNote:
    """Check one draft note; return an accepted note, or a rejected note if a check failed."""
    checked = check_note(draft, chunk, parse)
    return checked.to_rejected_note() if checked.failures else checked.to_note()


def derive_note_id(chunk_id: UUID, statement: str, evidence: Iterable[Evidence]) -> UUID:
    """Derive a note's id (UUIDv5) from its interview chunk, its statement and its quotes."""
    places = (f"{one.segment}:{one.start}+{one.length}" for one in evidence)
    return derive_id("note", chunk_id, statement, *places)


def assess_notes(notes: Sequence[DraftNote], chunk: ChunkReady) -> DraftAssessment:
    """Check all notes of a draft; return the accepted and the rejected ones."""
    checked = [check_note(draft, chunk) for draft in notes]
    return merge_equivalent_notes(
        accepted=(one.to_note() for one in checked if not one.failures),
        rejected=(one.to_rejected_note() for one in checked if one.failures),
    )


def merge_equivalent_notes(
    accepted: Iterable[Note], rejected: Iterable[RejectedNote]
) -> DraftAssessment:
    """Merge the notes of a draft that have the same meaning and the same quotes.

    A note that says the same (up to case and spaces) on the same evidence as an earlier one is
    left out; the themes and questions it adds go to the first, so nothing is lost.
    """
    kept: dict[tuple[object, ...], Note] = {}
    for note in accepted:
        key = (" ".join(note.statement.casefold().split()), note.evidence)
        kept[key] = _merge_labels(kept[key], note) if key in kept else note
    return DraftAssessment(tuple(kept.values()), tuple(dict.fromkeys(rejected)))


def _merge_labels(first: Note, again: Note) -> Note:
    return first.model_copy(
        update={
            "themes": tuple(dict.fromkeys(first.themes + again.themes)),
            "questions": tuple(dict.fromkeys(first.questions + again.questions)),
        }
    )
