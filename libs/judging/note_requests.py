"""Requests that ask a fact-checking model about one note, in the model's own prompt format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pydantic import BaseModel

from judging.fact_check_requests import FactCheckAnswer, build_fact_check_request
from judging.questions import JudgeQuestion, JudgeVerdict
from model_client import ModelRequest
from model_client.requests import ModelText
from prompts.fact_checking import FactCheckPromptFormat, FactCheckVerdict, SpokenLine


class JudgeAnswer(BaseModel):
    """Answer of a fact-checking model on one note: its verdict, reason and probability.

    Attributes:
        reason: the model's own words, which decide nothing; empty if it gives none.
        verdict: what it says.
        probability: how probable it holds that the note is supported, from 0 to 1; None unless its
            tokens' probabilities say.
    """

    reason: str
    verdict: JudgeVerdict
    probability: float | None = None


BuildJudgeRequest = Callable[[JudgeQuestion], ModelRequest[JudgeAnswer]]
"""Makes the request that asks a judge about one note."""


_VERDICTS: Final = {
    FactCheckVerdict.SUPPORTED: JudgeVerdict.SUPPORTED,
    FactCheckVerdict.NOT_SUPPORTED: JudgeVerdict.NOT_SUPPORTED,
}


def make_note_request_builder(judge_format: FactCheckPromptFormat) -> BuildJudgeRequest:
    """Return a function that builds requests about notes in a fact-checking model's format.

    Such a model says yes or no to one claim; it names no words that decide. It reads what the note
    cites, and the question that this answers: “No, never.” alone supports nothing.
    """

    def build(question: JudgeQuestion) -> ModelRequest[JudgeAnswer]:
        lines = [SpokenLine(speaker, text) for speaker, text in question.list_spoken_lines()]
        served = build_fact_check_request(judge_format, question.claim, lines)

        def parse_text(answer: ModelText) -> JudgeAnswer:
            assert served.parse_text is not None
            return _to_judge_answer(served.parse_text(answer))

        return ModelRequest(
            messages=served.messages,
            schema=served.schema,
            response_model=JudgeAnswer,
            prompt_version=served.prompt_version,
            parse_text=parse_text,
            parameters=served.parameters,
            max_output_tokens=served.max_output_tokens,
        )

    return build


def _to_judge_answer(answer: FactCheckAnswer) -> JudgeAnswer:
    return JudgeAnswer(
        reason=answer.reason,
        verdict=_VERDICTS[answer.verdict],
        probability=answer.probability,
    )
