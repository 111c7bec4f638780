"""Drafts in; validated notes, and a request for another draft where it takes one, out."""

from __future__ import annotations

from contracts.content_bugs import raise_content_bugs
from contracts.events import Event, NotesDrafted
from contracts.topics import GUARDRAIL, NOTES_DRAFTED
from guardrail.assessors import Assess
from guardrail.domain import decide
from guardrail.judge import Review
from guardrail.policy import Policy
from messaging import Delivery, Stage


def guardrail_stage(assess: Assess, policy: Policy, review: Review | None = None) -> Stage:
    """The stage that judges drafts, with a second opinion if there is one to ask."""
    stage = Stage(GUARDRAIL)

    @stage.on(NOTES_DRAFTED)
    async def judge_draft(drafted: NotesDrafted, delivery: Delivery) -> tuple[Event, ...]:
        weighed = await assess(drafted)
        if review is not None:
            weighed = await review(drafted, weighed, deadline=delivery.deadline)
        with raise_content_bugs("deciding on the draft"):
            return decide(drafted, weighed, policy, replays=delivery.replays)

    return stage
