"""Replay plans, as the command line makes, finds, changes and follows them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from rich.progress import Progress

from contracts.replay_plans import (
    ReplayPlan,
    ReplayPlanPage,
    ReplayPlanPreview,
    ReplayPlanState,
)
from onrecord.console import err
from onrecord.errors import UsageError
from onrecord.pages.rendering import format_duration

if TYPE_CHECKING:
    from onrecord.control_client import ControlClient

POLL_S: Final = 1.0
"""Seconds between two looks at a plan that is waited for."""

SENDING_POLL_S: Final = 0.3
"""Seconds between two looks at a plan whose letters are being sent."""

FREEZE_POLL_S: Final = 0.2
"""Seconds between two looks at a plan whose set is being frozen."""

SHORTEST_PREFIX: Final = 4
"""Characters of a plan's id that people have to give at least."""


async def create_replay_plan(control: ControlClient, wanted: Mapping[str, Any]) -> ReplayPlan:
    """Make a replay plan through control's API; return it when its set of letters is fixed.

    Args:
        control: the API.
        wanted: the body of the request.
    """
    plan = await control.send("POST", "/v1/plans", ReplayPlan, json=wanted)
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        if plan.state is ReplayPlanState.FREEZING:
            progress.add_task(f"freezing a set of {plan.letters:,} letters", total=None)
        while plan.state is ReplayPlanState.FREEZING:
            await asyncio.sleep(FREEZE_POLL_S)
            plan = await fetch_replay_plan(control, str(plan.plan_id))
    return plan


async def fetch_replay_plan(control: ControlClient, plan_id: str) -> ReplayPlan:
    """Fetch a replay plan by its id, or the beginning of it, from control's API.

    Args:
        control: the API.
        plan_id: its id, or the beginning of it.

    Raises:
        UsageError: it names no plan, or more than one.
    """
    found = await _find_plan(control, plan_id)
    return await control.get(f"/v1/plans/{found}", ReplayPlan)


async def fetch_plan_preview(control: ControlClient, plan: ReplayPlan) -> ReplayPlanPreview:
    """Fetch a replay plan's preview from control's API: target topics and likely cost."""
    return await control.get(f"/v1/plans/{plan.plan_id}/preview", ReplayPlanPreview)


async def change_replay_plan(control: ControlClient, plan_id: str, verb: str) -> ReplayPlan:
    """Start, pause, resume or cancel a replay plan through control's API; return the plan.

    One is resumed as it is now: if the request is sent again, a stop since is not accepted.

    Raises:
        UsageError: the id names no plan, or more than one.
    """
    if verb == "resume":
        plan = await fetch_replay_plan(control, plan_id)
        found, headers = plan.plan_id, {"If-Match": f'"{plan.version}"'}
    else:
        found, headers = await _find_plan(control, plan_id), {}
    path = f"/v1/plans/{found}/{verb}"
    return await control.send("POST", path, ReplayPlan, headers=headers)


async def follow_replay_plan(
    control: ControlClient, plan: ReplayPlan, *, until_sent: bool = False
) -> ReplayPlan:
    """Wait, with a progress bar, until a replay plan has ended; Ctrl-C leaves it running.

    Args:
        control: the API.
        plan: as it was started.
        until_sent: whether to return as soon as all of its letters are sent.
    """
    poll_s = SENDING_POLL_S if until_sent else POLL_S
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task("replaying", total=plan.letters)
        while plan.state is ReplayPlanState.RUNNING and not (until_sent and is_fully_sent(plan)):
            progress.update(
                bar,
                completed=plan.letters - plan.counts.waiting,
                description=f"step {plan.step} of {len(plan.steps)}: "
                f"{plan.counts.resolved:,} healed, {plan.counts.failed_again:,} died again"
                + _format_time_left(plan),
            )
            await asyncio.sleep(poll_s)
            plan = await fetch_replay_plan(control, str(plan.plan_id))
    return plan


def is_fully_sent(plan: ReplayPlan) -> bool:
    """Return whether all of a replay plan's letters that could be sent have been sent."""
    return not plan.counts.waiting and not plan.counts.replaying


def count_sent_letters(plan: ReplayPlan) -> int:
    """Return how many of a replay plan's dead letters have been sent."""
    counts = plan.counts
    return counts.replayed + counts.resolved + counts.failed_again


def _format_time_left(plan: ReplayPlan) -> str:
    if not plan.seconds_left:
        return ""
    return f", all sent in about {format_duration(plan.seconds_left)}"


async def _find_plan(control: ControlClient, plan_id: str) -> UUID:
    """The id that begins with what is given."""
    try:
        return UUID(plan_id)
    except ValueError:
        pass
    asked = plan_id.strip().lower()
    if len(asked) < SHORTEST_PREFIX:
        raise UsageError(f"PLAN: an id, or at least its first {SHORTEST_PREFIX} characters")
    pages = control.pages("/v1/plans", ReplayPlanPage)
    plans = [one.plan_id async for page in pages for one in page.plans]
    found = [one for one in plans if str(one).startswith(asked)]
    if len(found) != 1:
        problem = "more than one plan's id begins" if found else "no plan's id begins"
        raise UsageError(f"{problem} with {plan_id!r}: `onrecord dlq plan list` names them")
    return found[0]
