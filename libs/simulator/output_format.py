"""Output formats of models that do less than they are asked to for JSON answers."""

from __future__ import annotations

import json
from enum import StrEnum


class SchemaSupportLevel(StrEnum):
    """Level at which a simulated model supports ``json_schema`` response formats."""

    STRICT = "strict"
    IGNORED = "ignored"
    REFUSED = "refused"


class JsonWrappingKind(StrEnum):
    """Kind of text that a simulated model puts around its JSON, such as code fences."""

    NONE = "none"
    FENCES = "fences"
    REASONING = "reasoning"


def add_unknown_keys(content: str) -> str:
    """Add keys to a JSON answer that its schema does not allow."""
    document = json.loads(content)
    notes = [{**note, "confidence": "high"} for note in document["notes"]]
    summary = f"{len(notes)} notes on this passage"
    return json.dumps({"summary": summary, "notes": notes}, ensure_ascii=False)


def wrap_json(content: str, wrapping: JsonWrappingKind) -> str:
    """Put text around a JSON answer, such as code fences, as some models do."""
    match wrapping:
        case JsonWrappingKind.NONE:
            return content
        case JsonWrappingKind.FENCES:
            return f"Here are the notes:\n```json\n{content}\n```\nLet me know if you need more."
        case JsonWrappingKind.REASONING:
            thought = "The user wants {notes} as JSON. I look for what participants say."
            return f"<think>\n{thought}\n</think>\n\n{content}"
