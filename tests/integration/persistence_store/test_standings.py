"""Notes are stored with their standing, and current_notes shows statements by it."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from contracts.events import NotesValidated
from contracts.notes import Standing, Voucher, VoucherKind, shows_statement
from contracts.study import StatementPolicy
from database.pool import Database
from persistence.store import NotesStore
from support.interviews import STUDY, VOUCHED, ingested, note, validated

RULE = Voucher(kind=VoucherKind.RULE, name="aligned", detail="Each word of it is in the quote.")
JUDGE = Voucher(kind=VoucherKind.JUDGE, name="second", detail="It found it supported.")
VOUCHERS: dict[Standing, tuple[Voucher, ...]] = {
    Standing.VERBATIM: (RULE,),
    Standing.PROVEN: (RULE, JUDGE),
    Standing.CONFIRMED: (JUDGE,),
    Standing.UNPROVEN: (),
}

# The columns that older code knows.
INSERT = """
    INSERT INTO notes (note_id, chunk_id, transcript_id, revision, study_id, attempt, position,
                       statement {columns})
    SELECT gen_random_uuid(), chunk_id, transcript_id, revision, study_id, attempt, 9, 'Bare'
           {values}
      FROM notes
"""


@pytest.fixture
def store(fresh_database: Database) -> NotesStore:
    return NotesStore(fresh_database)


async def insert(database: Database, standing: str | None, vouchers: str) -> None:
    """Insert a note with raw SQL; constraints on one row are checked before its evidence."""
    columns = "" if standing is None else ", standing, vouchers"
    values = "" if standing is None else f", '{standing}', '{vouchers}'"
    await database.execute(INSERT.format(columns=columns, values=values))


@pytest.mark.parametrize("is_early", [False, True])
async def test_a_note_is_stored_with_its_standing_and_vouchers(
    store: NotesStore, fresh_database: Database, *, is_early: bool
) -> None:
    notes = [
        note(f"They are {standing}", standing=standing, vouchers=vouchers)
        for standing, vouchers in VOUCHERS.items()
    ]
    if is_early:  # kept as an event until its interview comes
        await store.store_notes(validated(*notes))
        await store.store_transcript(ingested())
    else:
        await store.store_transcript(ingested())
        await store.store_notes(validated(*notes))
    rows = await fresh_database.fetch("SELECT standing, vouchers FROM notes ORDER BY position")
    assert {Standing(row["standing"]): row["vouchers"] for row in rows} == {
        standing: await fresh_database.fetchval(
            "SELECT $1::jsonb::text", f"[{','.join(one.model_dump_json() for one in vouchers)}]"
        )
        for standing, vouchers in VOUCHERS.items()
    }


async def test_an_event_of_an_older_guardrail_is_stored_as_unproven(
    store: NotesStore, fresh_database: Database
) -> None:
    await store.store_transcript(ingested())
    event: dict[str, Any] = validated(note("They pay", **VOUCHED)).model_dump(mode="json")
    for one in event["notes"]:
        del one["standing"], one["vouchers"]
    await store.store_notes(NotesValidated.model_validate(event))
    row = await fresh_database.fetchrow("SELECT standing, vouchers FROM notes")
    assert row is not None
    assert tuple(row) == ("unproven", "[]")


@pytest.mark.parametrize("policy", StatementPolicy)
async def test_the_view_shows_statements_as_the_study_wants(
    store: NotesStore, fresh_database: Database, policy: StatementPolicy
) -> None:
    study = STUDY.model_copy(update={"statements": policy})
    await store.store_transcript(ingested(study=study))
    notes = {
        standing: note(f"They are {standing}", standing=standing, vouchers=vouchers)
        for standing, vouchers in VOUCHERS.items()
    }
    await store.store_notes(validated(*notes.values()))
    rows = await fresh_database.fetch("SELECT * FROM current_notes")
    assert len(rows) == len(notes)
    for row in rows:
        standing = Standing(row["standing"])
        words, is_shown = notes[standing].statement, shows_statement(standing, policy)
        assert row["statement"] == (words if is_shown else None)
        assert row["model_reading"] == (None if is_shown else words)
        assert row["statements"] == policy


@pytest.mark.parametrize("document", ["{}", '{"statements": "of another version"}'])
async def test_a_study_without_a_policy_that_is_known_shows_what_is_vouched_for(
    store: NotesStore, fresh_database: Database, document: str
) -> None:
    await store.store_transcript(ingested())
    await fresh_database.execute("UPDATE transcripts SET study = $1", document)
    await store.store_notes(validated(note("Proven", **VOUCHED), note("Unproven")))
    rows = await fresh_database.fetch("SELECT statement FROM current_notes ORDER BY position")
    assert [row["statement"] for row in rows] == ["Proven", None]


@pytest.mark.parametrize(
    ("standing", "vouchers", "constraint"),
    [
        ("refuted", '[{"kind": "rule"}]', "note_has_a_known_standing"),
        ("certain", '[{"kind": "rule"}]', "note_has_a_known_standing"),
        ("verbatim", "[]", "note_standing_is_vouched_for"),
        ("proven", "[]", "note_standing_is_vouched_for"),
        ("confirmed", "[]", "note_standing_is_vouched_for"),
        ("proven", '[{"kind": "judge"}]', "note_standing_is_vouched_for"),
        ("confirmed", '[{"kind": "rule"}]', "note_standing_is_vouched_for"),
        ("proven", '{"kind": "rule"}', "note_standing_is_vouched_for"),
        ("unproven", "{}", "note_standing_is_vouched_for"),
    ],
)
async def test_postgres_refuses_a_standing_that_nothing_vouches_for(
    store: NotesStore, fresh_database: Database, standing: str, vouchers: str, constraint: str
) -> None:
    await store.store_transcript(ingested())
    await store.store_notes(validated(note("They pay")))
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await insert(fresh_database, standing, vouchers)
    # PostgreSQL names the first of several by name.
    assert refusal.value.constraint_name == constraint


@pytest.mark.parametrize("standing", [None, *VOUCHERS])
async def test_what_older_code_inserts_and_what_is_vouched_for_passes_these_constraints(
    store: NotesStore, fresh_database: Database, standing: Standing | None
) -> None:
    await store.store_transcript(ingested())
    await store.store_notes(validated(note("They pay")))
    vouchers = ",".join(one.model_dump_json() for one in VOUCHERS[standing or Standing.UNPROVEN])
    # The next constraint, at the end of the transaction, is that it has evidence.
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await insert(fresh_database, standing, f"[{vouchers}]")
    assert refusal.value.constraint_name == "note_has_evidence"


async def test_a_stored_note_s_standing_is_never_changed(
    store: NotesStore, fresh_database: Database
) -> None:
    await store.store_transcript(ingested())
    await store.store_notes(validated(note("They pay")))
    with pytest.raises(asyncpg.CheckViolationError, match="never changed"):
        await fresh_database.execute(
            "UPDATE notes SET standing = 'proven', vouchers = '[{\"kind\": \"rule\"}]'"
        )
