"""Response bodies of the OpenAI chat completions API.

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
from simulator.seeded_random import compute_stable_digest

VERSION = "1"
"""Version that is raised whenever the same prompt and seed get another answer than before."""

CHARACTERS_PER_TOKEN = 4
REFUSAL = "I'm sorry, but I can't help with that request."
FALLBACK_TEXT = "This is a simulated model. It answers requests for interview notes."


@dataclass(frozen=True, slots=True)
class ModelOutput:
    """Output of the simulated model: its text and finish reason."""

    content: str | None
    finish_reason: str = "stop"
    refusal: str | None = None

    def truncated_to(self, tokens: int | None) -> ModelOutput:
        """Return the output as it is when the request allows only so many tokens."""
        limit = None if tokens is None else max(0, tokens) * CHARACTERS_PER_TOKEN
        if self.content is None or limit is None or len(self.content) <= limit:
            return self
        return ModelOutput(self.content[:limit], "length")


def format_notes(notes: Sequence[DraftNote]) -> str:
    """Format draft notes as the JSON document that the prompt's schema requires."""
    listed = [note.model_dump(mode="json") for note in notes]
    return json.dumps({"notes": listed}, ensure_ascii=False)


def truncate_output(content: str) -> ModelOutput:
    """Truncate a simulated output to its first half, as at the token limit."""
    return ModelOutput(content[: len(content) // 2], "length")


def garble_json(content: str, chance: Random) -> ModelOutput:
    """Make a simulated output's JSON invalid, with the finish reason of a complete output."""
    broken_off = content[: max(1, int(len(content) * chance.uniform(0.3, 0.9)))]
    mixed_up = content.replace('": ', "': ", 1)
    return ModelOutput(chance.choice((broken_off, mixed_up)))


def build_system_fingerprint(seed: int, drift: object = None) -> str:
    """Build the ``system_fingerprint`` of a simulated model."""
    parts = ("simulator", VERSION, seed, *(() if drift is None else (drift,)))
    return f"fp_{compute_stable_digest(*parts)[:10]}"


def estimate_tokens(text: str) -> int:
    """Estimate the number of tokens in a text as its characters divided by four."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Token counts of a call: prompt, cached part of the prompt, and answer."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the counts as a completion's ``usage`` has them."""
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
            "prompt_tokens_details": {"cached_tokens": self.cached},
        }


@dataclass(frozen=True, slots=True)
class ResponseMetadata:
    """Fields that all chunks of a response share: id, model and system fingerprint."""

    identity: str
    model: str
    fingerprint: str

    def fields(self, kind: str) -> dict[str, Any]:
        """Return the outer fields of an API object."""
        return {
            "id": f"chatcmpl-{self.identity[:24]}",
            "object": kind,
            "created": int(time.time()),
            "model": self.model,
            "system_fingerprint": self.fingerprint,
        }


def build_completion(
    answer: ModelOutput, signature: ResponseMetadata, spent: TokenUsage
) -> dict[str, Any]:
    """Build the body of a chat completion response."""
    message = {"role": "assistant", "content": answer.content, "refusal": answer.refusal}
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": answer.finish_reason,
    }
    return {**signature.fields("chat.completion"), "choices": [choice], "usage": spent.as_dict()}


def build_model_list(names: Iterable[str]) -> dict[str, Any]:
    """Build the response body of ``GET /v1/models`` from model names."""
    listed = [
        {"id": name, "object": "model", "created": 0, "owned_by": "simulator"} for name in names
    ]
    return {"object": "list", "data": listed}


def build_error_body(message: str, kind: str, code: str | None = None) -> dict[str, Any]:
    """Build the response body of an OpenAI API error."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
