"""Retention beside others: what is in use stays, and what was masked stays masked."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from uuid import UUID

import pytest

from contracts import ids
from contracts.access import Role
from contracts.study import PersonalData
from control.letters.retention import LetterRetentionSweeper
from control.retention.runner import RetentionLimits
from database.pool import Connection, Database
from support.chunks import CHUNK
from support.control_office import Office, as_role
from support.interviews import STUDY, chunk, evidence, ingested, note, validated
from support.postgres_locks import is_somebody_waiting
from support.retained_archive import OTHER_STUDY, PATH, Archive, chunk_id, draft, fill_archive
from support.waiting import until

PATIENT: Final = RetentionLimits(lock_wait_ms=20_000)
NEVER_STORED: Final = ids.derive_transcript_id(STUDY.study_id, "never stored")


@pytest.fixture
async def archive(office: Office, fresh_database: Database) -> Archive:
    return await fill_archive(office, fresh_database)


async def names(archive: Archive) -> list[str]:
    """Interviews that are not being erased, of the study whose time is set."""
    return [one for one in (await archive.snapshot())["transcripts"] if one != "elsewhere"]


async def what_readers_see(archive: Archive, transcript_id: UUID) -> list[Any]:
    """Words and names of an interview, by each way in which readers come to them."""
    _, page = await archive.office.ask("GET", f"/v1/transcripts/{transcript_id}/segments")
    views = await archive.database.fetch(
        "SELECT speaker, text, is_masked FROM onrecord_v1.segments WHERE transcript_id = $1"
        " ORDER BY segment",
        transcript_id,
    )
    speakers = await archive.database.fetch(
        "SELECT speaker FROM shown_speakers WHERE transcript_id = $1 ORDER BY 1", transcript_id
    )
    _, report = await archive.office.ask("GET", f"/v1/transcripts/{transcript_id}/reading-report")
    return [
        [(one["speaker"], one["text"]) for one in page["segments"]],
        [tuple(row) for row in views],
        [row["speaker"] for row in speakers],
        report["speakers"],
    ]


async def test_what_was_masked_stays_masked_once_its_quotes_are_gone(archive: Archive) -> None:
    database = archive.database
    await database.execute("UPDATE studies SET personal_data = 'mask'")
    masked = ids.derive_transcript_id(STUDY.study_id, "masked")
    chunks = (chunk(1, 1).model_copy(update={"chunk_id": chunk_id(masked, 1)}),)
    study = STUDY.model_copy(update={"personal_data": PersonalData.ALLOW})
    await archive.store.store_transcript(ingested(transcript_id=masked, study=study, chunks=chunks))
    written = note("They pay", evidence(masked_quote="I would not [NAME] it"))
    await archive.store.store_notes(
        validated(written, transcript_id=masked, chunk_id=chunk_id(masked, 1))
    )
    # The study may be loosened later, as people do, and its notes' time be over.
    await database.execute("UPDATE studies SET personal_data = 'allow'")
    await database.execute("UPDATE transcripts SET ingested_at = now() - interval '90 days'")
    await as_role(archive.office, Role.READER, STUDY.study_id)
    before = await what_readers_see(archive, masked)
    assert {row[2] for row in before[1]} == {True}
    await database.execute("UPDATE studies SET notes_days = 60")
    assert await archive.runner.run_due_rounds() >= 1
    assert not await database.fetchval("SELECT count(*) FROM evidence")
    assert await what_readers_see(archive, masked) == before
    kept = await database.fetch("SELECT DISTINCT has_masked_quotes FROM transcripts ORDER BY 1")
    assert [row[0] for row in kept] == [False, True], "what was never masked is as open as before"


ON_THE_WAY: Final = {
    "a correction": "INSERT INTO corrections VALUES ($1, 2, 1, 'billing', 'Title', 'ada')",
    "a refresh": "INSERT INTO refreshes VALUES ($1, 1000000001, 1, 'billing', 1, 'ada')",
    "a submission": "INSERT INTO submissions VALUES ('t', 0, 0, $1, 2, now())",
    "an accepted revision": "INSERT INTO transcript_owners VALUES ($1, 'billing', 'p', 2, now())",
}


@pytest.mark.parametrize("statement", ON_THE_WAY.values(), ids=[*ON_THE_WAY])
async def test_what_was_accepted_and_is_not_stored_keeps_its_interview(
    archive: Archive, statement: str
) -> None:
    old = ids.derive_transcript_id(STUDY.study_id, "old")
    await archive.database.execute(statement, old)
    await archive.set(transcripts=60, notes=50)
    assert (await archive.due())["transcripts"] == 1
    await archive.runner.run_due_rounds()
    assert await names(archive) == ["middle", "new", "old"]
    assert "old" in (await archive.snapshot())["notes"]
    # What never came is no reason for ever.
    for table, column in (
        ("corrections", "requested_at"),
        ("refreshes", "requested_at"),
        ("submissions", "submitted_at"),
        ("transcript_owners", "claimed_at"),
    ):
        await archive.database.execute(f"UPDATE {table} SET {column} = now() - interval '61 days'")
    await archive.database.execute("UPDATE retention_rounds SET next_at = now()")
    await archive.runner.run_due_rounds()
    assert await names(archive) == ["middle", "new"]


async def test_a_higher_revision_is_dated_when_it_is_accepted(archive: Archive) -> None:
    old = ids.derive_transcript_id(STUDY.study_id, "old")
    database = archive.database
    await database.execute(
        "INSERT INTO transcript_owners VALUES ($1, 'billing', 'p', 1, now() - interval '1 year')",
        old,
    )
    await database.execute("SELECT claim_transcript($1, 'billing', 'p', 2, NULL)", old)
    await archive.set(transcripts=60)
    await archive.runner.run_due_rounds()
    assert "old" in await names(archive)


async def store_newer(connection: Connection, archive: Archive) -> None:
    """What storing a newer revision takes, in a transaction that is open."""
    columns = await connection.fetchval(
        "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
        " WHERE table_name = 'transcripts' AND is_generated = 'NEVER'"
        " AND column_name NOT IN ('revision', 'ingested_at')"
    )
    await connection.execute(
        f"INSERT INTO transcripts (revision, {columns}) SELECT 2, {columns} FROM transcripts"
        " WHERE title = 'old'"
    )


async def accept_newer(connection: Connection, archive: Archive) -> None:
    """What accepting a newer revision takes."""
    await connection.execute(
        "SELECT claim_transcript(transcript_id, study_id, 'p', 2, NULL)"
        " FROM transcripts WHERE title = 'old'"
    )


@pytest.mark.parametrize("act", [store_newer, accept_newer])
async def test_an_interview_that_somebody_has_in_hand_is_left_for_later(
    archive: Archive, act: Any
) -> None:
    await archive.database.execute(
        "INSERT INTO transcript_owners SELECT transcript_id, study_id, 'p', 1,"
        " now() - interval '1 year' FROM transcripts"
    )
    await archive.set(transcripts=60)
    async with archive.database.transaction() as other:
        await act(other, archive)
        async with asyncio.timeout(5):
            await archive.runner.run_due_rounds()
    assert await names(archive) in (["middle", "new", "old"], ["middle", "new", "old", "old"])
    await archive.database.execute("UPDATE retention_rounds SET next_at = now()")
    await archive.runner.run_due_rounds()
    assert "old" in await names(archive), "its newer revision counts now"


async def test_forever_that_is_set_meanwhile_counts(archive: Archive) -> None:
    await archive.set(transcripts=60, notes=20)
    runner = archive.build_runner(PATIENT)
    async with archive.database.transaction() as other:
        await other.execute("UPDATE studies SET transcripts_days = NULL, notes_days = NULL")
        round_ = asyncio.create_task(runner.run_due_rounds())
        await until(lambda: is_somebody_waiting(archive.database))
        assert not round_.done(), "it waits for the one who changes the study"
    await round_
    assert await names(archive) == ["middle", "new", "old", "older"]
    assert len((await archive.snapshot())["notes"]) == 10


async def test_a_batch_that_takes_too_long_is_halved_until_it_does_not(archive: Archive) -> None:
    await archive.database.execute(
        "CREATE FUNCTION take_long() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(0.4); RETURN OLD; END $$"
    )
    for table in ("rejected_notes", "llm_answers"):
        await archive.database.execute(
            f"CREATE TRIGGER slow BEFORE DELETE ON {table} FOR EACH STATEMENT"
            " EXECUTE FUNCTION take_long()"
            if table == "rejected_notes"
            else f"CREATE TRIGGER slow BEFORE DELETE ON {table} FOR EACH ROW"
            " EXECUTE FUNCTION take_long()"
        )
    await archive.set(notes=20, answers=20)
    limits = RetentionLimits(notes=20, rows=1_000, batch_ms=1_000)
    await archive.build_runner(limits).run_due_rounds()
    last = await archive.last()
    assert last["failed"] == {}
    assert last["deleted"] == {"notes": 6, "answers": 3}


async def test_a_single_one_that_takes_too_long_is_told(archive: Archive) -> None:
    await archive.database.execute(
        "CREATE FUNCTION take_long() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(5); RETURN OLD; END $$"
    )
    await archive.database.execute(
        "CREATE TRIGGER slow BEFORE DELETE ON rejected_notes FOR EACH STATEMENT"
        " EXECUTE FUNCTION take_long()"
    )
    await archive.set(notes=20, trail=20)
    await archive.build_runner(RetentionLimits(notes=2, batch_ms=200)).run_due_rounds()
    last = await archive.last()
    assert [*last["failed"]] == ["notes"]
    assert last["deleted"] == {"answers": 3, "trail": 3}


async def test_drafts_of_interviews_that_never_came_go_with_the_shortest_time(
    archive: Archive,
) -> None:
    await archive.store.store_notes(draft(NEVER_STORED, 1))
    waiting = await archive.database.fetchval("SELECT count(*) FROM pending_drafts")
    assert waiting == 1
    await archive.database.execute(
        "INSERT INTO transcript_owners VALUES ($1, 'billing', 'p', 1)", NEVER_STORED
    )
    await archive.database.execute(
        "UPDATE pending_drafts SET received_at = now() - interval '31 days'"
    )
    await archive.set(transcripts=730, answers=365, notes=365)
    assert await archive.due() == {}
    await archive.set(transcripts=730, answers=30, notes=365)
    due = await archive.due()
    assert due["notes"] == 1
    await archive.runner.run_due_rounds()
    assert (await archive.last())["deleted"] == due
    assert not await archive.database.fetchval("SELECT count(*) FROM pending_drafts")


async def test_a_draft_waits_for_what_becomes_of_its_interviews_letter(archive: Archive) -> None:
    letter = await archive.office.died_of(CHUNK, 1)
    await archive.database.execute("UPDATE dead_letters SET subject = $1", str(NEVER_STORED))
    await archive.store.store_notes(draft(NEVER_STORED, 1))
    await archive.database.execute(
        "INSERT INTO transcript_owners VALUES ($1, 'billing', 'p', 1)", NEVER_STORED
    )
    await archive.database.execute(
        "UPDATE pending_drafts SET received_at = now() - interval '31 days'"
    )
    await archive.set(notes=30, answers=300)
    assert await archive.due() == {"notes": 2 * 3}
    await archive.runner.run_due_rounds()
    assert await archive.database.fetchval("SELECT count(*) FROM pending_drafts") == 1
    await archive.database.execute(
        "UPDATE dead_letters SET state = 'discarded', state_reason = 'why' WHERE letter_id = $1",
        letter,
    )
    assert await archive.due() == {"notes": 1}


async def test_letters_go_as_the_preview_said(archive: Archive) -> None:
    office, database = archive.office, archive.database
    states = {
        "open": "state = 'open'",
        "discarded": "state = 'discarded', state_reason = 'why'",
        # It is not known what became of them: a month is looked for it.
        "replayed": "state = 'replayed'",
        "replayed before": "state = 'replayed', state_changed_at = now() - interval '62 days'",
    }
    for offset, change in enumerate(states.values()):
        letter = await office.died_of(CHUNK.model_copy(update={"study": STUDY}), offset)
        await database.execute(
            "UPDATE dead_letters SET (indexed_at, failed_at, state_changed_at)"
            " = (now() - interval '40 days', now() - interval '40 days',"
            " now() - interval '40 days') WHERE letter_id = $1",
            letter,
        )
        await database.execute(f"UPDATE dead_letters SET {change} WHERE letter_id = $1", letter)
    await database.execute(
        "UPDATE awaited_replays AS awaited SET sent_at = state_changed_at"
        " FROM dead_letters AS letter"
        " WHERE letter.letter_id = awaited.letter_id"
    )
    await archive.set(letters=30)
    due = (await archive.due())["letters"]
    sweeper = LetterRetentionSweeper(database, office.bench.kafka, office.context.retention)
    await sweeper.sweep()
    gone = await database.fetchval("SELECT count(*) FROM dead_letters WHERE emptied_at IS NOT NULL")
    assert gone == due == 3
    status, found = await office.ask("GET", f"{PATH}/preview")
    assert status == 200
    assert {one["kind"]: one["due_now"] for one in found["kinds"]}["letters"] == 0


async def test_answers_without_an_own_time_go_when_notes_of_their_age_do(archive: Archive) -> None:
    await archive.set(notes=60)
    _, found = await archive.office.ask("GET", f"{PATH}/preview")
    assert {one["kind"]: one["days"] for one in found["kinds"]}["answers"] == 60
    await archive.runner.run_due_rounds()
    assert (await archive.snapshot())["answers"] == [
        *("key of elsewhere", "key of middle", "key of new")
    ]
    await archive.set(notes=20, answers=300)
    await archive.runner.run_due_rounds()
    assert "key of middle" in (await archive.snapshot())["answers"]


async def test_words_in_the_trail_of_no_study_go_with_the_shortest_time(archive: Archive) -> None:
    await archive.database.execute(
        "INSERT INTO trail (at, actor, action, target, reason, address)"
        " SELECT now() - make_interval(days => age), 'ada', action, age::text, 'why', '::1'"
        " FROM unnest(ARRAY['search.exact', 'letters.discard', 'waiting.hold', 'token.create',"
        " 'letters.expire']) AS action, unnest(ARRAY[25, 35, 70]) AS age"
    )
    words = (
        "SELECT action || ' ' || target FROM trail WHERE study_id IS NULL AND actor = 'ada'"
        " AND reason <> '' AND address <> '' ORDER BY 1"
    )
    kept = await archive.database.fetch(words)
    await archive.set(notes=365)
    await archive.runner.run_due_rounds()
    assert await archive.database.fetch(words) == kept, "no study has a time for it"
    await archive.set(OTHER_STUDY, trail=60)
    await archive.set(notes=365, trail=30)
    await archive.runner.run_due_rounds()
    left = [row[0] for row in await archive.database.fetch(words)]
    about_messages = ("search.exact", "letters.discard", "waiting.hold")
    assert left == [
        row[0] for row in kept if not row[0].startswith(about_messages) or row[0].endswith(" 25")
    ]


async def test_what_is_done_to_a_letter_is_in_the_trail_of_its_study(archive: Archive) -> None:
    letter = await archive.office.died_of(CHUNK.model_copy(update={"study": STUDY}), 1)
    body = {"reason": "Ada Byron said so"}
    assert (await archive.office.ask("POST", f"/v1/letters/{letter}/discard", body))[0] == 200
    entries = await archive.office.context.trail.page(action="letter.discard")
    assert [(one.study_id, one.reason) for one in entries.entries] == [
        (STUDY.study_id, "Ada Byron said so")
    ]
