"""An answer in pieces, as server-sent events of ``chat.completion.chunk`` objects.

Shapes follow https://platform.openai.com/docs/api-reference/chat-streaming.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from simulator.answers import CHARACTERS_PER_TOKEN, Answer, Signature, Spent

END = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Break:
    """What happens in the middle of a stream.

    Attributes:
        pause: seconds in which nothing comes; without end if None.
        disconnects: whether the connection is cut instead.
    """

    pause: float | None = None
    disconnects: bool = False


@dataclass(frozen=True, slots=True)
class Stream:
    """Events to send, the seconds to wait before each, and what happens before the middle one."""

    events: tuple[bytes, ...]
    waits: tuple[float, ...]
    breaks: Break | None = None

    @property
    def middle(self) -> int:
        """The place of the event that a break comes before."""
        return len(self.events) // 2


def pieces(answer: Answer, chunk_tokens: int) -> list[str]:
    """What is said, cut into pieces of so many tokens; one that is empty if nothing is."""
    said = answer.content or answer.refusal or ""
    size = chunk_tokens * CHARACTERS_PER_TOKEN
    return [said[begin : begin + size] for begin in range(0, len(said), size)] or [""]


def events(
    answer: Answer, parts: list[str], signature: Signature, spent: Spent | None
) -> Iterator[bytes]:
    """Each piece of an answer as an event, then why it ended, then its usage.

    Args:
        answer: what is said.
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
        yield _event(base | {"usage": spent.usage()}, [])
    yield END


def _choice(delta: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _event(base: dict[str, Any], choices: list[dict[str, Any]]) -> bytes:
    return f"data: {json.dumps(base | {'choices': choices})}\n\n".encode()
