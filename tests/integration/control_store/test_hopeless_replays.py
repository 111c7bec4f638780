"""Letters that a replay cannot mend as things are, refused with the reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.control_api import DeadLetterFilter
from contracts.ids import derive_id
from contracts.replay_plans import CreateReplayPlanRequest, ReplayPlanFilter
from control.access.trail import AuditTrail
from control.letters import store
from control.letters.hopeless import (
    REASONS,
    BudgetSpentError,
    HopelessReplayError,
    explain_hopeless_replay,
    find_hopeless_letters,
)
from control.letters.store import DeadLetterStore
from control.replays.plans import ReplayPlanRunner, ReplayPlanStore
from control.replays.plans.preview import preview_plan
from control.replays.replayer import DeadLetterReplayer
from database.pool import Connection, Database

FILL = """
INSERT INTO dead_letters (
    letter_id, service, dlq_topic, dlq_partition, dlq_offset, source_topic, consumer_group,
    error_code, error_type, error_message, attempts, timeouts, failed_at, fingerprint, headers,
    size_bytes, subject, study_id, revision
)
SELECT $1, $2, $2 || '-dlq', 0, count(*), 'chunks-ready', 'g', $3, 'E', 'no', 3, 1, now(), '', '[]',
       1, $4, $5, $6
  FROM dead_letters
"""
INTERVIEW = """
INSERT INTO transcripts (
    transcript_id, revision, study_id, title, format, content_sha256, study, segment_count,
    chunk_count
)
VALUES ($1, $2, 'bikes', 'T', 'vtt', '', '{}', 1, 1)
"""
CHUNK = """
INSERT INTO chunks (chunk_id, transcript_id, revision, index, first_segment, last_segment)
VALUES ($1, $2, $3, 1, 1, 1)
"""
STUDY = """
INSERT INTO studies (study_id, doubtful_speakers, statements, registered_by, archived_at)
VALUES ('old', 'refuse', 'proven', 'ada', now())
"""
SPEND = """
INSERT INTO llm_spending (scope, name, settled_usd)
VALUES ('study', 'bikes', 2), ('study_day', llm_study_day_name('bikes', $1), 2),
       ('day', llm_day_name($1), 2)
"""
BUDGET = "INSERT INTO llm_budgets (scope, name, set_by, limit_usd) VALUES ($1, $2, $3, $4)"
CALL = """
INSERT INTO llm_calls (
    call_id, study_id, subject, purpose, prompt_version, endpoint, model, day, started_at, worst_usd
)
VALUES (gen_random_uuid(), 'bikes', 'c', 'draft', 'p', 'e', 'm', $1, now(), 0.5)
"""
INGESTED, REVISED = derive_id("transcript", "ingested"), derive_id("transcript", "revised")


class Letters:
    """An index with one letter of each kind."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.store = DeadLetterStore(database)
        self.plans = ReplayPlanStore(database, self.store)

    async def add(
        self,
        name: str,
        *,
        service: str = "enrichment",
        code: str = "llm_timeout",
        subject: UUID | None = None,
        study: str | None = None,
        revision: int | None = None,
    ) -> UUID:
        letter_id = derive_id("letter", name)
        about = None if subject is None else str(subject)
        await self.database.execute(FILL, letter_id, service, code, about, study, revision)
        return letter_id


@pytest.fixture
async def letters(fresh_database: Database) -> Letters:
    for transcript_id, revision in ((INGESTED, 1), (REVISED, 1), (REVISED, 2)):
        await fresh_database.execute(INTERVIEW, transcript_id, revision)
        chunk_id = derive_id("chunk", f"{transcript_id} {revision}")
        await fresh_database.execute(CHUNK, chunk_id, transcript_id, revision)
    return Letters(fresh_database)


def chunk_of(transcript_id: UUID, revision: int = 1) -> UUID:
    return derive_id("chunk", f"{transcript_id} {revision}")


def spend(
    *limits: tuple[str, str, str, float | None],
    worst_usd: float | None = None,
) -> Callable[[Letters], Awaitable[None]]:
    """Build what spends two dollars today; limits: scope, name, who set it, dollars.

    Calls may cost ``worst_usd`` at most, if it is given.
    """

    async def change(letters: Letters) -> None:
        today = datetime.now(UTC).date()
        await letters.database.execute(SPEND, today)
        await letters.database.execute(CALL, today)
        if worst_usd is not None:
            await letters.database.execute("UPDATE llm_calls SET worst_usd = $1", worst_usd)
        for limit in limits:
            await letters.database.execute(BUDGET, *limit)

    return change


async def none(_: Letters) -> None:
    pass


async def store_notes(letters: Letters) -> None:
    await letters.database.execute(
        "UPDATE chunks SET stored_at = now(), attempt = 1, model = 'm', model_fingerprint = 'f',"
        " prompt_version = 'p', input_tokens = 1, output_tokens = 1 WHERE chunk_id = $1",
        chunk_of(INGESTED),
    )


async def withdraw(letters: Letters) -> None:
    await letters.database.execute(
        "UPDATE transcripts SET withdrawn_at = now() WHERE transcript_id = $1", INGESTED
    )


async def withdraw_before_it_came(letters: Letters) -> None:
    await letters.database.execute(
        "INSERT INTO withdrawn_revisions (transcript_id, revision) VALUES ($1, 3)", REVISED
    )


async def archive(letters: Letters) -> None:
    await letters.database.execute(STUDY)


@pytest.mark.parametrize(
    ("letter", "change", "reason"),
    [
        ({"subject": chunk_of(INGESTED)}, none, None),
        ({}, none, None),
        ({"subject": chunk_of(INGESTED)}, store_notes, "stored"),
        ({"subject": chunk_of(INGESTED)}, withdraw, "withdrawn"),
        ({"subject": chunk_of(REVISED)}, none, "superseded"),
        ({"subject": chunk_of(REVISED, 2)}, none, None),
        ({"service": "ingestion", "subject": REVISED, "revision": 1}, none, "superseded"),
        ({"service": "ingestion", "subject": REVISED, "revision": 3}, none, None),
        (
            {"service": "ingestion", "subject": REVISED, "revision": 3},
            withdraw_before_it_came,
            "withdrawn",
        ),
        ({"service": "ingestion", "study": "old"}, archive, "study_archived"),
        ({"service": "enrichment", "study": "old"}, archive, None),
        ({"service": "ingestion", "code": "unknown_study", "study": "old"}, none, "unknown_study"),
        ({"service": "ingestion", "code": "revision_conflict"}, none, "revision_conflict"),
        ({"service": "ingestion", "code": "not_yours"}, none, "not_yours"),
        ({"service": "ingestion", "code": "undecodable"}, none, None),
        ({"study": "bikes"}, spend(("study", "bikes", "command", 2)), "study_budget_spent"),
        (
            {"subject": chunk_of(INGESTED)},
            spend(("study", "", "settings", 1)),
            "study_budget_spent",
        ),
        (
            {"study": "bikes"},
            spend(("study", "", "settings", 1), ("study", "bikes", "command", None)),
            None,
        ),
        (
            {"study": "bikes"},
            spend(("study_day", "", "settings", 2), ("day", "", "command", 2)),
            "study_day_budget_spent",
        ),
        ({"study": "other"}, spend(("study_day", "", "settings", 2)), None),
        ({"study": "other"}, spend(("day", "", "settings", 2)), "day_budget_spent"),
        ({}, spend(("day", "", "settings", 2)), "day_budget_spent"),
        ({}, spend(("day", "", "settings", 2.4)), "day_budget_spent"),
        ({}, spend(("day", "", "settings", 2.5)), None),
        ({}, spend(("day", "", "settings", 2), worst_usd=0), None),
        ({}, spend(("day", "", "settings", 1.9), worst_usd=0), "day_budget_spent"),
        ({}, spend(("day", "", "settings", 2), ("day", "", "command", None)), None),
        ({"service": "guardrail"}, spend(("day", "", "settings", 2)), None),
        (
            {"service": "guardrail", "code": "budget_exceeded"},
            spend(("day", "", "settings", 2)),
            "day_budget_spent",
        ),
    ],
)
async def test_what_cannot_succeed_is_refused_with_the_reason_and_is_no_part_of_a_plan(
    letters: Letters,
    letter: dict[str, Any],
    change: Callable[[Letters], Awaitable[None]],
    reason: str | None,
) -> None:
    letter_id = await letters.add("one", **letter)
    await change(letters)
    assert await find_hopeless_letters(letters.database, [letter_id]) == (
        {} if reason is None else {letter_id: reason}
    )
    if reason is None:
        return
    replayer = DeadLetterReplayer(letters.store, None, None)  # type: ignore[arg-type]
    with pytest.raises(HopelessReplayError, match="--force") as raised:
        await replayer.replay(letter_id)
    assert REASONS[reason] in str(raised.value)
    assert ("T00:00Z" in str(raised.value)) == ("day" in reason)
    assert (await letters.store.letter(letter_id)).state == "open"


async def test_a_replay_of_many_looks_for_the_hopeless_as_the_planner_likes(
    letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claims walk an index in its order; the joins behind them may sort."""
    await letters.add("one")
    planned: list[str] = []

    async def look(connection: Connection, *_: object, **__: object) -> dict[UUID, str]:
        planned.append(await connection.fetchval("SHOW enable_sort"))
        planned.append(await connection.fetchval("SHOW enable_bitmapscan"))
        return {}

    monkeypatch.setattr(store, "find_hopeless_letters", look)
    found = await letters.store.claim_many_for_replay(
        DeadLetterFilter(), until=datetime.now(UTC) + timedelta(seconds=9), limit=10
    )
    assert (len(found.claimed), planned) == (1, ["on", "on"])


async def test_a_plan_counts_the_hopeless_and_does_not_send_them_unless_it_is_forced(
    letters: Letters,
) -> None:
    await store_notes(letters)
    hopeless = await letters.add("stored", subject=chunk_of(INGESTED))
    mendable = await letters.add("mendable")
    plan = await letters.plans.create(CreateReplayPlanRequest(canary=False), "ada")
    forced = await letters.plans.create(CreateReplayPlanRequest(canary=False, force=True), "ada")
    for one in (plan, forced):
        (part,) = (await preview_plan(letters.database, one)).parts
        assert (part.letters, part.hopeless) == (2, {"stored": 1})
        await letters.plans.start(one.plan_id)
    assert len(await letters.plans.take_plans()) == 2
    claimed = await letters.plans.slices.claim(plan.plan_id, 0, 2)
    assert [one.letter_id for one in (claimed.letters if claimed else ())] == [mendable]
    found = await letters.plans.plan(plan.plan_id)
    assert (found.counts.not_sent, found.not_sent) == (1, {"stored": 1})
    claimed = await letters.plans.slices.claim(forced.plan_id, 0, 2)
    assert [one.letter_id for one in (claimed.letters if claimed else ())] == [hopeless]


async def test_a_plan_stops_where_a_budget_is_spent_and_goes_on_once_it_is_raised(
    letters: Letters,
) -> None:
    await spend(("day", "", "command", 2))(letters)
    letter_id = await letters.add("one", study="bikes")
    plan = await letters.plans.create(CreateReplayPlanRequest(canary=False), "ada")
    (part,) = (await preview_plan(letters.database, plan)).parts
    assert part.hopeless == {"day_budget_spent": 1}
    await letters.plans.start(plan.plan_id)
    assert await letters.plans.take_plans() == [plan.plan_id]
    replayer = DeadLetterReplayer(letters.store, None, None)  # type: ignore[arg-type]
    await ReplayPlanRunner(letters.plans, replayer).run_plan(plan.plan_id)
    found = await letters.plans.plan(plan.plan_id)
    assert (found.state, found.counts.waiting, found.not_sent) == ("stopped", 1, {})
    assert "of 1 of the next letters" in found.state_reason
    assert explain_hopeless_replay("day_budget_spent") in found.state_reason
    (entry,) = (await AuditTrail(letters.database).page(action="plan.stop")).entries
    assert entry.reason == found.state_reason
    await letters.plans.resume(plan.plan_id, version=found.version, accepts_stop=True)
    assert await letters.plans.take_plans() == [plan.plan_id]
    with pytest.raises(BudgetSpentError):
        await letters.plans.slices.claim(plan.plan_id, 0, 1)
    await letters.database.execute("UPDATE llm_budgets SET limit_usd = 3")
    claimed = await letters.plans.slices.claim(plan.plan_id, 0, 1)
    assert [one.letter_id for one in (claimed.letters if claimed else ())] == [letter_id]


async def test_a_forced_plan_does_not_ask_what_is_left_of_a_budget(letters: Letters) -> None:
    await spend(("day", "", "command", 2))(letters)
    letter_id = await letters.add("one")
    plan = await letters.plans.create(CreateReplayPlanRequest(canary=False, force=True), "ada")
    await letters.plans.start(plan.plan_id)
    assert await letters.plans.take_plans() == [plan.plan_id]
    claimed = await letters.plans.slices.claim(plan.plan_id, 0, 1)
    assert [one.letter_id for one in (claimed.letters if claimed else ())] == [letter_id]


async def test_a_cause_that_is_named_goes_back_and_force_takes_all_causes(
    letters: Letters,
) -> None:
    conflict = await letters.add("conflict", service="ingestion", code="revision_conflict")
    for wanted in (
        CreateReplayPlanRequest(which=ReplayPlanFilter(code="revision_conflict")),
        CreateReplayPlanRequest(force=True),
    ):
        plan = await letters.plans.create(wanted, "ada")
        assert plan.left_out == {}
        await letters.plans.start(plan.plan_id)
        assert plan.plan_id in await letters.plans.take_plans()
        claimed = await letters.plans.slices.claim(plan.plan_id, 0, 1)
        assert [one.letter_id for one in (claimed.letters if claimed else ())] == [conflict]
        await letters.store.release_claims([conflict])
