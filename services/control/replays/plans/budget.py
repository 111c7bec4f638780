"""Budget of a plan: when it is spent, and how many letters may be on their way meanwhile.

Stages make no call that the rest of the budget may not pay for, so no more is spent than it. Here
the plan stops once that happens, and sends few letters ahead of what is known of others: those that
the rest does not pay for are to stay open, and not to become other letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from contracts.replay_plans import ReplayPlan

LEAST_UNDER_WAY: Final = 10
"""Letters that may be on their way however little is left."""

MARGIN: Final = 2
"""How many times the letters so far the next ones may cost each."""


@dataclass(frozen=True, slots=True)
class PlanSpending:
    """Spending of a replay plan: the cost of its model calls, and whether one was refused.

    Attributes:
        usd: what ended calls cost and others may cost at most, in US dollars.
        is_refused: whether a call was refused, since the rest would not pay for it.
    """

    usd: Decimal = Decimal(0)
    is_refused: bool = False


def explain_budget_stop(plan: ReplayPlan, spending: PlanSpending) -> str:
    """Return the reason why a replay plan's budget stops it; "" if it may go on."""
    budget = plan.overrides.budget_usd
    if budget is None or not (spending.is_refused or spending.usd >= budget):
        return ""
    return (
        f"its budget of ${budget:,.2f} is spent: ${spending.usd:,.4f} is booked for calls of its "
        "messages; what is not sent stays open, for another plan"
    )


def count_letters_allowed_by_budget(plan: ReplayPlan, spending: PlanSpending) -> int | None:
    """Return how many of a plan's letters may be in processing at a time; None for no limit."""
    budget = plan.overrides.budget_usd
    if budget is None:
        return None
    known = plan.counts.resolved + plan.counts.failed_again
    if known < LEAST_UNDER_WAY or not spending.usd:
        return LEAST_UNDER_WAY
    each = MARGIN * spending.usd / known
    return max(LEAST_UNDER_WAY, int((budget - spending.usd) / each))
