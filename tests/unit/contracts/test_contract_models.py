"""Studies and notes refuse what makes no sense; events are frozen and ignore unknown fields."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from contracts.events import Event, NotesStored
from contracts.notes import Note, Standing, Voucher, VoucherKind, shows_statement
from contracts.study import StatementPolicy, Study
from contracts.topics import EVENT_TOPICS

EVENTS = [topic.event for topic in EVENT_TOPICS if topic.event is not None]
THEME = {"id": "price", "name": "Price"}
QUESTION = {"id": "churn", "text": "Why do people leave?"}
STORED = {
    "transcript_id": "43e31524-e326-5d36-9240-1c7387412204",
    "study_id": "billing",
    "chunk_id": "00173095-c9d3-58a8-86b1-67dbf794e7e1",
}
NOTE = {
    "note_id": "e2e3a7ac-c236-5d88-8865-cf4956eb7a19",
    "statement": "They pay 40 dollars.",
    "evidence": [
        {
            "segment": 1,
            "start": 0,
            "length": 19,
            "quote": "We pay forty bucks.",
            "speaker": "Ann",
            "role": "participant",
        }
    ],
    "themes": ["price"],
}
POSITIVE = (Standing.VERBATIM, Standing.PROVEN, Standing.CONFIRMED)
VOUCHING = {
    (Standing.VERBATIM, VoucherKind.RULE),
    (Standing.PROVEN, VoucherKind.RULE),
    (Standing.CONFIRMED, VoucherKind.JUDGE),
    (Standing.CONFIRMED, VoucherKind.ENTAILMENT),
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


def voucher(kind: VoucherKind) -> dict[str, str]:
    return {"kind": kind, "name": "one-of-them", "detail": "It found the statement supported."}


def test_a_note_without_a_standing_is_unproven_and_nothing_vouches_for_it() -> None:
    note = Note.model_validate(NOTE)

    assert (note.standing, note.vouchers) == (Standing.UNPROVEN, ())


@pytest.mark.parametrize("standing", POSITIVE)
def test_a_standing_above_unproven_needs_a_voucher(standing: Standing) -> None:
    with pytest.raises(ValidationError, match=f"a note that is {standing} needs a voucher"):
        Note.model_validate({**NOTE, "standing": standing})


@pytest.mark.parametrize("standing", POSITIVE)
@pytest.mark.parametrize("kind", VoucherKind)
def test_the_voucher_of_a_standing_is_of_its_kind(standing: Standing, kind: VoucherKind) -> None:
    document = {**NOTE, "standing": standing, "vouchers": [voucher(kind)]}

    if (standing, kind) in VOUCHING:
        assert Note.model_validate(document).vouchers[0].kind is kind
    else:
        with pytest.raises(ValidationError, match="needs a voucher by"):
            Note.model_validate(document)


def test_vouchers_of_other_kinds_may_stand_beside_the_one_needed() -> None:
    vouchers = [voucher(VoucherKind.JUDGE), voucher(VoucherKind.RULE)]

    note = Note.model_validate({**NOTE, "standing": Standing.PROVEN, "vouchers": vouchers})

    assert len(note.vouchers) == 2


@pytest.mark.parametrize("kind", VoucherKind)
def test_a_note_is_never_refuted(kind: VoucherKind) -> None:
    with pytest.raises(ValidationError, match="a refuted note is a rejected one"):
        Note.model_validate({**NOTE, "standing": "refuted", "vouchers": [voucher(kind)]})


@pytest.mark.parametrize("field", ["name", "detail"])
@pytest.mark.parametrize("text", ["", "x" * 2_001, "a\0b"])
def test_a_voucher_s_texts_are_bounded(field: str, text: str) -> None:
    with pytest.raises(ValidationError):
        Voucher.model_validate({**voucher(VoucherKind.RULE), field: text})


@pytest.mark.parametrize(
    ("policy", "shown"),
    [
        (StatementPolicy.PROVEN, set(POSITIVE)),
        (StatementPolicy.CONFIRMED, set(POSITIVE)),
        (StatementPolicy.ALL, {*POSITIVE, Standing.UNPROVEN}),
        (StatementPolicy.QUOTES, set()),
    ],
)
def test_a_policy_shows_statements_by_standing(
    policy: StatementPolicy, shown: set[Standing]
) -> None:
    assert {one for one in Standing if shows_statement(one, policy)} == shown


def test_a_study_shows_only_proven_statements_unless_it_says_otherwise() -> None:
    assert study().statements is StatementPolicy.PROVEN
    assert study(statements="all").statements is StatementPolicy.ALL
    with pytest.raises(ValidationError):
        study(statements="some")


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
