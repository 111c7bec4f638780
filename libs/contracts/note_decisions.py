"""People's decisions about notes: requests and responses of control's API."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from contracts.bounds import MAX_CHUNK_ENTRIES, STORABLE
from contracts.control_api import ControlApiModel
from contracts.notes import Standing, Statement
from contracts.ownership import Reason
from contracts.study import Identifier

Comment = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5_000), STORABLE
]

MAX_DECISIONS: Final = 1_000
"""Most decisions about one note."""


class NoteDecisionKind(StrEnum):
    """Kind of a person's decision about a note."""

    ACCEPTED = "accepted"
    EDITED = "edited"
    REFILED = "refiled"
    HIDDEN = "hidden"
    SHOWN = "shown"
    COMMENT = "comment"
    WITHDRAWN = "withdrawn"


class DecidedNoteStatus(StrEnum):
    """What became of the decisions about a note in the current revision of its interview.

    Attributes:
        HELD: they hold for a note of the model.
        KEPT: no note of the model has the evidence, and the person's own is shown on it.
        REWORDED: the note that was accepted says something else now, and is not accepted any more.
        UNNOTED: the evidence is still there, and no note has it.
        WAITING: the chunk that has the evidence has no notes yet.
        LOST: the evidence is no longer in the transcript.
        WITHHELD: the study's policy on personal data is stricter since, so that what a person wrote
            is not shown; the model's note is, if there is one.
        FAILED: what they come to could not be computed.
    """

    HELD = "held"
    KEPT = "kept"
    REWORDED = "reworded"
    UNNOTED = "unnoted"
    WAITING = "waiting"
    LOST = "lost"
    WITHHELD = "withheld"
    FAILED = "failed"


_FIELDS: Final = {
    NoteDecisionKind.EDITED: {"statement"},
    NoteDecisionKind.COMMENT: {"comment"},
    NoteDecisionKind.WITHDRAWN: {"withdraws"},
}
"""What a kind of decision has to say."""


class DecideNoteRequest(BaseModel):
    """Request to accept, edit, re-file, hide, show or comment on a note, or to withdraw that."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: NoteDecisionKind = Field(description="What is decided.")
    statement: Statement | None = Field(
        None, description="The new statement of a note that is `edited`; its quotes stay."
    )
    unproven: bool = Field(
        default=False,
        description="Take a new statement that nothing vouches for, and show it as not proven.",
    )
    themes: tuple[Identifier, ...] | None = Field(
        None,
        min_length=1,
        max_length=MAX_CHUNK_ENTRIES,
        description="Themes of a note that is `refiled`, by their ids; null: as they are.",
    )
    questions: tuple[Identifier, ...] | None = Field(
        None,
        max_length=MAX_CHUNK_ENTRIES,
        description="Research questions of a note that is `refiled`; null: as they are.",
    )
    comment: Comment | None = Field(None, description="The words of a `comment`.")
    withdraws: int | None = Field(
        None, ge=1, le=MAX_DECISIONS, description="Number of the decision that is `withdrawn`."
    )
    reason: Reason | None = Field(None, description="Why; shown with the decision.")

    @model_validator(mode="after")
    def _says_what_its_kind_takes(self) -> Self:
        given = {
            name
            for name in ("statement", "themes", "questions", "comment", "withdraws")
            if getattr(self, name) is not None
        }
        if self.kind is NoteDecisionKind.REFILED:
            if not given & {"themes", "questions"}:
                raise ValueError("themes or questions: one of them has to be given")
            given -= {"themes", "questions"}
        wanted = _FIELDS.get(self.kind, set())
        if missing := sorted(wanted - given):
            raise ValueError(f"{missing[0]}: has to be given")
        if needless := sorted(given - wanted):
            raise ValueError(f"{needless[0]}: does not go with {self.kind.value}")
        if self.unproven and self.kind is not NoteDecisionKind.EDITED:
            raise ValueError(f"unproven: does not go with {self.kind.value}")
        return self


class NoteDecision(ControlApiModel):
    """Decision of a person about a note."""

    number: int = Field(description="Counts the decisions about the note, from 1.")
    kind: NoteDecisionKind = Field(description="What was decided.")
    revision: int = Field(description="Of which revision of the interview the note was.")
    statement: str | None = Field(
        None,
        description="Of an edited note, the new statement; of others, what was shown. Null where "
        "the study shows no statements, and where it is withheld.",
    )
    standing: Standing = Field(description="What vouched for that statement.")
    themes: tuple[str, ...] = Field(description="The note's themes from then on.")
    questions: tuple[str, ...] = Field(description="The note's research questions from then on.")
    comment: str = Field("", description="The words of a comment; else empty.")
    reason: str = Field("", description="Why; may be empty.")
    is_withheld: bool = Field(
        default=False,
        description="Whether statement, comment and reason are not shown, as the study's policy on "
        "personal data is stricter since.",
    )
    withdraws: int | None = Field(None, description="Number of the decision that it withdraws.")
    withdrawn_by: int | None = Field(
        None, description="Number of the decision by which it was withdrawn; null: it counts."
    )
    decided_by: str = Field(description="Who decided: the name of their token or account.")
    decided_at: datetime = Field(description="When.")


class NoteDecisions(ControlApiModel):
    """All decisions about one note, with what became of them."""

    origin_id: UUID = Field(description="Id of the note that was decided about first.")
    note_id: UUID | None = Field(
        None, description="Id of the note that is shown now; null if there is none."
    )
    study_id: str = Field(description="Its study.")
    transcript_id: UUID = Field(description="Its interview.")
    version: int = Field(description="Number of the latest decision; 0 if there is none.")
    etag: str = Field(
        description="`ETag`: of the latest decision and of what the note says and quotes. Sent as "
        "`If-Match`, it keeps a decision from being about words that were not read."
    )
    status: DecidedNoteStatus = Field(description="What became of the decisions.")
    turns_changed: bool = Field(
        default=False,
        description="Whether a turn that an edited note quotes is another one since, so that its "
        "statement is shown as not proven.",
    )
    decisions: tuple[NoteDecision, ...] = Field(description="In order.")


class DecidedNoteSummary(ControlApiModel):
    """Note that people decided about, with what became of it in the current revision."""

    origin_id: UUID = Field(description="Id of the note that was decided about first.")
    note_id: UUID | None = Field(None, description="Id of the note that is shown now, if any.")
    transcript_id: UUID = Field(description="Its interview.")
    title: str = Field(description="The interview's title.")
    revision: int = Field(description="The current revision.")
    status: DecidedNoteStatus = Field(description="What became of the decisions.")
    turns_changed: bool = Field(description="Whether a turn that it quotes is another one since.")
    kinds: tuple[NoteDecisionKind, ...] = Field(description="What was decided and counts.")
    statement: str | None = Field(
        None,
        description="What was shown last; null where the study shows no statements, and where it "
        "is withheld.",
    )
    quotes: tuple[str, ...] = Field(description="Its quotes, masked where the study masks them.")
    decided_by: str = Field(description="Who decided last.")
    decided_at: datetime = Field(description="When.")


class DecidedNotePage(ControlApiModel):
    """Page of a study's notes that people decided about, by time of the latest decision."""

    notes: tuple[DecidedNoteSummary, ...] = Field(description="The notes.")
    next: str | None = Field(None, description="`cursor` of the next page; null: there is none.")
