"""Asks a model a question that is to be answered in JSON of a given schema."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

import openai
from openai import AsyncOpenAI, omit
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionSystemMessageParam,
    ChatCompletionUserMessageParam,
)
from pydantic import BaseModel, ValidationError

from contracts.notes import Usage
from model_client import errors
from model_client.settings import ModelSettings

A = TypeVar("A", bound=BaseModel)

NO_KEY: Final = "no-key"
"""Sent where no key is set: local endpoints take any, and the client insists on one."""

DEFAULT_RETRY_AFTER_S: Final = 1.0
"""The wait where a 429 does not tell one, in seconds."""

_OUTAGE_STATUSES: Final = frozenset({502, 503, 504, 529})
"""Gateways and services that are down or overloaded for everybody; 529 is Anthropic's."""


Message = ChatCompletionSystemMessageParam | ChatCompletionUserMessageParam
"""One message of a conversation."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[A]):
    """A model's answer, valid by the schema that was asked for.

    Attributes:
        value: the parsed answer.
        model: the model that answered, as the endpoint named it.
        fingerprint: the endpoint's system fingerprint, empty if it gives none.
        usage: tokens used.
    """

    value: A
    model: str
    fingerprint: str
    usage: Usage


class ModelClient:
    """Calls one OpenAI-compatible endpoint; retries are the caller's.

    Args:
        settings: endpoint, model and limits.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self._client = AsyncOpenAI(
            base_url=settings.base_url,
            api_key=settings.api_key.get_secret_value() or NO_KEY,
            max_retries=0,
            timeout=settings.timeout_s,
        )

    async def __aenter__(self) -> Self:
        """Open the client; connections are made when they are needed."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all connections."""
        await self._client.close()

    async def ask(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        answer: type[A],
        *,
        deadline: float = float("inf"),
    ) -> Answer[A]:
        """Ask once.

        Args:
            messages: the conversation, static part first.
            schema: strict JSON schema of the answer.
            answer: the model that the answer is validated with, whatever the endpoint promised.
            deadline: when the call must have ended, by the event loop's clock, in seconds.

        Raises:
            errors.ModelTimeoutError: no answer in time.
            errors.BadOutputError: not valid by ``answer``.
            errors.RefusalError: refused, or stopped by a content filter.
            errors.CutOffError: the answer was longer than allowed.
            errors.ServerError: the endpoint failed on this request.
            errors.RateLimitedError: the endpoint asked to be called later.
            errors.ModelUnavailableError: the endpoint serves nobody, or not with these settings.
            errors.RequestRefusedError: the endpoint will never take this request.
        """
        limit = asyncio.get_running_loop().time() + self._settings.timeout_s
        try:
            async with asyncio.timeout_at(min(limit, deadline)):
                completion = await self._complete(messages, schema)
        except (TimeoutError, openai.APITimeoutError) as error:
            raise errors.ModelTimeoutError("the model did not answer in time") from error
        except openai.APIStatusError as error:
            raise _of_status(error) from error
        except openai.APIConnectionError as error:
            raise errors.ModelUnavailableError(
                "the model's endpoint cannot be reached; check OPENAI_BASE_URL"
            ) from error
        except openai.APIError as error:
            raise errors.ServerError(
                f"the endpoint answered with {type(error).__name__}"
            ) from error
        return _read(completion, answer)

    async def _complete(
        self, messages: Sequence[Message], schema: Mapping[str, Any]
    ) -> ChatCompletion:
        settings = self._settings
        return await self._client.chat.completions.create(
            model=settings.model,
            messages=messages,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "notes", "strict": True, "schema": dict(schema)},
            },
            max_completion_tokens=settings.max_output_tokens,
            temperature=omit if settings.temperature is None else settings.temperature,
            seed=settings.seed,
        )


def _read(completion: ChatCompletion, answer: type[A]) -> Answer[A]:
    # The client builds what it is sent without looking; a proxy may well send something else.
    if not isinstance(completion, ChatCompletion) or not completion.choices:
        raise errors.BadOutputError("the endpoint sent no choice")
    choice = completion.choices[0]
    if choice.message.refusal or choice.finish_reason == "content_filter":
        raise errors.RefusalError("the model refused to answer")
    if choice.finish_reason == "length":
        raise errors.CutOffError("the answer was cut off at its length limit")
    try:
        value = answer.model_validate_json(choice.message.content or "")
    except ValidationError as error:
        raise errors.BadOutputError(_explain(error)) from None
    usage = completion.usage
    return Answer(
        value=value,
        model=completion.model,
        fingerprint=completion.system_fingerprint or "",
        usage=Usage(
            input_tokens=usage.prompt_tokens if usage else 0,
            output_tokens=usage.completion_tokens if usage else 0,
        ),
    )


def _explain(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return "the answer is not valid JSON"
    where = ".".join(map(str, first["loc"]))
    return f"the answer does not fit the schema: {where}: {first['type'].replace('_', ' ')}"


def _of_status(error: openai.APIStatusError) -> Exception:
    status = error.status_code
    if status == 429 and error.code != "insufficient_quota":  # noqa: PLR2004 - HTTP's own number
        return errors.RateLimitedError(
            "the endpoint asked to be called later", retry_after=_retry_after(error)
        )
    if status in (401, 403, 404, 429):
        hint = {404: "ONRECORD_MODEL", 429: "the account's quota"}.get(status, "OPENAI_API_KEY")
        return errors.ModelUnavailableError(f"the endpoint answered {status}; check {hint}")
    if status in _OUTAGE_STATUSES:
        return errors.ModelUnavailableError(f"the endpoint answered {status}")
    if status == 408:  # noqa: PLR2004 - HTTP's own number
        return errors.ModelTimeoutError("the endpoint gave up waiting")
    if status >= 500 or status in (409, 425):  # noqa: PLR2004 - HTTP's own number
        return errors.ServerError(f"the endpoint answered {status}")
    return errors.RequestRefusedError(f"the endpoint answered {status} ({error.code or 'no code'})")


def _retry_after(error: openai.APIStatusError) -> float:
    """Seconds to wait, from ``retry-after-ms`` (OpenAI) or ``retry-after`` (RFC 9110)."""
    headers = error.response.headers
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            told_s = float(headers[name]) / unit
        except (KeyError, ValueError):
            continue
        if 0 <= told_s < float("inf"):
            return told_s
    return DEFAULT_RETRY_AFTER_S
