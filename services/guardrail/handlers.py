"""Drafts in; validated notes, and a request for another draft where it takes one, out."""

from __future__ import annotations

from contracts.events import Event, NotesDrafted
from contracts.topics import GUARDRAIL, NOTES_DRAFTED
from guardrail.assessors import Assess
from guardrail.domain import decide
from guardrail.policy import Policy
from messaging import Delivery, Stage


def guardrail_stage(assess: Assess, policy: Policy) -> Stage:
    """The stage that judges drafts."""
    stage = Stage(GUARDRAIL)

    @stage.on(NOTES_DRAFTED)
    async def judge_draft(drafted: NotesDrafted, delivery: Delivery) -> tuple[Event, ...]:
        weighed = await assess(drafted)
        return decide(drafted, weighed, policy, replays=delivery.replays)

    return stage
