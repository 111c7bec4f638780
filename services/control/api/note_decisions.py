"""Endpoints by which people accept, edit, re-file, hide and comment on notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, Field, TypeAdapter

from contracts.note_decisions import (
    DecidedNotePage,
    DecidedNoteStatus,
    DecideNoteRequest,
    NoteDecisionKind,
    NoteDecisions,
)
from contracts.pages import PageRequest
from control.access.rights import Caller, Right
from control.api.authorization import FindingReader, NoteReader, Submitter
from control.api.context import ApiContext, Context, HeavyPlace
from control.api.etags import IfMatch, parse_if_match_state
from control.api.idempotency import claim_idempotency_key, compute_request_fingerprint
from control.api.json_bodies import JsonBody
from control.api.lookups import find_note_id
from control.api.notes import NoteIdPrefix
from control.api.openapi import build_error_responses
from control.api.pagination import ListCursors, split_page
from control.api.studies import StudyPath, require_study
from control.domain import NotFoundError
from control.interviews.note_decisions import NoteDecisionStore, ReadDecisions, require_topics
from read_model.note_decisions import (
    DecidedNotePosition,
    NoteDecisionQueries,
    build_decisions_etag,
)
from read_model.notes import StoredNote
from read_model.queries import ReadModelQueries

router: Final = APIRouter(tags=["notes"])

_CURSORS: Final = ListCursors("decided notes", TypeAdapter(tuple[AwareDatetime, UUID]))


class ListDecidedNotesRequest(PageRequest):
    """Parameters of the request to list the notes of a study that people decided about."""

    status: DecidedNoteStatus | None = Field(None, description="Only those of this status.")


@router.get("/studies/{study_id}/decisions", responses=build_error_responses(404))
async def list_decided_notes(
    study_id: StudyPath,
    which: Annotated[ListDecidedNotesRequest, Query()],
    context: Context,
    caller: NoteReader,
) -> DecidedNotePage:
    """List the notes of a study that people decided about, with what became of it.

    The latest decision comes first. `lost` are those whose evidence is no longer in the transcript.
    """
    del caller
    position = _CURSORS.decode(which, study_id)
    found = await NoteDecisionQueries(context.database).page(
        study_id,
        which.status,
        limit=which.limit + 1,
        after=position and DecidedNotePosition(*position),
    )
    if not found:
        await require_study(context, study_id)
    page, last = split_page(found, which.limit, lambda one: (one.decided_at, one.origin_id))
    return DecidedNotePage(notes=page, next=_CURSORS.encode(last, which, study_id))


@router.get("/notes/{note_id}/decisions", responses=build_error_responses(404))
async def read_note_decisions(
    note_id: NoteIdPrefix, context: Context, caller: FindingReader, response: Response
) -> NoteDecisions:
    """Return all decisions of people about a note, with an `ETag`.

    The note may be named by its own id, by that of the person's version that is shown in its place,
    or by that of the note of an earlier revision.
    """
    found = await _read(context, caller, await find_note_id(context, caller, note_id))
    response.headers["ETag"] = found.etag
    return found


@router.post("/notes/{note_id}/decisions", responses=build_error_responses(404, 409, 412, 422, 428))
async def decide_note(  # noqa: PLR0913, PLR0917 - FastAPI names them
    note_id: NoteIdPrefix,
    wanted: JsonBody[DecideNoteRequest],
    request: Request,
    response: Response,
    context: Context,
    caller: Submitter,
    place: HeavyPlace,
    if_match: IfMatch = None,
) -> NoteDecisions:
    """Accept, edit, re-file, hide, show or comment on a note, or withdraw such a decision.

    The quotes cannot be edited. A new statement goes through the same checks as a model's: one that
    a check refuses is not stored, and one that nothing vouches for only if `unproven` says so. What
    the model wrote stays beside it. Statements, comments and reasons are masked where the study
    masks personal data, and refused where it rejects that. Of a note that is not shown any more,
    decisions can be withdrawn and commented on.
    """
    del place
    named = await find_note_id(context, caller, note_id)
    found = await _find_target(context, caller, named, wanted.kind)
    caller.require([Right.SUBMIT], found.study_id)
    read = parse_if_match_state(if_match)
    expected = None if read is None else ReadDecisions(*read)
    fingerprint = await compute_request_fingerprint(request, await request.body())
    await claim_idempotency_key(request, context, caller, fingerprint)
    if wanted.themes is not None or wanted.questions is not None:
        study = await ReadModelQueries(context.database).study(found.study_id)
        assert study is not None, "the note is of one of its interviews"
        topics = study.study
        require_topics(
            wanted, [one.id for one in topics.themes], [one.id for one in topics.questions]
        )
    store = NoteDecisionStore(context.database, context.compute_for(caller.token_id))
    checked = await store.check(found.note_id, wanted)
    # The interview at the end: by it, what was written is cleared once the note is gone.
    target = f"{found.note_id}: {wanted.kind.value}, of {found.transcript_id}"
    reason = checked.remark if wanted.reason else ""
    await context.trail.record(caller, "note.decide", target, found.study_id, reason)
    await store.decide(found.note_id, expected, wanted, checked, caller.name)
    decided = await _read(context, caller, found.note_id)
    response.headers["ETag"] = decided.etag
    return decided


@dataclass(frozen=True, slots=True)
class _Target:
    note_id: UUID
    study_id: str
    transcript_id: UUID


async def _find_target(
    context: ApiContext, caller: Caller, note_id: UUID, kind: NoteDecisionKind
) -> _Target:
    """Find what is decided about: a note that is shown, or else decisions that do not hold."""
    if kind in {NoteDecisionKind.WITHDRAWN, NoteDecisionKind.COMMENT}:
        known = await NoteDecisionQueries(context.database).decisions(note_id)
        if known is not None and known.note_id is None:
            if not caller.may(Right.READ_NOTES, known.study_id):
                raise _no_note(note_id)
            return _Target(known.origin_id, known.study_id, known.transcript_id)
    found = await _find(context, caller, note_id)
    return _Target(found.note_id, found.study_id, found.transcript_id)


async def _find(context: ApiContext, caller: Caller, note_id: UUID) -> StoredNote:
    found = await ReadModelQueries(context.database).note(note_id)
    if found is None or not caller.may(Right.READ_NOTES, found.study_id):
        raise _no_note(note_id)
    return found


def _no_note(note_id: UUID) -> NotFoundError:
    return NotFoundError(f"there is no note {note_id} in the current revision of an interview")


async def _read(context: ApiContext, caller: Caller, note_id: UUID) -> NoteDecisions:
    queries = NoteDecisionQueries(context.database)
    found = await queries.decisions(note_id)
    if found is not None and caller.may(Right.READ_NOTES, found.study_id):
        return found
    note = await _find(context, caller, note_id)
    return NoteDecisions(
        origin_id=note.note_id,
        note_id=note.note_id,
        study_id=note.study_id,
        transcript_id=note.transcript_id,
        version=0,
        etag=build_decisions_etag(0, await queries.state(note.note_id)),
        status=DecidedNoteStatus.HELD,
        decisions=(),
    )
