"""Replay plans as pages that an operator reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from rich.text import Text

from contracts.replay_options import ReplayOverrides
from contracts.replay_plans import (
    ReplayPlan,
    ReplayPlanLetter,
    ReplayPlanPart,
    ReplayPlanPreview,
)
from contracts.terminal import escape_control_characters
from onrecord.pages.rendering import format_duration, format_time


def format_replay_plans(plans: Sequence[ReplayPlan]) -> Iterator[Text]:
    """Format plans for replaying dead letters as lines for the terminal, in the given order."""
    yield Text(f"{'plan':<9} {'state':<10} {'letters':>9} {'healed':>8} {'again':>7} made", "bold")
    for plan in plans:
        yield Text(
            f"{str(plan.plan_id)[:8]:<9} {plan.state:<10} {plan.letters:>9,} "
            f"{plan.counts.resolved:>8,} {plan.counts.failed_again:>7,} "
            f"{format_time(plan.created_at)} by {escape_control_characters(plan.created_by)}"
        )


def format_replay_plan(plan: ReplayPlan, preview: ReplayPlanPreview) -> Iterator[Text]:
    """Format one replay plan: its set, its rate, its likely cost and its progress."""
    yield Text(f"Plan {plan.plan_id}: {plan.letters:,} letters, {plan.state}", "bold cyan")
    if plan.state_reason:
        yield Text(f"  {escape_control_characters(plan.state_reason)}", "yellow")
    yield Text(f"  set       sha256 {plan.set_sha256}")
    steps = " → ".join(f"{end:,}" for end in plan.steps)
    rate = f"{plan.rate:g} a second" if plan.rate else "as fast as it goes"
    yield Text(f"  sent      {rate}, in steps up to {steps} letters")
    yield from format_overrides(plan.overrides)
    if plan.spent_usd is not None:
        yield Text(f"  spent     ${plan.spent_usd:,.4f} by the ledger of calls")
    yield Text(f"  stops     when more than {plan.max_failed:.0%} have failed again")
    for reason, number in plan.left_out.items():
        yield Text(f"  left out  {number:,} {reason}", "dim")
    for part in preview.parts:
        yield from _part(part)
    yield Text(f"  {format_plan_result(plan)}")
    if plan.seconds_left and plan.state == "running":
        yield Text(f"  all sent  in about {format_duration(plan.seconds_left)}")


def format_overrides(overrides: ReplayOverrides) -> Iterator[Text]:
    """Format the overrides of a replay plan or a rehearsal, if it has any."""
    given = overrides.model_dump(mode="json", exclude_none=True)
    if given.pop("fresh"):
        given["answers"] = "asked anew"
    for name in ("fresh_since", "plan_id"):
        given.pop(name, None)
    if "budget_usd" in given:
        given["budget"] = f"${Decimal(given.pop('budget_usd')):,.2f}"
    if "deadline_s" in given:
        given["deadline"] = f"{given.pop('deadline_s')} s"
    if given:
        said = ", ".join(
            f"{name.replace('_', ' ')} {escape_control_characters(str(value))}"
            for name, value in given.items()
        )
        yield Text(f"  with      {said}: for these messages alone", "yellow")


def _part(part: ReplayPlanPart) -> Iterator[Text]:
    yield Text(f"  {part.letters:>9,} {part.service}, {part.error_code} → {part.topic}")
    notes = [
        *([f"up to {part.calls.high:,} calls"] if part.calls else ()),
        *([f"$0 to ${part.usd.high:,.2f}"] if part.usd else ()),
        *([f"{part.stored:,} are stored already"] if part.stored else ()),
        *([f"{part.withdrawn:,} of withdrawn revisions"] if part.withdrawn else ()),
        *([f"{part.closed:,} not open any more"] if part.closed else ()),
    ]
    if notes:
        yield Text(f"            {', '.join(notes)}", "dim")
    if part.hopeless:
        why = ", ".join(f"{number:,} {reason}" for reason, number in part.hopeless.items())
        yield Text(f"            not sent, as it cannot succeed: {why}", "yellow")


def format_plan_result(plan: ReplayPlan) -> str:
    """Format the results of a replay plan's letters in one line."""
    counts = plan.counts
    on_their_way = counts.replaying + counts.replayed
    more = [
        *([f"{on_their_way:,} on their way"] if on_their_way else ()),
        *([f"{counts.not_sent:,} not sent"] if counts.not_sent else ()),
        *([f"{counts.waiting:,} waiting"] if counts.waiting else ()),
    ]
    said = ", ".join((f"healed {counts.resolved:,}", f"died again {counts.failed_again:,}", *more))
    return f"{plan.state.value}: {said}"


def format_plan_letters(letters: Sequence[ReplayPlanLetter]) -> Iterator[Text]:
    """Format the dead letters of a replay plan as a list, in the order of sending."""
    yield Text(f"{'number':>8} {'letter':<9} {'service':<11} {'cause':<18} {'state':<12}", "bold")
    for one in letters:
        again = f" as {str(one.became)[:8]}, {one.became_code}" if one.became else ""
        by = "" if one.by_this_plan or one.state in {None, "open"} else " not by this plan"
        yield Text(
            escape_control_characters(
                f"{one.number:>8,} {str(one.letter_id)[:8]:<9} {one.service or '':<11} "
                f"{one.error_code or '':<18} {one.state or 'unknown':<12}{again}{by}"
            )
        )
