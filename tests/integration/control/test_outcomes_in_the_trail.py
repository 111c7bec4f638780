"""An entry of the trail says what became of what was asked for, once it is over."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
import structlog

from contracts.access import TrailEntry, TrailOutcome
from control.letters.store import DeadLetterStore
from database.errors import DatabaseConflictError
from database.pool import Database
from support.control_office import Office

DISCARD = {"reason": "a test"}


async def read_trail(office: Office) -> list[TrailEntry]:
    return list((await office.context.trail.page()).entries)


async def test_what_was_done_and_what_was_refused_say_so(office: Office) -> None:
    letter = await office.died(b"v", 1)
    path = f"/v1/letters/{letter}/discard"
    assert (await office.ask("POST", path, DISCARD))[0] == 200
    assert (await office.ask("POST", path, DISCARD))[0] == 409
    assert (await office.ask("POST", "/v1/pipeline/ingestion/resume"))[0] == 424
    assert (await office.client.get(f"{office.url}/v1/letters/{letter}/value")).content == b"v"
    answer = await office.client.get(f"{office.url}/v1/trail")
    assert [(one["action"], one["outcome"], one["status"]) for one in answer.json()["entries"]] == [
        ("letter.read", "done", 200),
        ("service.resume", "refused", 424),
        ("letter.discard", "refused", 409),
        ("letter.discard", "done", 200),
    ]


async def test_a_bug_in_mid_act_is_a_failure(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> bool:
        raise RuntimeError("a bug")

    letter = await office.died(b"v", 1)
    monkeypatch.setattr(DeadLetterStore, "discard", fail)
    assert (await office.ask("POST", f"/v1/letters/{letter}/discard", DISCARD))[0] == 500
    (entry,) = await read_trail(office)
    assert (entry.outcome, entry.status) == (TrailOutcome.FAILED, 500)


async def test_what_is_carried_out_once_has_one_outcome(office: Office) -> None:
    letter = await office.died(b"v", 1)
    url = f"{office.url}/v1/letters/{letter}/discard"
    for _ in range(3):
        answer = await office.client.post(url, json=DISCARD, headers={"Idempotency-Key": "k"})
        assert answer.status_code == 200
    (entry,) = await read_trail(office)
    assert (entry.outcome, entry.status) == (TrailOutcome.DONE, 200)


async def test_the_outcome_is_there_with_the_answer_however_many_ask(office: Office) -> None:
    letters = [await office.died(b"v", number) for number in range(1, 13)]

    async def discard(letter: Any) -> None:
        await office.ask("POST", f"/v1/letters/{letter}/discard", DISCARD)
        entries = await read_trail(office)
        (found,) = [one for one in entries if one.target == str(letter)]
        assert found.outcome is TrailOutcome.DONE

    await asyncio.gather(*map(discard, letters))


async def test_an_outcome_that_cannot_be_recorded_is_unknown_and_the_answer_is_sent(
    office: Office, fresh_database: Database
) -> None:
    letter = await office.died(b"v", 1)
    async with fresh_database.transaction() as connection:
        await connection.execute("LOCK TABLE trail_outcomes IN ROW EXCLUSIVE MODE")
        await connection.execute("LOCK TABLE trail_outcomes IN SHARE MODE")  # nobody writes it
        with structlog.testing.capture_logs() as logs:
            path = f"/v1/letters/{letter}/discard"
            assert (await office.ask("POST", path, DISCARD))[0] == 200
    (entry,) = await read_trail(office)
    assert (entry.outcome, entry.status) == (None, None)
    (said,) = [one for one in logs if one["event"] == "trail_outcome_not_recorded"]
    assert said["entries"] == [entry.entry_id]
    assert said["reason"]


async def test_outcomes_are_neither_changed_nor_deleted(
    office: Office, fresh_database: Database
) -> None:
    letter = await office.died(b"v", 1)
    await office.ask("POST", f"/v1/letters/{letter}/discard", DISCARD)
    (entry,) = await read_trail(office)
    for statement in (
        "UPDATE trail_outcomes SET outcome = 'failed'",
        "DELETE FROM trail_outcomes",
        "TRUNCATE trail_outcomes",
        "TRUNCATE trail CASCADE",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await fresh_database.execute(statement)
    with pytest.raises(DatabaseConflictError):
        await office.context.trail.record_outcome([entry.entry_id], TrailOutcome.FAILED)
    assert await read_trail(office) == [entry]
