"""Endpoints of erasures: interviews erased on request, and the receipts."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime, TypeAdapter

from contracts.erasures import (
    EraseRequest,
    Erasure,
    ErasureKey,
    ErasurePage,
    ErasurePlan,
    ListErasuresRequest,
    SignedErasureReceipt,
)
from control.access.rights import Caller, Right
from control.api.authorization import StudyEditor
from control.api.context import ApiContext, Context
from control.api.idempotency import claim_idempotency_key, compute_request_fingerprint
from control.api.json_bodies import JsonBody
from control.api.openapi import build_error_responses
from control.api.pagination import ListCursors
from control.domain import NotFoundError
from control.erasures.receipts import read_signing_key
from control.erasures.store import UNKNOWN, ErasurePosition

router: Final = APIRouter(prefix="/erasures", tags=["erasures"])

_CURSORS: Final = ListCursors("erasures", TypeAdapter(tuple[AwareDatetime, UUID]))

ErasureId = Annotated[UUID, Path(description="Id of the erasure.")]


@router.post(
    "",
    status_code=202,
    responses=build_error_responses(404, 409, 422)
    | {200: {"model": ErasurePlan, "description": "Of a dry run: what would be erased."}},
)
async def erase(
    wanted: JsonBody[EraseRequest],
    request: Request,
    response: Response,
    context: Context,
    caller: StudyEditor,
) -> Erasure | ErasurePlan:
    """Erase one interview, a participant's interviews in a study, or a study's interviews.

    From this request on, services discard whatever arrives of them; rows are deleted in the
    background, and `GET` shows how far it is. It cannot be undone. A dry run says what would be
    erased.
    """
    if wanted.study_id is not None:
        _require_study(caller, wanted.study_id, UNKNOWN)  # before its interviews are looked for
    if not wanted.dry_run:
        # A request that is sent again finds nothing to erase any more.
        fingerprint = await compute_request_fingerprint(request, await request.body())
        await claim_idempotency_key(request, context, caller, fingerprint)
    selected = await context.erasures.select(wanted)
    for study_id in {selected.study_id, *selected.studies}:
        _require_study(caller, study_id, UNKNOWN)
    if wanted.dry_run:
        response.status_code = 200
        return await context.erasures.plan(wanted, selected)
    # Neither a participant's name nor an interview's id: the trail stays.
    target = f"{wanted.kind} of study {selected.study_id}: {len(selected.others)} interviews"
    await context.trail.record(
        caller, "erasure.begin", target, selected.study_id or None, wanted.reason
    )
    begun = await context.erasures.begin(wanted, selected, caller.name)
    context.wake_eraser()
    return begun


@router.get("")
async def list_erasures(
    which: Annotated[ListErasuresRequest, Query()], context: Context, caller: StudyEditor
) -> ErasurePage:
    """List the erasures of the caller's studies, the latest first."""
    studies = caller.list_studies(Right.EDIT_STUDIES)
    if which.study_id is not None:
        _require_study(caller, which.study_id, f"there is no study {which.study_id}")
        studies = frozenset({which.study_id})
    position = _CURSORS.decode(which)
    found = await context.erasures.page(
        studies,
        limit=which.limit + 1,
        after=None if position is None else ErasurePosition(*position),
    )
    page = found[: which.limit]
    last = (page[-1].requested_at, page[-1].erasure_id) if len(found) > which.limit else None
    return ErasurePage(erasures=tuple(page), next=_CURSORS.encode(last, which))


@router.get("/key")
async def read_erasure_key(context: Context, caller: StudyEditor) -> ErasureKey:
    """Return the public key by which this system's receipts are verified."""
    del caller
    key = await read_signing_key(context.database)
    return ErasureKey(public_key=key.public_key().public_bytes_raw())


@router.get("/{erasure_id}", responses=build_error_responses(404))
async def read_erasure(erasure_id: ErasureId, context: Context, caller: StudyEditor) -> Erasure:
    """Return how far an erasure is, and what it waits for."""
    found = await _find(context, caller, erasure_id)
    waits_for = await context.find_waits_of_erasure(found)
    return found.model_copy(update={"waits_for": waits_for})


@router.get("/{erasure_id}/receipt", responses=build_error_responses(404, 409))
async def read_erasure_receipt(
    erasure_id: ErasureId, context: Context, caller: StudyEditor
) -> SignedErasureReceipt:
    """Return the signed receipt of an erasure; 409 until it is complete."""
    await _find(context, caller, erasure_id)
    return await context.erasures.receipt(erasure_id)


async def _find(context: ApiContext, caller: Caller, erasure_id: UUID) -> Erasure:
    found = await context.erasures.find(erasure_id)
    _require_study(caller, found.study_id, f"there is no erasure {erasure_id}")
    return found


def _require_study(caller: Caller, study_id: str, message: str) -> None:
    """Require that a caller may edit a study; what is of none is for those who may edit all.

    Raises:
        NotFoundError: it may not; of what others have nothing is said.
    """
    if not caller.may(Right.EDIT_STUDIES, study_id or None):
        raise NotFoundError(message)
