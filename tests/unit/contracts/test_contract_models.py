"""Studies refuse what makes no sense; events cannot be changed and ignore what they do not know."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from contracts.events import Event, NotesStored
from contracts.study import Study
from contracts.topics import EVENT_TOPICS

EVENTS = [topic.event for topic in EVENT_TOPICS if topic.event is not None]
THEME = {"id": "price", "name": "Price"}
QUESTION = {"id": "churn", "text": "Why do people leave?"}
STORED = {
    "transcript_id": "43e31524-e326-5d36-9240-1c7387412204",
    "study_id": "billing",
    "chunk_id": "00173095-c9d3-58a8-86b1-67dbf794e7e1",
}


def study(**changes: Any) -> Study:
    return Study.model_validate(
        {"study_id": "billing", "name": "Billing", "themes": [THEME], **changes}
    )


def test_a_study_needs_no_questions() -> None:
    assert study().questions == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"themes": []},
        {"themes": [{"id": f"t{number}", "name": "T"} for number in range(101)]},
        {"themes": [{"id": "price", "name": "  "}]},
        {"themes": [{"id": "two words", "name": "T"}]},
        {"questions": [{"id": "-", "text": "Why?"}]},
        {"questions": [{"id": "why", "text": ""}]},
        {"language": "English"},
        {"study_id": "a" * 65},
        {"name": ""},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_study_refuses(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        study(**changes)


@pytest.mark.parametrize(("field", "one"), [("themes", THEME), ("questions", QUESTION)])
def test_a_study_refuses_an_id_twice_without_quoting_it(field: str, one: dict[str, str]) -> None:
    other = {**one, "id": "other"}

    with pytest.raises(ValidationError, match=f"{field} 1 and 3 have the same id") as refusal:
        study(**{field: [one, other, one]})

    (error,) = refusal.value.errors()
    assert one["id"] not in error["msg"]


def test_a_theme_and_a_question_may_have_the_same_id() -> None:
    assert study(questions=[{**QUESTION, "id": "price"}]).questions[0].id == "price"


@pytest.mark.parametrize("event", EVENTS)
def test_events_are_frozen_and_ignore_what_they_do_not_know(event: type[Event]) -> None:
    assert event.model_config.get("frozen") is True
    assert event.model_config.get("extra") == "ignore"


def test_a_field_of_an_event_cannot_be_set() -> None:
    stored = NotesStored.model_validate(STORED)

    with pytest.raises(ValidationError, match="frozen"):
        stored.revision = 2  # type: ignore[misc]  # what is tested


def test_an_unknown_field_is_ignored() -> None:
    stored = NotesStored.model_validate({**STORED, "colour": "green"})

    assert stored == NotesStored.model_validate(STORED)
    assert "colour" not in stored.model_dump()


@pytest.mark.parametrize("event", EVENTS)
def test_every_field_and_every_event_is_described(event: type[Event]) -> None:
    assert event.__doc__
    assert [name for name, field in event.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_s_type_is_its_name_and_a_version(event: type[Event]) -> None:
    assert event.ce_type == f"onrecord.{event.__name__}.v1"
