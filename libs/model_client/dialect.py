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
from model_client.questions import Message, Question
from model_client.settings import ModelConfig
from model_client.statuses import complains_of

log = structlog.get_logger(__name__)
A = TypeVar("A", bound=BaseModel)

CHARACTERS_PER_TOKEN: Final = 4.0
"""Of English text, as a beginning (OpenAI's rule of thumb); corrected by what is reported."""

WEIGHT_OF_THE_NEWEST: Final = 0.1
"""In the moving average that corrects it."""

MARGIN: Final = 1.1
"""What a prompt may be longer than estimated, in checking whether it fits a context."""


class Dialect:
    """How requests to one endpoint are worded.

    Args:
        config: what is known of the endpoint beforehand.
    """

    def __init__(self, config: ModelConfig) -> None:
        self._config = config
        self._schema: str = config.json_schema
        self._limit = "max_completion_tokens"
        self._unknown: set[str] = set() if config.streaming else {"stream"}

    def request(self, question: Question[A]) -> dict[str, Any]:
        """The body of a chat completion."""
        config = self._config
        body: dict[str, Any] = {
            "model": config.model,
            "messages": self._messages(question),
            self._limit: config.max_output_tokens,
        }
        if config.temperature is not None:
            body["temperature"] = config.temperature
        if config.seed is not None:
            body["seed"] = config.seed
        if self._schema != "none":
            body["response_format"] = self._response_format(question.schema)
        if "stream" not in self._unknown:
            body["stream"] = True
            body["stream_options"] = {"include_usage": True}
        return {name: value for name, value in body.items() if name not in self._unknown}

    def learn(self, refused: openai.APIStatusError, request: Mapping[str, Any]) -> bool:
        """Take from a refusal what the endpoint does not know.

        Returns:
            Whether the same question, worded anew, may be taken.
        """
        for name in ("stream_options", "stream", "response_format", "seed", "temperature"):
            if name in request and complains_of(refused, name):
                return self._do_without(name)
        if self._limit in request and complains_of(refused, self._limit):
            if self._limit == "max_tokens":
                return False
            self._limit = "max_tokens"
            return True
        return False

    def _do_without(self, name: str) -> bool:
        if name == "response_format":
            self._schema = "object" if self._schema == "strict" else "none"
        else:
            self._unknown |= {"stream", "stream_options"} if name == "stream" else {name}
        log.warning("endpoint_lacks", model=self._config.model, parameter=name)
        return True

    def _messages(self, question: Question[A]) -> list[Message]:
        if self._schema == "strict":
            return list(question.messages)
        # Behind the first message, so that the static part stays the prompt's beginning.
        told = f"Answer with JSON that fits this schema:\n{json.dumps(question.schema)}"
        first, *others = question.messages
        return [first, {"role": "system", "content": told}, *others]

    def _response_format(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        if self._schema == "object":
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
