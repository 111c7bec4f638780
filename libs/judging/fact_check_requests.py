"""Requests to published fact-checking models: whether evidence supports one claim."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from model_client import ModelRequest
from model_client.errors import BadOutputError
from model_client.requests import ChatMessage, ModelText, TokenLogprobs
from prompts.fact_checking import (
    FactCheckPromptFormat,
    FactCheckVerdict,
    RawFactCheckReply,
    SpokenLine,
    TokenProbabilities,
)


class FactCheckAnswer(BaseModel):
    """Answer of a fact-checking model, in the form in which the response cache stores it."""

    model_config = ConfigDict(frozen=True)

    verdict: FactCheckVerdict
    probability: float | None = None
    reason: str = ""


def build_fact_check_request(
    judge_format: FactCheckPromptFormat, claim: str, evidence: Sequence[SpokenLine]
) -> ModelRequest[FactCheckAnswer]:
    """Build the request that asks a fact-checking model about one claim.

    Args:
        judge_format: the format that the model was trained with.
        claim: one claim, in a sentence.
        evidence: what was said, in the order of the transcript.
    """
    served = judge_format.build_request(claim, evidence)

    def parse_text(answer: ModelText) -> FactCheckAnswer:
        reply = RawFactCheckReply(answer.text, [_to_probabilities(one) for one in answer.tokens])
        ruling = judge_format.parse_reply(reply)
        if ruling.verdict is FactCheckVerdict.NO_ANSWER:
            raise BadOutputError(f"the reply is no answer in the format {judge_format.name}")
        return FactCheckAnswer(
            verdict=ruling.verdict, probability=ruling.probability, reason=ruling.reason
        )

    messages: list[ChatMessage] = [dict(one) for one in served.messages]  # type: ignore[misc]
    return ModelRequest(
        messages=messages,
        schema=served.schema,
        response_model=FactCheckAnswer,
        prompt_version=judge_format.version,
        parse_text=parse_text,
        parameters=served.parameters,
        max_output_tokens=served.max_output_tokens,
    )


def _to_probabilities(token: TokenLogprobs) -> TokenProbabilities:
    return TokenProbabilities(
        token.token, {text: math.exp(value) for text, value in token.alternatives.items()}
    )
