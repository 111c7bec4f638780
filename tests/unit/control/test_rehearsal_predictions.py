"""What stages answer becomes a prediction, with all that the calls of its steps came to."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from contracts.rehearsals import (
    RehearsalPrediction,
    RehearsedRecord,
    StageOutcome,
    StageRehearsal,
)
from contracts.topics import ENRICHMENT, GUARDRAIL, NOTES_REJECTED
from control.pipeline.ports import StageUnreachableError
from control.rehearsals.prediction import predict_replay

REJECTED = RehearsedRecord(topic=NOTES_REJECTED.name)


class Stages:
    """Stages that answer in order; None: away."""

    def __init__(self, *answers: StageRehearsal | None) -> None:
        self._answers = [*answers]
        self.asked: list[tuple[str, Decimal]] = []

    async def __call__(
        self, service: str, record: RehearsedRecord, wanted: Sequence[str], budget_usd: Decimal
    ) -> StageRehearsal:
        del record, wanted
        self.asked.append((service, budget_usd))
        answer = self._answers.pop(0)
        if answer is None:
            raise StageUnreachableError("it does not answer")
        return answer


def passes(cost: int, *written: RehearsedRecord) -> StageRehearsal:
    return StageRehearsal(
        outcome=StageOutcome.PASSES, calls_made=1, cost_usd=Decimal(cost), written=written
    )


async def test_what_earlier_steps_cost_counts_where_a_later_service_is_away() -> None:
    stages = Stages(passes(2, REJECTED), None)
    found = await predict_replay(GUARDRAIL, REJECTED, stages, Decimal(5))
    assert stages.asked == [(GUARDRAIL, Decimal(5)), (ENRICHMENT, Decimal(3))]
    assert (found.prediction, found.reason, found.calls_made, found.cost_usd) == (
        *(RehearsalPrediction.NOT_REHEARSED, "it does not answer"),
        *(1, Decimal(2)),
    )


async def test_a_draft_that_passes_ends_the_rehearsal() -> None:
    found = await predict_replay(GUARDRAIL, REJECTED, Stages(passes(2)), Decimal(5))
    assert (found.prediction, found.cost_usd) == (RehearsalPrediction.PASSES, Decimal(2))
