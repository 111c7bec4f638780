"""Notes as people read them: filters, positions for paging, and rows of PostgreSQL as notes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

from pydantic import TypeAdapter

from contracts.notes import Standing, shows_statement
from contracts.study import StatementPolicy
from database.pool import Record


class DecisionFilter(StrEnum):
    """Which notes to list by what people decided about them."""

    DECIDED = "decided"
    ACCEPTED = "accepted"
    EDITED = "edited"
    REFILED = "refiled"
    COMMENTED = "commented"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class NoteFilter:
    """Filter of notes; a field that is None matches all.

    Attributes:
        study: a study's id.
        transcript: an interview's id; where all notes are listed at once, also how its title
            begins, whatever the case.
        theme: a theme's id.
        question: a question's id.
        speaker: a part of a speaker's name, whatever the case.
        standing: what vouches for the statement.
        limit: at most so many.
        since: only those that were stored then or later; of a refresh or a correction, those that
            are read since then or later, as it was complete.
        decision: what people decided; hidden notes match `hidden` alone.
    """

    study: str | None = None
    transcript: str | None = None
    theme: str | None = None
    question: str | None = None
    speaker: str | None = None
    standing: Standing | None = None
    limit: int | None = None
    since: datetime | None = None
    decision: DecisionFilter | None = None


class NotePosition(NamedTuple):
    """Position of a note in a study's list of notes, for pagination."""

    title: str
    transcript_id: UUID
    chunk_index: int
    attempt: int
    position: int


@dataclass(frozen=True, slots=True)
class StoredQuote:
    """Quote in a stored note's evidence, with its position in the segment.

    Where it is masked, personal data in the quote has placeholders, and the speaker a pseudonym.
    """

    segment: int
    start: int
    length: int
    quote: str
    is_masked: bool
    speaker: str
    role: str
    start_ms: int | None
    end_ms: int | None


@dataclass(frozen=True, slots=True)
class NoteMark:
    """What a person decided about a note: by whom, when, and why, or the words of a comment.

    What is withheld is not shown, as the study's policy on personal data is stricter since.
    """

    number: int
    by: str
    at: datetime
    remark: str
    is_withheld: bool = False


@dataclass(frozen=True, slots=True)
class NoteMarks:
    """What people decided about a note, as far as it counts now.

    Attributes:
        version: number of the latest decision.
        status: what became of the decisions in this revision, such as ``held``.
        accepted: who accepted what it says; None: nobody.
        edited: who wrote its statement; None: the model did.
        refiled: who chose its themes and questions; None: the model did.
        hidden: who hid it; None: nobody.
        comments: the latest few, in order.
        comment_count: how many there are.
        model_statement: of an edited note, what the model had written.
        model_standing: what vouched for that.
        model_themes: of a re-filed note, the themes that the model chose.
        model_questions: and the research questions.
        turns_changed: whether a turn that an edited note quotes is another one since, so that it is
            not proven any more.
    """

    version: int
    status: str
    accepted: NoteMark | None = None
    edited: NoteMark | None = None
    refiled: NoteMark | None = None
    hidden: NoteMark | None = None
    comments: tuple[NoteMark, ...] = ()
    comment_count: int = 0
    model_statement: str | None = None
    model_standing: str | None = None
    model_themes: tuple[str, ...] | None = None
    model_questions: tuple[str, ...] | None = None
    turns_changed: bool = False


_MARKS: Final = TypeAdapter(NoteMarks)
_QUOTES: Final = TypeAdapter(tuple[StoredQuote, ...])
# Of each of a page's notes: parsing them was a third of the time that a page takes.
_DETAILS: Final = TypeAdapter(tuple[dict[str, str], ...])
_STANDINGS: Final = {one.value: one for one in Standing}
_POLICIES: Final = {one.value: one for one in StatementPolicy}
_NO_DETAILS: Final = "[]"


@dataclass(frozen=True, slots=True)
class StoredNote:
    """Note as stored in PostgreSQL, with its interview.

    Attributes:
        statement: where it is shown as a finding; else None.
        model_reading: the statement where it is no finding, to be shown below the quotes and marked
            as not proven; None where no statements are wanted.
        standing: what vouches for the statement.
        vouchers: kind, name and detail of what vouches for it.
        study_version: version of the registered study that the interview was asked with; None
            where its themes and questions came with it.
        decided: what people decided about it; None: nothing.
    """

    note_id: UUID
    statement: str | None
    model_reading: str | None
    standing: Standing
    vouchers: tuple[dict[str, str], ...]
    study_id: str
    transcript_id: UUID
    revision: int
    title: str
    chunk_id: UUID
    themes: tuple[str, ...]
    questions: tuple[str, ...]
    evidence: tuple[StoredQuote, ...]
    model: str
    prompt_version: str
    created_at: datetime
    flags: tuple[dict[str, str], ...] = ()
    study_version: int | None = None
    decided: NoteMarks | None = None

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        decided = None if self.decided is None else _MARKS.dump_python(self.decided, mode="json")
        return {**asdict(self), "created_at": self.created_at.isoformat(), "decided": decided}


@dataclass(frozen=True, slots=True)
class RefusedNote:
    """Note that the guardrail rejected, with the checks that it failed."""

    study_id: str
    transcript_id: UUID
    revision: int
    title: str
    rejected_id: UUID
    chunk_id: UUID
    chunk_index: int
    attempt: int
    draft: dict[str, Any]
    failures: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class NoteCounts:
    """Counts of a study's notes that match a filter: in total, by standing and by theme.

    Attributes:
        total: how many there are.
        standings: how many of each standing; what there is none of is left out.
        themes: how many of each theme; a note may have several.
        rejected: how many refused notes match, whatever the filter's standing and speaker.
        expired_interviews: how many interviews of the study, or whether the filter's one, have no
            notes any more, as the study keeps them for a time.
    """

    total: int
    standings: dict[Standing, int]
    themes: dict[str, int]
    rejected: int
    expired_interviews: int = 0


def build_note_from_row(row: Record, statements: StatementPolicy | None) -> StoredNote:
    """Convert a database row to a note, with the statement if the study's policy shows it."""
    standing = _STANDINGS[row["standing"]]
    policy = statements or _POLICIES[row["statements"]]
    is_shown = shows_statement(standing, policy)
    has_reading = not is_shown and policy is not StatementPolicy.QUOTES
    words = row["words"]
    return StoredNote(
        note_id=row["note_id"],
        statement=words if is_shown else None,
        model_reading=words if has_reading else None,
        standing=standing,
        vouchers=_DETAILS.validate_json(row["vouchers"]),
        study_id=row["study_id"],
        transcript_id=row["transcript_id"],
        revision=row["revision"],
        title=row["title"],
        chunk_id=row["chunk_id"],
        themes=tuple(row["themes"]),
        questions=tuple(row["questions"]),
        evidence=_QUOTES.validate_json(row["evidence"]),
        model=row["model"],
        prompt_version=row["prompt_version"],
        created_at=row["created_at"],
        flags=() if row["flags"] == _NO_DETAILS else _DETAILS.validate_json(row["flags"]),
        study_version=row["study_version"],
        decided=None if row["decided"] is None else _MARKS.validate_json(row["decided"]),
    )


def build_note_position_from_row(row: Record) -> NotePosition:
    """Convert a database row of a note to its position in the list, for pagination."""
    return NotePosition(
        row["title"], row["transcript_id"], row["index"], row["attempt"], row["position"]
    )


def build_refused_note_position_from_row(row: Record) -> NotePosition:
    """Convert a database row of a rejected note to its position in the list."""
    return NotePosition(
        row["title"], row["transcript_id"], row["chunk_index"], row["attempt"], row["position"]
    )


def build_refused_note_from_row(row: Record) -> RefusedNote:
    """Convert a database row to a rejected note."""
    fields = {name: value for name, value in row.items() if name != "position"}
    return RefusedNote(
        **{
            **fields,
            "draft": json.loads(row["draft"]),
            "failures": json.loads(row["failures"]),
        }
    )
