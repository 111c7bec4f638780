"""Drafts in; validated notes, and a request for another draft where it takes one, out."""

from __future__ import annotations

from typing import Annotated

from faststream import Context

from contracts.content_bugs import convert_bugs_triggered_by_message
from contracts.events import Event, NotesDrafted
from contracts.topics import NOTES_DRAFTED, NOTES_REJECTED, NOTES_VALIDATED
from guardrail.assessors import DraftAssessor
from guardrail.domain import build_result_events, tighten_policies
from guardrail.judge import NoteReviewer
from guardrail.policy import CheckPolicy
from messaging import CurrentDelivery, KafkaRouter
from model_client import PlanBudget, charge_calls_to_plan, use_only_answers_since

router = KafkaRouter()


@router.subscriber(NOTES_DRAFTED)
@router.publisher(NOTES_VALIDATED)
@router.publisher(NOTES_REJECTED)
async def validate_draft(
    drafted: NotesDrafted,
    delivery: CurrentDelivery,
    assess: Annotated[DraftAssessor, Context()],
    policy: Annotated[CheckPolicy, Context()],
    review: Annotated[NoteReviewer | None, Context()],
) -> tuple[Event, ...]:
    """Check a draft's notes by rules and judging models; return the result events."""
    judged = tighten_policies(drafted, delivery.overrides, policy.personal_data)
    # Costly drafts before this one would else use up its time, and it would be a timeout.
    checked = await assess(judged, waiting=delivery.clock.stopped())
    if review is not None:
        overrides = delivery.overrides
        budget = PlanBudget.find(overrides.plan_id, overrides.budget_usd)
        with use_only_answers_since(overrides.fresh_since), charge_calls_to_plan(budget):
            checked = await review(judged, checked, deadline=delivery.clock.deadline)
    with convert_bugs_triggered_by_message("deciding on the draft"):
        return build_result_events(drafted, checked, policy, replays=delivery.replays)
