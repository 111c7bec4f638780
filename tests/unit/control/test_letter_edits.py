"""What may be edited of a dead letter's message, and what is locked."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from contracts import headers as h
from contracts.events import (
    ChunkReady,
    Event,
    NotesDrafted,
    NotesRejected,
    NotesValidated,
    TranscriptSubmitted,
)
from contracts.letter_edits import LetterChange
from contracts.topics import PIPELINE, get_event_topic
from control.domain import BadRequestError, DeadLetterPosition
from control.letters.edits import (
    EDITABLE,
    MAX_CHANGES,
    find_event_class,
    list_editable_fields,
    list_edited_fields,
    validate_edit,
)
from control.letters.reader import DeadLetterRecord
from messaging.codec import encode_event
from support.chunks import BAD, CHUNK, GOOD, STUDY, drafted
from support.interviews import refused, validated

SUBMITTED = TranscriptSubmitted(
    transcript_id=CHUNK.transcript_id, title="Bikes", study=STUDY, content="Ann: Why?\nBo: So.\n"
)
REJECTED = NotesRejected(chunk=CHUNK, rejected=(refused(),), feedback="Cite a turn.")
EVENTS = (SUBMITTED, CHUNK, drafted(BAD), REJECTED)
VALUES: dict[type[Event], dict[str, Any]] = {
    TranscriptSubmitted: {"/title": "Cars", "/accept_doubtful": True},
    ChunkReady: {"/title": "Cars", "/study/questions": [{"id": "q9", "text": "Why?"}]},
    NotesRejected: {"/feedback": "Cite the second turn."},
    NotesDrafted: {"/notes": [GOOD.model_dump(mode="json")], "/notes/0/statement": "Other words."},
}


def letter(event: Event, value: bytes | None = None, key: bytes | None = None) -> DeadLetterRecord:
    kind = type(event)
    (service,) = set(get_event_topic(kind).consumers) & {*PIPELINE} - {"persistence", "control"}
    wrote = encode_event(event, source="/test")
    place = DeadLetterPosition(f"{service}-dlq", 0, 0, UUID(int=1), service)
    return DeadLetterRecord(place, key or wrote[0], value or wrote[1], tuple(wrote[2]), ())


def changed(found: DeadLetterRecord, path: str, value: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(found.value or b"")
    *way, last = path[1:].split("/")
    at: Any = document
    for step in way:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if isinstance(at, list):
        at[int(last)] = value
    else:
        at[last] = value
    return document


@pytest.mark.parametrize("event", EVENTS, ids=lambda one: type(one).__name__)
def test_what_may_be_edited_is_sent_as_it_was_written(event: Event) -> None:
    found = letter(event)
    kind = find_event_class(found, None)
    assert kind is type(event)
    for path, value in VALUES[type(event)].items():
        document = changed(found, path, value)
        body, changes = validate_edit(found, kind, document)
        assert json.loads(body) == document
        assert all(one.path.startswith(path) for one in changes)


LOCKED = [
    *((SUBMITTED, path, value) for path, value in {
        "/transcript_id": str(UUID(int=7)), "/revision": 2, "/content": "Bo: No.\n",
        "/study/privacy": "allow", "/study_id": "other", "/supersedes": 4, "/format": "srt",
        "/speakers": [{"label": "Bo", "role": "interviewer"}],
    }.items()),
    *((CHUNK, path, value) for path, value in {
        "/chunk_id": str(UUID(int=7)), "/transcript_id": str(UUID(int=7)), "/revision": 2,
        "/segments/0/text": "We pay nothing.", "/segments/0/speaker": "Ann", "/index": 2,
        "/study/study_id": "other", "/study/privacy": "allow", "/context": [], "/chunk_count": 9,
    }.items()),
    *((drafted(BAD), path, value) for path, value in {
        "/chunk/segments/0/text": "We pay ninety.", "/chunk/study/privacy": "allow",
        "/model": "better", "/prompt_version": "notes-9", "/attempt": 2,
        "/chunk/transcript_id": str(UUID(int=7)),
    }.items()),
]  # fmt: skip


@pytest.mark.parametrize(("event", "path", "value"), LOCKED, ids=lambda one: str(one)[:40])
def test_words_ids_policies_and_lineage_are_locked(event: Event, path: str, value: Any) -> None:
    found = letter(event)
    with pytest.raises(BadRequestError, match=f"{path.split('/')[1]}.* is locked; /"):
        validate_edit(found, type(event), changed(found, path, value))


def test_every_field_of_an_event_that_is_not_listed_is_locked() -> None:
    for event in EVENTS:
        roots = {path.split("/")[1] for path in EDITABLE[type(event)]}
        for name in type(event).model_fields.keys() - roots:
            found = letter(event)
            with pytest.raises(BadRequestError, match="is locked"):
                validate_edit(found, type(event), changed(found, f"/{name}", "something else"))


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({"title": ""}, "title"),
        ({"title": "T" * 100_000}, "title"),
        ({"title": "half \ud83d"}, "surrogate"),
        ({"accept_doubtful": "perhaps"}, "accept_doubtful"),
        ({"title": "Bikes"}, "nothing is edited"),
        ({"unknown": 1}, "unknown is locked"),
    ],
)
def test_what_is_no_event_is_refused_with_its_field(
    document: dict[str, Any], complaint: str
) -> None:
    found = letter(SUBMITTED)
    with pytest.raises(BadRequestError, match=complaint):
        validate_edit(found, TranscriptSubmitted, json.loads(found.value or b"") | document)


def test_a_submission_that_is_no_event_may_be_mended_but_for_its_ids() -> None:
    whole = json.loads(letter(SUBMITTED).value or b"")
    found = letter(SUBMITTED, json.dumps(whole | {"title": 7}).encode())
    assert list_editable_fields(found, TranscriptSubmitted) == (("",), "")
    body, changes = validate_edit(found, TranscriptSubmitted, whole)
    assert json.loads(body) == whole
    assert [(one.path, one.before, one.after) for one in changes] == [("/title", 7, "Bikes")]
    for other in ({"revision": 3}, {"transcript_id": str(UUID(int=9))}):
        with pytest.raises(BadRequestError, match="locked"):
            validate_edit(found, TranscriptSubmitted, whole | other)


@pytest.mark.parametrize(
    "value",
    [
        *(b"\xff\xfe", b"{", b"[]", b"7", b"[" * 100_000, b"NaN"),
        *(b'{"title": "\\ud800"}', b'{"revision": 1e400}', b'{"transcript_id": 7, "a": NaN}'),
    ],
    ids=lambda one: repr(one[:12]),
)
def test_bytes_whose_ids_cannot_be_read_are_not_edited(value: bytes) -> None:
    found = letter(SUBMITTED, value)
    whole = json.loads(letter(SUBMITTED).value or b"")
    with pytest.raises(BadRequestError, match=r"ids cannot be read.*submit the interview anew"):
        validate_edit(found, TranscriptSubmitted, whole)


@pytest.mark.parametrize(
    "other",
    [
        *({"revision": 3}, {"supersedes": 3}, {"refresh_version": 1}, {"study_id": "other"}),
        {"transcript_id": str(UUID(int=9))},
        {"study": STUDY.model_dump(mode="json") | {"study_id": "other"}},
        {"study": STUDY.model_dump(mode="json") | {"personal_data": "reject"}},
        {"study": STUDY.model_dump(mode="json") | {"statements": "quotes"}},
        {"study": None, "study_id": "other"},
    ],
    ids=str,
)
def test_of_a_submission_that_is_no_event_ids_and_policies_are_neither_changed_nor_added(
    other: dict[str, Any],
) -> None:
    whole = json.loads(letter(SUBMITTED).value or b"")
    found = letter(SUBMITTED, json.dumps(whole | {"title": 7}).encode())
    with pytest.raises(BadRequestError, match=r"locked|not the same study"):
        validate_edit(found, TranscriptSubmitted, whole | other)


def test_a_value_behind_a_schema_id_is_read_and_edited() -> None:
    found = letter(SUBMITTED, b"\0\0\0\0\7" + (letter(SUBMITTED).value or b""))
    whole = json.loads(letter(SUBMITTED).value or b"")
    _, changes = validate_edit(found, TranscriptSubmitted, whole | {"title": "Cars"})
    assert [one.path for one in changes] == ["/title"]


def test_what_services_write_is_not_made_up_by_hand() -> None:
    found = letter(CHUNK, b'{"chunk_id": 7}')
    why = "no valid onrecord.ChunkReady.v1"
    assert why in list_editable_fields(found, ChunkReady)[1]
    with pytest.raises(BadRequestError, match=why):
        validate_edit(found, ChunkReady, json.loads(letter(CHUNK).value or b""))


def test_what_the_guardrail_decided_is_not_edited() -> None:
    event = validated()
    key, value, headers = encode_event(event, source="/test")
    place = DeadLetterPosition("persistence-dlq", 0, 0, UUID(int=1), "persistence")
    found = DeadLetterRecord(place, key, value, tuple(headers), ())
    assert find_event_class(found, "notes-validated") is NotesValidated
    with pytest.raises(BadRequestError, match="nothing a person may edit"):
        validate_edit(found, NotesValidated, json.loads(value) | {"notes": []})


def test_an_event_that_the_service_does_not_read_is_unknown() -> None:
    found = letter(CHUNK)
    place = found.place._replace(service="persistence")
    assert find_event_class(found._replace(place=place), None) is None
    without = tuple(one for one in found.original if one[0] != h.CE_TYPE)
    unnamed = found._replace(original=without)
    assert find_event_class(unnamed, "chunks-ready") is ChunkReady
    assert find_event_class(unnamed, None) is None
    with pytest.raises(BadRequestError, match="not known what event"):
        validate_edit(unnamed, None, {})


def test_an_edit_of_very_many_fields_is_refused() -> None:
    whole = json.loads(letter(SUBMITTED).value or b"")
    found = letter(SUBMITTED, json.dumps({f"f{n}": n for n in range(MAX_CHANGES)}).encode())
    with pytest.raises(BadRequestError, match="more than 1,000 fields"):
        validate_edit(found, TranscriptSubmitted, whole)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("", ""),
        ("/title", "/title"),
        ("/study/questions/0/text", "/study/questions/0/text"),
        ("/notes/1/statement", "/notes/1/statement"),
        ("/Jane Doe said no", "/*"),
        ("/study/Jane Doe/0/name", "/study/*/0/name"),
        ("/notes/0/~1etc~1secret", "/notes/0/*"),
        ("/٣", "/*"),
    ],
)
def test_the_trail_names_fields_of_events_alone(path: str, told: str) -> None:
    assert list_edited_fields([LetterChange(path=path, before=None, after="x")]) == [told]
