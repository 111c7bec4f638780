"""The rehearsal that code runs in, if any: what it may do, and what it notes for the outcome.

A rehearsal takes a message through a stage's current code without effects. Libraries that have
effects ask here: databases roll back, models answer from what is recorded, metrics stand still.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NoReturn

from contracts.rehearsals import RehearsalMode


class ModelCallNeededError(Exception):
    """Raised in a rehearsal when it cannot go on without a real call of a model."""


@dataclass(slots=True, eq=False)
class Rehearsal:
    """Rehearsal: one message is handled by a service's code without lasting effects.

    Attributes:
        mode: whether models may be called.
        budget_usd: what calls may cost, their worst case included, in US dollars.
        calls_cached: calls that a recorded answer stood for.
        calls_made: calls that were made.
        calls_needed: calls that would be made, and were not.
        cost_usd: what the calls that were made cost.
        reason: why the last call that was needed was not made.
        cut_off: why a library ended its part of it early, whoever catches the error; empty if none.
        held: what libraries hold for this rehearsal, each by a key of its own.
        cleanup: gives back what they hold; closed when the rehearsal ends.
    """

    mode: RehearsalMode = RehearsalMode.RECORDED
    budget_usd: Decimal = Decimal(0)
    calls_cached: int = 0
    calls_made: int = 0
    calls_needed: int = 0
    cost_usd: Decimal = Decimal(0)
    reason: str = ""
    cut_off: str = ""
    held: dict[Any, Any] = field(default_factory=dict)
    cleanup: AsyncExitStack = field(default_factory=AsyncExitStack)
    _limit_usd: Decimal = field(init=False)
    _under_way: Decimal = field(init=False, default=Decimal(0))

    def __post_init__(self) -> None:
        """Keep the budget as it was at the beginning."""
        self._limit_usd = self.budget_usd

    def reserve_call(self, worst_usd: Decimal | None) -> Decimal:
        """Reserve the worst case of a call, and return it.

        Args:
            worst_usd: the most that it can cost; None: no price is known.

        Raises:
            ModelCallNeededError: no call may be made, or none at this price.
        """
        if self.mode is not RehearsalMode.LIVE:
            self.refuse_call("no answer is recorded")
        if worst_usd is None:
            self.refuse_call("the model has no known price, so that no budget would hold")
        if worst_usd > self.budget_usd:
            self.refuse_call("the rehearsal's budget is used up")
        self.budget_usd -= worst_usd
        self.calls_made += 1
        return worst_usd

    def release_call(self, reserved_usd: Decimal) -> None:
        """Give back what was reserved for a call, which is over; what it cost is counted."""
        self.budget_usd += reserved_usd

    def begin_request(self, worst_usd: Decimal | None) -> bool:
        """Count the worst case of one request to a model until ``count_cost``; False: not allowed.

        A call may take more requests than were reserved for it: those that are tried again may be
        charged for, too.
        """
        worst_usd = worst_usd or Decimal(0)
        if self.cost_usd + self._under_way + worst_usd > self._limit_usd:
            self.calls_needed += 1
            self.reason = "the rehearsal's budget is used up"
            return False
        self._under_way += worst_usd
        return True

    def end_request(self, worst_usd: Decimal | None, cost_usd: Decimal) -> None:
        """Count what a request cost in place of its worst case."""
        self._under_way -= worst_usd or Decimal(0)
        self.count_cost(cost_usd)

    def count_cost(self, cost_usd: Decimal) -> None:
        """Count what a call cost, also if its answer is of no use."""
        self.budget_usd -= cost_usd
        self.cost_usd += cost_usd

    def refuse_call(self, reason: str) -> NoReturn:
        """Note that a call is needed.

        Raises:
            ModelCallNeededError: always.
        """
        self.calls_needed += 1
        self.reason = reason
        raise ModelCallNeededError(reason)


_current: ContextVar[Rehearsal | None] = ContextVar("rehearsal", default=None)
_paying: ContextVar[Rehearsal | None] = ContextVar("paying_rehearsal", default=None)


def get_rehearsal() -> Rehearsal | None:
    """Return the rehearsal that the caller runs in; None outside of rehearsals."""
    return _current.get()


@contextmanager
def rehearsing(rehearsal: Rehearsal) -> Iterator[None]:
    """Run the context, and the tasks that are started in it, as a rehearsal without effects."""
    token = _current.set(rehearsal)
    try:
        yield
    finally:
        _current.reset(token)


def get_paying_rehearsal() -> Rehearsal | None:
    """Return the rehearsal whose budget pays for a real model call; None if there is none."""
    return _paying.get()


@contextmanager
def outside_rehearsal(paying: Rehearsal | None = None) -> Iterator[None]:
    """Run the context with real effects, as for a model call that a rehearsal pays for.

    Args:
        paying: the rehearsal from whose budget calls are paid.
    """
    current, paid_by = _current.set(None), _paying.set(paying)
    try:
        yield
    finally:
        _paying.reset(paid_by)
        _current.reset(current)
