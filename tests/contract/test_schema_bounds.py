"""Everything in an event has a bound, and what is wrong with an event is said in plain words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import ValidationError

from contracts import validation_messages
from contracts.bounds import MAX_INT4
from contracts.events import Event, TranscriptEvent
from contracts.export import list_event_classes
from contracts.json_schema import build_event_schema
from messaging.codec import InvalidEventError, decode_event

EXAMPLES: Final = Path(__file__).parents[2] / "schemas" / "examples"
EVENTS: Final = list_event_classes()
Schema = Mapping[str, Any]

BOUNDED: Final = {
    "integer": {"minimum", "maximum"},
    "number": {"minimum", "maximum"},
    "array": {"maxItems"},
    "string": {"maxLength", "enum", "const", "format", "pattern"},
}
"""Keywords that bound a value of each type: of strings one is enough, of others all are needed."""

PYDANTICS: Final = ("should ", "Field required", "Value error", "Tuple", "Datetimes")
"""What the validator's own sentences have in them."""

WRONG: Final[tuple[Any, ...]] = (
    *(None, True, 0, -1, 1.5, 10**12, 10**400, "", " ", "?", "\x00", "x" * 300),
    *(float("inf"), [], [None], [[]] * 101, {}, {"a": 1}, "2026-01-05", "2026-01-05T14:30:00"),
    *("2026-13-45T00:00:00Z", "12", "\ud800"),
)
"""Values that are wrong for one field or another."""


def fields(node: Schema, where: str, document: Schema) -> Iterator[tuple[str, Schema]]:
    """Every value a schema describes, with its path."""
    while "$ref" in node:
        node = document["$defs"][node["$ref"].rpartition("/")[2]]
    for branch in node.get("anyOf", ()):
        yield from fields(branch, where, document)
    yield where, node
    for name, inner in node.get("properties", {}).items():
        yield from fields(inner, f"{where}.{name}", document)
    if "items" in node:
        yield from fields(node["items"], f"{where}[]", document)


@pytest.mark.parametrize("event", EVENTS, ids=lambda one: one.__name__)
def test_every_number_text_and_list_has_a_bound(event: type[Event]) -> None:
    schema = build_event_schema(event)
    found = list(fields(schema, event.__name__, schema))
    boundless = []
    for where, node in found:
        needed = BOUNDED.get(node.get("type", ""), set())
        has = needed & node.keys()
        if needed and (not has if node["type"] == "string" else has != needed):
            boundless.append(where)
    assert len(found) > 5
    assert boundless == []


@pytest.mark.parametrize("event", EVENTS, ids=lambda one: one.__name__)
def test_a_revision_is_one_that_the_database_can_hold(event: type[Event]) -> None:
    document = json.loads((EXAMPLES / event.__name__ / "full.json").read_text("utf-8"))
    holder = document if "revision" in document else document["chunk"]
    holder["revision"] = MAX_INT4
    assert refusal(event, document) is None
    holder["revision"] = MAX_INT4 + 1
    assert f"revision: has to be at most {MAX_INT4}" in (refusal(event, document) or "")


def refusal(event: type[Event], document: Any) -> str | None:
    """What the codec says of a document; None if it takes it."""
    try:
        decode_event(json.dumps(document).encode(), (), event)
    except InvalidEventError as error:
        return str(error)
    return None


def spoilt(document: Any) -> Iterator[Any]:
    """The document with each of its values in turn taken away, or made wrong in each way."""
    yield from WRONG
    yield from _spoilt_inside(document)


def _spoilt_inside(document: Any) -> Iterator[Any]:
    places = document.keys() if isinstance(document, dict) else range(len(document[:1]))
    for place in places:
        inner = document[place]
        if isinstance(document, dict):
            yield {name: value for name, value in document.items() if name != place}
        wrong = [*WRONG, [inner] * 3]
        if isinstance(inner, dict | list) and inner:
            wrong += list(_spoilt_inside(inner))
        for value in wrong:
            copy = dict(document) if isinstance(document, dict) else list(document)
            copy[place] = value
            yield copy


def kinds_of(event: type[Event], document: Any) -> set[str]:
    """The validator's names for what is wrong with a document."""
    try:
        event.model_validate_json(json.dumps(document))
    except ValidationError as error:
        return {one["type"] for one in error.errors(include_input=False, include_url=False)}
    return set()


@pytest.mark.parametrize("event", EVENTS, ids=lambda one: one.__name__)
def test_whatever_is_wrong_with_an_event_there_are_words_for_it(event: type[Event]) -> None:
    example = json.loads((EXAMPLES / event.__name__ / "full.json").read_text("utf-8"))
    kinds: set[str] = set()
    for document in spoilt(example):
        found = kinds_of(event, document)
        kinds |= found
        reason = (
            refusal(event, document)
            if found and validation_messages.NOT_JSON not in found
            else None
        )
        assert not any(words in (reason or "") for words in PYDANTICS), reason
    assert len(kinds) > 5
    assert not {kind for kind in kinds if not validation_messages.has_custom_message(kind)}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"title": ...}, "title: is missing"),
        ({"title": ""}, "title: needs at least 1 character"),
        ({"title": 7}, "title: has to be a text"),
        ({"revision": 0}, "revision: has to be at least 1"),
        ({"revision": "x"}, "revision: has to be a whole number"),
        ({"recorded_at": "2026-01-05T14:30:00"}, "recorded_at: needs its offset from UTC"),
        ({"recorded_at": "2026-01-05"}, "recorded_at: needs its offset from UTC"),
        ({"recorded_at": "yesterday"}, "recorded_at: has to be a date and time"),
        ({"transcript_id": "x"}, "transcript_id: has to be a UUID"),
        ({"format": "docx"}, "format: has to be one of 'webvtt'"),
        ({"speakers": [{"label": "P1"}]}, "speakers[0].role: is missing"),
        ({"study": {"study_id": "s", "name": "S", "themes": []}}, "themes: needs at least 1 entry"),
        ({"study": []}, "study: has to be an object"),
        (
            {"study": {"study_id": "a b", "name": "S", "themes": [{"id": "t", "name": "T"}] * 2}},
            "study.study_id: may have letters, digits",
        ),
        (
            {"study": {"study_id": "s", "name": "S", "themes": [{"id": "t", "name": "T"}] * 2}},
            "study: themes 1 and 2 have the same id",
        ),
    ],
)
def test_says_it_in_plain_words_with_the_fields_path(change: dict[str, Any], reason: str) -> None:
    (submitted,) = (one for one in EVENTS if one.__name__ == "TranscriptSubmitted")
    assert issubclass(submitted, TranscriptEvent)
    document = json.loads((EXAMPLES / "TranscriptSubmitted" / "full.json").read_text("utf-8"))
    changed = deepcopy(document) | change
    wrong = {name: value for name, value in changed.items() if value is not ...}
    assert reason in (refusal(submitted, wrong) or "")


@pytest.mark.parametrize("moment", ["2026-01-05T14:30:00Z", "2026-01-05T14:30:00+02:00"])
def test_a_moment_with_its_offset_is_taken(moment: str) -> None:
    document = json.loads((EXAMPLES / "TranscriptSubmitted" / "full.json").read_text("utf-8"))
    (submitted,) = (one for one in EVENTS if one.__name__ == "TranscriptSubmitted")
    assert refusal(submitted, {**document, "recorded_at": moment}) is None


FieldPath = tuple[int | str, ...]


def texts(document: Any, path: FieldPath = ()) -> Iterator[FieldPath]:
    """Yield the path of every text in a document."""
    if isinstance(document, str):
        yield path
    if isinstance(document, dict | list):
        places = document.items() if isinstance(document, dict) else enumerate(document)
        for place, inner in places:
            yield from texts(inner, (*path, place))


def replaced(document: Any, path: FieldPath, value: Any) -> Any:
    """Return a copy of a document with another value at a path."""
    copy = deepcopy(document)
    holder = copy
    for place in path[:-1]:
        holder = holder[place]
    holder[path[-1]] = value
    return copy


def examples() -> Iterator[tuple[type[Event], FieldPath, Any]]:
    """Yield each text of each event's full example."""
    for event in EVENTS:
        document = json.loads((EXAMPLES / event.__name__ / "full.json").read_text("utf-8"))
        for path in texts(document):
            yield event, path, document


def written(path: FieldPath) -> str:
    parts = (f"[{one}]" if isinstance(one, int) else f".{one}" for one in path)
    return "".join(parts).removeprefix(".")


def test_no_text_of_an_event_has_a_nul_character_but_a_transcript_file_s() -> None:
    accepted = set()
    for event, path, document in examples():
        reason = refusal(event, replaced(document, path, "a\0b"))
        if reason is None:
            accepted.add((event.__name__, written(path)))
        else:
            assert f"{written(path)}: " in reason
    # Reading takes invisible characters out of a transcript, and says so.
    assert accepted == {("TranscriptSubmitted", "content")}


def test_half_a_surrogate_pair_is_an_invalid_event_with_the_fields_path() -> None:
    for event, path, document in examples():
        reason = refusal(event, replaced(document, path, "a\ud800b"))
        assert f"{written(path)}: is not valid Unicode" in (reason or "")


def test_a_field_that_is_not_known_is_not_quoted() -> None:
    for event in EVENTS:
        document = json.loads((EXAMPLES / event.__name__ / "full.json").read_text("utf-8"))
        for odd in ({"secret words": "a\ud800"}, {"secret words\ud800": 1}):
            reason = refusal(event, document | odd)
            assert reason is not None
            assert "secret" not in reason
            assert "the event: is not valid Unicode" in reason


@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "0001-12-31T23:59:59Z",
        "9999-12-31T23:59:59.999999Z",
        "9999-12-31T23:59:59-14:00",
        "9998-12-31T12:00:00-12:00",
    ],
)
def test_a_moment_at_the_edges_of_the_calendar_is_refused(moment: str) -> None:
    found = 0
    for event in EVENTS:
        document = json.loads((EXAMPLES / event.__name__ / "full.json").read_text("utf-8"))
        if "recorded_at" in document:
            reason = refusal(event, {**document, "recorded_at": moment})
            assert "recorded_at: has to be between the years 2 and 9998 in UTC" in (reason or "")
            found += 1
    assert found == 2
