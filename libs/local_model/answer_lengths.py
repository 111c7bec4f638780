"""Bounds on the answers of a small model, so that it comes to an end.

Small models repeat themselves: in a JSON string without a longest length they write until their
context is full, and the answer is truncated. The engine holds answers to the schema, so bounds in
it are kept. They are keywords of JSON Schema (``maxLength``, ``maxItems``), put where there are
none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class AnswerLengthLimits:
    """Bounds on a model's JSON answer: the maximum lengths of lists and of texts.

    Attributes:
        items: elements of any list.
        characters: characters of any text that is not one of a list of values.
    """

    items: int = 2
    characters: int = 120


def add_maximum_lengths_to_request(body: bytes, bounds: AnswerLengthLimits) -> bytes:
    """Add maximum lengths to the JSON schema in a chat completion request; return its body.

    Args:
        body: the request as it was sent. What is no JSON object goes on as it is: the engine
            refuses it in its own words.
        bounds: the most an answer may hold.
    """
    try:
        request = json.loads(body)
        wanted = request["response_format"]["json_schema"]
        wanted["schema"] = add_maximum_lengths_to_schema(wanted["schema"], bounds)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return body
    return json.dumps(request).encode()


def add_maximum_lengths_to_schema(schema: Any, bounds: AnswerLengthLimits) -> Any:
    """Add maximum lengths to the lists and texts of a JSON schema, unless it has shorter ones.

    What the schema asks for at least stays too: with more asked for than allowed, the engine's
    grammar grows until memory ends.
    """
    if not isinstance(schema, Mapping):
        return schema
    within = {name: _inside(name, value, bounds) for name, value in schema.items()}
    if schema.get("type") == "array":
        most = min(bounds.items, schema.get("maxItems", bounds.items))
        within["maxItems"] = max(most, schema.get("minItems", 0))
    elif schema.get("type") == "string" and not {"enum", "const"} & schema.keys():
        longest = min(bounds.characters, schema.get("maxLength", bounds.characters))
        within["maxLength"] = max(longest, schema.get("minLength", 0))
    return within


def _inside(name: str, value: Any, bounds: AnswerLengthLimits) -> Any:
    if name in {"properties", "$defs"} and isinstance(value, Mapping):
        return {key: add_maximum_lengths_to_schema(schema, bounds) for key, schema in value.items()}
    if name in {"anyOf", "oneOf", "allOf"} and isinstance(value, list):
        return [add_maximum_lengths_to_schema(schema, bounds) for schema in value]
    return add_maximum_lengths_to_schema(value, bounds) if name == "items" else value
