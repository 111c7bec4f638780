"""Endpoints of whose interviews are: withdraw and restore revisions, hand interviews over."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request

from contracts.ownership import (
    HandOverRequest,
    HandoverResult,
    HandOverStudyRequest,
    OwnedTranscript,
    RevisionChangeResult,
    WithdrawRevisionRequest,
)
from control.access.rights import Caller, Right
from control.api.authorization import Researcher, StudyEditor, Submitter
from control.api.context import ApiContext, Context
from control.api.idempotency import claim_idempotency_key, compute_request_fingerprint
from control.api.interviews import TranscriptPath
from control.api.json_bodies import JsonBody
from control.api.openapi import build_error_responses
from control.api.studies import StudyPath, require_study
from control.domain import NotFoundError
from control.interviews.ownership import check_restoration

router: Final = APIRouter(tags=["transcripts"])


@router.post("/transcripts/{transcript_id}/withdraw", responses=build_error_responses(404, 422))
async def withdraw_revision(
    transcript_id: TranscriptPath,
    wanted: JsonBody[WithdrawRevisionRequest],
    request: Request,
    context: Context,
    caller: Submitter,
) -> RevisionChangeResult:
    """Withdraw a revision of an interview, so that the revision before is current again.

    What is withdrawn is kept, and shown nowhere. Its number is not used again, unless it is
    restored.
    """
    owned = await find_owned_transcript(context, caller, transcript_id)
    fingerprint = await compute_request_fingerprint(request, await request.body())
    await claim_idempotency_key(request, context, caller, fingerprint)
    await context.ownership.check_withdrawal(owned, wanted.revision)
    await _record(context, caller, "transcript.withdraw", owned, wanted)
    return await context.ownership.withdraw(transcript_id, wanted.revision)


@router.post("/transcripts/{transcript_id}/restore", responses=build_error_responses(404, 422))
async def restore_revision(
    transcript_id: TranscriptPath,
    wanted: JsonBody[WithdrawRevisionRequest],
    request: Request,
    context: Context,
    caller: Submitter,
) -> RevisionChangeResult:
    """Restore a withdrawn revision of an interview."""
    owned = await find_owned_transcript(context, caller, transcript_id)
    fingerprint = await compute_request_fingerprint(request, await request.body())
    await claim_idempotency_key(request, context, caller, fingerprint)
    check_restoration(owned, wanted.revision)
    await _record(context, caller, "transcript.restore", owned, wanted)
    return await context.ownership.restore(transcript_id, wanted.revision)


@router.post("/transcripts/{transcript_id}/handover", responses=build_error_responses(404, 422))
async def hand_over_transcript(
    transcript_id: TranscriptPath,
    wanted: JsonBody[HandOverRequest],
    request: Request,
    context: Context,
    caller: StudyEditor,
) -> OwnedTranscript:
    """Make another producer the owner of an interview, who may then submit its revisions."""
    owned = await find_owned_transcript(context, caller, transcript_id, Right.EDIT_STUDIES)
    fingerprint = await compute_request_fingerprint(request, await request.body())
    await claim_idempotency_key(request, context, caller, fingerprint)
    target = f"{transcript_id} to {wanted.to}"
    await context.trail.record(caller, "transcript.handover", target, owned.study_id, wanted.reason)
    return await context.ownership.hand_over(owned, wanted.to)


@router.post("/studies/{study_id}/handover", responses=build_error_responses(404, 422))
async def hand_over_interviews(
    study_id: StudyPath,
    wanted: JsonBody[HandOverStudyRequest],
    context: Context,
    caller: Researcher,
) -> HandoverResult:
    """Make another producer the owner of a study's interviews, of all or of one producer's."""
    await require_study(context, study_id)
    target = f"{wanted.of or 'all'} to {wanted.to}"
    await context.trail.record(caller, "study.handover", target, study_id, wanted.reason)
    changed = await context.ownership.hand_over_interviews(study_id, wanted.to, wanted.of)
    return HandoverResult(study_id=study_id, producer=wanted.to, transcripts=changed)


async def find_owned_transcript(
    context: ApiContext, caller: Caller, transcript_id: UUID, right: Right = Right.SUBMIT
) -> OwnedTranscript:
    """Find an interview of a study in which the caller has a right.

    Raises:
        NotFoundError: there is none, or it is of another study.
    """
    found = await context.ownership.find(transcript_id)
    if found is None or not caller.may(right, found.study_id):
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
