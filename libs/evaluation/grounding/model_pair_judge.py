"""Ask a judging model about the notes of labelled pairs, as the guardrail asks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from contracts.errors import ErrorCode
from evaluation.grounding.judge_votes import JudgeAnswer, JudgeVote, PairNote
from judging.questions import Judge, JudgeVerdict, NoteRuling, build_judge_questions
from model_client import CostAttribution

_VOTES: Final = {
    JudgeVerdict.SUPPORTED: JudgeVote.SUPPORTED,
    JudgeVerdict.CONTRADICTED: JudgeVote.CONTRADICTED,
    JudgeVerdict.NOT_SUPPORTED: JudgeVote.NOT_SUPPORTED,
}


@dataclass(frozen=True, slots=True)
class ModelPairJudge:
    """Judge of labelled pairs that asks one model about the notes on a passage together.

    Attributes:
        name: how reports call it.
        judge: asks the model, as the guardrail does.
    """

    name: str
    judge: Judge

    async def __call__(self, notes: Sequence[PairNote]) -> Sequence[JudgeAnswer]:
        """Return the model's answers on notes on one passage, of which all turns are evidence."""
        chunk = notes[0][0].chunk
        attribution = CostAttribution(chunk.study.study_id, chunk.key, "judge")
        questions = build_judge_questions((checked for _, checked in notes), chunk)
        reply = await self.judge.rule(questions, attribution, deadline=float("inf"))
        outcomes = zip(reply.rulings, reply.errors, strict=True)
        answers = [_build_answer(ruling, error) for ruling, error in outcomes]
        # With one that is kept between measurements: what was not answered is not.
        first = next((at for at, one in enumerate(answers) if not one.error), 0)
        answers[first] = replace(
            answers[first],
            calls=reply.calls,
            tokens=reply.tokens,
            cost_usd=reply.cost_usd,
            is_cached=reply.is_cached,
        )
        return answers


def _build_answer(ruling: NoteRuling | None, error: ErrorCode | None) -> JudgeAnswer:
    taken = JudgeAnswer(JudgeVote.NO_ANSWER, calls=0, cost_usd=Decimal(0))
    if ruling is None:
        return replace(taken, error=(error or ErrorCode.LLM_BAD_OUTPUT).value)
    return replace(taken, vote=_VOTES[ruling.verdict], probability=ruling.probability)
