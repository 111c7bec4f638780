"""The budget of the replay plan, if any, that pays for the model calls made now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from model_client.requests import PlanBudget

_paying: ContextVar[PlanBudget | None] = ContextVar("paying_plan", default=None)


def get_current_plan_budget() -> PlanBudget | None:
    """Return the replay plan's budget that pays for the caller's model calls, or None."""
    return _paying.get()


@contextmanager
def charge_calls_to_plan(budget: PlanBudget | None) -> Iterator[None]:
    """Charge model calls made in the context to a replay plan's budget as well.

    A call that is shared is paid by who asks first.

    Args:
        budget: the plan's; None leaves everything as it is.
    """
    token = _paying.set(budget)
    try:
        yield
    finally:
        _paying.reset(token)
