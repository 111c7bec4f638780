"""From what stages answer to what a replay of a letter would end in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from contracts.rehearsals import (
    RehearsalPrediction,
    RehearsedRecord,
    StageOutcome,
    StageRehearsal,
)
from contracts.topics import ENRICHMENT, GUARDRAIL, NOTES_DRAFTED, NOTES_REJECTED
from control.pipeline.ports import StageUnreachableError

FOLLOWED: Final = {
    GUARDRAIL: (NOTES_REJECTED.name, ENRICHMENT),
    ENRICHMENT: (NOTES_DRAFTED.name, GUARDRAIL),
}
"""By service, what a draft that is still refused goes on as, and to whom: it has passed only once
the model's next draft of it has."""

StageCall = Callable[[str, RehearsedRecord, Sequence[str], Decimal], Awaitable[StageRehearsal]]
"""Takes a record through a service's code: service, record, topics wanted, budget in US dollars."""


@dataclass(frozen=True, slots=True)
class LetterPrediction:
    """Prediction for a replay of one dead letter: passes or fails, the error, and model calls.

    Attributes:
        prediction: what is predicted; for a failure, ``other_cause`` until causes are compared.
        service: where it would fail.
        error_code: the error's code; empty if it is no failure.
        error_type: the error's class.
        error_message: its text.
        reason: why the outcome is not known.
    """

    prediction: RehearsalPrediction
    service: str = ""
    error_code: str = ""
    error_type: str = ""
    error_message: str = ""
    reason: str = ""
    calls_cached: int = 0
    calls_made: int = 0
    calls_needed: int = 0
    cost_usd: Decimal = Decimal(0)


async def predict_replay(
    service: str, record: RehearsedRecord, call: StageCall, budget_usd: Decimal
) -> LetterPrediction:
    """Predict the result of a replay: pass a record through its service's code, without effects.

    Args:
        service: which set the letter aside.
        record: the message, as a replay would send it.
        call: takes a record through a service's code.
        budget_usd: what calls may cost together, in US dollars.

    Returns:
        The prediction; where a service does not answer, with what the calls before it came to.
    """
    steps: list[StageRehearsal] = []
    at, begins_at = service, service
    while True:
        wanted = FOLLOWED.get(at, ("", ""))[0] if begins_at == GUARDRAIL else ""
        try:
            found = await call(at, record, [wanted] if wanted else [], budget_usd)
        except StageUnreachableError as error:
            not_rehearsed = LetterPrediction(RehearsalPrediction.NOT_REHEARSED, reason=str(error))
            return replace(not_rehearsed, **_sum(steps))
        steps.append(found)
        budget_usd = max(Decimal(0), budget_usd - found.cost_usd)
        if found.outcome is not StageOutcome.PASSES or not found.written:
            return _summarize(at, steps)
        record, at = found.written[0], FOLLOWED[at][1]


def _summarize(service: str, steps: Sequence[StageRehearsal]) -> LetterPrediction:
    last = steps[-1]
    reason = last.reason
    if reason and len(steps) > 1:
        reason = f"its draft is still refused, and the model is asked for another one: {reason}"
    failed = last.outcome is StageOutcome.FAILS
    return LetterPrediction(
        prediction=_PREDICTIONS[last.outcome],
        service=service if failed else "",
        error_code=last.error_code,
        error_type=last.error_type,
        error_message=last.error_message,
        reason=reason,
        **_sum(steps),
    )


def _sum(steps: Sequence[StageRehearsal]) -> dict[str, Any]:
    """Return what the calls of some steps came to; a step that is not rehearsed counts too."""
    return {
        "calls_cached": sum(one.calls_cached for one in steps),
        "calls_made": sum(one.calls_made for one in steps),
        "calls_needed": sum(one.calls_needed for one in steps),
        "cost_usd": sum((one.cost_usd for one in steps), Decimal(0)),
    }


_PREDICTIONS: Final = {
    StageOutcome.PASSES: RehearsalPrediction.PASSES,
    StageOutcome.FAILS: RehearsalPrediction.OTHER_CAUSE,
    StageOutcome.UNDECIDED: RehearsalPrediction.UNKNOWN,
}
