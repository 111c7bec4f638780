"""What the model is asked; ``UPDATE_GOLDEN=1`` writes the golden file anew."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from contracts.study import Study
from enrichment import domain
from enrichment.drafter import _conversation
from support.chunks import CHUNK, GOOD, STUDY

GOLDEN = Path(__file__).parent / "golden" / "conversation.json"


def test_the_conversation_is_the_golden_one() -> None:
    conversation = {
        "messages": _conversation(CHUNK, "note 1: segment 99 is not in the passage"),
        "schema": domain.answer_schema(CHUNK),
    }
    written = json.dumps(conversation, indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(written, encoding="utf-8")
    assert written == GOLDEN.read_text(encoding="utf-8"), "UPDATE_GOLDEN=1 renews it"


def test_the_static_part_comes_first_and_is_the_same_for_every_chunk() -> None:
    other = CHUNK.model_copy(update={"study": STUDY.model_copy(update={"name": "Another"})})
    first, again = _conversation(CHUNK, ""), _conversation(other, "")
    assert first[0] == again[0]
    assert first[0]["role"] == "system"
    assert "Warm homes" not in str(first[0]["content"])
    assert len(first) == 2


def test_what_was_said_stays_inside_json_strings() -> None:
    document = json.loads(domain.chunk_document(CHUNK))
    assert document["segments"][0]["text"] == CHUNK.segments[0].text
    assert [turn["number"] for turn in document["context"]] == [3]
    assert set(document["segments"][0]) == {"number", "speaker", "role", "text"}


def schemas(node: Any) -> list[dict[str, Any]]:
    """All object schemas within a schema."""
    if isinstance(node, dict):
        inner = [found for value in node.values() for found in schemas(value)]
        return [node, *inner] if node.get("type") == "object" else inner
    return []


def test_the_answer_schema_is_valid_and_strict() -> None:
    schema = domain.answer_schema(CHUNK)
    Draft202012Validator.check_schema(schema)
    objects = schemas(schema)
    assert len(objects) == 3
    for one in objects:
        assert one["additionalProperties"] is False
        assert one["required"] == list(one["properties"])


def test_the_answer_schema_admits_only_what_the_chunk_has() -> None:
    check = Draft202012Validator(domain.answer_schema(CHUNK))
    good = {"notes": [GOOD.model_dump(mode="json")]}
    assert check.is_valid(good)
    domain.DraftAnswer.model_validate(good)
    for path, value in (
        (("evidence", 0, "segment"), 3),
        (("themes", 0), "x"),
        (("questions", 0), "x"),
    ):
        bad = json.loads(json.dumps(good))
        place = bad["notes"][0]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        assert not check.is_valid(bad)


def test_a_study_without_questions_has_a_valid_schema() -> None:
    study = Study(study_id="s", name="S", themes=STUDY.themes)
    schema = domain.answer_schema(CHUNK.model_copy(update={"study": study}))
    Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(schema).is_valid({"notes": []})
