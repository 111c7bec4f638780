"""Endpoints of how long what there is of a study is kept."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response

from contracts.study_retention import (
    RetainedKind,
    SetStudyRetentionRequest,
    StudyRetention,
    StudyRetentionPolicy,
    StudyRetentionPreview,
)
from control.access.trail import AuditTrail
from control.api.authorization import NoteReader, Researcher
from control.api.context import Context, HeavyPlace
from control.api.etags import IfMatch, parse_if_match_version, set_version_etag
from control.api.json_bodies import JsonBody
from control.api.openapi import build_error_responses
from control.api.studies import StudyPath

router: Final = APIRouter(prefix="/studies/{study_id}/retention", tags=["studies"])


@router.get("", responses=build_error_responses(404))
async def read_study_retention(
    study_id: StudyPath, context: Context, caller: NoteReader, response: Response
) -> StudyRetention:
    """Return how long what there is of a study is kept, and what was deleted; with an `ETag`."""
    del caller
    found = await context.study_retention.find(study_id)
    set_version_etag(response, found.changes)
    return found


@router.put(
    "",
    response_model=StudyRetention | StudyRetentionPreview,
    responses=build_error_responses(404, 412, 422, 428),
)
async def set_study_retention(  # noqa: PLR0913, PLR0917 - FastAPI names them
    study_id: StudyPath,
    wanted: JsonBody[SetStudyRetentionRequest],
    context: Context,
    caller: Researcher,
    place: HeavyPlace,
    response: Response,
    if_match: IfMatch = None,
) -> StudyRetention | StudyRetentionPreview:
    """Set how long what there is of a study is kept; what is too old is deleted from then on.

    It cannot be undone. A dry run changes nothing, and says what would be deleted.
    """
    del place
    expected = parse_if_match_version(if_match)
    if wanted.dry_run:
        before = await context.study_retention.find(study_id)
        set_version_etag(response, before.changes)
        return await context.study_retention.preview(study_id, wanted.policy)

    async def record(trail: AuditTrail, before: StudyRetentionPolicy) -> None:
        target = f"{study_id}: {_describe(before)} -> {_describe(wanted.policy)}"
        await trail.record(caller, "retention.set", target, study_id)

    found = await context.study_retention.set(study_id, wanted.policy, expected, record)
    set_version_etag(response, found.changes)
    context.wake_retention()
    return found


@router.get("/preview", responses=build_error_responses(404))
async def preview_study_retention(
    study_id: StudyPath, context: Context, caller: NoteReader, place: HeavyPlace
) -> StudyRetentionPreview:
    """Return how much of a study is too old now, and how much will be within 30 days."""
    del caller, place
    found = await context.study_retention.find(study_id)
    return await context.study_retention.preview(study_id, found.policy)


def _describe(policy: StudyRetentionPolicy) -> str:
    days = {kind: policy.get_days(kind) for kind in RetainedKind}
    return ", ".join(f"{kind}={kept}" for kind, kept in days.items() if kept) or "for ever"
