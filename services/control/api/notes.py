"""Endpoints of notes: lists, counts, single notes with their evidence, and why each stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from contracts.control_api import Asked, ColumnText, Moment
from contracts.notes import Standing
from contracts.pages import PageRequest
from contracts.study import StatementPolicy
from control.access.rights import Caller, Right
from control.api.authorization import (
    EvidenceReader,
    FindingEvidenceReader,
    FindingReader,
    NoteReader,
)
from control.api.context import ApiContext, Context
from control.api.lookups import (
    MAX_ID_DIGITS,
    MIN_ID_DIGITS,
    find_note,
    find_note_by_id_prefix,
)
from control.api.openapi import build_error_responses
from control.api.pagination import Int4, ListCursors, get_only_element, split_page
from control.api.studies import StudyPath, require_study
from control.domain import BadRequestError
from read_model.explanation import ExplanationQueries, NoteExplanation
from read_model.notes import (
    DecisionFilter,
    NoteCounts,
    NoteFilter,
    NotePosition,
    RefusedNote,
    StoredNote,
    StoredQuote,
)
from read_model.queries import ReadModelQueries

router: Final = APIRouter(tags=["notes"])

_POSITION: Final = TypeAdapter(tuple[ColumnText, UUID, Int4, Int4, Int4])
_CURSORS: Final = ListCursors("notes", _POSITION)
_REJECTED_CURSORS: Final = ListCursors("rejected notes", _POSITION)
_SPEAKER_CURSORS: Final = ListCursors("speakers", TypeAdapter(tuple[ColumnText]))

NotePath = Annotated[UUID, Path(description="The note's id.")]
NoteIdPrefix = Annotated[
    str,
    Path(description="The id of a note or a refused note, or how it begins: four digits or more."),
    StringConstraints(pattern=r"^[0-9a-f-]{4,36}$"),
]
ExactQuery = Annotated[
    bool,
    Query(
        description="Exact words and names where the study masks them; takes the role "
        "`evidence_reader`, and goes into the trail."
    ),
]


@dataclass(frozen=True, slots=True)
class NotePage:
    """Page of a study's notes, sorted by interview and time.

    Attributes:
        notes: what was noted.
        next: ``cursor`` of the next page; None if there is none.
    """

    notes: tuple[StoredNote, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class RejectedNotePage:
    """Page of a study's rejected notes, sorted by interview and time.

    Attributes:
        notes: what was refused, as it was drafted.
        next: ``cursor`` of the next page; None if there is none.
    """

    notes: tuple[RefusedNote, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class SpeakerPage:
    """Page of the speakers of a study's interviews, by name.

    Attributes:
        speakers: their names, or their pseudonyms.
        next: ``cursor`` of the next page; None if there is none.
    """

    speakers: tuple[str, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class NoteEvidence:
    """Exact quotes that one note cites as its evidence."""

    note_id: UUID
    evidence: tuple[StoredQuote, ...]


class RejectedNotesFilter(BaseModel):
    """Filter of a study's rejected notes; a field that is None matches all."""

    model_config = ConfigDict(extra="forbid")

    transcript: UUID | None = Field(None, description="Only of this interview, by its id.")
    theme: Asked | None = Field(None, description="Only of this theme, by its id.")
    question: Asked | None = Field(None, description="Only on this question, by its id.")
    since: Moment | None = Field(
        None,
        description="Only what was stored then or later; of an interview that was asked again or "
        "corrected, what was complete then or later.",
    )


class NotesFilter(RejectedNotesFilter):
    """Filter of a study's notes; a field that is None matches all."""

    speaker: Asked | None = Field(
        None, description="Only with words of speakers whose name has this in it."
    )
    standing: Standing | None = Field(None, description="Only those of this standing.")
    decision: DecisionFilter | None = Field(
        None,
        description="Only those about which people decided this; `decided`: anything. Hidden notes "
        "are listed by `hidden` alone.",
    )
    exact: bool = Field(
        default=False,
        description="Exact words and names where the study masks them; takes the role "
        "`evidence_reader`, and goes into the trail.",
    )

    def build_filter(self, study_id: str) -> NoteFilter:
        """Build the filter of the read model for a study."""
        return NoteFilter(
            study_id,
            None if self.transcript is None else str(self.transcript),
            self.theme,
            self.question,
            self.speaker,
            self.standing,
            since=self.since,
            decision=self.decision,
        )


class ListNotesRequest(NotesFilter, PageRequest):
    """Parameters of the request to list the notes of a study that match a filter."""

    statements: StatementPolicy | None = Field(
        None, description="Which statements to show as findings, in place of what the study says."
    )


class ListRejectedNotesRequest(RejectedNotesFilter, PageRequest):
    """Parameters of the request to list the rejected notes of a study."""


class ListSpeakersRequest(PageRequest):
    """Parameters of the request to list the speakers of a study's interviews."""

    transcript: UUID | None = Field(None, description="Only in this interview, by its id.")
    exact: bool = Field(default=False, description="As for a list of notes.")


_NOTES: Final = TypeAdapter(NotePage)


@router.get(
    "/studies/{study_id}/notes", responses=build_error_responses(404), response_model=NotePage
)
async def list_notes(
    study_id: StudyPath,
    which: Annotated[ListNotesRequest, Query()],
    context: Context,
    caller: NoteReader,
) -> Response:
    """List a study's current notes that match a filter, page by page.

    Of notes whose statement is not proven, the quotes come first.
    """
    reading = await _open(context, caller, study_id, exact=which.exact)
    position = _CURSORS.decode(which, study_id)
    notes, last = await reading.notes_page(
        which.build_filter(study_id),
        limit=which.limit,
        after=position and NotePosition(*position),
        statements=which.statements,
    )
    if not notes:
        await require_study(context, study_id)
    page = NotePage(tuple(notes), _CURSORS.encode(last, which, study_id))
    # Validating again what our own code built takes as long as reading it.
    return Response(_NOTES.dump_json(page), media_type="application/json")


@router.get("/studies/{study_id}/notes/counts", responses=build_error_responses(404))
async def count_notes(
    study_id: StudyPath,
    which: Annotated[NotesFilter, Query()],
    context: Context,
    caller: NoteReader,
) -> NoteCounts:
    """Count a study's notes that match a filter: by standing, by theme, and rejected ones."""
    reading = await _open(context, caller, study_id, exact=which.exact)
    found = await reading.note_totals(which.build_filter(study_id))
    if not found.total:
        await require_study(context, study_id)
    return found


@router.get("/studies/{study_id}/notes/rejected", responses=build_error_responses(404))
async def list_rejected_notes(
    study_id: StudyPath,
    which: Annotated[ListRejectedNotesRequest, Query()],
    context: Context,
    caller: EvidenceReader,
) -> RejectedNotePage:
    """List a study's rejected notes, unmasked; each call is recorded in the audit trail."""
    await context.trail.record(caller, "notes.read_rejected", study_id, study_id)
    transcript = None if which.transcript is None else str(which.transcript)
    wanted = NoteFilter(study_id, transcript, which.theme, which.question, since=which.since)
    position = _REJECTED_CURSORS.decode(which, study_id)
    notes, last = await ReadModelQueries(context.database).rejected_page(
        wanted, limit=which.limit, after=position and NotePosition(*position)
    )
    if not notes:
        await require_study(context, study_id)
    return RejectedNotePage(tuple(notes), _REJECTED_CURSORS.encode(last, which, study_id))


@router.get("/studies/{study_id}/speakers", responses=build_error_responses(404))
async def list_speakers(
    study_id: StudyPath,
    which: Annotated[ListSpeakersRequest, Query()],
    context: Context,
    caller: NoteReader,
) -> SpeakerPage:
    """List the speakers of a study's interviews, sorted; masked ones by their pseudonyms."""
    reading = await _open(context, caller, study_id, exact=which.exact)
    after = get_only_element(_SPEAKER_CURSORS.decode(which, study_id))
    found = await reading.speakers(study_id, which.transcript, limit=which.limit + 1, after=after)
    if not found:
        await require_study(context, study_id)
    page, last = split_page(found, which.limit, lambda one: (one,))
    return SpeakerPage(page, _SPEAKER_CURSORS.encode(last, which, study_id))


@router.get("/notes/{note_id}", responses=build_error_responses(404))
async def read_note(
    note_id: NotePath, context: Context, caller: FindingReader, *, exact: ExactQuery = False
) -> StoredNote:
    """Return a current note, with its statement if the study's policy shows it."""
    return await find_note(context, caller, note_id, exact=exact)


@router.get("/notes/{note_id}/evidence", responses=build_error_responses(404))
async def read_evidence(
    note_id: NotePath, context: Context, caller: FindingReader, *, exact: ExactQuery = False
) -> NoteEvidence:
    """Return the exact quotes that a current note cites."""
    found = await find_note(context, caller, note_id, exact=exact)
    return NoteEvidence(found.note_id, found.evidence)


@router.get("/notes/{note_id}/explanation", responses=build_error_responses(404, 422))
async def explain_note(
    note_id: NoteIdPrefix, context: Context, caller: FindingEvidenceReader
) -> NoteExplanation:
    """Explain a note by its evidence and check results; recorded in the audit trail.

    The answer has the exact evidence, and each check with the current code.
    """
    digits = note_id.replace("-", "")
    if not MIN_ID_DIGITS <= len(digits) <= MAX_ID_DIGITS:
        raise BadRequestError(
            f"note_id: {MIN_ID_DIGITS} to {MAX_ID_DIGITS} hexadecimal digits, dashes not counted"
        )
    found = await find_note_by_id_prefix(context, caller, digits)
    await context.trail.record(caller, "note.explain", str(found.id), found.study_id)
    compute = context.compute_for(caller.token_id)
    return await ExplanationQueries(context.database, compute).explain(found)


async def _open(
    context: ApiContext, caller: Caller, study_id: str, *, exact: bool
) -> ReadModelQueries:
    """Return queries of a study's notes; with exact words if the caller has the right to."""
    if exact:
        caller.require([Right.READ_EVIDENCE], study_id)
        await context.trail.record(caller, "notes.read_exact", study_id, study_id)
    return ReadModelQueries(context.database, exact=exact)
