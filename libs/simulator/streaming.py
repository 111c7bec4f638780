"""Streams of ``chat.completion.chunk`` objects as server-sent events.

Shapes follow https://platform.openai.com/docs/api-reference/chat-streaming.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from simulator.answers import CHARACTERS_PER_TOKEN, ModelOutput, ResponseMetadata, TokenUsage

END = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class StreamInterruption:
    """Interruption of a streamed response in its middle: a pause, or a disconnect.

    Attributes:
        pause: seconds in which nothing comes; without end if None.
        disconnects: whether the connection is cut instead.
    """

    pause: float | None = None
    disconnects: bool = False


@dataclass(frozen=True, slots=True)
class EventStream:
    """Stream of server-sent events of a response, with the delay before each event."""

    events: tuple[bytes, ...]
    waits: tuple[float, ...]
    breaks: StreamInterruption | None = None

    @property
    def middle(self) -> int:
        """Index of the event that an interruption comes before."""
        return len(self.events) // 2


def split_into_token_chunks(answer: ModelOutput, chunk_tokens: int) -> list[str]:
    """Split a generated text into chunks of ``chunk_tokens`` tokens each."""
    text = answer.content or answer.refusal or ""
    size = chunk_tokens * CHARACTERS_PER_TOKEN
    return [text[begin : begin + size] for begin in range(0, len(text), size)] or [""]


def encode_stream_events(
    answer: ModelOutput, parts: list[str], signature: ResponseMetadata, spent: TokenUsage | None
) -> Iterator[bytes]:
    """Encode a streamed answer as server-sent events: chunks, finish reason and usage.

    Args:
        answer: the generated text.
        parts: the same in pieces.
        signature: what every chunk repeats.
        spent: the usage, if the request asked for it.
    """
    base = signature.fields("chat.completion.chunk") | ({"usage": None} if spent else {})
    spoken = "content" if answer.refusal is None else "refusal"
    for place, part in enumerate(parts):
        role = {"role": "assistant"} if place == 0 else {}
        yield _event(base, [_choice({**role, spoken: part}, None)])
    yield _event(base, [_choice({}, answer.finish_reason)])
    if spent:
        yield _event(base | {"usage": spent.as_dict()}, [])
    yield END


def _choice(delta: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _event(base: dict[str, Any], choices: list[dict[str, Any]]) -> bytes:
    return f"data: {json.dumps(base | {'choices': choices})}\n\n".encode()
