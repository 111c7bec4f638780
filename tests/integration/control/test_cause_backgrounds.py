"""Backgrounds of causes: spend lost, and what was new when they began."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from contracts.registry import CreateStudyRequest
from database.pool import Database
from support.control_office import Office, TryAgainError
from support.interviews import STUDY

BEGAN = datetime.now(UTC) - timedelta(minutes=5)


async def called(database: Database, minutes: float, **fields: Any) -> None:
    """A settled call so many minutes before the cause began."""
    at = BEGAN - timedelta(minutes=minutes)
    values = {
        "call_id": uuid4(),
        "study_id": "s",
        "subject": "nothing",
        "purpose": "draft",
        "prompt_version": "notes-1",
        "endpoint": "https://a.example",
        "model": "m-1",
        "day": at.date(),
        "started_at": at,
        "settled_at": at,
        "outcome": "timeout",
        "answered_by": "m-1",
        "fingerprint": "",
        "input_tokens": 1,
        "cached_tokens": 0,
        "output_tokens": 1,
        "estimated": False,
        "latency_s": 1.0,
        **fields,
    }
    names = ", ".join(values)
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    await database.execute(f"INSERT INTO llm_calls ({names}) VALUES ({places})", *values.values())


async def background(office: Office) -> dict[str, Any]:
    _, page = await office.ask("GET", "/v1/causes?state=all")
    (cause,) = page["causes"]
    status, found = await office.ask("GET", f"/v1/causes/{cause['cause_id']}/background")
    assert status == 200, found
    result: dict[str, Any] = found
    return result


async def test_spend_of_calls_before_each_letter_is_added_up_once(
    office: Office, fresh_database: Database
) -> None:
    ids = [
        await office.died(b"%d" % number, number, at=BEGAN, error=TryAgainError("slow"))
        for number in range(3)
    ]
    for letter_id, subject in zip(ids, ("one", "one", "two"), strict=True):
        await fresh_database.execute(
            "UPDATE dead_letters SET subject = $1 WHERE letter_id = $2", subject, letter_id
        )
    await called(fresh_database, 2, subject="one", cost_usd=3)
    await called(fresh_database, 1, subject="two", cost_usd=4)
    await called(fresh_database, 1, subject="two")
    await called(fresh_database, -1, subject="two", cost_usd=50)  # of a replay
    found = await background(office)
    figures = {name: found[name] for name in ("cost_usd", "calls", "unpriced", "letters")}
    assert figures == {"cost_usd": "7", "calls": 3, "unpriced": 1, "letters": 3}
    await office.ask("POST", f"/v1/letters/{ids[2]}/replay")
    found = await background(office)
    assert (found["cost_usd"], found["calls"], found["letters"]) == ("3", 1, 2)


async def test_what_was_used_first_or_changed_before_a_cause_began_is_named(
    office: Office, fresh_database: Database
) -> None:
    await office.context.studies.create(
        CreateStudyRequest.model_validate(STUDY.model_dump(exclude_none=True)), "a test"
    )
    letter_id = await office.died(b"1", 1, at=BEGAN)
    await fresh_database.execute(
        "UPDATE dead_letters SET study_id = $1 WHERE letter_id = $2", STUDY.study_id, letter_id
    )
    await fresh_database.execute(
        "UPDATE studies SET version = version + 1, changes = changes + 1 WHERE study_id = $1",
        STUDY.study_id,
    )
    await fresh_database.execute(
        "INSERT INTO study_versions (study_id, version, inputs, created_by, created_at) "
        "SELECT study_id, version + 1, inputs, 'ada', $1 FROM study_versions",
        BEGAN - timedelta(minutes=20),
    )
    await fresh_database.execute(
        "INSERT INTO llm_budgets (scope, name, set_by, limit_usd, set_at) "
        "VALUES ('study', 's', 'command', 1, $1), ('day', '', 'command', 1, $2)",
        *(BEGAN - timedelta(minutes=10), BEGAN - timedelta(hours=3)),
    )
    for hours in (1.5, 0.2):
        await called(fresh_database, hours * 60)
    await called(fresh_database, 5, prompt_version="notes-2", fingerprint="fp_1")
    await called(fresh_database, -5, model="m-2")  # after it began
    found = await background(office)
    assert [(one["kind"], one["value"]) for one in found["changes"]] == [
        ("fingerprint", "fp_1"),
        ("prompt", "notes-2"),
        ("budget", "study s"),
        ("study", f"{STUDY.study_id}, version 2"),
    ]


async def test_a_cause_that_nobody_has_is_not_found(office: Office) -> None:
    assert (await office.ask("GET", "/v1/causes/0123456789abcdef/background"))[0] == 404
