"""Endpoints of replay plans: make, preview, start, pause, resume, cancel and follow them."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from contracts.replay_plans import (
    CreateReplayPlanRequest,
    ListReplayPlanLettersRequest,
    ListReplayPlansRequest,
    ReplayPlan,
    ReplayPlanLetterPage,
    ReplayPlanPage,
    ReplayPlanPreview,
    ReplayPlanState,
)
from control.access import Caller
from control.api.authorization import Operator
from control.api.context import ApiContext, Context, HeavyPlace
from control.api.etags import IfMatch, parse_if_match_version, set_version_etag
from control.api.openapi import build_error_responses
from control.plans.preview import preview_plan

router: Final = APIRouter(prefix="/plans", tags=["dead letters"])

PlanId = Annotated[UUID, Path(description="Id of the plan.")]

_CHANGE: Final = build_error_responses(404, 409, 412)


@router.post("", status_code=201, responses=build_error_responses(404))
async def create_plan(
    wanted: CreateReplayPlanRequest,
    context: Context,
    caller: Operator,
    place: HeavyPlace,
    response: Response,
) -> ReplayPlan:
    """Make a plan of the open letters that match; it sends nothing until it is started."""
    del place
    await context.trail.record(caller, "plan.create", wanted.model_dump_json(exclude_none=True))
    plan = await context.plans.create(wanted, caller.name)
    set_version_etag(response, plan.version)
    return plan


@router.get("")
async def list_plans(
    which: Annotated[ListReplayPlansRequest, Query()], context: Context, caller: Operator
) -> ReplayPlanPage:
    """List replay plans, the latest first."""
    del caller
    return await context.plans.plans(which.limit, which.before)


@router.get("/{plan_id}", responses=build_error_responses(404))
async def read_plan(
    plan_id: PlanId, context: Context, caller: Operator, response: Response
) -> ReplayPlan:
    """Read a plan and how far it is; with an `ETag`."""
    del caller
    plan = await context.plans.plan(plan_id)
    set_version_etag(response, plan.version)
    return plan


@router.get("/{plan_id}/preview", responses=build_error_responses(404))
async def read_plan_preview(
    plan_id: PlanId, context: Context, caller: Operator, place: HeavyPlace
) -> ReplayPlanPreview:
    """Preview a plan: where its letters go, what that may cost, and what it cannot do."""
    del caller, place
    await context.plans.plan(plan_id)
    return await preview_plan(context.database, plan_id)


@router.get("/{plan_id}/letters", responses=build_error_responses(404))
async def list_plan_letters(
    plan_id: PlanId,
    page: Annotated[ListReplayPlanLettersRequest, Query()],
    context: Context,
    caller: Operator,
    place: HeavyPlace,
) -> ReplayPlanLetterPage:
    """List a plan's letters in the order in which they are sent, and what became of each."""
    del caller, place
    return await context.plans.letters(plan_id, page)


@router.post("/{plan_id}/start", responses=_CHANGE)
async def start_plan(
    plan_id: PlanId,
    context: Context,
    caller: Operator,
    response: Response,
    if_match: IfMatch = None,
) -> ReplayPlan:
    """Start a plan that did not run yet; one that runs goes on, one that ran before is resumed."""
    version = await _record(context, caller, "plan.start", plan_id, if_match)
    plan = await context.plans.start(plan_id, f"by {caller.name}", version=version)
    set_version_etag(response, plan.version)
    return plan


@router.post("/{plan_id}/pause", responses=_CHANGE)
async def pause_plan(
    plan_id: PlanId,
    context: Context,
    caller: Operator,
    response: Response,
    if_match: IfMatch = None,
) -> ReplayPlan:
    """Pause a plan: what is being sent is sent, and nothing else until it is resumed."""
    return await _change(context, caller, response, plan_id, ReplayPlanState.PAUSED, if_match)


@router.post("/{plan_id}/resume", responses=build_error_responses(404, 409, 412, 428))
async def resume_plan(
    plan_id: PlanId,
    context: Context,
    caller: Operator,
    response: Response,
    if_match: IfMatch = None,
) -> ReplayPlan:
    """Resume a plan that was paused, or that stopped, if it is still as it was read.

    What failed again until it stopped is accepted; that takes `If-Match`.
    """
    version = await _record(context, caller, "plan.resume", plan_id, if_match)
    plan = await context.plans.resume(
        plan_id, f"by {caller.name}", version=version, accepts_stop=if_match is not None
    )
    set_version_etag(response, plan.version)
    return plan


@router.post("/{plan_id}/cancel", responses=_CHANGE)
async def cancel_plan(
    plan_id: PlanId,
    context: Context,
    caller: Operator,
    response: Response,
    if_match: IfMatch = None,
) -> ReplayPlan:
    """Cancel a plan: what was not sent stays open; one that is cancelled already stays so."""
    return await _change(context, caller, response, plan_id, ReplayPlanState.CANCELLED, if_match)


async def _change(  # noqa: PLR0913, PLR0917 - as above
    context: ApiContext,
    caller: Caller,
    response: Response,
    plan_id: UUID,
    to: ReplayPlanState,
    if_match: str | None,
) -> ReplayPlan:
    action = "plan.pause" if to is ReplayPlanState.PAUSED else "plan.cancel"
    version = await _record(context, caller, action, plan_id, if_match)
    plan = await context.plans.change_state(plan_id, to, f"by {caller.name}", version=version)
    set_version_etag(response, plan.version)
    return plan


async def _record(
    context: ApiContext, caller: Caller, action: str, plan_id: UUID, if_match: str | None
) -> int | None:
    """Record a change in the trail; return the version of the plan that it is asked for."""
    version = None if if_match is None else parse_if_match_version(if_match)
    await context.trail.record(caller, action, str(plan_id))
    return version
