"""Decides whether a plan goes on, waits or stops, from what became of its letters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from contracts.replay_plans import ReplayPlan

LEAST: Final = 10
"""Letters with an outcome from which on a plan is judged before its step ends."""

SAME_CAUSE: Final = 0.5
"""Part of the share that may fail again which one cause may have: one cause that repeats tells of a
wrong fix sooner than failures of many kinds do."""


LEAST_KNOWN: Final = 0.5
"""Share of a step's letters that must have an outcome for the next step: healed letters are known
in a second, those that time out again the latest, so that silence is no success."""


class PlanAction(Enum):
    """Next action of a replay plan: send more letters, wait, stop, or finish."""

    SEND = "send"
    WAIT = "wait"
    STOP = "stop"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class PlanDecision:
    """Decision on a running replay plan: its next action, and the reason if it is to stop."""

    verdict: PlanAction
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StepOutcomeCounts:
    """Counts of a plan step's letters: how many were sent, and how many have an outcome."""

    sent: int
    known: int


def is_step_over(plan: ReplayPlan, waited_s: float) -> bool:
    """Return whether a replay plan need no longer wait for outcomes of its current step.

    Args:
        plan: with its counts as they are now.
        waited_s: seconds since the step's last letter was sent.
    """
    counts = plan.counts
    return not counts.replaying and (not counts.replayed or waited_s >= plan.step_wait_s)


def decide_plan_action(  # noqa: PLR0913 - what was accepted is three numbers
    plan: ReplayPlan,
    *,
    position: int,
    waited_s: float,
    accepted_failed: int = 0,
    accepted_known: int = 0,
    step: StepOutcomeCounts | None = None,
) -> PlanDecision:
    """Decide by its letters' outcomes whether a replay plan sends more, waits, stops or ends.

    Args:
        plan: with its counts as they are now.
        position: how many of its letters were taken.
        waited_s: seconds since the last letter of the current step was sent.
        accepted_failed: letters that had failed again when somebody resumed it after a stop.
        accepted_known: letters that had an outcome then.
        step: what is known of a step that is over; None if that is accepted.
    """
    counts = plan.counts
    failed = counts.failed_again - accepted_failed
    known = counts.failed_again + counts.resolved - accepted_known
    is_at_end = position in plan.steps
    is_over = is_at_end and is_step_over(plan, waited_s)
    is_last = position >= plan.letters
    reason = ""
    if not is_last:
        # A step that is over is judged by however few letters it had.
        reason = _find_reason(plan, failed, known, is_judged=is_over or known >= LEAST)
        if is_over and step is not None and not reason:
            reason = _find_silence(plan, step)
    if reason:
        return PlanDecision(PlanAction.STOP, reason)
    if is_last and is_over:
        return PlanDecision(PlanAction.FINISH)
    return PlanDecision(PlanAction.WAIT if is_at_end and not is_over else PlanAction.SEND)


def _find_silence(plan: ReplayPlan, step: StepOutcomeCounts) -> str:
    """Why what is known of a step is too little to go on."""
    if not step.sent:
        return "no letter of this step was sent, so nothing is known; resume it to go on without"
    if step.known < step.sent * LEAST_KNOWN:
        return (
            f"outcomes of {step.known:,} of {step.sent:,} letters of this step are known after "
            f"{plan.step_wait_s:,} s, fewer than half; resume it to go on without"
        )
    return ""


def _find_reason(plan: ReplayPlan, failed: int, known: int, *, is_judged: bool) -> str:
    if not is_judged or not known:
        return ""
    if failed > plan.max_failed * known:
        return f"{failed:,} of {known:,} letters failed again, more than {plan.max_failed:.0%}"
    cause_id, letters = next(iter(plan.failed_causes.items()), ("", 0))
    # Those that were accepted are of whichever cause: the most of this one that are new.
    letters = min(letters, failed)
    if letters >= LEAST and letters > plan.max_failed * SAME_CAUSE * known:
        return f"{letters:,} of {known:,} letters failed again of one cause, {cause_id}"
    return ""
