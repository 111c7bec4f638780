"""Words answers as the OpenAI chat completions API does.

Shapes follow https://platform.openai.com/docs/api-reference/chat and the API's error object.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from contracts.notes import DraftNote
from simulator.chance import digest

VERSION = "1"
"""Raised whenever the same prompt and seed are answered otherwise than before."""

CHARACTERS_PER_TOKEN = 4
REFUSAL = "I'm sorry, but I can't help with that request."
CHATTER = "This is a simulated model. It answers requests for interview notes."


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says, and why it stopped."""

    content: str | None
    finish_reason: str = "stop"
    refusal: str | None = None

    def within(self, tokens: int | None) -> Answer:
        """The answer as it is when the request allows only so many tokens."""
        limit = None if tokens is None else max(0, tokens) * CHARACTERS_PER_TOKEN
        if self.content is None or limit is None or len(self.content) <= limit:
            return self
        return Answer(self.content[:limit], "length")


def notes_content(notes: Sequence[DraftNote]) -> str:
    """Notes as the JSON document the prompt's schema asks for."""
    listed = [note.model_dump(mode="json") for note in notes]
    return json.dumps({"notes": listed}, ensure_ascii=False)


def cut_off(content: str) -> Answer:
    """The first half of an answer, as when the model ran out of tokens."""
    return Answer(content[: len(content) // 2], "length")


def garbled(content: str, chance: Random) -> Answer:
    """An answer that claims to be complete and is no JSON: broken off, or its quotes mixed up."""
    broken_off = content[: max(1, int(len(content) * chance.uniform(0.3, 0.9)))]
    mixed_up = content.replace('": ', "': ", 1)
    return Answer(chance.choice((broken_off, mixed_up)))


def fingerprint(seed: int) -> str:
    """The ``system_fingerprint``: one value for each version of the simulator and seed."""
    return f"fp_{digest('simulator', VERSION, seed)[:10]}"


def estimated_tokens(text: str) -> int:
    """Tokens of a text, taking four characters for one, rounded up."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def completion(answer: Answer, model: str, prompt: str, seed: int, request: str) -> dict[str, Any]:
    """The body of a chat completion.

    Args:
        answer: what is said.
        model: the model as the request names it.
        prompt: all text of the request, for the usage figures.
        seed: the simulator's.
        request: identifies the request and its attempt; the completion's id follows from it.
    """
    asked = estimated_tokens(prompt)
    said = estimated_tokens(answer.content or answer.refusal or "")
    message = {"role": "assistant", "content": answer.content, "refusal": answer.refusal}
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": answer.finish_reason,
    }
    return {
        "id": f"chatcmpl-{request[:24]}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [choice],
        "usage": {
            "prompt_tokens": asked,
            "completion_tokens": said,
            "total_tokens": asked + said,
        },
        "system_fingerprint": fingerprint(seed),
    }


def model_list(model: str) -> dict[str, Any]:
    """The body of ``GET /v1/models``."""
    listed = {"id": model, "object": "model", "created": 0, "owned_by": "simulator"}
    return {"object": "list", "data": [listed]}


def error_body(message: str, kind: str, code: str | None = None) -> dict[str, Any]:
    """The body of an API error."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
