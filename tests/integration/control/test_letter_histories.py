"""Histories of dead letters: calls and spend, related letters, and refused notes by right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from contracts.access import CreateTokenRequest, Role, RoleGrant
from database.pool import Database
from persistence.store import NotesStore
from support.control_office import Office
from support.interviews import chunk, ingested, refused, validated

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


async def called(database: Database, subject: str, at: datetime, cost: str | None) -> None:
    await database.execute(
        "INSERT INTO llm_calls (call_id, study_id, subject, purpose, prompt_version, endpoint, "
        "model, day, started_at, worst_usd, settled_at, outcome, answered_by, fingerprint, "
        "input_tokens, cached_tokens, output_tokens, cost_usd, estimated, latency_s, "
        "first_token_s) VALUES ($1, 's', $2, 'draft', 'notes-1', 'e', 'm', $3, $4, 1, $5, "
        "'timeout', 'm-2', '', 100, 0, 7, $6::text::numeric, false, 30, NULL)",
        *(uuid4(), subject, at.date(), at, at + timedelta(seconds=30), cost),
    )


async def test_a_history_has_the_calls_about_a_chunk_and_what_they_cost(
    office: Office, fresh_database: Database
) -> None:
    letter_id = await office.died(b"1", 1)
    subject = str(chunk().chunk_id)
    await fresh_database.execute("UPDATE dead_letters SET subject = $1", subject)
    for minute, cost in ((1, "0.5"), (2, "0.25"), (3, None)):
        await called(fresh_database, subject, NOW + timedelta(minutes=minute), cost)
    await called(fresh_database, "another", NOW, "9")
    status, history = await office.ask("GET", f"/v1/letters/{letter_id}/history")
    assert status == 200
    assert (history["call_count"], history["cost_usd"], history["unpriced"]) == (3, "0.75", 1)
    first, *_, last = history["calls"]
    assert first["started_at"] < last["started_at"]
    assert {name: last[name] for name in ("outcome", "answered_by", "latency_s", "cost_usd")} == {
        "outcome": "timeout",
        "answered_by": "m-2",
        "latency_s": 30.0,
        "cost_usd": None,
    }
    assert (last["input_tokens"], last["output_tokens"], last["first_token_s"]) == (100, 7, None)
    assert (history["related"], history["stored_at"]) == ([], None)


async def test_a_history_names_the_letters_that_a_letter_came_from_and_became(
    office: Office, fresh_database: Database
) -> None:
    first = await office.died(b"1", 1)
    other = await office.died(b"2", 2)
    second = await office.died(b"3", 3)
    await fresh_database.execute(  # as a replay keeps the place of the message
        "UPDATE dead_letters SET replay_of = $1, source_offset = 1 WHERE letter_id = $2",
        *(first, second),
    )
    _, history = await office.ask("GET", f"/v1/letters/{first}/history")
    (became,) = history["related"]
    assert (became["letter_id"], became["replay_of"]) == (str(second), str(first))
    _, history = await office.ask("GET", f"/v1/letters/{second}/history")
    assert [one["letter_id"] for one in history["related"]] == [str(first)]
    _, history = await office.ask("GET", f"/v1/letters/{other}/history")
    assert history["related"] == []


async def test_refused_notes_are_for_those_who_may_read_exact_words(
    office: Office, fresh_database: Database
) -> None:
    await NotesStore(fresh_database).store_transcript(ingested())
    letter_id = await office.died(b"1", 1)
    chunk_id = chunk().chunk_id
    await fresh_database.execute("UPDATE dead_letters SET subject = $1", str(chunk_id))
    its = refused("They pay")
    await NotesStore(fresh_database).store_notes(validated(rejected=(its,), final=False))
    path = f"/v1/letters/{letter_id}/history"
    _, history = await office.ask("GET", path)
    assert history["refused"] == [{"attempt": 1, "note": its.model_dump(mode="json")}]
    assert (await office.context.trail.page()).entries[0].action == "letter.read"
    wanted = CreateTokenRequest(name="ann", grants=(RoleGrant(role=Role.OPERATOR),))
    secret = (await office.context.tokens.create(wanted, "a test")).secret
    office.client.headers["Authorization"] = f"Bearer {secret}"
    before = len((await office.context.trail.page()).entries)
    status, history = await office.ask("GET", path)
    assert (status, history["refused"]) == (200, None)
    assert "They pay" not in str(history)
    assert len((await office.context.trail.page()).entries) == before
