"""Events as JSON Schema, for producers and consumers in any language.

The schemas describe what a producer must send (pydantic's validation mode): a field with a default
may be left out. Two rules are missing, because JSON Schema has no keyword for them: ids
of themes and of questions are unique within a study, and a text is more than white space.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from contracts.events import Event

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def build_schema_urn(event: type[Event]) -> str:
    """Build the URN of an event's schema, such as ``urn:onrecord:TranscriptSubmitted:v1``."""
    return "urn:" + event.ce_type.replace(".", ":")


def build_event_schema(event: type[Event]) -> dict[str, Any]:
    """Build an event's JSON Schema (draft 2020-12) as a self-contained document."""
    body = event.model_json_schema(schema_generator=_WithoutFieldTitles)
    head = {"$schema": DIALECT, "$id": build_schema_urn(event), "title": body.pop("title")}
    return {**head, "description": body.pop("description"), **body}


def build_shared_definitions(events: Sequence[type[Event]], ref_template: str) -> dict[str, Any]:
    """Build the JSON schemas of several events, with their common parts defined only once.

    Args:
        events: the events.
        ref_template: how definitions refer to each other, with ``{model}`` for the name.

    Returns:
        Schemas by class name, sorted. They use no keyword that is younger than draft 07.
    """
    _, document = models_json_schema(
        [(event, "validation") for event in events],
        ref_template=ref_template,
        schema_generator=_WithoutFieldTitles,
    )
    definitions: dict[str, Any] = document["$defs"]
    return dict(sorted(definitions.items()))


class _WithoutFieldTitles(GenerateJsonSchema):
    """A schema generator without pydantic's titles, which only repeat field names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False
