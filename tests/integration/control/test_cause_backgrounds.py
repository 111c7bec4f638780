"""Backgrounds of causes: spend lost, and what was new when they began."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from contracts.registry import CreateStudyRequest
from control.upkeep import MOST_RESTARTS, MOST_STARTS, delete_expired_rows
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


async def started(
    database: Database, service: str, minutes: float, *build: str, commit: str = ""
) -> None:
    """A start of a service, of a version and a digest, so many minutes before the cause began."""
    await database.execute(
        "INSERT INTO service_starts (start_id, service, version, digest, commit, host, started_at) "
        "VALUES (gen_random_uuid(), $1, $2, $3, $4, 'pod-1', $5)",
        *(service, *build, commit, BEGAN - timedelta(minutes=minutes)),
    )


async def deploys(office: Office) -> list[str]:
    found = (await background(office))["changes"]
    return [one["value"] for one in found if one["kind"] == "deploy"]


async def test_a_deploy_before_a_cause_began_is_named_and_a_restart_is_not(
    office: Office, fresh_database: Database
) -> None:
    await office.died(b"1", 1, at=BEGAN)
    await started(fresh_database, "enrichment", 3_000, "0.1.0", "aaa")
    assert await deploys(office) == []
    await started(fresh_database, "enrichment", 40, "0.1.0", "aaa")  # a restart
    await started(fresh_database, "guardrail", 40, "0.1.0", "aaa")  # the first that is known
    assert await deploys(office) == []
    await started(fresh_database, "enrichment", 30, "0.2.0", "bbb", commit="3fa9c2d1")
    await started(
        fresh_database, "enrichment", 20, "0.2.0", "bbb", commit="3fa9c2d1"
    )  # another replica
    told = "enrichment 0.2.0 (commit 3fa9c2d1, build bbb) on pod-1, until then 0.1.0 (build aaa)"
    assert await deploys(office) == [told]
    (change,) = (await background(office))["changes"]
    assert datetime.fromisoformat(change["at"]) == BEGAN - timedelta(minutes=30)
    # Sources that changed without another version, and back: both are told, the latest first.
    await started(fresh_database, "persistence", 70, "0.1.0", "aaa")
    await started(fresh_database, "persistence", 10, "0.1.0", "ccc")
    await started(fresh_database, "persistence", 5, "0.1.0", "aaa")
    await started(fresh_database, "persistence", -5, "0.3.0", "ddd")  # after it began
    assert await deploys(office) == [
        "persistence 0.1.0 (build aaa) on pod-1, until then 0.1.0 (build ccc)",
        "persistence 0.1.0 (build ccc) on pod-1, until then 0.1.0 (build aaa)",
        told,
    ]


async def test_a_deploy_long_before_a_cause_began_is_not_named(
    office: Office, fresh_database: Database
) -> None:
    await office.died(b"1", 1, at=BEGAN)
    await started(fresh_database, "enrichment", 90, "0.1.0", "aaa")
    await started(fresh_database, "enrichment", 61, "0.2.0", "bbb")
    await started(fresh_database, "enrichment", 10, "0.2.0", "bbb")
    assert await deploys(office) == []


async def test_old_starts_are_deleted_and_deploys_stay_what_they_were(
    office: Office, fresh_database: Database
) -> None:
    await office.died(b"1", 1, at=BEGAN)
    # It ran for half a year: its start is what the one after it is compared with.
    await started(fresh_database, "guardrail", 300 * 24 * 60, "0.0.1", "000")
    await started(fresh_database, "guardrail", 180 * 24 * 60, "0.1.0", "aaa")
    await started(fresh_database, "guardrail", 10, "0.2.0", "bbb")
    await started(fresh_database, "persistence", 400 * 24 * 60, "0.1.0", "aaa")  # runs still
    await started(fresh_database, "enrichment", 50, "0.1.0", "aaa")
    for number in range(150):  # it crashes over and over
        await started(fresh_database, "enrichment", 30 - number / 10, "0.2.0", "bbb")
    before = await deploys(office)
    assert [one.partition(" on ")[0] for one in before] == [
        "guardrail 0.2.0 (build bbb)",
        "enrichment 0.2.0 (build bbb)",
    ]
    await delete_expired_rows(fresh_database)
    assert await deploys(office) == before
    left = await fresh_database.fetch(
        "SELECT service, count(*) FROM service_starts GROUP BY service ORDER BY service"
    )
    assert [tuple(row) for row in left] == [
        ("enrichment", MOST_RESTARTS + 2),
        ("guardrail", 2),
        ("persistence", 1),
    ]


async def test_starts_of_a_service_have_a_bound_whatever_it_starts(
    fresh_database: Database,
) -> None:
    await fresh_database.execute(
        "INSERT INTO service_starts (start_id, service, version, digest, commit, host, started_at) "
        "SELECT gen_random_uuid(), 'enrichment', '1', n, '', 'h', now() - n * interval '1 s' "
        "FROM generate_series(1, 1500) AS n"
    )
    await delete_expired_rows(fresh_database)
    left = await fresh_database.fetchrow(
        "SELECT count(*), max(digest::int) AS oldest FROM service_starts"
    )
    assert left is not None
    assert tuple(left) == (MOST_STARTS, MOST_STARTS)


async def test_a_cause_that_nobody_has_is_not_found(office: Office) -> None:
    assert (await office.ask("GET", "/v1/causes/0123456789abcdef/background"))[0] == 404
