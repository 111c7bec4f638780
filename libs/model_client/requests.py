"""Value objects of the client's interface: request, cost attribution, parsed response."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

from openai.types.chat import (
    ChatCompletionAssistantMessageParam,
    ChatCompletionSystemMessageParam,
    ChatCompletionUserMessageParam,
)
from pydantic import BaseModel

from contracts.call_purposes import DRAFT
from contracts.notes import Usage

A = TypeVar("A", bound=BaseModel)

ChatMessage = (
    ChatCompletionSystemMessageParam
    | ChatCompletionUserMessageParam
    | ChatCompletionAssistantMessageParam
)
"""One message of a chat completion's conversation."""


@dataclass(frozen=True, slots=True)
class TokenLogprobs:
    """Token of a model's answer, with the log probabilities of its likeliest alternatives.

    Attributes:
        token: its text.
        alternatives: natural logarithms of probabilities, by the token's text; its own is one.
    """

    token: str
    alternatives: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ModelText:
    """Text of a model's answer, with its tokens' log probabilities if they were requested."""

    text: str
    tokens: Sequence[TokenLogprobs] = ()


@dataclass(frozen=True, slots=True)
class ModelRequest(Generic[A]):
    """Request to a language model: its messages, and the JSON schema of the answer.

    Attributes:
        messages: the conversation, static part first, so that providers' prefix caches hit.
        schema: strict JSON schema of the answer; empty for one that is no JSON.
        response_model: model that the answer is validated with, whatever the endpoint promised.
        prompt_version: names the static part, such as ``notes-3``.
        attempt: number of the attempt, from 1; a new attempt is not answered from the cache.
        requires_single_object: whether several objects that differ count as no answer, in place of
            the last of them.
        parse_text: reads the answer in place of the client, and raises ``BadOutputError`` for one
            that it cannot read, which is not repaired.
        parameters: further fields of the body, such as ``logprobs``.
        max_output_tokens: longest answer, if that is less than what is set for the model.
    """

    messages: Sequence[ChatMessage]
    schema: Mapping[str, Any]
    response_model: type[A]
    prompt_version: str
    attempt: int = 1
    requires_single_object: bool = False
    parse_text: Callable[[ModelText], A] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    max_output_tokens: int | None = None

    def limit_output(self, configured: int) -> int:
        """Return the most tokens that the answer may have, given what is set for the model."""
        return min(configured, self.max_output_tokens or configured)


@dataclass(frozen=True, slots=True)
class PlanBudget:
    """Budget of a replay plan, from which calls are paid that its messages cause.

    Attributes:
        plan_id: of the plan.
        limit_usd: the most that they may cost together, in US dollars.
    """

    plan_id: UUID
    limit_usd: Decimal

    @classmethod
    def find(cls, plan_id: UUID | None, limit_usd: Decimal | None) -> PlanBudget | None:
        """Return the budget of the plan that has a message sent; None if it has none."""
        return None if plan_id is None or limit_usd is None else cls(plan_id, limit_usd)


@dataclass(frozen=True, slots=True)
class CostAttribution:
    """Labels under which a model call's cost is booked: study, subject and purpose.

    Attributes:
        study_id: the study whose budget it is.
        subject: the id of what the call is about, such as a chunk's.
        purpose: what the call is for, such as ``draft`` or ``judge``.
    """

    study_id: str
    subject: str
    purpose: str = DRAFT


@dataclass(frozen=True, slots=True)
class ParsedResponse(Generic[A]):
    """Answer of a model, parsed as the pydantic model that the request names.

    Attributes:
        value: the parsed answer.
        model: the model that answered, as the endpoint named it.
        fingerprint: the endpoint's system fingerprint, empty if it gives none.
        usage: tokens that this answer used, also if they were paid before.
        cached: whether it came from the cache, and cost nothing now.
        cost_usd: what it cost, also if that was paid before; None if no price is known.
    """

    value: A
    model: str
    fingerprint: str
    usage: Usage
    cached: bool = False
    cost_usd: Decimal | None = None
