"""What an endpoint understands of the API, learnt from what it refuses; and how long a question is.

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
from model_client.requests import Message, Question
from model_client.settings import ModelConfig
from model_client.transport.http_errors import complains_of

log = structlog.get_logger(__name__)
A = TypeVar("A", bound=BaseModel)

CHARACTERS_PER_TOKEN: Final = 4.0
"""Of English text, as a beginning (OpenAI's rule of thumb); corrected by what is reported."""

WEIGHT_OF_THE_NEWEST: Final = 0.1
"""In the moving average that corrects it."""

MARGIN: Final = 1.1
"""What a prompt may be longer than estimated, in checking whether it fits a context."""


STREAM: Final = frozenset({"stream", "stream_options"})

COMPLAINTS: Final[Mapping[str, Sequence[str]]] = {
    "stream_options": ("stream_options",),
    "stream": ("stream",),
    "response_format": ("response_format", "response format", "json_schema", "json schema"),
    "seed": ("seed",),
    "temperature": ("temperature",),
    "max_completion_tokens": ("max_completion_tokens",),
}
"""What an endpoint may lack, with the names under which it says so."""


class Dialect:
    """How requests to one endpoint are worded.

    What is left out of a request is known by the parameter's name; of ``response_format`` it is
    ``strict`` and ``object``. It is left out for good once a request without it was taken, and
    none with it ever was: an endpoint may also refuse one question's schema, or quote a question
    in refusing it, and neither is to cost the others theirs.

    Args:
        config: what is known of the endpoint beforehand.
    """

    def __init__(self, config: ModelConfig) -> None:
        self._config = config
        lacks = {"strict": set[str](), "object": {"strict"}, "none": {"strict", "object"}}
        streams = frozenset[str]() if config.streaming else STREAM
        self.lacks: frozenset[str] = streams | lacks[config.json_schema]
        self._taken: set[str] = set()

    def request(
        self, question: Question[A], without: frozenset[str] | None = None
    ) -> dict[str, Any]:
        """The body of a chat completion.

        Args:
            question: what is asked.
            without: what to leave out; what the endpoint lacks, if not given.
        """
        without = self.lacks if without is None else without
        config = self._config
        limit = "max_tokens" if "max_completion_tokens" in without else "max_completion_tokens"
        body: dict[str, Any] = {
            "model": config.model,
            "messages": _messages(question, with_schema="strict" in without),
            limit: config.max_output_tokens,
        }
        if config.temperature is not None:
            body["temperature"] = config.temperature
        if config.seed is not None:
            body["seed"] = config.seed
        if not {"strict", "object"} <= without:
            body["response_format"] = _response_format(
                question.schema, strict="strict" not in without
            )
        if "stream" not in without:
            body["stream"] = True
            body["stream_options"] = {"include_usage": True}
        return {name: value for name, value in body.items() if name not in without}

    def reword(
        self, refused: openai.APIStatusError, request: Mapping[str, Any], without: frozenset[str]
    ) -> frozenset[str] | None:
        """What to leave out so that the same question may be taken; None if nothing helps.

        Args:
            refused: what the endpoint said.
            request: what it was asked.
            without: what was left out of it.
        """
        for name, names in COMPLAINTS.items():
            if name in request and complains_of(refused, *names):
                return without | _lacking(name, request)
        return None

    def took(self, request: Mapping[str, Any], without: frozenset[str], *, streamed: bool) -> None:
        """Learn from a request that was answered.

        Args:
            request: what was asked.
            without: what was left out of it.
            streamed: whether the answer was.
        """
        ignored = STREAM if "stream" in request and not streamed else frozenset[str]()
        self._taken |= _sent(request) - ignored
        learnt = (without | ignored) - self._taken - self.lacks
        if learnt:
            self.lacks |= learnt
            log.warning("endpoint_lacks", model=self._config.model, parameters=sorted(learnt))


def _sent(request: Mapping[str, Any]) -> frozenset[str]:
    """The parameters of a request, as they are called where they are left out."""
    kind = request.get("response_format", {}).get("type")
    schema = {"json_schema": {"strict"}, "json_object": {"object"}}.get(kind, set())
    return frozenset((request.keys() & COMPLAINTS.keys()) | schema)


def _lacking(name: str, request: Mapping[str, Any]) -> frozenset[str]:
    if name == "response_format":
        return _sent(request) & {"strict", "object"}
    return STREAM if name == "stream" else frozenset({name})


def _messages(question: Question[A], *, with_schema: bool) -> list[Message]:
    if not with_schema:
        return list(question.messages)
    # In the first message, as many templates take no second one that instructs; behind its text,
    # so that the static part stays the prompt's beginning.
    told = f"Answer with JSON that fits this schema:\n{json.dumps(question.schema)}"
    first, *others = question.messages
    if first["role"] != "system":
        return [{"role": "system", "content": told}, first, *others]
    return [{"role": "system", "content": f"{first['content']}\n\n{told}"}, *others]


def _response_format(schema: Mapping[str, Any], *, strict: bool) -> dict[str, Any]:
    if not strict:
        return {"type": "json_object"}
    named = {"name": "answer", "strict": True, "schema": dict(schema)}
    return {"type": "json_schema", "json_schema": named}


class TokenEstimate:
    """How many tokens texts are: by their characters, corrected by what endpoints report."""

    def __init__(self) -> None:
        self._characters_per_token = CHARACTERS_PER_TOKEN

    def tokens(self, request: Mapping[str, Any]) -> int:
        """About how many tokens a request's prompt has."""
        return self._of(_characters(request))

    def fits(self, request: Mapping[str, Any], longest_answer: int, context: int) -> bool:
        """Whether prompt and answer fit into a context of so many tokens."""
        return MARGIN * self.tokens(request) + longest_answer <= context

    def usage(self, request: Mapping[str, Any], answer: str) -> Usage:
        """About what a call used that did not tell."""
        return Usage(input_tokens=self.tokens(request), output_tokens=self._of(len(answer)))

    def correct(self, request: Mapping[str, Any], told: Usage) -> None:
        """Learn from what a call really used."""
        if told.input_tokens > 0:
            seen = min(16.0, max(0.5, _characters(request) / told.input_tokens))
            self._characters_per_token += WEIGHT_OF_THE_NEWEST * (seen - self._characters_per_token)

    def _of(self, characters: int) -> int:
        return round(characters / self._characters_per_token)


def most_tokens(request: Mapping[str, Any]) -> int:
    """The most tokens a request's prompt can have: no token is shorter than a byte.

    Byte-level tokenizers, which all models of today have, make at most one of each byte of UTF-8.
    The schema, and a frame of every message, count as well.
    """
    contents = _contents(request["messages"])
    framed = sum(len(one.encode("utf-8", "surrogatepass")) + FRAME_TOKENS for one in contents)
    return framed + len(json.dumps(request.get("response_format", {})))


FRAME_TOKENS: Final = 16
"""More than any chat template puts around a message."""


def _characters(request: Mapping[str, Any]) -> int:
    return sum(map(len, _contents(request["messages"])))


def _contents(messages: Sequence[Message]) -> list[str]:
    return [str(one.get("content") or "") for one in messages]
