"""What the model is asked, by version of the prompt, and what its answer has to look like.

``UPDATE_GOLDEN=1`` writes the golden files of new versions, and the schema's anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from contracts.events import ChunkReady
from contracts.notes import DraftNote, Standing
from contracts.study import Study
from contracts.transcript import Segment
from enrichment import domain
from enrichment.drafter import build_draft_request
from grounding import assess_notes
from model_client import ChatMessage
from prompts import FOLDER
from prompts.notes import CURRENT, PROMPTS, NotePrompt
from simulator.prompt import parse_notes_prompt
from support.chunks import CHUNK, GOOD, STUDY

GOLDEN = Path(__file__).parent / "golden"
FEEDBACK = "note 1: segment 99 is not in the passage"
EXAMPLES = [(prompt, one) for prompt in PROMPTS.values() for one in prompt.examples]


def messages(chunk: ChunkReady, feedback: str = "") -> Sequence[ChatMessage]:
    return build_draft_request(chunk, attempt=1, feedback=feedback).messages


def written(what: Any) -> str:
    return json.dumps(what, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_a_released_prompt_asks_for_ever_as_its_golden_file_says(prompt: NotePrompt) -> None:
    request = build_draft_request(CHUNK, attempt=2, feedback=FEEDBACK, prompt=prompt)
    hashes = {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in prompt.files}
    current = written({"files": hashes, "messages": request.messages})
    golden = GOLDEN / f"{prompt.version}.json"
    if os.environ.get("UPDATE_GOLDEN") and not golden.exists():
        golden.write_text(current, encoding="utf-8")
    assert current == golden.read_text(encoding="utf-8"), "make a new version of the prompt"


def test_the_answer_schema_is_the_golden_one() -> None:
    golden, current = GOLDEN / "schema.json", written(domain.build_answer_schema(CHUNK))
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(current, encoding="utf-8")
    assert current == golden.read_text(encoding="utf-8"), "UPDATE_GOLDEN=1 renews it"


def test_every_prompt_file_belongs_to_a_version_and_every_golden_file_too() -> None:
    names = {one.name for one in FOLDER.iterdir() if one.name.startswith("notes-")}
    assert {name.removesuffix(".md") for name in names} == {*PROMPTS}
    assert {one.stem for one in GOLDEN.iterdir()} == {*PROMPTS, "schema"}


def test_the_newest_version_is_asked_with() -> None:
    request = build_draft_request(CHUNK, attempt=3)
    assert (request.prompt_version, request.attempt) == (domain.PROMPT_VERSION, 3)
    assert domain.PROMPT_VERSION == CURRENT.version == "notes-3"


def chunk_of(document: Any) -> ChunkReady:
    study = Study(study_id="example", name="Example", **document["study"])
    turns = {
        part: tuple(Segment(**turn) for turn in document[part]) for part in ("context", "segments")
    }
    return CHUNK.model_copy(update={"study": study, **turns})


@pytest.mark.parametrize(("prompt", "example"), EXAMPLES)
def test_examples_pass_the_guardrail_and_are_as_the_instructions_say(
    prompt: NotePrompt, example: Any
) -> None:
    chunk = chunk_of(example["document"])
    assert json.loads(prompt.document(chunk)) == example["document"]
    Draft202012Validator(domain.build_answer_schema(chunk)).validate(example["answer"])
    notes = domain.DraftAnswer.model_validate(example["answer"]).notes
    judged = assess_notes(notes, chunk)
    assert judged.rejected == ()
    assert len(judged.accepted) == len(notes)


@pytest.mark.parametrize("example", CURRENT.examples)
def test_every_statement_of_the_newest_examples_is_vouched_for_by_a_rule(example: Any) -> None:
    notes = domain.DraftAnswer.model_validate(example["answer"]).notes
    whole = chunk_of(example["document"]).model_copy(update={"index": 1, "chunk_count": 1})
    accepted = assess_notes(notes, whole).accepted
    assert {one.standing for one in accepted} <= {Standing.VERBATIM, Standing.PROVEN}


def test_the_guardrail_refuses_the_examples_when_a_negation_or_a_number_is_lost() -> None:
    chunk = chunk_of(CURRENT.examples[0]["document"])
    notes = domain.DraftAnswer.model_validate(CURRENT.examples[0]["answer"]).notes
    for note, right, wrong in ((notes[0], "34", "43"), (notes[2], "not ", "")):
        false = DraftNote(**{**dict(note), "statement": note.statement.replace(right, wrong)})
        assert assess_notes([false], chunk).accepted == ()


def test_examples_show_a_note_a_negation_a_doubt_nothing_and_an_instruction() -> None:
    answers = [one["answer"]["notes"] for one in CURRENT.examples]
    statements = " ".join(note["statement"] for notes in answers for note in notes)
    assert "not" in statements.split()
    assert "might" in statements
    assert [] in answers
    assert any("forget your instructions" in str(one["document"]) for one in CURRENT.examples)
    assert "everybody loves" not in statements


def test_the_static_part_comes_first_and_is_the_same_for_every_chunk() -> None:
    other = CHUNK.model_copy(update={"segments": CHUNK.segments[:1]})
    first, again = messages(CHUNK), messages(other, FEEDBACK)
    assert first[0] == again[0]
    assert [one["role"] for one in first] == ["system", "user"]
    assert [one["role"] for one in again] == ["system", "user", "user"]


def test_the_same_passage_in_two_studies_with_the_same_inputs_is_the_same_question() -> None:
    other = Study(
        study_id="another", name="Another", themes=STUDY.themes, questions=STUDY.questions
    )
    chunk = CHUNK.model_copy(update={"study": other, "title": "Interview 9", "index": 2})
    assert build_draft_request(chunk, attempt=1) == build_draft_request(CHUNK, attempt=1)


def test_the_simulator_reads_the_passage_and_no_example() -> None:
    asked = messages(CHUNK, FEEDBACK)
    found = parse_notes_prompt([dict(one) for one in asked])
    assert found is not None
    assert [turn.text for turn in found.segments] == [one.text for one in CHUNK.segments]
    assert [theme.id for theme in found.study.themes] == ["cost", "trust"]


def schemas(node: Any) -> list[dict[str, Any]]:
    """All object schemas within a schema."""
    if isinstance(node, dict):
        inner = [found for value in node.values() for found in schemas(value)]
        return [node, *inner] if node.get("type") == "object" else inner
    return []


def test_the_answer_schema_is_valid_and_strict() -> None:
    schema = domain.build_answer_schema(CHUNK)
    Draft202012Validator.check_schema(schema)
    objects = schemas(schema)
    assert len(objects) == 3
    for one in objects:
        assert one["additionalProperties"] is False
        assert one["required"] == list(one["properties"])


def test_the_answer_schema_admits_only_what_the_chunk_has() -> None:
    check = Draft202012Validator(domain.build_answer_schema(CHUNK))
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
    schema = domain.build_answer_schema(CHUNK.model_copy(update={"study": study}))
    Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(schema).is_valid({"notes": []})
