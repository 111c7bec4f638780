"""A decision holds for one note, for what was read, and keeps nobody from storing notes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from contracts.events import ChunkRef
from contracts.ids import derive_id
from contracts.note_decisions import DecideNoteRequest
from contracts.notes import Note
from contracts.transcript import Role as SpeakerRole
from contracts.transcript import Segment
from control.domain import ConcurrentChangeError
from control.interviews.note_decisions import NoteDecisionStore
from database.pool import Database
from persistence.drafts import lock_chunk
from persistence.store import NotesStore
from support.control_office import Office
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
from support.interviews import TRANSCRIPT, chunk, ingested, note, validated
from support.postgres_locks import is_somebody_waiting
from support.waiting import until

THANKS = Segment(number=3, speaker="Ada", role=SpeakerRole.INTERVIEWER, text="Thank you.")
AGAIN = Segment(
    number=4,
    speaker="Bo",
    role=SpeakerRole.PARTICIPANT,
    text="As I said, I would not recommend it.",
)
REPEAT = note("Bo doubts the cafe", cite("I would not recommend it.", AGAIN), questions=())
REPEAT = REPEAT.model_copy(update={"note_id": derive_id("note", "repeat")})


def parts(revision: int) -> tuple[ChunkRef, ...]:
    """Two chunks: turns 1 to 3, and turn 4."""
    first = chunk(revision, 1).model_copy(update={"last_segment": 3})
    second = chunk(revision, 2).model_copy(update={"first_segment": 4, "last_segment": 4})
    return first, second


async def store_parts(database: Database, revision: int, *said: Note) -> NotesStore:
    """Store an interview of two chunks, and notes of the first."""
    store = NotesStore(database)
    await store.store_transcript(
        ingested(revision, segments=(*TURNS, THANKS, AGAIN), chunks=parts(revision))
    )
    await store.store_notes(validated(*said, revision=revision))
    return store


async def summaries(office: Office) -> dict[str, str]:
    _, page = await office.ask("GET", f"{STUDY_PATH}/decisions")
    return {one["origin_id"]: one["status"] for one in page["notes"]}


async def test_two_decisions_never_hold_for_one_note(
    office: Office, fresh_database: Database
) -> None:
    both = note("They would not", *DOUBTS.evidence, *REPEAT.evidence)
    await store_parts(fresh_database, 1, both)
    await decided(office, both, kind="edited", statement=EDITED)
    later = DOUBTS.model_copy(update={"note_id": derive_id("note", "later")})
    store = await store_parts(fresh_database, 2, later)
    assert (await summaries(office)) == {str(both.note_id): "kept"}
    await decided(office, later, kind="refiled", themes=["trust"])
    # With this, the note has the very quotes of the first one.
    again = REPEAT.model_copy(update={"note_id": derive_id("note", "again")})
    assert await store.store_notes(validated(again, revision=2, index=2)) is not None
    assert (await summaries(office)) == {str(both.note_id): "kept", str(later.note_id): "held"}
    assert len(await notes(office)) == 2
    left_out = await fresh_database.fetch("SELECT note_id FROM left_out_notes")
    assert [one["note_id"] for one in left_out] == [later.note_id]


async def test_notes_are_stored_though_a_decision_cannot_be_computed(
    office: Office, fresh_database: Database
) -> None:
    await store_parts(fresh_database, 1, DOUBTS)
    await decided(office, DOUBTS, kind="edited", statement=EDITED)
    broken = derive_id("note", "broken")
    await fresh_database.execute(
        "INSERT INTO note_decisions (origin_id, number, kind, study_id, transcript_id, revision,"
        " note_id, statement, standing, vouchers, flags, themes, questions, model_statement,"
        " model_standing, model_themes, model_questions, evidence, decided_by)"
        " SELECT $1, 1, 'hidden', study_id, transcript_id, revision, NULL, statement, standing,"
        " vouchers, flags, '{}', '{}', '', 'unproven', '{}', '{}', $2::jsonb, 'Ana'"
        " FROM note_decisions",
        broken,
        '[{"segment": "one", "start": 0, "length": 1, "quote": "I", "masked_quote": null}]',
    )
    store = await store_parts(fresh_database, 2)
    assert await store.store_notes(validated(REPEAT, revision=2, index=2)) is not None
    assert (await summaries(office)) == {str(DOUBTS.note_id): "kept", str(broken): "failed"}
    assert EDITED in await statements(office)


async def test_quotes_of_notes_that_say_the_same_and_come_later_are_shown_with_a_persons_words(
    office: Office, fresh_database: Database
) -> None:
    store = await store_parts(fresh_database, 1, DOUBTS)
    found = await decided(office, DOUBTS, kind="edited", statement=EDITED)
    await store.store_notes(validated(REPEAT, index=2))
    (shown,) = await notes(office)
    assert [one["segment"] for one in shown["evidence"]] == [2, 4]
    # Quotes of other chunks are no reason not to explain it, or to edit it again.
    status, explained = await office.ask("GET", f"/v1/notes/{found['note_id']}/explanation")
    assert status == 200, explained
    await decided(office, found["note_id"], kind="edited", statement="I would not recommend it")
    assert "I would not recommend it" in await statements(office)


async def test_one_of_two_equal_quotes_that_is_gone_is_lost(
    office: Office, fresh_database: Database
) -> None:
    text = "Never again. We pay. Never again."
    twice = TURNS[1].model_copy(update={"text": text})
    first = cite("Never again.", twice)
    second = first.model_copy(update={"start": text.rindex("Never again.")})
    said = note("They are done with it", first, second)
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested(segments=(TURNS[0], twice), chunks=(chunk(1, 1),)))
    await store.store_notes(validated(said))
    await decided(office, said, kind="accepted")
    once = TURNS[1].model_copy(update={"text": "Well. Never again. We pay."})
    await revise(fresh_database, (TURNS[0], once))
    assert (await summaries(office)) == {str(said.note_id): "lost"}
    moved = TURNS[1].model_copy(update={"text": "Well. Never again. We pay. Never again."})
    await store.store_transcript(ingested(3, segments=(TURNS[0], moved), chunks=(chunk(3, 1),)))
    await store.store_notes(validated(revision=3))
    assert (await summaries(office)) == {str(said.note_id): "unnoted"}


async def test_words_that_nobody_read_are_not_accepted(
    office: Office, fresh_database: Database
) -> None:
    store = await store_parts(fresh_database, 1, DOUBTS)
    _, read = await office.ask("GET", f"/v1/notes/{DOUBTS.note_id}/decisions")
    await store.store_notes(validated(REPEAT, index=2))
    status, problem = await decide(office, DOUBTS, {"kind": "accepted"}, read["etag"])
    assert (status, "not what was read" in problem["detail"]) == (412, True)
    answer = await office.client.get(f"{office.url}/v1/notes/{DOUBTS.note_id}/decisions")
    assert answer.headers["ETag"] == answer.json()["etag"] != read["etag"]
    status, found = await decide(office, DOUBTS, {"kind": "accepted"}, answer.headers["ETag"])
    assert (status, found["version"]) == (200, 1)
    # A number alone is no sign that anything was read.
    assert (await decide(office, DOUBTS, {"kind": "hidden"}, '"1"'))[0] == 412
    # In a newer revision the note says something else; what was decided is the same.
    other = DOUBTS.model_copy(
        update={
            "note_id": derive_id("note", "other"),
            "statement": "Bo has doubts",
            "evidence": (*DOUBTS.evidence, *REPEAT.evidence),
        }
    )
    await revise(fresh_database, (*TURNS, THANKS, AGAIN), other)
    status, _ = await decide(office, DOUBTS, {"kind": "accepted"}, found["etag"])
    assert status == 412


async def test_a_statement_is_of_the_note_that_it_was_checked_for(
    office: Office, fresh_database: Database
) -> None:
    store = await store_parts(fresh_database, 1, DOUBTS)

    async def compute(function: Any, /, *args: Any) -> Any:
        return function(*args)

    decisions = NoteDecisionStore(fresh_database, compute)
    wanted = DecideNoteRequest.model_validate({"kind": "edited", "statement": EDITED})
    checked = await decisions.check(DOUBTS.note_id, wanted)
    await store.store_notes(validated(REPEAT, index=2))
    with pytest.raises(ConcurrentChangeError, match="not what was read"):
        await decisions.decide(DOUBTS.note_id, None, wanted, checked, "Ana")


async def test_decisions_that_do_not_hold_are_withdrawn_and_commented_on_by_their_first_note(
    office: Office, fresh_database: Database
) -> None:
    await store_parts(fresh_database, 1, DOUBTS)
    await decided(office, DOUBTS, kind="edited", statement=EDITED)
    gone = TURNS[1].model_copy(update={"text": "We pay."})
    await revise(fresh_database, (TURNS[0], gone))
    _, read = await office.ask("GET", f"/v1/notes/{DOUBTS.note_id}/decisions")
    assert read["status"] == "lost"
    body = {"kind": "comment", "comment": "It was cut."}
    status, found = await decide(office, DOUBTS, body, read["etag"])
    assert (status, found["version"]) == (200, 2)
    assert (await decide(office, DOUBTS, {"kind": "accepted"}))[0] == 404
    found = await decided(office, DOUBTS, kind="withdrawn", withdraws=1)
    assert [one["withdrawn_by"] for one in found["decisions"]] == [3, None, None]
    assert (await summaries(office)) == {str(DOUBTS.note_id): "lost"}


async def test_a_hidden_note_answers_nothing_in_a_newer_revision(
    office: Office, fresh_database: Database
) -> None:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested(segments=TURNS, chunks=(chunk(1, 1),)))
    await store.store_notes(validated(PAYS))
    await decided(office, PAYS, kind="hidden")
    await revise(fresh_database, TURNS)
    _, coverage = await office.ask("GET", f"{STUDY_PATH}/coverage")
    assert [one["finding"] for one in coverage["questions"]] == ["not_addressed"]
    view = await fresh_database.fetch(
        "SELECT finding FROM onrecord_v1.coverage WHERE kind = 'question'"
    )
    assert [one["finding"] for one in view] == ["not_addressed"]
    await decided(office, PAYS, kind="withdrawn", withdraws=1)
    _, coverage = await office.ask("GET", f"{STUDY_PATH}/coverage")
    assert [one["finding"] for one in coverage["questions"]] == ["answered_earlier"]


async def test_lists_have_the_latest_comments_and_how_many_there_are(
    office: Office, fresh_database: Database
) -> None:
    await store_parts(fresh_database, 1, DOUBTS)
    for number in range(5):
        await decided(office, DOUBTS, kind="comment", comment=f"comment {number}")
    (shown,) = await notes(office)
    assert [one["remark"] for one in shown["decided"]["comments"]] == [
        "comment 2",
        "comment 3",
        "comment 4",
    ]
    assert shown["decided"]["comment_count"] == 5


async def test_whoever_withdraws_and_whoever_decides_do_not_wait_for_each_other(
    office: Office, fresh_database: Database
) -> None:
    await store_parts(fresh_database, 1, DOUBTS)
    await decided(office, DOUBTS, kind="accepted")
    later = DOUBTS.model_copy(update={"note_id": derive_id("note", "later")})
    await store_parts(fresh_database, 2, later)
    async with fresh_database.transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(withdrawal_lock($1))", TRANSCRIPT)
        deciding = asyncio.create_task(decide(office, DOUBTS, {"kind": "hidden"}))
        await until(lambda: is_somebody_waiting(fresh_database))
        await connection.execute("UPDATE transcripts SET withdrawn_at = now() WHERE revision = 2")
    status, problem = await deciding
    assert (status, problem["detail"]) == (404, f"there is no current note {later.note_id}")


async def test_whoever_erases_waits_for_those_who_store_before_it_takes_their_chunks(
    office: Office, fresh_database: Database
) -> None:
    store = await store_parts(fresh_database, 1, DOUBTS)
    found = await decided(office, DOUBTS, kind="edited", statement=EDITED)
    await fresh_database.execute(
        "INSERT INTO erasures (erasure_id, kind, study_id, requested_by)"
        " VALUES ($1, 'transcript', 'billing', 'Ana')",
        TRANSCRIPT,
    )
    await fresh_database.execute("INSERT INTO erased_transcripts VALUES ($1, $1)", TRANSCRIPT)
    first, second = sorted(parts(1), key=lambda one: one.chunk_id)
    async with fresh_database.transaction() as connection:
        await lock_chunk(connection, validated(index=second.index))
        erasing = asyncio.create_task(
            fresh_database.execute("SELECT erase_transcript($1, '{}')", TRANSCRIPT)
        )
        await until(lambda: is_somebody_waiting(fresh_database))
        await connection.execute(
            "SELECT FROM chunks WHERE chunk_id = $1 FOR KEY SHARE", first.chunk_id
        )
    await erasing
    assert found["note_id"] is not None
    assert await store.store_notes(validated(REPEAT, index=2)) is None


async def test_people_decide_while_revisions_are_stored_and_withdrawn(
    office: Office, fresh_database: Database
) -> None:
    store = await store_parts(fresh_database, 1, DOUBTS)
    await decided(office, DOUBTS, kind="edited", statement=EDITED)
    comment = {"kind": "comment", "comment": "Again."}
    for revision in range(2, 6):
        later = DOUBTS.model_copy(update={"note_id": derive_id("note", str(revision))})
        again = REPEAT.model_copy(update={"note_id": derive_id("again", str(revision))})
        await store_parts(fresh_database, revision, later)
        answers = await asyncio.gather(
            decide(office, DOUBTS, comment),
            store.store_notes(validated(again, revision=revision, index=2)),
            decide(office, DOUBTS, {"kind": "accepted"}),
            fresh_database.execute(
                "UPDATE transcripts SET withdrawn_at = now() WHERE revision = $1", revision - 1
            ),
            decide(office, DOUBTS, comment),
        )
        assert {answers[place][0] for place in (0, 2, 4)} <= {200, 404}
    before = await fresh_database.fetch("SELECT * FROM decided_notes")
    await fresh_database.execute("SELECT carry_note_decisions($1)", TRANSCRIPT)
    again_computed = await fresh_database.fetch("SELECT * FROM decided_notes")
    assert [dict(one) for one in again_computed] == [dict(one) for one in before]
    (shown,) = [one for one in await notes(office) if one["decided"]]
    assert (shown["statement"], shown["revision"]) == (EDITED, 5)
