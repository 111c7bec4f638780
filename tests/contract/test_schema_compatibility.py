"""No event breaks what is released; and whoever breaks one here would be told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from contracts.compatibility import BreakingChange, find_breaking_changes
from contracts.events import Event
from contracts.export import list_event_classes
from contracts.json_schema import build_event_schema
from onrecord.schema_folder import SchemaFolder

SCHEMAS = Path(__file__).parents[2] / "schemas"
EVENTS = list_event_classes()
Schema = dict[str, Any]


def released(event: type[Event]) -> Schema:
    name = event.ce_type.removeprefix("onrecord.")
    file = SCHEMAS / "released" / f"{name}.schema.json"
    schema: Schema = json.loads(file.read_text("utf-8"))
    return schema


def requires_every_field(schema: Schema) -> None:
    schema["required"] = list(schema["properties"])


def removes_a_required_field(schema: Schema) -> None:
    del schema["properties"][schema["required"][0]]


def removes_an_optional_field(schema: Schema) -> None:
    optional = [name for name in schema["properties"] if name not in schema["required"]]
    del schema["properties"][(optional or schema["required"])[-1]]


def makes_a_required_field_optional(schema: Schema) -> None:
    schema["required"] = schema["required"][1:]


def changes_a_type(schema: Schema) -> None:
    schema["properties"][schema["required"][0]] = {"type": "boolean"}


def adds_a_required_field(schema: Schema) -> None:
    schema["properties"]["colour"] = {"type": "string"}
    schema["required"] = [*schema["required"], "colour"]


def shuts_out_unknown_fields(schema: Schema) -> None:
    schema["additionalProperties"] = False


BREAKS = [
    requires_every_field,
    removes_a_required_field,
    removes_an_optional_field,
    makes_a_required_field_optional,
    changes_a_type,
    adds_a_required_field,
    shuts_out_unknown_fields,
]


def unaccepted(findings: Iterable[BreakingChange]) -> list[str]:
    folder = SchemaFolder(SCHEMAS)
    return [str(one) for one in findings if not folder.accepts(one)]


def test_no_event_breaks_what_is_released() -> None:
    findings = SchemaFolder(SCHEMAS).breaking_changes()

    assert [str(finding) for finding in findings] == []


def test_nothing_is_accepted_that_has_not_changed() -> None:
    assert SchemaFolder(SCHEMAS).accepted_in_vain() == ()


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_has_a_released_schema(event: type[Event]) -> None:
    assert released(event)["$id"] == build_event_schema(event)["$id"]


@pytest.mark.parametrize("spoil", BREAKS)
@pytest.mark.parametrize("event", EVENTS)
def test_is_told_of_a_change_that(event: type[Event], spoil: Callable[[Schema], None]) -> None:
    current = deepcopy(build_event_schema(event))

    spoil(current)

    found = find_breaking_changes(released(event), current)
    assert found
    assert all(one.where.startswith(event.__name__) for one in found)


@pytest.mark.parametrize(
    ("definition", "field", "keyword", "value", "finding"),
    [
        ("Theme", "id", "maxLength", 32, "study.themes[].id: maxLength changed from 64 to 32"),
        ("Study", "themes", "minItems", 2, "study.themes: minItems changed from 1 to 2"),
        ("Study", "language", "default", "de", "study.language: means 'de' instead of 'en' when"),
        ("Question", "text", "type", "integer", "study.questions[].text: can no longer be string"),
    ],
)
def test_is_told_of_a_change_deep_inside(
    definition: str, field: str, keyword: str, value: Any, finding: str
) -> None:
    event = EVENTS[0]
    current = deepcopy(build_event_schema(event))

    current["$defs"][definition]["properties"][field][keyword] = value

    changes = [str(one) for one in find_breaking_changes(released(event), current)]
    assert any(one.startswith(f"{event.__name__}.{finding}") for one in changes)


def test_is_told_of_a_format_that_is_no_longer_taken() -> None:
    event = EVENTS[0]
    current = deepcopy(build_event_schema(event))
    current["$defs"]["TranscriptFormat"]["enum"].remove("srt")

    (finding,) = unaccepted(find_breaking_changes(released(event), current))

    assert finding.startswith("TranscriptSubmitted.format: no longer takes 'srt'")


@pytest.mark.parametrize("event", EVENTS)
def test_an_optional_field_may_be_added(event: type[Event]) -> None:
    current = deepcopy(build_event_schema(event))
    current["properties"]["colour"] = {"type": "string", "default": "", "description": "Any."}

    assert unaccepted(find_breaking_changes(released(event), current)) == []
