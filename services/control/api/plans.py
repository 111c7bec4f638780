"""Endpoints of replay plans: make, preview, start, pause, resume, cancel and follow them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final, Protocol
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field, TypeAdapter

from contracts.control_api import Moment
from contracts.replay_plans import (
    CreateReplayPlanRequest,
    ListReplayPlanLettersRequest,
    ListReplayPlansRequest,
    ReplayPlan,
    ReplayPlanLetterPage,
    ReplayPlanPage,
    ReplayPlanPreview,
)
from control.access.rights import Caller
from control.api.authorization import Operator
from control.api.context import ApiContext, Context, HeavyPlace
from control.api.etags import IfMatch, parse_if_match_version, set_version_etag
from control.api.json_bodies import JsonBody
from control.api.openapi import build_error_responses
from control.api.pagination import ListCursors, get_only_element
from control.replays.plans.preview import preview_plan

router: Final = APIRouter(prefix="/plans", tags=["dead letters"])

_CURSORS: Final = ListCursors("plans", TypeAdapter(tuple[Moment, UUID]))
_LETTER_CURSORS: Final = ListCursors(
    "letters of a plan", TypeAdapter(tuple[Annotated[int, Field(ge=0, lt=2**31)]])
)

PlanId = Annotated[UUID, Path(description="Id of the plan.")]

_CHANGE: Final = build_error_responses(404, 409, 412)


@router.post("", status_code=201, responses=build_error_responses(404))
async def create_plan(
    wanted: JsonBody[CreateReplayPlanRequest],
    context: Context,
    caller: Operator,
    place: HeavyPlace,
    response: Response,
) -> ReplayPlan:
    """Make a replay plan of the open dead letters that match; nothing is sent until a start.

    The set of a plan of more than 200,000 letters is frozen behind the answer, as of now: it is
    `freezing` for fifteen seconds a million letters at most.
    """
    del place
    await context.store.require_known(wanted.which.model, wanted.which.prompt)
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
    found, last = await context.plans.plans(which.limit, _CURSORS.decode(which))
    return ReplayPlanPage(plans=found, next=_CURSORS.encode(last, which))


@router.get("/{plan_id}", responses=build_error_responses(404))
async def read_plan(
    plan_id: PlanId, context: Context, caller: Operator, response: Response
) -> ReplayPlan:
    """Return a replay plan with its progress; with an `ETag`."""
    del caller
    plan = await context.plans.plan(plan_id)
    set_version_etag(response, plan.version)
    return plan


@router.get("/{plan_id}/preview", responses=build_error_responses(404))
async def read_plan_preview(
    plan_id: PlanId, context: Context, caller: Operator, place: HeavyPlace
) -> ReplayPlanPreview:
    """Preview a replay plan: target topics, likely cost, and letters that cannot succeed."""
    del caller, place
    return await preview_plan(context.database, await context.plans.plan(plan_id))


@router.get("/{plan_id}/letters", responses=build_error_responses(404))
async def list_plan_letters(
    plan_id: PlanId,
    page: Annotated[ListReplayPlanLettersRequest, Query()],
    context: Context,
    caller: Operator,
    place: HeavyPlace,
) -> ReplayPlanLetterPage:
    """List a replay plan's dead letters in the order of sending, each with its result."""
    del caller, place
    begin = get_only_element(_LETTER_CURSORS.decode(page, plan_id)) or 0
    found, end = await context.plans.letters(plan_id, begin=begin, limit=page.limit)
    position = None if end is None else (end,)
    return ReplayPlanLetterPage(letters=found, next=_LETTER_CURSORS.encode(position, page, plan_id))


@router.post("/{plan_id}/start", responses=_CHANGE)
async def start_plan(
    plan_id: PlanId,
    context: Context,
    caller: Operator,
    response: Response,
    if_match: IfMatch = None,
) -> ReplayPlan:
    """Start a replay plan, or resume one that ran before; a running one stays as it is."""
    asked = _Asked("plan.start", context, caller, plan_id, if_match)
    return await _change(context.plans.start, asked, response)


@router.post("/{plan_id}/pause", responses=_CHANGE)
async def pause_plan(
    plan_id: PlanId,
    context: Context,
    caller: Operator,
    response: Response,
    if_match: IfMatch = None,
) -> ReplayPlan:
    """Pause a replay plan: letters that are being sent still go, the others wait."""
    asked = _Asked("plan.pause", context, caller, plan_id, if_match)
    return await _change(context.plans.pause, asked, response)


@router.post("/{plan_id}/resume", responses=build_error_responses(404, 409, 412, 428))
async def resume_plan(
    plan_id: PlanId,
    context: Context,
    caller: Operator,
    response: Response,
    if_match: IfMatch = None,
) -> ReplayPlan:
    """Resume a paused or stopped replay plan, if it was not changed since it was read.

    What failed again until it stopped is accepted; that takes `If-Match`.
    """
    asked = _Asked("plan.resume", context, caller, plan_id, if_match)
    resume = partial(context.plans.resume, accepts_stop=if_match is not None)
    return await _change(resume, asked, response)


@router.post("/{plan_id}/cancel", responses=_CHANGE)
async def cancel_plan(
    plan_id: PlanId,
    context: Context,
    caller: Operator,
    response: Response,
    if_match: IfMatch = None,
) -> ReplayPlan:
    """Cancel a replay plan; letters that were not sent stay open."""
    asked = _Asked("plan.cancel", context, caller, plan_id, if_match)
    return await _change(context.plans.cancel, asked, response)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What somebody wants to do with which plan, as of which version."""

    action: str
    context: ApiContext
    caller: Caller
    plan_id: UUID
    if_match: str | None


class _Change(Protocol):
    """Method of the store that changes a plan."""

    async def __call__(self, plan_id: UUID, reason: str, *, version: int | None) -> ReplayPlan: ...


async def _change(change: _Change, asked: _Asked, response: Response) -> ReplayPlan:
    """Change a plan, with an entry in the trail before."""
    version = None if asked.if_match is None else parse_if_match_version(asked.if_match)
    await asked.context.trail.record(asked.caller, asked.action, str(asked.plan_id))
    plan = await change(asked.plan_id, f"by {asked.caller.name}", version=version)
    set_version_etag(response, plan.version)
    return plan
