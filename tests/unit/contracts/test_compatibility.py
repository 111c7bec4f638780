"""The compatibility checker finds every kind of breaking change and lets the others pass."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from pydantic import BaseModel

from contracts.compatibility import AffectedSide, find_all_breaking_changes, find_breaking_changes

RELEASED: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Letter",
    "type": "object",
    "required": ["id", "pages", "sender"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "pages": {"type": "integer", "minimum": 1, "maximum": 900},
        "subject": {"type": "string", "default": "", "minLength": 0, "maxLength": 100},
        "kind": {"$ref": "#/$defs/Kind", "default": "card"},
        "sent_at": {
            "anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}],
            "default": None,
        },
        "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"}},
        "sender": {"$ref": "#/$defs/Person"},
    },
    "$defs": {
        "Kind": {"type": "string", "enum": ["card", "parcel"]},
        "Person": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string"}, "age": {"type": "number"}},
        },
    },
}


def changed(*steps: tuple[str, Any]) -> dict[str, Any]:
    """The released schema with values set at paths such as ``properties/id/type``; None deletes."""
    schema = deepcopy(RELEASED)
    for path, value in steps:
        *parents, last = path.split("/")
        holder = schema
        for part in parents:
            holder = holder[part]
        if value is None:
            del holder[last]
        else:
            holder[last] = value
    return schema


P = "properties"
KIND = "$defs/Kind/enum"
PERSON = "$defs/Person"
PRODUCERS, CONSUMERS, BOTH = (
    AffectedSide.OLD_PRODUCERS,
    AffectedSide.OLD_CONSUMERS,
    AffectedSide.BOTH,
)

BREAKING = [
    (
        ("required", ["id", "pages", "sender", "subject"]),
        ("Letter.subject", "became required", PRODUCERS),
    ),
    (("required", ["id", "sender"]), ("Letter.pages", "became optional", CONSUMERS)),
    (("properties/pages/minimum", 2), ("Letter.pages", "minimum changed from 1 to 2", PRODUCERS)),
    (("properties/pages/minimum", 0), ("Letter.pages", "minimum changed from 1 to 0", CONSUMERS)),
    (
        ("properties/pages/minimum", None),
        ("Letter.pages", "minimum changed from 1 to none", CONSUMERS),
    ),
    (
        ("properties/pages/maximum", 500),
        ("Letter.pages", "maximum changed from 900 to 500", PRODUCERS),
    ),
    (
        ("properties/pages/maximum", None),
        ("Letter.pages", "maximum changed from 900 to none", CONSUMERS),
    ),
    (
        ("properties/subject/minLength", 1),
        ("Letter.subject", "minLength changed from 0 to 1", PRODUCERS),
    ),
    (
        ("properties/subject/maxLength", 200),
        ("Letter.subject", "maxLength changed from 100 to 200", CONSUMERS),
    ),
    (
        ("properties/tags/minItems", 1),
        ("Letter.tags", "minItems changed from none to 1", PRODUCERS),
    ),
    (
        ("properties/tags/items/pattern", "^[a-z]{3}$"),
        ("Letter.tags[]", "pattern changed from '^[a-z]+$' to '^[a-z]{3}$'", BOTH),
    ),
    (
        ("properties/tags/items/pattern", None),
        ("Letter.tags[]", "pattern changed from '^[a-z]+$' to none", CONSUMERS),
    ),
    (
        ("properties/id/format", "email"),
        ("Letter.id", "format changed from 'uuid' to 'email'", BOTH),
    ),
    (
        ("properties/tags/uniqueItems", True),
        ("Letter.tags", "uniqueItems changed from none to True", PRODUCERS),
    ),
    (("$defs/Kind/enum", ["card"]), ("Letter.kind", "no longer takes 'parcel'", PRODUCERS)),
    (("$defs/Kind/enum", ["card", "parcel", "fax"]), ("Letter.kind", "now takes 'fax'", CONSUMERS)),
    (
        ("$defs/Kind/enum", None),
        ("Letter.kind", "is no longer limited to listed values", CONSUMERS),
    ),
    (
        ("properties/subject/enum", ["hello"]),
        ("Letter.subject", "was limited to listed values", PRODUCERS),
    ),
    (
        ("properties/kind/default", "parcel"),
        ("Letter.kind", "means 'parcel' instead of 'card' when left out", BOTH),
    ),
    (
        ("properties/sent_at/anyOf", [{"type": "string", "format": "date-time"}]),
        ("Letter.sent_at", "can no longer be null", PRODUCERS),
    ),
    (
        ("properties/subject/type", ["string", "null"]),
        ("Letter.subject", "can now be null", CONSUMERS),
    ),
    (
        ("$defs/Person/properties/age/type", "integer"),
        ("Letter.sender.age", "can no longer be number", PRODUCERS),
    ),
    (("properties/pages/type", "number"), ("Letter.pages", "can now be number", CONSUMERS)),
    (("properties/subject", None), ("Letter.subject", "was removed", CONSUMERS)),
    (("properties/tags", None), ("Letter.tags", "was removed", CONSUMERS)),
    (("$defs/Person/properties/name", None), ("Letter.sender.name", "was removed", CONSUMERS)),
    (
        ("$defs/Person/required", ["name", "age"]),
        ("Letter.sender.age", "became required", PRODUCERS),
    ),
    (
        ("additionalProperties", False),
        ("Letter", "additionalProperties changed from none to False", PRODUCERS),
    ),
]


@pytest.mark.parametrize(
    ("step", "finding"), BREAKING, ids=[f"{where}: {what}" for _, (where, what, _) in BREAKING]
)
def test_finds(step: tuple[str, Any], finding: tuple[str, str, AffectedSide]) -> None:
    found = find_breaking_changes(RELEASED, changed(step))

    assert [(one.where, one.change, one.breaks) for one in found] == [finding]


def test_finds_a_changed_type_on_both_sides() -> None:
    found = find_breaking_changes(RELEASED, changed((f"{P}/id/type", "integer")))

    assert [(one.change, one.breaks) for one in found] == [
        ("can no longer be string", PRODUCERS),
        ("can now be integer", CONSUMERS),
    ]


def test_finds_a_new_field_that_is_required() -> None:
    current = changed(
        (f"{P}/stamp", {"type": "string"}), ("required", ["id", "pages", "sender", "stamp"])
    )

    (found,) = find_breaking_changes(RELEASED, current)

    assert (found.where, found.change) == ("Letter.stamp", "was added as required")


@pytest.mark.parametrize(
    "step",
    [
        (f"{P}/stamp", {"type": "string", "default": ""}),
        (f"{PERSON}/{P}/nickname", {"type": "string", "default": ""}),
        ("description", "Paper in an envelope."),
        (f"{P}/id/title", "Id"),
        (f"{P}/kind/description", "What it is."),
        (f"{P}/sent_at/anyOf", [{"type": "null"}, {"type": "string", "format": "date-time"}]),
        (f"{P}/kind", {"type": "string", "enum": ["parcel", "card"], "default": "card"}),
    ],
    ids=[
        "an optional field",
        "an optional field further down",
        "a description",
        "a title",
        "words beside a reference",
        "another order of alternatives",
        "a definition written in place, in another order",
    ],
)
def test_lets_pass(step: tuple[str, Any]) -> None:
    assert find_breaking_changes(RELEASED, changed(step)) == ()


def test_lets_the_same_schema_pass() -> None:
    assert find_breaking_changes(RELEASED, deepcopy(RELEASED)) == ()


def test_takes_a_constant_for_a_list_of_one() -> None:
    assert find_breaking_changes({"const": 1}, {"enum": [1]}) == ()


def test_calls_a_schema_that_takes_anything_wider_than_a_type() -> None:
    (narrower,) = find_breaking_changes({"title": "X"}, {"type": "string"})
    (wider,) = find_breaking_changes({"type": "string"}, {"title": "X"})

    assert (narrower.breaks, wider.breaks) == (PRODUCERS, CONSUMERS)


def test_compares_several_objects_by_their_place() -> None:
    old = {"anyOf": [{"type": "object", "properties": {"a": {}}}, {"type": "object"}]}
    new = {"anyOf": [{"type": "object"}, {"type": "object"}], "title": "Either"}

    assert [str(one.where) for one in find_breaking_changes(old, new)] == ["event.a"]


class Folder(BaseModel):
    name: str
    folders: list[Folder] = []
    parent: Folder | None = None


def test_ends_with_a_model_that_holds_itself() -> None:
    current = Folder.model_json_schema()
    current["$defs"]["Folder"]["properties"]["name"]["minLength"] = 1

    found = find_breaking_changes(Folder.model_json_schema(), current)

    assert {one.change for one in found} == {"minLength changed from none to 1"}


def test_speaks_in_sentences() -> None:
    (found,) = find_breaking_changes(RELEASED, changed((KIND, ["card"])))

    assert str(found) == (
        "Letter.kind: no longer takes 'parcel' (what old producers send may be refused or misread)"
    )


def test_finds_an_event_that_is_gone_and_lets_a_new_one_pass() -> None:
    (found,) = find_all_breaking_changes(
        {"Letter.v1": RELEASED, "Postcard.v1": RELEASED},
        {"Letter.v1": RELEASED, "Letter.v2": changed((KIND, ["card"]))},
    )

    assert (found.where, found.change, found.breaks) == ("Postcard.v1", "was removed", BOTH)


def test_lets_a_default_tell_an_optional_field_that_was_added() -> None:
    person = {"name": "Ann"}
    released = changed((f"{P}/sender/default", person))
    added = {f"{PERSON}/{P}/nickname": {"type": "string", "default": ""}}
    current = changed((f"{P}/sender/default", {**person, "nickname": ""}), *added.items())

    assert find_breaking_changes(released, current) == ()
    (found,) = find_breaking_changes(
        released, changed((f"{P}/sender/default", {"name": "Ben", "nickname": ""}), *added.items())
    )
    assert found.where == "Letter.sender"
