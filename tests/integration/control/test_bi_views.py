"""The views for BI tools say what the API says of the same data, and nothing that it would mask."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest

from contracts import ids
from contracts.access import Role
from contracts.study import PersonalData, StatementPolicy, Study
from database.pool import Connection, Database
from database.settings import PostgresSettings
from persistence.store import NotesStore
from support.control_office import Office, as_role
from support.interviews import (
    STUDY,
    TRANSCRIPT,
    VOUCHED,
    chunk,
    evidence,
    ingested,
    note,
    refused,
    sha,
    validated,
)
from support.rights import acting_as

OTHER: Final = ids.derive_transcript_id("billing", "interview-2")
DIE: Final = """
INSERT INTO dead_letters (
    letter_id, service, dlq_topic, dlq_partition, dlq_offset, consumer_group, error_code,
    error_type, error_message, attempts, timeouts, failed_at, fingerprint, subject, headers,
    size_bytes, state, state_reason, study_id
) VALUES (gen_random_uuid(), 'enrichment', 'enrichment-dlq', 0, $4, '', $2, '', '', 1, 1, now(), '',
          $1, '[]', 0, $3, 'why', 'billing')
"""
CALL: Final = """
INSERT INTO llm_calls (
    call_id, study_id, subject, purpose, prompt_version, endpoint, model, day, started_at,
    worst_usd, settled_at, outcome, answered_by, fingerprint, input_tokens, cached_tokens,
    output_tokens, cost_usd, estimated, latency_s
)
SELECT gen_random_uuid(), study_id, '', purpose, '', '', 'm', current_date, now(), 1, settled,
       CASE WHEN settled IS NOT NULL THEN 'answered' END,
       CASE WHEN settled IS NOT NULL THEN 'm' END,
       CASE WHEN settled IS NOT NULL THEN 'f' END, CASE WHEN settled IS NOT NULL THEN 100 END,
       CASE WHEN settled IS NOT NULL THEN 10 END, CASE WHEN settled IS NOT NULL THEN 20 END,
       CASE WHEN settled IS NOT NULL THEN 0.25 END, CASE WHEN settled IS NOT NULL THEN false END,
       CASE WHEN settled IS NOT NULL THEN 1 END
  FROM (VALUES ('billing', 'notes', now()), ('billing', 'judge', now()), ('billing', 'notes', NULL),
               ('another', 'notes', now())) AS made (study_id, purpose, settled)
"""

Rows = list[dict[str, Any]]
POLICIES: Final = [
    (PersonalData.ALLOW, StatementPolicy.PROVEN),
    (PersonalData.MASK, StatementPolicy.QUOTES),
    (None, StatementPolicy.ALL),
]


async def fill(database: Database, study: Study) -> None:
    """Two interviews, of which one has an older revision, a dead chunk and one on its way."""
    store = NotesStore(database)
    masked = study.personal_data is PersonalData.MASK
    cited = evidence("We pay 40 dollars", masked_quote="We pay [AMOUNT]" if masked else None)
    doubted = refused().failures
    for revision in (1, 2):
        await store.store_transcript(
            ingested(
                revision,
                study=study,
                content_sha256=sha(str(revision)),
                chunks=tuple(chunk(revision, index) for index in (1, 2, 3)),
                title=f"Interview 1, revision {revision}",
            )
        )
        await store.store_notes(
            validated(
                note(f"They pay {revision}", cited, **VOUCHED),
                note(f"They pay {revision}.", evidence(), questions=()),  # the same
                note(f"They do not recommend it {revision}", themes=("trust",), flags=doubted),
                revision=revision,
                rejected=(refused(), refused("Nobody does")),
            )
        )
    for index, state in ((2, "open"), (3, "replaying")):
        about = str(chunk(2, index).chunk_id)
        await database.execute(DIE, about, "llm_timeout", state, index)
    await store.store_transcript(of_other(study))
    drafted = validated(note("Theirs", cited), themes=()).model_copy(
        update={"transcript_id": OTHER, "chunk_id": other_chunk()}
    )
    await store.store_notes(drafted)
    await database.execute(CALL)


def other_chunk() -> UUID:
    return ids.derive_chunk_id(OTHER, 1, sha("a"), 1)


def of_other(study: Study) -> Any:
    chunks = (chunk(1, 1).model_copy(update={"chunk_id": other_chunk()}),)
    return ingested(study=study, transcript_id=OTHER, title="Interview 2", chunks=chunks)


@pytest.fixture
async def connection(
    fresh_database: Database, postgres_settings: PostgresSettings
) -> AsyncIterator[Connection]:
    await fresh_database.execute(
        "INSERT INTO study_grants"
        " VALUES ('onrecord_bi_reader', NULL), ('onrecord_bi_operator', NULL)"
    )
    opened = await asyncpg.connect(postgres_settings.dsn.get_secret_value())
    yield opened
    await opened.close()


async def see(connection: Connection, view: str, role: str = "onrecord_bi_reader") -> Rows:
    """The rows of a view, as a BI tool's login gets them, as JSON has them."""
    async with acting_as(connection, role):
        rows = await connection.fetch(f"SELECT to_jsonb(one) AS row FROM onrecord_v1.{view} AS one")
    return [json.loads(row["row"]) for row in rows]


async def ask(office: Office, path: str) -> Any:
    status, answer = await office.ask("GET", f"/v1/{path}")
    assert status == 200, answer
    return answer


def pick(rows: Iterable[Mapping[str, Any]], *names: str, **renamed: str) -> Rows:
    """Some fields of rows, in an order of their own; those that are named otherwise, as here."""
    picked = [
        {**{name: row[name] for name in names}, **{new: row[old] for new, old in renamed.items()}}
        for row in rows
    ]
    return sorted(picked, key=lambda row: json.dumps(row, sort_keys=True))


@pytest.mark.parametrize("policies", POLICIES)
@pytest.mark.parametrize("registered", ["as its interviews", "masking", "not"])
async def test_views_say_what_the_api_says(
    office: Office,
    fresh_database: Database,
    connection: Connection,
    policies: tuple[PersonalData | None, StatementPolicy],
    registered: str,
) -> None:
    personal_data, statements = policies
    study = STUDY.model_copy(update={"personal_data": personal_data, "statements": statements})
    if registered != "not":
        asked = study.model_dump(mode="json", include={"study_id", "name", "themes", "questions"})
        policy = personal_data if registered == "as its interviews" else "mask"
        status, _ = await office.ask("POST", "/v1/studies", {**asked, "personal_data": policy})
        assert status == 201
    await fill(fresh_database, study)

    costs = await ask(office, "costs?by=study")
    letters = await ask(office, "letters/counts")
    spent = await see(connection, "spending", "onrecord_bi_operator")
    assert sum(row["calls"] for row in spent) == costs["total"]["calls"]
    for row in costs["rows"]:
        mine = [one for one in spent if one["study_id"] == row["name"]]
        for name in ("calls", "answered", "under_way", "input_tokens", "cost_usd"):
            total = sum(one[name] for one in mine)
            assert float(total) == float(row["cost"][name]), name
    seen = await see(connection, "dead_letters", "onrecord_bi_operator")
    named: tuple[str, ...] = ("service", "state", "error_code", "letters")
    assert pick(seen, *named) == pick(letters, *named)
    refusals = await ask(office, "studies/billing/notes/rejected")

    await as_role(office, Role.READER, "billing")
    named = ("study_id", "name", "interviews")
    assert pick(await see(connection, "studies"), *named) == pick(
        (await ask(office, "studies"))["studies"], *named
    )
    interviews = (await ask(office, "studies/billing/transcripts"))["transcripts"]
    named = ("study_id", "transcript_id", "revision", "title", "format", "status", "segments",
             "chunks", "notes")  # fmt: skip
    of_chunks = {"stored": "chunks_stored", "dead": "chunks_dead", "discarded": "chunks_discarded"}
    assert pick(await see(connection, "interviews"), *named, **of_chunks) == pick(
        interviews, *named, **{name: name for name in of_chunks}
    )
    await notes_agree(office, connection)
    await turns_agree(office, connection)
    await coverage_agrees(office, connection)
    checks = [
        {"rejected_id": one["rejected_id"], "check_name": failure["check"]}
        for one in refusals["notes"]
        for failure in one["failures"]
    ]
    rejections = await see(connection, "rejections")
    assert pick(rejections, "rejected_id", "check_name") == pick(
        checks, "rejected_id", "check_name"
    )


async def notes_agree(office: Office, connection: Connection) -> None:
    listed = (await ask(office, "studies/billing/notes"))["notes"]
    assert len(listed) == 3
    seen = await see(connection, "notes")
    named = ("study_id", "note_id", "transcript_id", "revision", "statement", "model_reading",
             "standing", "model", "prompt_version")  # fmt: skip
    assert pick(seen, *named) == pick(listed, *named)
    flags = {
        one["note_id"]: ", ".join(sorted(flag["check"] for flag in one["flags"])) for one in listed
    }
    assert {one["note_id"]: one["flags"] for one in seen} == flags
    quotes = [{**quote, "note_id": one["note_id"]} for one in listed for quote in one["evidence"]]
    named = ("note_id", "segment", "length", "quote", "is_masked", "speaker", "role", "start_ms",
             "end_ms")  # fmt: skip
    assert pick(await see(connection, "evidence"), *named, start="start_char") == pick(
        quotes, *named, start="start"
    )
    for view, key, name in (("note_themes", "theme_id", "themes"),
                            ("note_questions", "question_id", "questions")):  # fmt: skip
        labels = [{"note_id": one["note_id"], key: label} for one in listed for label in one[name]]
        assert pick(await see(connection, view), "note_id", key) == pick(labels, "note_id", key)
    counts = await ask(office, "studies/billing/notes/counts")
    standings = await see(connection, "standings")
    assert {one["standing"]: one["notes"] for one in standings} == counts["standings"]
    assert sum(one["findings"] for one in standings) == sum(
        one["statement"] is not None for one in listed
    )


async def turns_agree(office: Office, connection: Connection) -> None:
    seen = await see(connection, "segments")
    for transcript_id in (TRANSCRIPT, OTHER):
        mine = [one for one in seen if one["transcript_id"] == str(transcript_id)]
        covered = (await ask(office, f"transcripts/{transcript_id}/coverage"))["turns"]
        turns = [
            {**one["segment"], "notes": one["notes"], "coverage": one["reason"] or one["status"]}
            for one in covered
        ]
        named = ("speaker", "role", "is_masked", "start_ms", "end_ms", "notes", "coverage")
        assert pick(mine, *named, number="segment") == pick(turns, *named, number="number")
        open_turns = [one for one in turns if not one["is_masked"]]
        assert pick(
            (one for one in mine if one["text"] is not None), "text", number="segment"
        ) == pick(open_turns, "text", number="number")


async def coverage_agrees(office: Office, connection: Connection) -> None:
    covered = await ask(office, "studies/billing/coverage")
    topics = [*covered["questions"], *covered["themes"]]
    assert {one["finding"] for one in topics} <= {"answered", "unknown"}
    named = ("kind", "text", "finding", "notes", "interviews", "earlier_notes",
             "earlier_interviews")  # fmt: skip
    assert pick(
        await see(connection, "coverage"), *named, id="topic_id", read="chunks_read",
        dead="chunks_dead", discarded="chunks_discarded", waiting="chunks_waiting",
        not_asked="chunks_not_asked",
    ) == pick(
        topics, *named, "id", "read", "dead", "discarded", "waiting", "not_asked"
    )  # fmt: skip


async def test_a_topic_of_later_interviews_and_proof_that_one_is_not_addressed(
    office: Office, fresh_database: Database, connection: Connection
) -> None:
    store = NotesStore(fresh_database)
    later = STUDY.model_copy(
        update={
            "name": "Billing anew",
            "themes": (*STUDY.themes[::-1], STUDY.themes[0].model_copy(update={"id": "speed"})),
        }
    )
    one_chunk = ingested(chunks=(chunk(1, 1),))
    await store.store_transcript(one_chunk)
    await store.store_notes(validated(note("They pay")))
    await store.store_transcript(of_other(later))
    drafted = validated(note("Theirs")).model_copy(
        update={"transcript_id": OTHER, "chunk_id": other_chunk()}
    )
    await store.store_notes(drafted)
    covered = await ask(office, "studies/billing/coverage")
    findings = {one["id"]: one["finding"] for one in covered["themes"]}
    assert findings == {"price": "answered", "trust": "not_addressed", "speed": "unknown"}
    topics = [*covered["questions"], *covered["themes"]]
    named = ("kind", "text", "finding", "notes", "interviews")
    assert pick(await see(connection, "coverage"), *named, id="topic_id") == pick(
        topics, *named, id="id"
    )
    assert [one["name"] for one in await see(connection, "studies")] == ["Billing anew"]


OF_CURRENT: Final = ("interviews", "segments", "notes", "evidence", "rejections")
WORDS: Final = ("interviews", "segments", "notes", "evidence", "note_themes", "note_questions",
                "standings", "rejections")  # fmt: skip


async def test_a_newer_revision_a_withdrawal_and_an_erasure_are_in_all_views_at_once(
    office: Office, fresh_database: Database, connection: Connection
) -> None:
    await fill(fresh_database, STUDY)
    revisions = {
        (one["revision"], one["is_current"], one["notes"])
        for one in await see(connection, "interview_revisions")
        if one["transcript_id"] == str(TRANSCRIPT)
    }
    assert revisions == {(1, False, 2), (2, True, 2)}
    assert {one["revision"] for one in await see(connection, "earlier_notes")} == {1}

    async def seen() -> dict[str, set[int]]:
        return {
            view: {
                one["revision"]
                for one in await see(connection, view)
                if one["transcript_id"] == str(TRANSCRIPT)
            }
            for view in (*OF_CURRENT, "interview_revisions")
        }

    assert await seen() == {**{view: {2} for view in OF_CURRENT}, "interview_revisions": {1, 2}}
    await fresh_database.execute("SELECT withdraw_revision($1, 2)", TRANSCRIPT)
    assert all(one == {1} for one in (await seen()).values())
    assert await see(connection, "earlier_notes") == []
    await fresh_database.execute("SELECT withdraw_revision($1, 1)", TRANSCRIPT)
    assert all(one == set() for one in (await seen()).values())
    await fresh_database.execute("SELECT restore_revision($1, 1)", TRANSCRIPT)
    assert all(one == {1} for one in (await seen()).values())
    for one in (TRANSCRIPT, OTHER):
        await erase(fresh_database, one)
    for view in (*WORDS, "earlier_notes", "interview_revisions", "coverage"):
        assert await see(connection, view) == [], view
    # Numbers of calls and letters stay, without a word.
    assert await see(connection, "spending", "onrecord_bi_operator")


async def erase(database: Database, transcript_id: UUID) -> None:
    await database.execute(
        "INSERT INTO erasures (erasure_id, kind, study_id, requested_by)"
        " VALUES ($1, 'transcript', 'billing', 'a test')",
        transcript_id,
    )
    await database.execute(
        "INSERT INTO erased_transcripts (transcript_id, erasure_id) VALUES ($1, $1)", transcript_id
    )
    await database.execute("SELECT erase_transcript($1, '{}')", transcript_id)


async def test_what_a_refresh_asks_again_is_seen_once_it_is_complete(
    fresh_database: Database, connection: Connection
) -> None:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested(chunks=(chunk(1, 1),)))
    await store.store_notes(validated(note("They pay")))
    number = 1_000_000_001
    await fresh_database.execute(
        "INSERT INTO refreshes VALUES ($1, $2, 1, 'billing', 2, 'a test')", TRANSCRIPT, number
    )
    again = ingested(number, chunks=(chunk(number, 1),))
    await store.store_transcript(again)
    assert [one["revision"] for one in await see(connection, "notes")] == [1]
    pending = {
        one["revision"]: one["is_pending"] for one in await see(connection, "interview_revisions")
    }
    assert pending == {1: False, number: True}
    await store.store_notes(validated(note("They pay again"), revision=number))
    assert [one["revision"] for one in await see(connection, "notes")] == [number]


async def test_what_people_edit_and_hide_is_seen_so_and_counts_once_in_earlier_revisions(
    office: Office, fresh_database: Database, connection: Connection
) -> None:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested(chunks=(chunk(1, 1),)))
    await store.store_notes(validated(note("They pay"), note("They leave"), note("They stay")))
    ids_of = {one["model_reading"]: one["note_id"] for one in await see(connection, "notes")}
    edited = {"kind": "edited", "statement": "They pay too much", "unproven": True}
    for which, decision in (("They pay", edited), ("They leave", {"kind": "hidden"})):
        answer = await office.client.post(
            f"{office.url}/v1/notes/{ids_of[which]}/decisions",
            json=decision,
            headers={"If-Match": "*"},
        )
        assert answer.is_success, answer.text
    listed = (await ask(office, "studies/billing/notes"))["notes"]
    assert len(listed) == 2
    named = ("note_id", "statement", "model_reading", "standing")
    shown = await see(connection, "notes")
    assert pick(shown, *named) == pick(listed, *named)
    of_models = {one["note_id"]: one for one in shown if one["model"] is not None}
    (of_person,) = (one for one in shown if one["note_id"] not in of_models)
    marks = {one["note_id"]: (one["decided"] or {}).get("edited") for one in listed}
    assert of_person["edited_by"] == (marks[of_person["note_id"]] or {})["by"]
    assert of_person["version_of"] == ids_of["They pay"]
    assert of_person["prompt_version"] is None
    assert [(one["version_of"], one["edited_by"]) for one in of_models.values()] == [(None, None)]
    for view in ("evidence", "note_themes", "note_questions"):
        seen = {one["note_id"] for one in await see(connection, view)}
        assert seen == {one["note_id"] for one in listed}
    await store.store_transcript(ingested(2, content_sha256=sha("b"), chunks=(chunk(2, 1),)))
    earlier = {one["note_id"] for one in await see(connection, "earlier_notes")}
    assert earlier == set(ids_of.values())
    counts = {one["revision"]: one["notes"] for one in await see(connection, "interview_revisions")}
    assert counts[1] == len(earlier)
