"""Endpoints of interviews' revisions: withdraw one, and restore it."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request

from contracts.ownership import ChangedRevision, OwnedTranscript, WithdrawRevisionRequest
from control.access import Caller, Right
from control.api.authorization import Submitter
from control.api.context import ApiContext, Context
from control.api.idempotency import claim_key
from control.api.interviews import TranscriptPath
from control.api.openapi import responses
from control.domain import NotFoundError

router: Final = APIRouter(prefix="/transcripts", tags=["transcripts"])


@router.post("/{transcript_id}/withdraw", responses=responses(404, 422))
async def withdraw_revision(
    transcript_id: TranscriptPath,
    wanted: WithdrawRevisionRequest,
    request: Request,
    context: Context,
    caller: Submitter,
) -> ChangedRevision:
    """Withdraw a revision of an interview, stored or on its way: the one before is current again.

    What is withdrawn is kept, and shown nowhere. Its number is not used again, unless it is
    restored.
    """
    owned = await _find_owned(context, caller, transcript_id)
    await claim_key(request, context, caller, await request.body())
    await _record(context, caller, "transcript.withdraw", owned, wanted)
    return await context.ownership.withdraw(transcript_id, wanted.revision)


@router.post("/{transcript_id}/restore", responses=responses(404, 422))
async def restore_revision(
    transcript_id: TranscriptPath,
    wanted: WithdrawRevisionRequest,
    request: Request,
    context: Context,
    caller: Submitter,
) -> ChangedRevision:
    """Restore a revision that was withdrawn: it counts as before."""
    owned = await _find_owned(context, caller, transcript_id)
    await claim_key(request, context, caller, await request.body())
    await _record(context, caller, "transcript.restore", owned, wanted)
    return await context.ownership.restore(transcript_id, wanted.revision)


async def _find_owned(context: ApiContext, caller: Caller, transcript_id: UUID) -> OwnedTranscript:
    """Find an interview of a study that the caller may submit to.

    Raises:
        NotFoundError: there is none, or it is of another study.
    """
    found = await context.ownership.find(transcript_id)
    if found is None or not caller.may(Right.SUBMIT, found.study_id):
        raise NotFoundError(f"there is no interview {transcript_id}")
    return found


async def _record(
    context: ApiContext,
    caller: Caller,
    action: str,
    owned: OwnedTranscript,
    wanted: WithdrawRevisionRequest,
) -> None:
    which = "" if wanted.revision is None else f" revision {wanted.revision}"
    target = f"{owned.transcript_id}{which}"
    await context.trail.record(caller, action, target, owned.study_id, wanted.reason)
