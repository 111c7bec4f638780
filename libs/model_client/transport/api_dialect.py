"""Request bodies in the dialect of each endpoint, learnt from its refusals; and token estimates.

OpenAI-compatible endpoints differ: some hold answers to a schema and some refuse to, some do not
stream, some know the answer's limit by its older name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import openai
import structlog
from pydantic import BaseModel

from contracts.notes import Usage
from model_client.requests import ChatMessage, ModelRequest
from model_client.settings import ModelConfig
from model_client.transport.http_errors import is_parameter_refusal

log = structlog.get_logger(__name__)
A = TypeVar("A", bound=BaseModel)

CHARACTERS_PER_TOKEN: Final = 4.0
"""Initial ratio, of English text (OpenAI's rule of thumb); corrected by reported usage."""

WEIGHT_OF_THE_NEWEST: Final = 0.1
"""Weight of the newest report in the moving average that corrects the ratio."""

MARGIN: Final = 1.1
"""Factor by which a prompt may be longer than estimated, in checking whether it fits a context."""


STREAM: Final = frozenset({"stream", "stream_options"})
PROBABILITIES: Final = frozenset({"logprobs", "top_logprobs"})

COMPLAINTS: Final[Mapping[str, Sequence[str]]] = {
    "stream_options": ("stream_options",),
    "stream": ("stream",),
    "response_format": ("response_format", "response format", "json_schema", "json schema"),
    "seed": ("seed",),
    "temperature": ("temperature",),
    "max_completion_tokens": ("max_completion_tokens",),
    "logprobs": ("logprobs", "top_logprobs"),
}
"""Parameters that an endpoint may not know, with the names its refusals use for them."""


class ApiDialect:
    """Dialect of a model API: builds requests with only the parameters the endpoint supports.

    Parameters that are left out go by their names; ``response_format`` goes by ``strict`` and
    ``object``. One is left out for good once a request without it was accepted, and none with it
    ever was: an endpoint may also refuse one request's schema, or quote a prompt in refusing it,
    and neither is to cost the other requests that parameter.

    Args:
        config: what is known of the endpoint beforehand.
    """

    def __init__(self, config: ModelConfig) -> None:
        self._config = config
        lacks = {"strict": set[str](), "object": {"strict"}, "none": {"strict", "object"}}
        streams = frozenset[str]() if config.streaming else STREAM
        self.unsupported: frozenset[str] = streams | lacks[config.json_schema]
        self._taken: set[str] = set()

    def build_body(
        self, request: ModelRequest[A], without: frozenset[str] | None = None
    ) -> dict[str, Any]:
        """Return the body of a chat completion.

        Args:
            request: what is asked.
            without: what to leave out; what the endpoint lacks, if not given.
        """
        without = self.unsupported if without is None else without
        config = self._config
        limit = "max_tokens" if "max_completion_tokens" in without else "max_completion_tokens"
        body: dict[str, Any] = {
            "model": config.model,
            "messages": _messages(request, with_schema="strict" in without),
            limit: request.limit_output(config.max_output_tokens),
            **request.parameters,
        }
        if config.temperature is not None:
            body["temperature"] = config.temperature
        if config.seed is not None:
            # Each attempt has its own, as an endpoint may answer the same body and seed alike.
            body["seed"] = config.seed + request.attempt - 1
        if request.schema and not {"strict", "object"} <= without:
            body["response_format"] = _response_format(
                request.schema, strict="strict" not in without
            )
        if "stream" not in without:
            body["stream"] = True
            body["stream_options"] = {"include_usage": True}
        return {name: value for name, value in body.items() if name not in without}

    def adapt_to_refusal(
        self, refused: openai.APIStatusError, body: Mapping[str, Any], without: frozenset[str]
    ) -> frozenset[str] | None:
        """Return which parameters to leave out after a refusal; None if nothing helps.

        Args:
            refused: the endpoint's refusal.
            body: what it was asked.
            without: what was left out of it.
        """
        for name, names in COMPLAINTS.items():
            if name in body and is_parameter_refusal(refused, *names):
                return without | _lacking(name, body)
        return None

    def record_accepted(
        self, body: Mapping[str, Any], without: frozenset[str], *, streamed: bool
    ) -> None:
        """Learn from a request that was answered.

        Args:
            body: what was asked.
            without: what was left out of it.
            streamed: whether the answer was.
        """
        ignored = STREAM if "stream" in body and not streamed else frozenset[str]()
        self._taken |= _sent(body) - ignored
        learnt = (without | ignored) - self._taken - self.unsupported
        if learnt:
            self.unsupported |= learnt
            log.warning("endpoint_lacks", model=self._config.model, parameters=sorted(learnt))


def _sent(body: Mapping[str, Any]) -> frozenset[str]:
    """Return the parameters of a body, by the names under which they are left out."""
    kind = body.get("response_format", {}).get("type")
    schema = {"json_schema": {"strict"}, "json_object": {"object"}}.get(kind, set())
    return frozenset((body.keys() & COMPLAINTS.keys()) | schema)


def _lacking(name: str, body: Mapping[str, Any]) -> frozenset[str]:
    if name == "response_format":
        return _sent(body) & {"strict", "object"}
    return _TOGETHER.get(name, frozenset({name}))


_TOGETHER: Final = {"stream": STREAM, "logprobs": PROBABILITIES}
"""Parameters that mean nothing without another one, by that one."""


def _messages(request: ModelRequest[A], *, with_schema: bool) -> list[ChatMessage]:
    if not (with_schema and request.schema):
        return list(request.messages)
    # In the first message, as many templates take no second one that instructs; behind its text,
    # so that the static part stays the prompt's beginning.
    instruction = f"Answer with JSON that fits this schema:\n{json.dumps(request.schema)}"
    first, *others = request.messages
    if first["role"] != "system":
        return [{"role": "system", "content": instruction}, first, *others]
    return [{"role": "system", "content": f"{first['content']}\n\n{instruction}"}, *others]


def _response_format(schema: Mapping[str, Any], *, strict: bool) -> dict[str, Any]:
    if not strict:
        return {"type": "json_object"}
    named = {"name": "answer", "strict": True, "schema": dict(schema)}
    return {"type": "json_schema", "json_schema": named}


class CalibratedTokenEstimator:
    """Estimator of token counts from text length, calibrated by the usage an endpoint reports."""

    def __init__(self) -> None:
        self._characters_per_token = CHARACTERS_PER_TOKEN

    def estimate_prompt_tokens(self, body: Mapping[str, Any]) -> int:
        """Return about how many tokens a body's prompt has."""
        return self._of(_characters(body))

    def fits(self, body: Mapping[str, Any], longest_answer: int, context: int) -> bool:
        """Return whether prompt and longest answer fit into a context of so many tokens."""
        return MARGIN * self.estimate_prompt_tokens(body) + longest_answer <= context

    def estimate_usage(self, body: Mapping[str, Any], answer: str) -> Usage:
        """Return about what a call used that did not report its usage."""
        return Usage(
            input_tokens=self.estimate_prompt_tokens(body), output_tokens=self._of(len(answer))
        )

    def calibrate(self, body: Mapping[str, Any], reported: Usage) -> None:
        """Correct the characters per token by a call's reported usage."""
        if reported.input_tokens > 0:
            seen = min(16.0, max(0.5, _characters(body) / reported.input_tokens))
            self._characters_per_token += WEIGHT_OF_THE_NEWEST * (seen - self._characters_per_token)

    def _of(self, characters: int) -> int:
        return round(characters / self._characters_per_token)


def get_max_output_tokens(body: Mapping[str, Any]) -> int:
    """Return the limit on output tokens that a request's body contains."""
    limit: int = body.get("max_completion_tokens") or body["max_tokens"]
    return limit


def compute_prompt_tokens_upper_bound(body: Mapping[str, Any]) -> int:
    """Compute an upper bound on the number of prompt tokens of a request's body.

    Byte-level tokenizers, which all models of today have, make at most one of each byte of UTF-8.
    The schema, and a frame of every message, count as well.
    """
    contents = _contents(body)
    framed = sum(len(one.encode("utf-8", "surrogatepass")) + FRAME_TOKENS for one in contents)
    worded = WORDED_TEMPLATE_TOKENS if "chat_template_kwargs" in body else 0
    return framed + worded + len(json.dumps(body.get("response_format", {})))


FRAME_TOKENS: Final = 16
"""Tokens that are more than any chat template puts around a message."""

WORDED_TEMPLATE_TOKENS: Final = 1_000
"""Tokens that are more than a chat template adds which words the task itself, as Granite Guardian's
does."""


def _characters(body: Mapping[str, Any]) -> int:
    return sum(map(len, _contents(body)))


def _contents(body: Mapping[str, Any]) -> list[str]:
    """Return the texts of a body's messages and documents."""
    messages = [str(one.get("content") or "") for one in body["messages"]]
    return messages + [str(one.get("text") or "") for one in body.get("documents", ())]
