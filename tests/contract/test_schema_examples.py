"""Every example satisfies its schema and its model, and together they tell one true story."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator, ValidationError

from contracts import ids
from contracts.events import (
    ChunkReady,
    Event,
    NotesDrafted,
    NotesRejected,
    NotesStored,
    NotesValidated,
    TranscriptIngested,
    TranscriptSettled,
    TranscriptSubmitted,
)
from contracts.export import get_schema_path, list_event_classes
from contracts.json_schema import build_event_schema
from contracts.transcript import TranscriptFormat
from grounding import derive_note_id
from ingestion.reports import build_reading_report
from transcripts import read_transcript, split_into_chunks

SCHEMAS = Path(__file__).parents[2] / "schemas"
EXAMPLES = sorted((SCHEMAS / "examples").glob("*/*.json"))
MODELS = {event.__name__: event for event in list_event_classes()}
SUBMITTED = sorted((SCHEMAS / "examples" / "TranscriptSubmitted").glob("*.json"))
STORIES = ("minimal", "full")
E = TypeVar("E", bound=Event)


ONE_OF_TWO: dict[str, set[str]] = {"TranscriptSubmitted": {"study"}}
"""Fields that the schema does not require, as another may be given in their place."""


def named(file: Path) -> str:
    return f"{file.parent.name}/{file.stem}"


def validator(event: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / get_schema_path(MODELS[event])).read_text("utf-8"))
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def load(event: type[E], name: str) -> E:
    file = SCHEMAS / "examples" / event.__name__ / f"{name}.json"
    return event.model_validate_json(file.read_text("utf-8"))


@pytest.mark.parametrize("event", MODELS.values())
def test_a_schema_is_valid_json_schema(event: type[Event]) -> None:
    Draft202012Validator.check_schema(build_event_schema(event))


@pytest.mark.parametrize("file", EXAMPLES, ids=named)
def test_an_example_satisfies_its_schema(file: Path) -> None:
    validator(file.parent.name).validate(json.loads(file.read_text("utf-8")))


@pytest.mark.parametrize("file", EXAMPLES, ids=named)
def test_an_example_comes_back_from_its_model_as_it_was(file: Path) -> None:
    text = file.read_text("utf-8")

    event = MODELS[file.parent.name].model_validate_json(text)

    assert event.model_dump(mode="json", exclude_unset=True) == json.loads(text)


@pytest.mark.parametrize("file", EXAMPLES, ids=named)
def test_what_the_model_sends_satisfies_the_schema(file: Path) -> None:
    event = MODELS[file.parent.name].model_validate_json(file.read_text("utf-8"))

    validator(file.parent.name).validate(json.loads(event.model_dump_json()))


@pytest.mark.parametrize("file", EXAMPLES, ids=named)
def test_an_example_is_keyed_by_its_subject(file: Path) -> None:
    event = MODELS[file.parent.name].model_validate_json(file.read_text("utf-8"))
    subject = json.loads(file.read_text("utf-8"))

    wanted = _chunk_of(subject) if _is_about_a_chunk(event) else subject["transcript_id"]
    assert event.key == wanted


@pytest.mark.parametrize("event", MODELS)
def test_every_event_has_a_minimal_and_a_full_example(event: str) -> None:
    schema = validator(event).schema
    assert isinstance(schema, dict)
    minimal, full = (
        json.loads((SCHEMAS / "examples" / event / f"{name}.json").read_text("utf-8"))
        for name in STORIES
    )

    assert minimal.keys() == set(schema["required"]) | ONE_OF_TWO.get(event, set())
    assert full.keys() == schema["properties"].keys()


@pytest.mark.parametrize("event", MODELS)
def test_leaving_out_a_required_field_satisfies_neither_schema_nor_model(event: str) -> None:
    file = SCHEMAS / "examples" / event / "minimal.json"
    minimal = json.loads(file.read_text("utf-8"))

    for field in minimal.keys() - ONE_OF_TWO.get(event, set()):
        short = {name: value for name, value in minimal.items() if name != field}
        with pytest.raises(ValidationError, match="required"):
            validator(event).validate(short)
        with pytest.raises(ValueError, match="Field required"):
            MODELS[event].model_validate_json(json.dumps(short))


def test_a_submission_has_a_study_or_the_id_of_one_and_both_have_to_agree() -> None:
    file = SCHEMAS / "examples" / "TranscriptSubmitted" / "minimal.json"
    minimal = json.loads(file.read_text("utf-8"))
    study_id = minimal["study"]["study_id"]
    for study in ({}, {"study": minimal["study"], "study_id": "another"}, {"study": None}):
        given = {name: value for name, value in minimal.items() if name != "study"} | study
        with pytest.raises(ValueError, match="study_id"):
            TranscriptSubmitted.model_validate(given)
    for study in ({"study_id": study_id}, {"study": minimal["study"], "study_id": study_id}):
        given = {name: value for name, value in minimal.items() if name != "study"} | study
        assert TranscriptSubmitted.model_validate(given).named_study_id == study_id


def test_the_commonest_formats_have_an_example_that_names_them() -> None:
    submitted = {file.stem: load(TranscriptSubmitted, file.stem) for file in SUBMITTED}

    assert {"webvtt", "srt", "plain", "rev", "amberscript"} <= submitted.keys()
    for name in submitted.keys() & {one.value for one in TranscriptFormat}:
        assert submitted[name].format is TranscriptFormat(name)


@pytest.mark.parametrize("file", SUBMITTED, ids=named)
def test_an_example_can_be_read_and_cut_into_chunks(file: Path) -> None:
    submitted = load(TranscriptSubmitted, file.stem)

    reading = read_transcript(submitted.content, speakers=submitted.speakers)

    assert submitted.format in {None, reading.format}
    assert reading.notices == ()
    assert split_into_chunks(reading.segments)


@pytest.mark.parametrize("name", STORIES)
def test_an_ingested_example_holds_what_was_submitted(name: str) -> None:
    submitted, ingested = load(TranscriptSubmitted, name), load(TranscriptIngested, name)

    reading = read_transcript(submitted.content, speakers=submitted.speakers)

    assert ingested.segments == reading.segments
    assert ingested.content_sha256 == submitted.content_sha256
    assert (ingested.study, ingested.title) == (submitted.study, submitted.title)
    if ingested.reading_report is not None:
        reading = read_transcript(
            submitted.content, format=submitted.format, speakers=submitted.speakers
        )
        assert ingested.reading_report == build_reading_report(reading, ())


@pytest.mark.parametrize("name", [*STORIES, "word-times"])
def test_the_chunks_of_an_example_have_their_derived_ids_and_cover_it(name: str) -> None:
    ingested = load(TranscriptIngested, name)

    covered = [
        number
        for chunk in ingested.chunks
        for number in range(chunk.first_segment, chunk.last_segment + 1)
    ]
    assert covered == [segment.number for segment in ingested.segments]
    for chunk in ingested.chunks:
        assert chunk.chunk_id == ids.derive_chunk_id(
            ingested.transcript_id, ingested.revision, ingested.content_sha256, chunk.index
        )


def test_an_example_shows_word_times() -> None:
    segments = load(TranscriptIngested, "word-times").segments

    assert all(len(segment.words) > 1 for segment in segments)


@pytest.mark.parametrize("name", STORIES)
def test_a_chunk_example_is_one_of_its_interview_s_chunks(name: str) -> None:
    ingested, chunk = load(TranscriptIngested, name), load(ChunkReady, name)
    ref = ingested.chunks[chunk.index - 1]
    first, last = ref.first_segment - 1, ref.last_segment

    assert chunk.chunk_id == ref.chunk_id
    assert chunk.chunk_count == len(ingested.chunks)
    assert chunk.segments == ingested.segments[first:last]
    assert chunk.context == ingested.segments[first - len(chunk.context) : first]


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("event", [NotesDrafted, NotesRejected])
def test_an_example_about_a_draft_carries_the_chunk(
    name: str, event: type[NotesDrafted | NotesRejected]
) -> None:
    assert load(event, name).chunk == load(ChunkReady, name)


@pytest.mark.parametrize("name", STORIES)
def test_evidence_in_an_example_is_the_transcript_s_own_words(name: str) -> None:
    chunk, validated = load(ChunkReady, name), load(NotesValidated, name)
    segments = {segment.number: segment for segment in chunk.segments}

    for note in validated.notes:
        assert note.note_id == derive_note_id(chunk.chunk_id, note.statement, note.evidence)
        for evidence in note.evidence:
            segment = segments[evidence.segment]
            end = evidence.start + evidence.length
            assert segment.text[evidence.start : end] == evidence.quote
            assert (segment.speaker, segment.role) == (evidence.speaker, evidence.role)


@pytest.mark.parametrize("name", STORIES)
def test_the_notes_of_an_example_name_the_study_s_themes_and_questions(name: str) -> None:
    study, validated = load(ChunkReady, name).study, load(NotesValidated, name)

    assert validated.study_id == study.study_id
    assert {one for note in validated.notes for one in note.themes} <= _ids(study.themes)
    assert {one for note in validated.notes for one in note.questions} <= _ids(study.questions)


def test_the_full_story_ends_with_the_accepted_notes_stored() -> None:
    drafted, validated = load(NotesDrafted, "full"), load(NotesValidated, "full")
    stored = load(NotesStored, "full")

    assert (validated.attempt, validated.usage) == (drafted.attempt, drafted.usage)
    assert len(validated.notes) + len(validated.rejected) == len(drafted.notes)
    assert stored.note_ids == tuple(note.note_id for note in validated.notes)
    assert stored.rejected_count == len(validated.rejected)


@pytest.mark.parametrize("name", STORIES)
def test_a_settled_example_is_about_the_content_that_was_submitted(name: str) -> None:
    submitted, settled = load(TranscriptSubmitted, name), load(TranscriptSettled, name)

    assert settled.transcript_id == submitted.transcript_id
    assert settled.revision == submitted.revision
    assert settled.content_sha256 == submitted.content_sha256
    assert settled.stored + settled.dead == settled.chunks
    assert sum(reason.chunks for reason in settled.reasons) == settled.dead


@pytest.mark.parametrize("name", STORIES)
def test_a_story_is_about_one_chunk_of_one_revision(name: str) -> None:
    chunk, stored = load(ChunkReady, name), load(NotesStored, name)
    validated = load(NotesValidated, name)

    place = (chunk.transcript_id, chunk.revision, chunk.chunk_id)
    assert (validated.transcript_id, validated.revision, validated.chunk_id) == place
    assert (stored.transcript_id, stored.revision, stored.chunk_id) == place


@pytest.mark.parametrize(
    "spoil",
    [
        lambda one: one.update(transcript_id="not a uuid"),
        lambda one: one.update(revision=0),
        lambda one: one.update(title=""),
        lambda one: one.update(title="t" * 501),
        lambda one: one.update(format="docx"),
        lambda one: one["study"].update(themes=[]),
        lambda one: one["study"]["themes"][0].update(id="two words"),
        lambda one: one["study"].update(language="English"),
        lambda one: one.update(speakers=[{"label": "A", "role": "boss"}]),
        lambda one: one.update(content=None),
    ],
)
def test_schema_and_model_refuse_the_same(spoil: Callable[[dict[str, Any]], None]) -> None:
    file = SCHEMAS / "examples" / "TranscriptSubmitted" / "full.json"
    spoiled = json.loads(file.read_text("utf-8"))

    spoil(spoiled)

    with pytest.raises(ValidationError):
        validator("TranscriptSubmitted").validate(spoiled)
    with pytest.raises(ValueError, match="1 validation error"):
        TranscriptSubmitted.model_validate_json(json.dumps(spoiled))


def _is_about_a_chunk(event: Event) -> bool:
    return not isinstance(
        event, TranscriptSubmitted | TranscriptIngested | NotesStored | TranscriptSettled
    )


def _chunk_of(subject: dict[str, Any]) -> str:
    return str(UUID(subject.get("chunk", subject)["chunk_id"]))


def _ids(things: Any) -> set[str]:
    return {thing.id for thing in things}
