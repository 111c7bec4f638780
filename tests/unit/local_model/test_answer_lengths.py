"""Bounds on answers: added where there are none, and only to what answers are held to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_model.answer_lengths import (
    AnswerLengthLimits,
    add_maximum_lengths_to_request,
    add_maximum_lengths_to_schema,
)

BOUNDS = AnswerLengthLimits(items=3, characters=50)
TEXT = {"type": "string"}


def a_request(schema: Any) -> bytes:
    wanted = {"type": "json_schema", "json_schema": {"name": "notes", "schema": schema}}
    return json.dumps({"model": "m", "messages": [], "response_format": wanted}).encode()


def test_bounds_texts_and_lists_however_deep_they_are() -> None:
    note = {"type": "object", "properties": {"words": {"type": "array", "items": TEXT}}}
    schema = {"type": "object", "properties": {"notes": {"type": "array", "items": note}}}
    notes = add_maximum_lengths_to_schema(schema, BOUNDS)["properties"]["notes"]
    assert notes["maxItems"] == 3
    words = notes["items"]["properties"]["words"]
    assert words["maxItems"] == 3
    assert words["items"] == {"type": "string", "maxLength": 50}


def test_a_property_may_be_called_like_a_keyword() -> None:
    schema = {"type": "object", "properties": {"items": TEXT, "type": TEXT}}
    assert add_maximum_lengths_to_schema(schema, BOUNDS)["properties"]["items"]["maxLength"] == 50
    assert add_maximum_lengths_to_schema(schema, BOUNDS)["properties"]["type"]["maxLength"] == 50


def test_alternatives_and_definitions_are_bounded() -> None:
    schema = {"anyOf": [TEXT, {"type": "null"}], "$defs": {"name": TEXT}}
    held = add_maximum_lengths_to_schema(schema, BOUNDS)
    assert held["anyOf"] == [{"type": "string", "maxLength": 50}, {"type": "null"}]
    assert held["$defs"]["name"]["maxLength"] == 50


def test_tighter_bounds_stay() -> None:
    assert (
        add_maximum_lengths_to_schema({"type": "string", "maxLength": 5}, BOUNDS)["maxLength"] == 5
    )
    assert add_maximum_lengths_to_schema({"type": "array", "maxItems": 1}, BOUNDS)["maxItems"] == 1


def test_looser_bounds_are_tightened() -> None:
    assert (
        add_maximum_lengths_to_schema({"type": "string", "maxLength": 500}, BOUNDS)["maxLength"]
        == 50
    )


def test_values_to_choose_from_need_no_bound() -> None:
    schema = {"type": "string", "enum": ["pricing", "x" * 90]}
    assert add_maximum_lengths_to_schema(schema, BOUNDS) == schema


def test_a_request_keeps_all_but_its_schema() -> None:
    request = json.loads(add_maximum_lengths_to_request(a_request(TEXT), BOUNDS))
    wanted = request["response_format"]["json_schema"]
    assert wanted == {"name": "notes", "schema": {"type": "string", "maxLength": 50}}
    assert (request["model"], request["messages"]) == ("m", [])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"\xff\xfe",
        b"[]",
        b'"text"',
        b"{}",
        b'{"response_format": null}',
        b'{"response_format": {"type": "json_object"}}',
        b'{"response_format": {"json_schema": []}}',
        b"[" * 100_000,
    ],
)
def test_a_body_without_a_schema_goes_on_as_it_came(body: bytes) -> None:
    assert add_maximum_lengths_to_request(body, BOUNDS) == body


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_no_schema_whatever_its_shape_is_an_error(schema: Any) -> None:
    json.loads(add_maximum_lengths_to_request(a_request(schema), BOUNDS))


def test_what_a_schema_asks_for_at_least_is_not_forbidden() -> None:
    schema = {"type": "array", "minItems": 9, "items": {"type": "string", "minLength": 99}}
    held = add_maximum_lengths_to_schema(schema, BOUNDS)
    assert held["maxItems"] == 9
    assert held["items"]["maxLength"] == 99
