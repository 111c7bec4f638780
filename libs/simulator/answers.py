"""Words answers as the OpenAI chat completions API does.

Shapes follow https://platform.openai.com/docs/api-reference/chat and the API's error object.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from contracts.notes import DraftNote
from simulator.seeded_random import digest

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


def fingerprint(seed: int, drift: object = "") -> str:
    """The ``system_fingerprint``: one value for each version of the simulator, seed and drift."""
    told = ("simulator", VERSION, seed, *([drift] if drift else []))
    return f"fp_{digest(*told)[:10]}"


def estimated_tokens(text: str) -> int:
    """Tokens of a text, taking four characters for one, rounded up."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens of a call: of its prompt, of that the cached ones, and of its answer."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0

    def usage(self) -> dict[str, Any]:
        """The figures as a completion's ``usage`` has them."""
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
            "prompt_tokens_details": {"cached_tokens": self.cached},
        }


@dataclass(frozen=True, slots=True)
class Signature:
    """What every part of an answer repeats."""

    identity: str
    model: str
    fingerprint: str

    def fields(self, kind: str) -> dict[str, Any]:
        """The outer fields of an object of the API."""
        return {
            "id": f"chatcmpl-{self.identity[:24]}",
            "object": kind,
            "created": int(time.time()),
            "model": self.model,
            "system_fingerprint": self.fingerprint,
        }


def completion(answer: Answer, signature: Signature, spent: Spent) -> dict[str, Any]:
    """The body of a chat completion."""
    message = {"role": "assistant", "content": answer.content, "refusal": answer.refusal}
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": answer.finish_reason,
    }
    return {**signature.fields("chat.completion"), "choices": [choice], "usage": spent.usage()}


def model_list(names: Iterable[str]) -> dict[str, Any]:
    """The body of ``GET /v1/models``."""
    listed = [
        {"id": name, "object": "model", "created": 0, "owned_by": "simulator"} for name in names
    ]
    return {"object": "list", "data": listed}


def error_body(message: str, kind: str, code: str | None = None) -> dict[str, Any]:
    """The body of an API error."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
