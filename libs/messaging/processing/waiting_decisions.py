"""What operators decided about messages that wait: to be released, held or given up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from contracts.errors import ErrorCode, ParkedError
from contracts.waiting_decisions import WaitingAction, WaitingDecision
from messaging.delivery import Delivery, WaitId

MOST_DECIDED: Final = 200_000
"""Waits whose decisions are kept in memory; with more, the oldest decisions are forgotten."""


class GivenUpError(ParkedError):
    """Raised when an operator gave up a message while it waited to be tried again."""

    code = ErrorCode.GIVEN_UP


@dataclass(frozen=True, slots=True)
class DecisionOnWait:
    """Operator's decision about one waiting message: release it, hold it or give it up.

    Attributes:
        action: what is done.
        held_until_ms: of a hold, until when, in milliseconds since the epoch.
        decided_by: whose decision it is.
        reason: why.
    """

    action: WaitingAction
    held_until_ms: int = 0
    decided_by: str = ""
    reason: str = ""


class WaitingDecisions:
    """Operators' latest decisions about a service's waiting messages, kept in memory."""

    def __init__(self) -> None:
        self._decided: dict[WaitId, DecisionOnWait] = {}

    def must_be_done(self, delivery: Delivery) -> bool:
        """Return whether something is decided about a message that it does not carry itself yet.

        A hold that is written down in the message's headers is done: it waits like any other.
        """
        decided = self._decided.get(delivery.wait)
        if decided is None:
            return False
        is_hold = decided.action is WaitingAction.HOLD
        return not is_hold or decided.held_until_ms != delivery.held_until_ms

    def find(self, delivery: Delivery) -> DecisionOnWait | None:
        """Return the decision about a message: the latest, or the hold that it carries itself."""
        if (decided := self._decided.get(delivery.wait)) is not None:
            return decided
        if delivery.held_until_ms:
            return DecisionOnWait(WaitingAction.HOLD, delivery.held_until_ms)
        return None

    def note(self, decision: WaitingDecision) -> Iterable[tuple[str, int, int]]:
        """Note a decision.

        Returns:
            Topic (without prefix), partition and offset of the messages, as far as they are there.
        """
        known = DecisionOnWait(
            decision.action, decision.held_until_ms, decision.decided_by, decision.reason
        )
        for one in decision.waits:
            wait = WaitId(*one[:5])
            self._decided.pop(wait, None)
            self._decided[wait] = known
        while len(self._decided) > MOST_DECIDED:
            del self._decided[next(iter(self._decided))]
        return [one[5:] for one in decision.waits]
