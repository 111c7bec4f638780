"""Every list of the API is paged in the same way, as its description says."""

from __future__ import annotations

from typing import Any, Final

import pytest

from contracts.pages import REPLACED
from control.api import build_openapi_document

DOCUMENT: Final = build_openapi_document()

BOUNDED: Final = {
    "/cache": "a row for each model that is in use",
    "/causes/{cause_id}": "24 hours, and ten studies at most",
    "/causes/{cause_id}/background": "changes within an hour",
    "/costs": "one report: a row for each study, model, purpose or day, which its total sums up",
    "/erasures/{erasure_id}": "a row for each service",
    "/drift": "100 alarms at most, with how many are open",
    "/letters/counts": "a row for each service, state and error code",
    "/letters/{letter_id}/edit": "fields and edits of one message",
    "/letters/{letter_id}/history": "calls and tries about one chunk",
    "/letters/retention": "1,000 causes at most, those that expire first, with how many there are",
    "/me": "the roles of one token",
    "/notes/{note_id}": "quotes and decisions of one note",
    "/notes/{note_id}/decisions": "decisions about one note, 1,000 at most",
    "/notes/{note_id}/evidence": "quotes of one note",
    "/notes/{note_id}/explanation": "quotes and checks of one note",
    "/pipeline": "a row for each service and topic",
    "/audit": "one report, whose lists have 100 entries at most",
    "/plans/{plan_id}": "a plan's steps, and what its letters failed of",
    "/plans/{plan_id}/preview": "a row for each service and error code of one plan",
    "/session": "the roles of one session",
    "/studies/{study_id}/coverage": "themes and questions of one study",
    "/studies/{study_id}/disagreements": "100 pairs at most, with how many were found",
    "/studies/{study_id}/registration": "themes and questions of one study, 100 of each",
    "/studies/{study_id}/retention/preview": "a row for each of the five kinds",
    "/studies/{study_id}/submissions": "100 outcomes at most, of one interview",
    "/transcripts/{transcript_id}": "what became of one interview",
    "/transcripts/{transcript_id}/reading-report": "100 speakers at most, and 100 sentences a kind",
}
"""What answers with arrays that do not grow with what is stored, and why."""


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = DOCUMENT["components"]["schemas"][name] if name else schema
    return found


def list_answers() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Path, operation and schema of each GET that answers with JSON."""
    found = []
    for path, operations in DOCUMENT["paths"].items():
        content = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        if "application/json" in content:
            schema = resolve(content["application/json"]["schema"])
            found.append((path.removeprefix("/v1"), operations["get"], schema))
    return found


def has_array(schema: dict[str, Any]) -> bool:
    parts = (schema, *map(resolve, schema.get("properties", {}).values()))
    return any(one.get("type") == "array" for one in parts)


LISTS: Final = [one for one in list_answers() if has_array(one[2]) and one[0] not in BOUNDED]


@pytest.mark.parametrize(("path", "operation", "schema"), LISTS, ids=[one[0] for one in LISTS])
def test_a_list_takes_a_limit_and_a_cursor_and_answers_with_the_next(
    path: str, operation: dict[str, Any], schema: dict[str, Any]
) -> None:
    taken = {one["name"]: one["schema"] for one in operation["parameters"]}
    assert {"limit", "cursor"} <= taken.keys()
    assert (taken["limit"]["minimum"], "maximum" in taken["limit"]) == (1, True)
    assert "next" in schema["properties"]
    assert schema["properties"]["next"]["anyOf"] == [{"type": "string"}, {"type": "null"}]
    # Of letters, `before` is about when they failed.
    assert taken.keys() & REPLACED == ({"before"} if path == "/letters" else set())


def test_what_is_no_list_is_named_with_its_reason() -> None:
    with_arrays = {path for path, _, schema in list_answers() if has_array(schema)}
    assert with_arrays - {path for path, _, _ in LISTS} == BOUNDED.keys()
    assert len(LISTS) >= 19
