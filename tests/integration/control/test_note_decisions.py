"""What people decide about notes: beside the model's, checked like it, carried to revisions."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from contracts.access import Role
from contracts.ids import derive_id
from contracts.transcript import Segment
from database.pool import Database
from persistence.store import NotesStore
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
    revise,
    statements,
)
from support.interviews import TRANSCRIPT, chunk, ingested, validated


@pytest.fixture
async def stored(fresh_database: Database) -> None:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested(segments=TURNS, chunks=(chunk(1, 1),)))
    await store.store_notes(validated(PAYS, DOUBTS))


async def test_a_note_is_accepted_by_a_name_at_a_time_and_the_model_s_row_stays(
    office: Office, stored: None, fresh_database: Database
) -> None:
    found = await decided(office, PAYS, kind="accepted", reason="I was there")
    assert (found["version"], found["status"], found["note_id"]) == (1, "held", str(PAYS.note_id))
    (one,) = found["decisions"]
    assert (one["kind"], one["decided_by"], one["reason"]) == ("accepted", "admin", "I was there")
    (shown,) = await notes(office, "decision=accepted")
    assert shown["note_id"] == str(PAYS.note_id)
    mark = shown["decided"]["accepted"]
    assert (mark["by"], mark["remark"]) == ("admin", "I was there")
    assert datetime.fromisoformat(mark["at"]).tzinfo is not None
    assert len(await notes(office)) == 2
    row = await fresh_database.fetchrow("SELECT * FROM notes WHERE note_id = $1", PAYS.note_id)
    assert row is not None
    assert row["statement"] == "They pay 40 dollars"
    trail = await fresh_database.fetchrow(
        "SELECT actor, target, reason FROM trail WHERE action = 'note.decide'"
    )
    assert trail is not None
    assert (trail["actor"], trail["reason"]) == ("admin", "I was there")
    assert trail["target"] == f"{PAYS.note_id}: accepted, of {TRANSCRIPT}"


async def test_a_hidden_note_is_counted_nowhere_and_is_listed_where_it_is_asked_for(
    office: Office, stored: None
) -> None:
    await decided(office, PAYS, kind="hidden", reason="small talk")
    assert await statements(office) == ["Bo doubts the cafe"]
    (hidden,) = await notes(office, "decision=hidden")
    assert hidden["decided"]["hidden"]["remark"] == "small talk"
    _, counts = await office.ask("GET", f"{STUDY_PATH}/notes/counts")
    assert counts["total"] == 1
    _, counts = await office.ask("GET", f"{STUDY_PATH}/notes/counts?decision=hidden")
    assert counts["total"] == 1
    _, page = await office.ask("GET", f"{STUDY_PATH}/matrix")
    assert page["interviews"][0]["cells"] == [{"topic": "price", "findings": 0, "unproven": 1}]
    _, coverage = await office.ask("GET", f"{STUDY_PATH}/coverage")
    assert [one["notes"] for one in coverage["themes"]] == [1, 0]
    _, found = await office.ask("GET", "/v1/search?q=dollars")
    assert [one["kind"] for one in found["results"]] == []
    _, listed = await office.ask("GET", f"{STUDY_PATH}/transcripts")
    assert listed["transcripts"][0]["notes"] == 1
    _, turns = await office.ask("GET", f"/v1/transcripts/{TRANSCRIPT}/coverage")
    assert [one["notes"] for one in turns["turns"]] == [0, 1]
    await decided(office, PAYS, kind="shown")
    assert len(await notes(office)) == 2
    assert await notes(office, "decision=hidden") == []


async def test_a_note_is_refiled_under_themes_and_questions_that_the_study_has(
    office: Office, stored: None
) -> None:
    status, problem = await decide(office, PAYS, {"kind": "refiled", "themes": ["weather"]})
    assert (status, "weather" in problem["detail"]) == (400, True)
    found = await decided(office, PAYS, kind="refiled", themes=["trust"], questions=[])
    assert await statements(office, "theme=price") == ["Bo doubts the cafe"]
    (shown,) = await notes(office, "theme=trust")
    assert (shown["statement"], shown["standing"]) == ("They pay 40 dollars", "proven")
    assert (shown["themes"], shown["questions"]) == (["trust"], [])
    assert shown["decided"]["model_themes"] == ["price"]
    assert shown["decided"]["model_questions"] == ["churn"]
    assert shown["note_id"] == found["note_id"]
    _, page = await office.ask("GET", f"{STUDY_PATH}/matrix")
    assert page["interviews"][0]["cells"] == [
        {"topic": "price", "findings": 0, "unproven": 1},
        {"topic": "trust", "findings": 1, "unproven": 0},
    ]


async def test_an_edited_statement_has_the_standing_that_the_checks_give_it(
    office: Office, stored: None, fresh_database: Database
) -> None:
    found = await decided(office, DOUBTS, kind="edited", statement=EDITED)
    (shown,) = await notes(office, "decision=edited")
    assert (shown["statement"], shown["standing"]) == ("I would not recommend it.", "verbatim")
    assert shown["decided"]["model_statement"] == "Bo doubts the cafe"
    assert shown["decided"]["model_standing"] == "unproven"
    assert shown["decided"]["edited"]["by"] == "admin"
    assert shown["note_id"] == found["note_id"]
    assert [one["quote"] for one in shown["evidence"]] == ["I would not recommend it."]
    assert len(await notes(office)) == 2
    # Both ids lead to what is shown, and to why.
    for named in (DOUBTS.note_id, shown["note_id"]):
        _, read = await office.ask("GET", f"/v1/notes/{named}")
        assert read["statement"] == "I would not recommend it."
        _, history = await office.ask("GET", f"/v1/notes/{named}/decisions")
        assert history["version"] == 1
    _, explained = await office.ask("GET", f"/v1/notes/{shown['note_id']}/explanation")
    assert explained["standing"] == "verbatim"
    _, search = await office.ask("GET", "/v1/search?q=doubts")
    assert search["results"] == []
    row = await fresh_database.fetchrow("SELECT * FROM notes WHERE note_id = $1", DOUBTS.note_id)
    assert row is not None
    assert row["statement"] == "Bo doubts the cafe"
    # The latest of several is shown, and a withdrawn one not.
    await decided(office, DOUBTS, kind="withdrawn", withdraws=1)
    assert "Bo doubts the cafe" in await statements(office)
    assert (await decide(office, DOUBTS, {"kind": "withdrawn", "withdraws": 1}))[0] == 400


async def test_a_statement_that_a_check_refuses_is_not_stored(
    office: Office, stored: None, fresh_database: Database
) -> None:
    wrong = {"kind": "edited", "statement": "They pay 400 dollars a month.", "unproven": True}
    status, problem = await decide(office, PAYS, wrong)
    assert (status, "number" in problem["detail"]) == (422, True)
    vague = {"kind": "edited", "statement": "Their spending is modest."}
    status, problem = await decide(office, PAYS, vague)
    assert (status, "nothing vouches" in problem["detail"]) == (422, True)
    assert await fresh_database.fetchval("SELECT count(*) FROM note_decisions") == 0
    await decided(office, PAYS, **vague, unproven=True)
    (shown,) = await notes(office, "decision=edited")
    assert (shown["statement"], shown["model_reading"]) == (None, "Their spending is modest.")
    assert shown["standing"] == "unproven"


async def test_of_two_people_at_once_the_second_is_told(office: Office, stored: None) -> None:
    _, read = await office.ask("GET", f"/v1/notes/{PAYS.note_id}/decisions")
    assert read["version"] == 0
    answers = await asyncio.gather(
        decide(office, PAYS, {"kind": "hidden"}, read["etag"]),
        decide(office, PAYS, {"kind": "accepted"}, read["etag"]),
    )
    assert sorted(status for status, _ in answers) == [200, 412]
    (problem,) = (found for status, found in answers if status == 412)
    assert "latest decision is number 1" in problem["detail"]
    assert (await decide(office, PAYS, {"kind": "accepted"}, None))[0] == 428


async def test_a_request_sent_again_decides_once(office: Office, stored: None) -> None:
    headers = {"If-Match": "*", "Idempotency-Key": "the-same-one"}
    url = f"{office.url}/v1/notes/{PAYS.note_id}/decisions"
    body = {"kind": "comment", "comment": "Ask about the price list."}
    first = await office.client.post(url, json=body, headers=headers)
    again = await office.client.post(url, json=body, headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["version"] == 1
    (shown,) = await notes(office, "decision=commented")
    assert [one["remark"] for one in shown["decided"]["comments"]] == ["Ask about the price list."]


async def test_readers_see_decisions_and_may_not_make_them(office: Office, stored: None) -> None:
    await decided(office, PAYS, kind="accepted")
    admin = office.client.headers["Authorization"]
    await as_role(office, Role.READER)
    assert (await decide(office, PAYS, {"kind": "hidden"}))[0] == 403
    (shown,) = await notes(office, "decision=accepted")
    assert shown["decided"]["accepted"]["by"] == "admin"
    status, history = await office.ask("GET", f"/v1/notes/{PAYS.note_id}/decisions")
    assert (status, history["version"]) == (200, 1)
    office.client.headers["Authorization"] = admin
    await as_role(office, Role.RESEARCHER, "another")
    assert (await decide(office, PAYS, {"kind": "hidden"}))[0] in {403, 404}
    office.client.headers["Authorization"] = admin
    await as_role(office, Role.RESEARCHER)
    assert (await decide(office, PAYS, {"kind": "comment", "comment": "x"}))[0] == 200


async def test_decisions_hold_for_the_note_of_a_newer_revision_that_has_the_evidence(
    office: Office, stored: None, fresh_database: Database
) -> None:
    await decided(office, PAYS, kind="accepted")
    await decided(office, DOUBTS, kind="hidden")
    greeting = Segment(number=1, speaker="Ada", role=TURNS[0].role, text="Hello.")
    moved = tuple(one.model_copy(update={"number": one.number + 1}) for one in TURNS)
    pays, doubts = (
        one.model_copy(
            update={
                "note_id": derive_id("note", one.statement, "2"),
                "statement": words,
                "evidence": (cite(one.evidence[0].quote, moved[1]),),
            }
        )
        for one, words in ((PAYS, PAYS.statement), (DOUBTS, "Bo has doubts"))
    )
    await revise(fresh_database, (greeting, *moved), pays, doubts)
    assert await statements(office) == [PAYS.statement]
    (shown,) = await notes(office, "decision=accepted")
    assert (shown["note_id"], shown["decided"]["status"]) == (str(pays.note_id), "held")
    assert await statements(office, "decision=hidden") == ["Bo has doubts"]
    # What is computed again is the same.
    before = await fresh_database.fetch("SELECT * FROM decided_notes ORDER BY origin_id")
    await fresh_database.execute("SELECT carry_note_decisions($1)", TRANSCRIPT)
    again = await fresh_database.fetch("SELECT * FROM decided_notes ORDER BY origin_id")
    assert [dict(one) for one in again] == [dict(one) for one in before]


async def test_a_person_s_statement_stays_on_evidence_that_no_note_has_any_more(
    office: Office, stored: None, fresh_database: Database
) -> None:
    found = await decided(office, DOUBTS, kind="edited", statement=EDITED)
    await decided(office, PAYS, kind="accepted")
    await revise(fresh_database, TURNS)
    (shown,) = await notes(office)
    assert (shown["note_id"], shown["statement"]) == (found["note_id"], "I would not recommend it.")
    assert (shown["decided"]["status"], shown["revision"]) == ("kept", 2)
    _, page = await office.ask("GET", f"{STUDY_PATH}/decisions?status=unnoted")
    (unnoted,) = page["notes"]
    assert (unnoted["origin_id"], unnoted["note_id"]) == (str(PAYS.note_id), None)
    # It can be decided about as before.
    await decided(office, found["note_id"], kind="hidden")
    assert await notes(office) == []


async def test_what_has_lost_its_evidence_is_said_and_comes_back_with_it(
    office: Office, stored: None, fresh_database: Database
) -> None:
    await decided(office, DOUBTS, kind="edited", statement=EDITED)
    await decided(office, PAYS, kind="hidden")
    other = TURNS[1].model_copy(update={"text": "We pay 40 dollars a month. I would recommend it."})
    said = PAYS.model_copy(
        update={
            "note_id": derive_id("note", "2"),
            "evidence": (cite(PAYS.evidence[0].quote, other),),
        }
    )
    await revise(fresh_database, (TURNS[0], other), said)
    assert await notes(office) == []
    _, page = await office.ask("GET", f"{STUDY_PATH}/decisions?status=lost")
    (lost,) = page["notes"]
    assert (lost["origin_id"], lost["note_id"]) == (str(DOUBTS.note_id), None)
    assert lost["quotes"] == ["I would not recommend it."]
    assert lost["statement"] == "I would not recommend it."
    _, history = await office.ask("GET", f"/v1/notes/{DOUBTS.note_id}/decisions")
    assert (history["status"], len(history["decisions"])) == ("lost", 1)
    await fresh_database.execute("UPDATE transcripts SET withdrawn_at = now() WHERE revision = 2")
    assert await statements(office) == ["I would not recommend it."]


async def test_a_statement_whose_turn_is_another_one_is_not_proven_any_more(
    office: Office, stored: None, fresh_database: Database
) -> None:
    await decided(office, DOUBTS, kind="edited", statement=EDITED)
    text = "You said: I would not recommend it. But I do."
    await revise(fresh_database, (TURNS[0], TURNS[1].model_copy(update={"text": text})))
    (shown,) = await notes(office)
    assert (shown["statement"], shown["standing"]) == (None, "unproven")
    assert shown["decided"]["turns_changed"] is True


async def test_an_acceptance_does_not_hold_for_other_words(
    office: Office, stored: None, fresh_database: Database
) -> None:
    await decided(office, PAYS, kind="accepted")
    said = PAYS.model_copy(
        update={"note_id": derive_id("note", "2"), "statement": "They pay for the cafe"}
    )
    await revise(fresh_database, TURNS, said)
    (shown,) = await notes(office)
    assert (shown["decided"]["accepted"], shown["decided"]["status"]) == (None, "reworded")
    _, page = await office.ask("GET", f"{STUDY_PATH}/decisions?status=reworded")
    assert [one["origin_id"] for one in page["notes"]] == [str(PAYS.note_id)]


async def test_a_speaker_s_other_name_loses_nothing_and_another_speaker_does(
    office: Office, stored: None, fresh_database: Database
) -> None:
    await decided(office, DOUBTS, kind="edited", statement=EDITED)
    renamed = TURNS[1].model_copy(update={"speaker": "Amara"})
    await revise(fresh_database, (TURNS[0], renamed))
    (shown,) = await notes(office)
    assert (shown["statement"], shown["evidence"][0]["speaker"]) == (
        "I would not recommend it.",
        "Amara",
    )
    store = NotesStore(fresh_database)
    reassigned = TURNS[1].model_copy(update={"speaker": "Ada"})
    await store.store_transcript(ingested(3, segments=(TURNS[0], reassigned), chunks=(chunk(3),)))
    await store.store_notes(validated(revision=3))
    assert await notes(office) == []
    _, page = await office.ask("GET", f"{STUDY_PATH}/decisions?status=lost")
    assert len(page["notes"]) == 1


async def test_decisions_wait_for_the_chunk_that_has_the_evidence(
    office: Office, stored: None, fresh_database: Database
) -> None:
    await decided(office, DOUBTS, kind="edited", statement=EDITED)
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested(2, segments=TURNS, chunks=(chunk(2, 1),)))
    _, page = await office.ask("GET", f"{STUDY_PATH}/decisions")
    assert [one["status"] for one in page["notes"]] == ["waiting"]
    await store.store_notes(validated(revision=2))
    assert await statements(office) == ["I would not recommend it."]


async def test_what_persistence_answers_about_a_chunk_has_no_person_s_note(
    office: Office, stored: None, fresh_database: Database
) -> None:
    await decided(office, DOUBTS, kind="edited", statement=EDITED)
    again = await NotesStore(fresh_database).store_notes(validated(PAYS, DOUBTS))
    assert again is not None
    assert set(again.note_ids) == {PAYS.note_id, DOUBTS.note_id}


async def test_decisions_are_never_changed(
    office: Office, stored: None, fresh_database: Database
) -> None:
    await decided(office, PAYS, kind="accepted")
    with pytest.raises(Exception, match="never changed"):
        await fresh_database.execute("UPDATE note_decisions SET decided_by = 'nobody'")
    assert datetime.now(UTC) > (
        await fresh_database.fetchval("SELECT decided_at FROM note_decisions")
    )


async def test_decisions_go_with_the_notes_of_a_study_whose_time_is_over(
    office: Office, stored: None, fresh_database: Database
) -> None:
    await decided(office, DOUBTS, kind="edited", statement=EDITED)
    await fresh_database.execute("DELETE FROM notes")
    await fresh_database.execute("UPDATE transcripts SET notes_expired_at = now()")
    for table in ("note_decisions", "decided_notes", "left_out_notes", "notes"):
        assert await fresh_database.fetchval(f"SELECT count(*) FROM {table}") == 0, table
