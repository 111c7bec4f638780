"""One HTTP call of a chat completion, streamed or whole, with its timeouts."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import httpx2
import openai
from openai import AsyncOpenAI, AsyncStream

from contracts.notes import Usage
from model_client import errors
from model_client.durations import format_seconds
from model_client.requests import ModelText, TokenLogprobs
from model_client.settings import ModelConfig
from model_client.transport.http_errors import build_stream_error
from model_client.transport.response_stream import (
    drain_stream,
    iter_sse_data,
    parse_json_or_none,
    read_whole_body,
)

CONNECTION_FAILURES: Final = (httpx2.RequestError, ssl.SSLError)
"""Errors of a connection; httpx2 does not wrap those of TLS that come later than its handshake."""

EVENT_STREAM: Final = "text/event-stream"

LONGEST_ANSWER: Final = 16 * 1024 * 1024
"""Characters of an answer; whoever sends more is no model."""

MOST_TOKEN_CHOICES: Final = 4_096
"""Tokens of an answer of which probabilities are kept; the first ones."""

LEAST_LOG_PROBABILITY: Final = -1e6
"""Smallest logarithm that is taken for one; endpoints send -9999 for "never"."""

LONGEST_NAME: Final = 200
"""Characters of a model's name or fingerprint, which are stored with every note."""

MOST_TOKENS: Final = 1_000_000_000
"""Tokens of a call; a larger report would overflow the ledger's columns."""


def _nobody(_: Mapping[str, str]) -> None:
    """Ignore the headers: the default where nobody listens."""


@dataclass(slots=True)
class CallResult:
    """Result of an HTTP call to a model; partial if the call failed while streaming.

    Attributes:
        on_headers: called with the response's headers as soon as they have arrived.
        headers: the response's; None until it has begun.
        streamed: whether it came as events.
        text: the answer's content.
        finish_reason: the endpoint's reason why it ended; empty if it did not.
        refusal: the model's text in place of an answer.
        model: the model's name, as the endpoint reports it.
        fingerprint: the endpoint's system fingerprint.
        usage: tokens, if reported.
        estimated: whether the tokens are ours to guess.
        cost_usd: what the call cost; None as long as it is not known.
        sent_at: when the call was made, by the loop's clock, in seconds.
        first_token_s: seconds until the answer began; None if it did not.
        latency_s: seconds until it ended, well or not.
        tokens: the answer's tokens with their probabilities, as far as the endpoint sends them.
    """

    sent_at: float = 0.0
    on_headers: Callable[[Mapping[str, str]], None] = _nobody
    headers: Mapping[str, str] | None = None
    streamed: bool = False
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
    tokens: list[TokenLogprobs] = field(default_factory=list)
    _pieces: list[str] = field(default_factory=list)
    _length: int = 0

    @property
    def written(self) -> ModelText:
        """What the model wrote, with its tokens."""
        return ModelText(self.text, tuple(self.tokens))

    def record_headers(self, headers: Mapping[str, str]) -> None:
        """Record that the response has begun, and pass its headers on."""
        self.headers = headers
        self.on_headers(headers)

    def add_part(self, part: Any) -> bool:
        """Add a completion, or a chunk of one; ignore whatever is not as it should be.

        Returns:
            Whether it holds something that the model wrote, and not only the answer's frame.
        """
        if not isinstance(part, dict):
            return False
        if part.get("error"):
            raise build_stream_error(part["error"])
        self.model = _name(part.get("model")) or self.model
        self.fingerprint = _name(part.get("system_fingerprint")) or self.fingerprint
        self.usage = _usage(part.get("usage")) or self.usage
        choices = part.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        return isinstance(choice, dict) and self._take_choice(choice)

    def _take_choice(self, choice: dict[str, Any]) -> bool:
        self.finish_reason = _text(choice.get("finish_reason")) or self.finish_reason
        part = choice.get("delta") or choice.get("message")
        message = part if isinstance(part, dict) else {}
        content = _content(message.get("content"))
        self._pieces.append(content)
        self._length += len(content)
        if len(self.tokens) < MOST_TOKEN_CHOICES:
            self.tokens += _token_choices(choice.get("logprobs"))
        self.refusal += _text(message.get("refusal"))
        if self._length > LONGEST_ANSWER:
            raise errors.BadOutputError("the answer has no end")
        # Thoughts come under many names; a role alone is sent before the model has begun.
        return bool(self.finish_reason) or any(message[name] for name in message if name != "role")

    def finish(self, now: float) -> None:
        """Join the received pieces and record the latency."""
        self.latency_s = now - self.sent_at
        self.text = "".join(self._pieces)


class ChatCompletionCaller:
    """Caller of an endpoint's chat completions API over HTTP, streamed or not.

    Args:
        config: the model, and how patient to be.
        client: the connection to its endpoint; with ``max_retries=0``.
    """

    def __init__(self, config: ModelConfig, client: AsyncOpenAI) -> None:
        self._config = config
        self._client = client

    async def call(
        self, body: Mapping[str, Any], reply: CallResult, *, until: float, first_token_s: float
    ) -> None:
        """Make one call and fill ``reply`` with what arrives.

        Args:
            body: the body of a chat completion.
            reply: takes what comes back.
            until: when the call must have ended, by the loop's clock, in seconds.
            first_token_s: longest wait for the first sign of a streamed answer.

        Raises:
            errors.ModelTimeoutError: no answer in time, or a stalled one.
            errors.ServerError: the endpoint could not be reached, failed, or cut the answer.
            openai.APIStatusError: the endpoint refused; see ``build_status_error``.
        """
        loop = asyncio.get_running_loop()
        reply.sent_at = loop.time()
        streams = bool(body.get("stream"))
        patience = _Timeouts(self._config, until, first_token_s, streams=streams)
        try:
            async with asyncio.timeout_at(patience.begin(loop.time())) as limit:
                async with self._response(body) as response:
                    reply.record_headers(response.headers)
                    kind = response.headers.get("content-type", "")
                    reply.streamed = kind.startswith(EVENT_STREAM)
                    if reply.streamed:
                        await self._follow(
                            iter_sse_data(response.aiter_bytes()), reply, limit, patience
                        )
                    else:
                        limit.reschedule(patience.until)
                        _take_whole(await read_whole_body(response.aiter_bytes()), reply)
        except (TimeoutError, openai.APITimeoutError) as error:
            raise errors.ModelTimeoutError(patience.explain(reply)) from error
        except openai.APIConnectionError as error:
            raise errors.ServerError(
                "the model's endpoint cannot be reached; check OPENAI_BASE_URL"
            ) from error
        except CONNECTION_FAILURES as error:
            raise errors.ServerError("the endpoint cut the connection") from error
        finally:
            reply.finish(loop.time())
        if reply.first_token_s is None:
            reply.first_token_s = reply.latency_s

    @asynccontextmanager
    async def _response(self, body: Mapping[str, Any]) -> AsyncIterator[httpx2.Response]:
        """Open the response to a request; its body is still to come.

        Not by ``chat.completions.create``: that walks through the whole body by its types to rename
        fields, of which ours has none, and takes a third of the call's CPU time.
        """
        stream: AsyncStream[Any] = await self._client.post(
            "/chat/completions",
            body=dict(body),
            cast_to=object,
            stream=True,
            stream_cls=AsyncStream[Any],
        )
        try:
            yield stream.response
        finally:
            await stream.response.aclose()

    async def _follow(
        self,
        stream: AsyncIterator[str],
        reply: CallResult,
        limit: asyncio.Timeout,
        patience: _Timeouts,
    ) -> None:
        loop = asyncio.get_running_loop()
        async for data in stream:
            now = loop.time()
            if data == "[DONE]":
                limit.reschedule(None)
                await drain_stream(stream)
                return
            if reply.add_part(parse_json_or_none(data)) and reply.first_token_s is None:
                reply.first_token_s = now - reply.sent_at
            if reply.first_token_s is not None:
                limit.reschedule(patience.next_deadline(now))
        if not reply.finish_reason:
            raise errors.ServerError("the answer's stream ended before the answer did")


def _take_whole(body: bytes, reply: CallResult) -> None:
    completion = parse_json_or_none(body)
    if not isinstance(completion, dict):
        # A page of a proxy, say: no model has seen the request.
        message = "the endpoint sent no completion; check OPENAI_BASE_URL"
        raise errors.ServerError(message)
    reply.add_part(completion)


@dataclass(slots=True)
class _Timeouts:
    """Deadlines of one call: first token, each further one, the whole."""

    config: ModelConfig
    until: float
    first_token_s: float
    streams: bool

    def begin(self, now: float) -> float:
        self.until = min(self.until, now + self.config.timeout_s)
        return min(self.until, now + self.first_token_s) if self.streams else self.until

    def next_deadline(self, now: float) -> float:
        return min(self.until, now + self.config.between_tokens_s)

    def explain(self, reply: CallResult) -> str:
        if asyncio.get_running_loop().time() >= self.until:
            return "the model did not answer in time"
        if reply.first_token_s is None:
            return f"the model did not begin to answer within {self._first_token()}"
        stalled = format_seconds(self.config.between_tokens_s)
        return f"the model stalled for {stalled} within its answer"

    def _first_token(self) -> str:
        waited, most = format_seconds(self.first_token_s), format_seconds(self.config.first_token_s)
        if waited == most:
            return waited
        return f"{waited}, long beside its usual time (the most it may take is {most})"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _name(value: Any) -> str:
    # PostgreSQL stores no NUL, and nobody sends half a surrogate pair.
    return _text(value).replace("\0", "").encode("utf-8", "replace").decode()[:LONGEST_NAME]


def _content(value: Any) -> str:
    """Return a message's text; some endpoints send it in parts, some of which are thoughts."""
    if not isinstance(value, list):
        return _text(value)
    return "".join(_text(part.get("text")) for part in value if isinstance(part, dict))


def _token_choices(logprobs: Any) -> list[TokenLogprobs]:
    """Return the tokens of a choice's ``logprobs``; what is not as it should be is left out."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    places = content if isinstance(content, list) else []
    return [_token_choice(one) for one in places if isinstance(one, dict)]


def _token_choice(place: dict[str, Any]) -> TokenLogprobs:
    others = place.get("top_logprobs")
    entries = [place, *(others if isinstance(others, list) else [])]
    alternatives = {
        _text(one.get("token")): float(one["logprob"])
        for one in entries
        if isinstance(one, dict) and _is_log_probability(one.get("logprob"))
    }
    return TokenLogprobs(_text(place.get("token")), alternatives)


def _is_log_probability(value: Any) -> bool:
    """Return whether a value is the logarithm of a probability; NaN is none."""
    return isinstance(value, int | float) and LEAST_LOG_PROBABILITY <= value <= 0


def _usage(usage: Any) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    prompt, answer = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    if prompt + answer == 0:
        return None  # which no call uses: as good as not reported
    return Usage(
        input_tokens=prompt, cached_tokens=min(prompt, _count(cached)), output_tokens=answer
    )


def _count(value: Any) -> int:
    return min(max(0, value), MOST_TOKENS) if isinstance(value, int) else 0
