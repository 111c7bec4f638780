"""Endpoints of the causes of dead letters: list, read and edit."""

from __future__ import annotations

import json
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response
from pydantic import TypeAdapter

from contracts.control_api import ColumnText, Moment
from contracts.letter_causes import (
    CAUSE_ID,
    CauseBackground,
    EditCauseRequest,
    LetterCause,
    LetterCausePage,
    ListCausesRequest,
)
from control.api.authorization import Operator
from control.api.context import Context, HeavyPlace
from control.api.etags import IfMatch, parse_if_match_version, set_version_etag
from control.api.json_bodies import JsonBody
from control.api.openapi import build_error_responses
from control.api.pagination import Int8, ListCursors
from control.letters.cause_backgrounds import CauseBackgroundReader
from control.letters.causes import LetterCausePosition

router: Final = APIRouter(prefix="/causes", tags=["dead letters"])

_CURSORS: Final = ListCursors("causes", TypeAdapter(tuple[Int8, Moment, ColumnText]))

CauseId = Annotated[str, Path(pattern=CAUSE_ID, description="Id of the cause, 16 hex digits.")]


@router.get("")
async def list_causes(
    which: Annotated[ListCausesRequest, Query()], context: Context, caller: Operator
) -> LetterCausePage:
    """List the causes of dead letters, the cause with the most dead letters first."""
    del caller
    await context.store.require_known(which.model, which.prompt)
    position = _CURSORS.decode(which)
    found = await context.causes.causes(which, position and LetterCausePosition(*position))
    return LetterCausePage(
        causes=found.causes,
        next=_CURSORS.encode(found.last, which),
        muted=found.muted,
        snoozed=found.snoozed,
        expiring=context.get_retention_warnings().expiring,
    )


@router.get("/{cause_id}", responses=build_error_responses(404))
async def read_cause(
    cause_id: CauseId, context: Context, caller: Operator, response: Response
) -> LetterCause:
    """Return one cause of dead letters, with its `ETag`."""
    del caller
    found = await context.causes.cause(cause_id)
    set_version_etag(response, found.version)
    return found


@router.get("/{cause_id}/background", responses=build_error_responses(404))
async def read_cause_background(
    cause_id: CauseId, context: Context, caller: Operator, place: HeavyPlace
) -> CauseBackground:
    """Return a dead letter cause's cost of model calls, and what changed shortly before it."""
    del caller, place
    cause = await context.causes.cause(cause_id)
    return await CauseBackgroundReader(context.database).read(cause)


@router.patch("/{cause_id}", responses=build_error_responses(404, 412, 428))
async def edit_cause(  # noqa: PLR0913, PLR0917 - FastAPI names them
    cause_id: CauseId,
    changes: JsonBody[EditCauseRequest],
    context: Context,
    caller: Operator,
    response: Response,
    if_match: IfMatch = None,
) -> LetterCause:
    """Change a cause of dead letters: its assignee, its remark, or until when it is muted."""
    version = parse_if_match_version(if_match)
    before = await context.causes.find(cause_id, version)
    # What was noted before is nowhere else from now on.
    noted = before.model_dump(mode="json", include=changes.model_fields_set)
    target = f"{cause_id}: {json.dumps(noted, ensure_ascii=False, sort_keys=True)} until now"
    await context.trail.record(caller, "cause.edit", target)
    edited = await context.causes.edit(cause_id, changes, version)
    set_version_etag(response, edited.version)
    return edited
