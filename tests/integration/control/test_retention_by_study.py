"""What is older than its study keeps it is deleted, by kind, and nothing else is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import pytest

from contracts import ids
from contracts.access import Role
from contracts.erasures import ErasureKind, ErasureReceipt
from control.erasures.receipts import CopiesElsewhere
from control.erasures.runner import ErasureRunner
from control.retention import runner as retention_runner
from control.retention.runner import LeaseLostError, RetentionLimits
from control.retention.store import QUERIES
from database.pool import Connection, Database
from support.chunks import CHUNK
from support.control_office import Office, as_role
from support.interviews import STUDY, chunk, ingested
from support.retained_archive import OTHER_STUDY, PATH, Archive, chunk_id, draft, fill_archive


@pytest.fixture
async def archive(office: Office, fresh_database: Database) -> Archive:
    return await fill_archive(office, fresh_database)


OF_NAMES: Final[dict[str, Callable[[str, str], bool]]] = {
    "transcripts": lambda one, name: one == name,
    "notes": lambda one, name: one == name,
    "rejected": lambda one, name: one == name,
    "answers": lambda one, name: one == f"key of {name}",
    "trail": lambda one, name: one == f"notes.read_exact {name}",
}
"""Whether one of a snapshot is of an interview, and may be deleted."""


def without(found: dict[str, list[str]], kinds: tuple[str, ...], *names: str) -> Any:
    """A snapshot without what is of some kinds and interviews."""
    return {
        kind: [
            one
            for one in rows
            if kind not in kinds or not any(OF_NAMES[kind](one, name) for name in names)
        ]
        for kind, rows in found.items()
    }


@pytest.mark.parametrize(
    ("kind", "gone"),
    [
        ("transcripts", ("transcripts",)),
        ("notes", ("notes", "rejected", "answers")),
        ("answers", ("answers",)),
        ("trail", ("trail",)),
    ],
)
@pytest.mark.parametrize(("days", "names"), [(60, ("old", "older")), (300, ())])
async def test_exactly_what_is_too_old_goes_as_the_preview_said(
    archive: Archive, kind: str, gone: tuple[str, ...], days: int, names: tuple[str, ...]
) -> None:
    before = await archive.snapshot()
    await archive.set(**{kind: days})
    due = await archive.due()
    assert await archive.snapshot() == before, "a preview deletes nothing"
    assert await archive.runner.run_due_rounds() == 1
    assert await archive.snapshot() == without(before, gone, *names)
    assert (await archive.last())["deleted"] == due
    numbers = {kind: len(names)}
    if kind == "notes":  # which cached answers repeat
        numbers = {"notes": 2 * len(names), "answers": len(names)}
    assert due == (numbers if names else {})
    # A second round finds nothing, and says nothing.
    entries = await archive.database.fetchval("SELECT count(*) FROM trail")
    await archive.database.execute("UPDATE retention_rounds SET next_at = now()")
    assert await archive.runner.run_due_rounds() == 1
    assert await archive.snapshot() == without(before, gone, *names)
    assert await archive.database.fetchval("SELECT count(*) FROM trail") == entries


async def test_all_kinds_at_once_go_as_the_preview_said(archive: Archive) -> None:
    await archive.set(transcripts=150, notes=60, answers=20, trail=40)
    due = await archive.due()
    assert due == {"transcripts": 1, "notes": 2, "answers": 3, "trail": 3}
    await archive.runner.run_due_rounds()
    assert (await archive.last())["deleted"] == due
    rows = await archive.database.fetch(
        "SELECT target FROM trail WHERE actor = 'retention' AND action = 'retention.round'"
    )
    assert [row["target"] for row in rows] == [
        f"{STUDY.study_id}: transcripts: 1, notes: 2, answers: 3, trail: 3"
    ]
    assert await archive.due() == {}


async def test_a_study_without_a_time_is_left_alone(archive: Archive) -> None:
    before = await archive.snapshot()
    assert await archive.runner.run_due_rounds() == 0
    await archive.set(letters=7)  # which the retention of letters carries out
    assert await archive.runner.run_due_rounds() == 0
    assert await archive.snapshot() == before


async def test_a_newer_revision_keeps_an_interview(archive: Archive) -> None:
    again = ids.derive_transcript_id(STUDY.study_id, "old")
    newer = tuple(
        chunk(2, index).model_copy(update={"chunk_id": ids.derive_id("newer", index)})
        for index in (1, 2)
    )
    await archive.store.store_transcript(
        ingested(transcript_id=again, revision=2, chunks=newer, title="old")
    )
    await archive.set(transcripts=60, notes=60)
    assert await archive.due() == {"transcripts": 1, "answers": 2}
    await archive.runner.run_due_rounds()
    found = await archive.snapshot()
    assert "old" in found["transcripts"]
    assert "old" in found["notes"]
    assert "older" not in found["transcripts"]


async def test_an_expired_interview_has_a_tombstone_and_an_erasure_of_its_own_kind(
    archive: Archive,
) -> None:
    await archive.set(transcripts=60)
    await archive.runner.run_due_rounds()
    _, page = await archive.office.ask("GET", f"/v1/erasures?study_id={STUDY.study_id}")
    (erasure,) = page["erasures"]
    assert (erasure["kind"], erasure["transcripts"]) == ("retention", 2)
    assert erasure["requested_by"] == f"retention of study {STUDY.study_id}"
    assert erasure["reference"] == "retention"
    office = archive.office
    elsewhere = CopiesElsewhere.unstated()
    eraser = ErasureRunner(archive.database, office.bench.kafka, elsewhere)
    await eraser.delete_rows(UUID(erasure["erasure_id"]), again=False)
    assert sorted(
        row["title"] for row in await archive.database.fetch("SELECT title FROM transcripts")
    ) == ["elsewhere", "middle", "new"]
    assert "key of old" not in (await archive.snapshot())["answers"]
    await archive.database.execute("UPDATE erasures SET rows_deleted_at = now(), topic_ends = '{}'")
    await eraser.run_once()
    erasure_id = erasure["erasure_id"]
    signed = await office.client.get(f"{office.url}/v1/erasures/{erasure_id}/receipt")
    receipt = ErasureReceipt.model_validate_json(signed.json()["receipt"])
    assert receipt.kind is ErasureKind.RETENTION
    assert receipt.rows_deleted["notes"] == 4
    late = ingested(
        transcript_id=ids.derive_transcript_id(STUDY.study_id, "old"), revision=2, chunks=()
    )
    assert await archive.store.store_transcript(late) == ()


async def test_a_note_whose_time_is_over_is_not_brought_back(archive: Archive) -> None:
    old = ids.derive_transcript_id(STUDY.study_id, "old")
    # One chunk is a dead letter, and its draft is replayed once the notes are gone.
    await archive.database.execute("DELETE FROM notes WHERE chunk_id = $1", chunk_id(old, 2))
    await archive.database.execute("DELETE FROM drafts WHERE chunk_id = $1", chunk_id(old, 2))
    await archive.database.execute(
        "UPDATE chunks SET (stored_at, attempt, model, model_fingerprint, prompt_version,"
        " input_tokens, output_tokens) = (NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
        " WHERE chunk_id = $1",
        chunk_id(old, 2),
    )
    await archive.set(notes=60)
    await archive.runner.run_due_rounds()
    for index in (1, 2, 2):
        told = await archive.store.store_notes(draft(old, index))
        assert told is not None
        assert (told.note_ids, told.rejected_count, told.complete) == ((), 0, True)
    found = await archive.snapshot()
    assert "old" not in found["notes"]
    assert "old" not in found["rejected"]
    searched = await archive.database.fetch(
        "SELECT DISTINCT kind FROM search_documents WHERE transcript_id = $1", old
    )
    assert [row["kind"] for row in searched] == ["segment"], "nobody finds a note by its words"
    stored = await archive.database.fetchval(
        "SELECT count(*) FROM chunks WHERE transcript_id = $1 AND stored_at IS NOT NULL", old
    )
    assert stored == 2, "the audit counts both as stored"


async def test_the_audit_counts_the_same_before_and_after(archive: Archive) -> None:
    async def audit() -> Any:
        status, found = await archive.office.ask("GET", "/v1/audit")
        assert status == 200, found
        return {name: value for name, value in found.items() if not name.endswith("_at")}

    before = await audit()
    await archive.set(notes=1, answers=1, trail=1)
    assert await archive.runner.run_due_rounds() == 1
    assert (await archive.snapshot())["notes"] == ["elsewhere", "elsewhere"]
    assert await audit() == before


async def test_a_round_that_was_killed_is_gone_on_with_and_counts_nothing_twice(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    await archive.set(notes=20, answers=20)
    due = await archive.due()
    assert due == {"notes": 6, "answers": 3}
    expire, batches = retention_runner._expire_notes, 0

    async def killed(connection: Connection, study_id: str, most: int) -> Any:
        nonlocal batches
        batches += 1
        done = await expire(connection, study_id, most)
        if batches == 2:  # in the transaction of the second batch
            raise asyncio.CancelledError
        return done

    with monkeypatch.context() as patched:
        patched.setattr(retention_runner, "_expire_notes", killed)
        with pytest.raises(asyncio.CancelledError):
            await archive.runner.run_due_rounds()
    _, found = await archive.office.ask("GET", PATH)
    assert found["under_way"]["deleted"] == {"notes": 2}
    assert found["last"] is None
    other = archive.build_runner()
    assert await other.run_due_rounds() == 0, "its lease is not over"
    await archive.database.execute("UPDATE retention_rounds SET leased_until = now()")
    assert await other.run_due_rounds() == 1
    assert (await archive.last())["deleted"] == due


async def test_of_two_replicas_one_carries_out_a_round(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    await archive.set(transcripts=150, notes=20, answers=20, trail=20)
    due = await archive.due()
    expire, is_within, may_go_on = retention_runner._expire_notes, asyncio.Event(), asyncio.Event()

    async def held(connection: Connection, study_id: str, most: int) -> Any:
        is_within.set()
        await may_go_on.wait()
        return await expire(connection, study_id, most)

    with monkeypatch.context() as patched:
        patched.setattr(retention_runner, "_expire_notes", held)
        first = asyncio.create_task(archive.build_runner().run_due_rounds())
        await is_within.wait()
    others = [archive.build_runner() for _ in range(2)]
    assert [await one.run_due_rounds() for one in others] == [0, 0], "the first is in a batch"
    may_go_on.set()
    assert await first == 1
    assert (await archive.last())["deleted"] == due


async def test_a_replica_whose_lease_was_taken_stops(
    archive: Archive,
) -> None:
    await archive.set(notes=20)
    await archive.database.execute(QUERIES.add_retention_rounds)
    study_id = await archive.runner._claim()  # as if it were slow
    assert study_id is not None
    await archive.database.execute("UPDATE retention_rounds SET leased_until = now()")
    assert await archive.build_runner().run_due_rounds() == 1
    with pytest.raises(LeaseLostError):
        await archive.runner._carry_out(study_id)


async def test_nobody_is_waited_for_and_nobody_waits(archive: Archive) -> None:
    await archive.set(notes=20, answers=20)
    held = chunk_id(ids.derive_transcript_id(STUDY.study_id, "old"), 1)
    async with archive.database.transaction() as reader, archive.database.transaction() as writer:
        await reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        notes = await reader.fetchval("SELECT count(*) FROM notes")
        await writer.fetchval("SELECT 1 FROM chunks WHERE chunk_id = $1 FOR NO KEY UPDATE", held)
        await writer.execute("UPDATE llm_answers SET hits = hits + 1 WHERE key = 'key of middle'")
        async with asyncio.timeout(5):
            assert await archive.runner.run_due_rounds() == 1
        assert await reader.fetchval("SELECT count(*) FROM notes") == notes
    assert (await archive.last())["deleted"] == {"notes": 4, "answers": 2}
    assert (await archive.last())["failed"] == {}
    await archive.database.execute("UPDATE retention_rounds SET next_at = now()")
    await archive.runner.run_due_rounds()
    assert (await archive.last())["deleted"] == {"notes": 2, "answers": 1}


async def test_a_kind_that_fails_is_told_and_the_others_go_on(archive: Archive) -> None:
    await archive.set(notes=60, answers=60)
    quick = archive.build_runner(RetentionLimits(lock_wait_ms=50))
    async with archive.database.transaction() as other:
        await other.execute("LOCK TABLE notes IN ACCESS EXCLUSIVE MODE")
        await quick.run_due_rounds()
    last = await archive.last()
    assert last["deleted"] == {"answers": 2}
    assert [*last["failed"]] == ["notes"]
    await archive.database.execute("UPDATE retention_rounds SET next_at = now()")
    await quick.run_due_rounds()
    assert (await archive.last())["deleted"] == {"notes": 4}


async def test_answers_are_known_by_letters_and_shared_ones_go_with_the_first(
    archive: Archive,
) -> None:
    await archive.office.died_of(
        CHUNK.model_copy(update={"study": STUDY, "chunk_id": ids.derive_id("dead")}), 1
    )
    await archive.answer("of a letter", ids.derive_id("dead"), 70)
    await archive.answer(
        "shared", chunk_id(ids.derive_transcript_id("parking", "elsewhere"), 1), 70
    )
    await archive.database.execute(
        "INSERT INTO llm_answer_subjects VALUES ('shared', $1)",
        str(chunk_id(ids.derive_transcript_id(STUDY.study_id, "new"), 1)),
    )
    await archive.set(answers=60)
    await archive.runner.run_due_rounds()
    assert (await archive.snapshot())["answers"] == [
        "key of elsewhere",
        "key of middle",
        "key of new",
    ]


async def test_the_trail_keeps_who_did_what_and_says_that_texts_were_cleared(
    archive: Archive,
) -> None:
    await archive.set(trail=60)
    await archive.runner.run_due_rounds()
    _, page = await archive.office.ask("GET", f"/v1/trail?study_id={STUDY.study_id}&limit=100")
    cleared = [one for one in page["entries"] if one["cleared_at"]]
    assert {(one["actor"], one["action"]) for one in cleared} == {("ada", "notes.read_exact")}
    assert {(one["target"], one["reason"], one["address"]) for one in cleared} == {("", "", "")}


async def test_times_are_set_by_who_edits_the_study_and_are_in_the_trail(
    archive: Archive,
) -> None:
    _, found = await archive.office.ask("GET", PATH)
    url = f"{archive.office.url}{PATH}"
    client = archive.office.client
    wanted = {"transcripts_days": 730, "notes_days": 365, "letters_days": 30}
    assert (await client.put(url, json=wanted)).status_code == 428
    match = {"If-Match": f'"{found["changes"]}"'}
    dry = await client.put(url, json=wanted | {"dry_run": True}, headers=match)
    assert [one["kind"] for one in dry.json()["kinds"]] == [
        *("transcripts", "notes", "letters", "answers", "trail"),
    ]
    done = await client.put(url, json=wanted, headers=match)
    assert done.status_code == 200, done.text
    assert (await client.put(url, json=wanted, headers=match)).status_code == 412
    after = "transcripts=730, notes=365, letters=30"
    _, study = await archive.office.ask("GET", f"/v1/studies/{STUDY.study_id}/registration")
    assert study["retention_days"] == 30
    entries = await archive.office.context.trail.page(action="retention.set")
    assert [(one.outcome, one.target) for one in entries.entries][::-1] == [
        ("done", f"{STUDY.study_id}: for ever -> transcripts=730, notes=365, letters=30"),
        # What it was when it was refused, and not when the sender read it.
        ("refused", f"{STUDY.study_id}: {after} -> {after}"),
    ]
    for wrong in (
        {"notes_days": 0},
        {"notes_days": 36_501},
        {"notes_days": 1.5},
        {"transcripts_days": 30, "notes_days": 31},
        {"transcripts_days": 30, "answers_days": 31},
        {"days": 3},
    ):
        answer = await client.put(url, json=wrong, headers={"If-Match": "*"})
        assert answer.status_code == 400, wrong
    await as_role(archive.office, Role.READER, STUDY.study_id)
    assert (await client.get(url)).status_code == 200
    assert (await client.put(url, json={}, headers={"If-Match": "*"})).status_code == 403


async def test_setting_a_time_wakes_whoever_carries_it_out(archive: Archive) -> None:
    woken = asyncio.Event()
    archive.office.api.context = replace(archive.office.context, wake_retention=woken.set)
    await archive.set(notes=60)
    assert woken.is_set()


async def test_readers_are_told_that_notes_are_gone_and_not_that_there_are_none(
    archive: Archive,
) -> None:
    office = archive.office
    await archive.set(notes=1)
    _, coverage = await office.ask("GET", f"/v1/studies/{STUDY.study_id}/coverage")
    assert {one["finding"] for one in coverage["questions"]} == {"answered"}
    await archive.runner.run_due_rounds()
    old = ids.derive_transcript_id(STUDY.study_id, "old")
    _, shown = await office.ask("GET", f"/v1/transcripts/{old}")
    assert shown["transcript"]["notes_expired_at"]
    assert (shown["transcript"]["notes"], shown["transcript"]["status"]) == (0, "complete")
    _, counts = await office.ask("GET", f"/v1/studies/{STUDY.study_id}/notes/counts")
    assert (counts["total"], counts["expired_interviews"]) == (0, 4)
    _, counts = await office.ask("GET", f"/v1/studies/{OTHER_STUDY}/notes/counts")
    assert (counts["total"], counts["expired_interviews"]) == (2, 0)
    _, coverage = await office.ask("GET", f"/v1/studies/{STUDY.study_id}/coverage")
    assert {(one["finding"], one["expired"]) for one in coverage["questions"]} == {("unknown", 8)}
    _, matrix = await office.ask("GET", f"/v1/studies/{STUDY.study_id}/matrix")
    assert all(one["has_expired"] for one in matrix["interviews"])
    _, turns = await office.ask("GET", f"/v1/transcripts/{old}/coverage")
    assert {one["status"] for one in turns["counts"]} == {"expired"}
    views = {
        "SELECT DISTINCT finding FROM onrecord_v1.coverage WHERE study_id = $1": "unknown",
        "SELECT DISTINCT coverage FROM onrecord_v1.segments WHERE study_id = $1": "expired",
    }
    gone = "SELECT notes, notes_expired_at IS NULL FROM onrecord_v1.interviews WHERE study_id = $1"
    assert {tuple(row) for row in await archive.database.fetch(gone, STUDY.study_id)} == {
        (0, False)
    }
    assert [tuple(row) for row in await archive.database.fetch(gone, OTHER_STUDY)] == [(2, True)]
    for query, said in views.items():
        rows = await archive.database.fetch(query, STUDY.study_id)
        assert [row[0] for row in rows] == [said]
