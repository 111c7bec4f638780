"""How models that do less than they are asked to present a JSON answer."""

from __future__ import annotations

import json
from enum import StrEnum


class Schema(StrEnum):
    """What a model does with a ``json_schema`` response format."""

    STRICT = "strict"
    IGNORED = "ignored"
    REFUSED = "refused"


class Wrapping(StrEnum):
    """What a model puts around its JSON."""

    NONE = "none"
    FENCES = "fences"
    REASONING = "reasoning"


def loosened(content: str) -> str:
    """An answer with keys that no schema allows: in the document, and in each of its notes."""
    document = json.loads(content)
    notes = [{**note, "confidence": "high"} for note in document["notes"]]
    summary = f"{len(notes)} notes on this passage"
    return json.dumps({"summary": summary, "notes": notes}, ensure_ascii=False)


def wrapped(content: str, wrapping: Wrapping) -> str:
    """An answer with what the model says besides."""
    match wrapping:
        case Wrapping.NONE:
            return content
        case Wrapping.FENCES:
            return f"Here are the notes:\n```json\n{content}\n```\nLet me know if you need more."
        case Wrapping.REASONING:
            thought = "The user wants {notes} as JSON. I look for what participants say."
            return f"<think>\n{thought}\n</think>\n\n{content}"
