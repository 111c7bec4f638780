"""What a model is asked, on whose account, and what comes back."""

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

Message = (
    ChatCompletionSystemMessageParam
    | ChatCompletionUserMessageParam
    | ChatCompletionAssistantMessageParam
)
"""One message of a conversation."""


@dataclass(frozen=True, slots=True)
class Question(Generic[A]):
    """A conversation that is to be answered in JSON.

    Attributes:
        messages: the conversation, static part first, so that providers' prefix caches hit.
        schema: strict JSON schema of the answer.
        answer: what the answer is validated with, whatever the endpoint promised.
        prompt_version: names the static part, such as ``notes-2``.
        attempt: tells apart questions that are the same to the letter, but are to be answered
            anew, from 1.
        is_alone: whether an answer that gives several which differ counts as none, in place of
            the last of them.
    """

    messages: Sequence[Message]
    schema: Mapping[str, Any]
    answer: type[A]
    prompt_version: str
    attempt: int = 1
    is_alone: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """Who pays for a call, and what it is about; goes into the ledger.

    Attributes:
        study_id: the study whose budget it is.
        subject: the id of what the call is about, such as a chunk's.
        purpose: what the call is for, such as ``draft`` or ``judge``.
    """

    study_id: str
    subject: str
    purpose: str = "draft"


@dataclass(frozen=True, slots=True)
class Answer(Generic[A]):
    """A model's answer, valid by the schema that was asked for.

    Attributes:
        value: the parsed answer.
        model: the model that answered, as the endpoint named it.
        fingerprint: the endpoint's system fingerprint, empty if it gives none.
        usage: tokens that this answer used, also if they were paid before.
        cached: whether it was kept from before, and cost nothing now.
    """

    value: A
    model: str
    fingerprint: str
    usage: Usage
    cached: bool = False
