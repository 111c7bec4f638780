"""One HTTP call: a question goes out, and what comes back is read, however it comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import httpx2
import openai
from openai import AsyncOpenAI

from contracts.notes import Usage
from model_client import errors
from model_client.settings import ModelConfig

EVENT_STREAM: Final = "text/event-stream"

LONGEST_ANSWER: Final = 16 * 1024 * 1024
"""Characters; whoever sends more is no model."""


def _nobody(_: Mapping[str, str]) -> None:
    """What headers are told to where nobody listens."""


@dataclass(slots=True)
class Reply:
    """What has come back of a call, also of one that failed half-way.

    Attributes:
        on_headers: told the response's headers as soon as they are there.
        headers: the response's; None until it has begun.
        text: the answer's content.
        finish_reason: why it ended, as the endpoint says; empty if it did not.
        refusal: what the model said in place of an answer.
        model: the model's name, as the endpoint tells it.
        fingerprint: the endpoint's system fingerprint.
        usage: tokens, if told.
        estimated: whether the tokens are ours to guess.
        cost_usd: what the call cost; None as long as it is not known.
        sent_at: when the call was made, by the loop's clock, in seconds.
        first_token_s: seconds until the answer began; None if it did not.
        latency_s: seconds until it ended, well or not.
    """

    sent_at: float = 0.0
    on_headers: Callable[[Mapping[str, str]], None] = _nobody
    headers: Mapping[str, str] | None = None
    text: str = ""
    finish_reason: str = ""
    refusal: str = ""
    model: str = ""
    fingerprint: str = ""
    usage: Usage | None = None
    estimated: bool = False
    cost_usd: Decimal | None = None
    first_token_s: float | None = None
    latency_s: float = 0.0
    _pieces: list[str] = field(default_factory=list)
    _length: int = 0

    def begin(self, headers: Mapping[str, str]) -> None:
        """Note that the response has begun."""
        self.headers = headers
        self.on_headers(headers)

    def take(self, part: Any) -> None:
        """Read a completion, or a chunk of one; whatever is not as it should be is passed over."""
        if not isinstance(part, dict):
            return
        if isinstance(part.get("error"), dict):
            raise errors.ServerError("the endpoint sent an error in place of an answer")
        self.model = _text(part.get("model")) or self.model
        self.fingerprint = _text(part.get("system_fingerprint")) or self.fingerprint
        self.usage = _usage(part.get("usage")) or self.usage
        choices = part.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if isinstance(choice, dict):
            self._take_choice(choice)

    def _take_choice(self, choice: dict[str, Any]) -> None:
        self.finish_reason = _text(choice.get("finish_reason")) or self.finish_reason
        said = choice.get("delta") or choice.get("message")
        if isinstance(said, dict):
            content = _text(said.get("content"))
            self._pieces.append(content)
            self._length += len(content)
            self.refusal += _text(said.get("refusal"))
        if self._length > LONGEST_ANSWER:
            raise errors.BadOutputError("the answer has no end")

    def close(self, now: float) -> None:
        """Put the pieces together."""
        self.latency_s = now - self.sent_at
        self.text = "".join(self._pieces)


class Caller:
    """Calls one model.

    Args:
        config: the model, and how patient to be.
        client: the connection to its endpoint; with ``max_retries=0``.
    """

    def __init__(self, config: ModelConfig, client: AsyncOpenAI) -> None:
        self._config = config
        self._client = client

    async def call(
        self, request: Mapping[str, Any], reply: Reply, *, until: float, first_token_s: float
    ) -> None:
        """Make one call.

        Args:
            request: the body of a chat completion.
            reply: takes what comes back.
            until: when the call must have ended, by the loop's clock, in seconds.
            first_token_s: longest wait for the first sign of a streamed answer.

        Raises:
            errors.ModelTimeoutError: no answer in time, or a stalled one.
            errors.ServerError: the endpoint could not be reached, failed, or cut the answer.
            openai.APIStatusError: the endpoint refused; ``statuses.error_of`` tells what it means.
        """
        loop = asyncio.get_running_loop()
        reply.sent_at = loop.time()
        streams = bool(request.get("stream"))
        patience = _Patience(self._config, until, first_token_s, streams=streams)
        try:
            async with asyncio.timeout_at(patience.begin(loop.time())) as limit:
                create = self._client.chat.completions.with_streaming_response.create
                async with create(**request) as response:
                    reply.begin(response.headers)
                    if response.headers.get("content-type", "").startswith(EVENT_STREAM):
                        await self._follow(response.iter_lines(), reply, limit, patience)
                    else:
                        reply.take(_decoded(await response.read()))
        except (TimeoutError, openai.APITimeoutError) as error:
            raise errors.ModelTimeoutError(patience.explain(reply)) from error
        except openai.APIConnectionError as error:
            raise errors.ServerError(
                "the model's endpoint cannot be reached; check OPENAI_BASE_URL"
            ) from error
        except httpx2.TransportError as error:
            raise errors.ServerError("the endpoint cut the connection") from error
        finally:
            reply.close(loop.time())
        if reply.first_token_s is None:
            reply.first_token_s = reply.latency_s

    async def _follow(
        self, lines: AsyncIterator[str], reply: Reply, limit: asyncio.Timeout, patience: _Patience
    ) -> None:
        loop = asyncio.get_running_loop()
        async for data in _events(lines):
            now = loop.time()
            if reply.first_token_s is None:
                reply.first_token_s = now - reply.sent_at
            limit.reschedule(patience.next(now))
            if data == "[DONE]":
                return
            reply.take(_decoded(data))
        if not reply.finish_reason:
            raise errors.ServerError("the answer's stream ended before the answer did")


@dataclass(slots=True)
class _Patience:
    """Until when the next sign of life is waited for."""

    config: ModelConfig
    until: float
    first_token_s: float
    streams: bool

    def begin(self, now: float) -> float:
        self.until = min(self.until, now + self.config.timeout_s)
        return min(self.until, now + self.first_token_s) if self.streams else self.until

    def next(self, now: float) -> float:
        return min(self.until, now + self.config.between_tokens_s)

    def explain(self, reply: Reply) -> str:
        if asyncio.get_running_loop().time() >= self.until:
            return "the model did not answer in time"
        if reply.first_token_s is None:
            return f"the model did not begin to answer within {self.first_token_s:.3g} s"
        return f"the model stalled for {self.config.between_tokens_s:.3g} s within its answer"


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """The data of server-sent events (HTML Living Standard, 9.2.6), without other fields."""
    data: list[str] = []
    async for line in lines:
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            yield "\n".join(data)
            data.clear()
    if data:
        yield "\n".join(data)


def _decoded(body: str | bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _usage(told: Any) -> Usage | None:
    if not isinstance(told, dict):
        return None
    details = told.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    prompt = _count(told.get("prompt_tokens"))
    return Usage(
        input_tokens=prompt,
        cached_tokens=min(prompt, _count(cached)),
        output_tokens=_count(told.get("completion_tokens")),
    )


def _count(value: Any) -> int:
    return max(0, value) if isinstance(value, int) else 0
