"""What people decided and wrote about notes, where a study masks or rejects personal data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts.access import Role
from contracts.notes import Note
from contracts.study import PersonalData
from contracts.transcript import Role as SpeakerRole
from contracts.transcript import Segment
from database.pool import Database
from persistence.store import NotesStore
from read_model.explanation import ExplanationQueries
from support.control_office import Office, as_role
from support.deciding import (
    DOUBTS,
    EDITED,
    PAYS,
    STUDY_PATH,
    TURNS,
    cite,
    decide,
    decided,
    notes,
)
from support.interviews import STUDY, chunk, ingested, note, validated

REMARK = "Bo told me so himself"


async def store(
    database: Database,
    policy: PersonalData | None,
    *said: Note,
    revision: int = 1,
    turns: tuple[Segment, ...] = TURNS,
) -> None:
    storing = NotesStore(database)
    study = STUDY.model_copy(update={"personal_data": policy})
    await storing.store_transcript(
        ingested(revision, study=study, segments=turns, chunks=(chunk(revision, 1),))
    )
    await storing.store_notes(validated(*said, revision=revision))


def masked(one: Note) -> Note:
    cited = tuple(
        cited.model_copy(update={"masked_quote": cited.quote.replace("recommend", "[Name]")})
        for cited in one.evidence
    )
    return note("They doubt it", *cited)


async def pages(office: Office) -> str:
    """All that readers are shown of notes and decisions."""
    _, listed = await office.ask("GET", f"{STUDY_PATH}/decisions")
    _, history = await office.ask("GET", f"/v1/notes/{DOUBTS.note_id}/decisions")
    shown: list[Any] = [
        listed,
        history,
        await notes(office),
        await notes(office, "decision=hidden"),
    ]
    return json.dumps(shown)


@pytest.mark.parametrize("policy", [PersonalData.MASK, PersonalData.REJECT, None])
@pytest.mark.parametrize("has_note", [True, False])
async def test_what_was_written_before_a_study_got_stricter_is_not_shown(
    office: Office, fresh_database: Database, policy: PersonalData | None, *, has_note: bool
) -> None:
    await store(fresh_database, PersonalData.ALLOW, DOUBTS)
    await decided(office, DOUBTS, kind="edited", statement=EDITED, reason=REMARK)
    await decided(office, DOUBTS, kind="comment", comment=REMARK)
    await store(fresh_database, policy, *([masked(DOUBTS)] if has_note else []), revision=2)
    await as_role(office, Role.READER)
    shown = await pages(office)
    assert EDITED not in shown
    assert REMARK not in shown
    _, listed = await office.ask("GET", f"{STUDY_PATH}/decisions")
    (one,) = listed["notes"]
    assert (one["status"], one["statement"]) == ("withheld", None)
    assert one["quotes"] == (["I would not [Name] it."] if has_note else [])
    _, history = await office.ask("GET", f"/v1/notes/{DOUBTS.note_id}/decisions")
    assert [(one["is_withheld"], one["statement"]) for one in history["decisions"]] == [
        (True, None),
        (True, None),
    ]
    found = await notes(office)
    assert [one["statement"] or one["model_reading"] for one in found] == (
        ["They doubt it"] if has_note else []
    )
    if has_note:
        assert [one["speaker"] for one in found[0]["evidence"]] == ["participant 2"]
        assert found[0]["decided"]["comments"][0]["is_withheld"]


async def test_what_is_lost_is_withheld_too(office: Office, fresh_database: Database) -> None:
    await store(fresh_database, PersonalData.ALLOW, DOUBTS)
    await decided(office, DOUBTS, kind="edited", statement=EDITED)
    other = TURNS[1].model_copy(update={"text": "We pay."})
    await store(fresh_database, PersonalData.MASK, revision=2, turns=(TURNS[0], other))
    assert EDITED not in await pages(office)


async def test_a_registered_study_that_is_stricter_since_counts(
    office: Office, fresh_database: Database
) -> None:
    await store(fresh_database, PersonalData.ALLOW, DOUBTS)
    await decided(office, DOUBTS, kind="edited", statement=EDITED, reason=REMARK)
    await store(fresh_database, PersonalData.ALLOW, revision=2)
    assert EDITED in await pages(office)
    await fresh_database.execute(
        "INSERT INTO studies (study_id, personal_data, doubtful_speakers, statements, version,"
        " registered_by) VALUES ($1, 'mask', 'accept', 'all', 1, 'Ana')",
        STUDY.study_id,
    )
    assert REMARK not in await pages(office)
    # What is decided now is masked, as what the study asks for.
    found = await decided(office, DOUBTS, kind="comment", comment="Ask Bo, bo@example.org")
    assert found["decisions"][-1]["comment"] == "Ask [PERSON], [EMAIL]"


ELSEWHERE = (
    TURNS[0],
    Segment(
        number=2,
        speaker="Bo",
        role=SpeakerRole.PARTICIPANT,
        text="We pay 40 dollars a month. Zora would not recommend it.",
    ),
    Segment(number=3, speaker="Zora", role=SpeakerRole.PARTICIPANT, text="Hello."),
)
NAMES = note("Somebody doubts it", cite("Zora would not recommend it.", ELSEWHERE[1]))


async def test_names_of_those_who_speak_elsewhere_are_masked_in_what_people_write(
    office: Office, fresh_database: Database
) -> None:
    storing = NotesStore(fresh_database)
    study = STUDY.model_copy(update={"personal_data": PersonalData.MASK})
    await storing.store_transcript(ingested(study=study, segments=ELSEWHERE, chunks=(chunk(1, 1),)))
    (cited,) = NAMES.evidence
    hidden = cited.model_copy(update={"masked_quote": "[PERSON] would not recommend it."})
    said = NAMES.model_copy(update={"evidence": (hidden,)})
    await storing.store_notes(validated(said))
    found = await decided(
        office,
        said,
        kind="edited",
        statement="Zora would not recommend it.",
        unproven=True,
        reason="Zora said so",
    )
    (edit,) = found["decisions"]
    assert (edit["statement"], edit["reason"]) == (
        "[PERSON] would not recommend it.",
        "[PERSON] said so",
    )
    found = await decided(office, said, kind="comment", comment="Ask Zora again")
    assert found["decisions"][1]["comment"] == "Ask [PERSON] again"
    stored = await fresh_database.fetchval(
        "SELECT string_agg(reason || target, ' ') FROM trail WHERE action = 'note.decide'"
    )
    assert "Zora" not in stored
    # No finder knows each name: who speaks is told to it.
    found = await ExplanationQueries(fresh_database).note_with_chunk(said.note_id)
    assert found.chunk.speakers == ("Ada", "Bo", "Zora")


async def test_a_study_that_rejects_personal_data_refuses_it_in_remarks(
    office: Office, fresh_database: Database
) -> None:
    await store(fresh_database, PersonalData.REJECT, PAYS)
    for body in (
        {"kind": "comment", "comment": "Bo said so"},
        {"kind": "accepted", "reason": "ask bo@example.org"},
    ):
        status, problem = await decide(office, PAYS, body)
        assert (status, "personal data" in problem["detail"]) == (422, True)
    await decided(office, PAYS, kind="comment", comment="They all say so")
    assert await fresh_database.fetchval("SELECT count(*) FROM note_decisions") == 1
