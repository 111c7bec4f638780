"""Value objects of the client's interface: request, cost attribution, parsed response."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from openai.types.chat import (
    ChatCompletionAssistantMessageParam,
    ChatCompletionSystemMessageParam,
    ChatCompletionUserMessageParam,
)
from pydantic import BaseModel

from contracts.notes import Usage

A = TypeVar("A", bound=BaseModel)

ChatMessage = (
    ChatCompletionSystemMessageParam
    | ChatCompletionUserMessageParam
    | ChatCompletionAssistantMessageParam
)
"""One message of a chat completion's conversation."""


@dataclass(frozen=True, slots=True)
class ModelRequest(Generic[A]):
    """Request to a language model: messages, with the JSON schema of the answer.

    Attributes:
        messages: the conversation, static part first, so that providers' prefix caches hit.
        schema: strict JSON schema of the answer.
        response_model: model that the answer is validated with, whatever the endpoint promised.
        prompt_version: names the static part, such as ``notes-2``.
        attempt: number of the attempt, from 1; a new attempt is not answered from the cache.
        requires_single_object: whether several objects that differ count as no answer, in place of
            the last of them.
    """

    messages: Sequence[ChatMessage]
    schema: Mapping[str, Any]
    response_model: type[A]
    prompt_version: str
    attempt: int = 1
    requires_single_object: bool = False


@dataclass(frozen=True, slots=True)
class CostAttribution:
    """Study and subject to which a call's cost is attributed in the ledger.

    Attributes:
        study_id: the study whose budget it is.
        subject: the id of what the call is about, such as a chunk's.
        purpose: what the call is for, such as ``draft`` or ``judge``.
    """

    study_id: str
    subject: str
    purpose: str = "draft"


@dataclass(frozen=True, slots=True)
class ParsedResponse(Generic[A]):
    """Model's answer, parsed and validated by the request's response model.

    Attributes:
        value: the parsed answer.
        model: the model that answered, as the endpoint named it.
        fingerprint: the endpoint's system fingerprint, empty if it gives none.
        usage: tokens that this answer used, also if they were paid before.
        cached: whether it came from the cache, and cost nothing now.
    """

    value: A
    model: str
    fingerprint: str
    usage: Usage
    cached: bool = False
