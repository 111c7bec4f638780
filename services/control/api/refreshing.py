"""Endpoint by which a study's interviews are asked again with its current version."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from contracts.refreshing import RefreshStudyRequest, StudyRefresh
from control.api.authorization import Researcher
from control.api.context import Context, HeavyPlace
from control.api.json_bodies import JsonBody
from control.api.openapi import build_error_responses
from control.api.studies import StudyPath

router: Final = APIRouter(prefix="/studies", tags=["studies"])


@router.post("/{study_id}/refresh", responses=build_error_responses(404, 409, 422))
async def refresh_study(
    study_id: StudyPath,
    wanted: JsonBody[RefreshStudyRequest],
    context: Context,
    caller: Researcher,
    place: HeavyPlace,
) -> StudyRefresh:
    """Start making new notes for a study's outdated interviews, at most 500 per request.

    Each is a new revision with the same content, which takes the place of the one before once all
    of it is stored. A dry run says what that costs.
    """
    del place
    study = await context.studies.find(study_id)
    if wanted.dry_run:
        return await context.refresher.plan(study, wanted.transcript_ids)
    which = "all" if wanted.transcript_ids is None else f"{len(wanted.transcript_ids)} interviews"
    target = f"{study_id} version {study.version}: {which}"
    await context.trail.record(caller, "study.refresh", target, study_id)
    return await context.refresher.refresh(study, wanted.transcript_ids, caller.name)
