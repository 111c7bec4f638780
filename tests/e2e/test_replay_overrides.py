"""Refused drafts go back by canary with another version of the prompt; no other does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from contracts.topics import PIPELINE
from local_stack.supervisor import LocalStack
from onrecord.connections import open_control_client
from onrecord.settings import ClientSettings
from prompts.notes import CURRENT
from support.http_client import http_client
from support.pipeline import Pipeline, submitted
from support.repair_talks import TALK, build_study
from support.stack import QUICK_RETRIES, whole_stack
from support.waiting import until

pytestmark = pytest.mark.long

OTHER = "notes-2"
assert CURRENT.version != OTHER

STUDY = build_study("overridden")
REFUSED = 20
OTHERS = 5
WITH_BUDGET = 60

CALLS = """
SELECT chunk.transcript_id, call.prompt_version, count(*) AS calls
  FROM llm_calls AS call
  JOIN chunks AS chunk ON chunk.chunk_id::text = call.subject
 WHERE call.started_at > $1
 GROUP BY 1, 2
"""


@pytest.fixture(scope="module")
def stack(pytestconfig: pytest.Config) -> Iterator[LocalStack]:
    env = {f"{one.upper()}_STOP_SHARE": "1" for one in PIPELINE}
    env |= {f"{one.upper()}_STOP_SHARE_OF_ALL": "1" for one in PIPELINE}
    with whole_stack(pytestconfig.getoption("--stack"), QUICK_RETRIES | env) as running:
        yield running


async def test_refused_drafts_are_asked_again_with_another_prompt(stack: LocalStack) -> None:
    pipeline = Pipeline(stack)
    rules = f"{pipeline.simulator}/rules"
    async with http_client() as client:
        spoiled = {"fault": "wrong_segment", "match": "Leeds"}
        assert (await client.put(f"{rules}/spoil", json=spoiled)).is_success
        refused = [
            submitted(STUDY, f"refused-{number}", TALK.format(100 + number, "Leeds"))
            for number in range(REFUSED)
        ]
        await pipeline.publish(refused)
        await pipeline.settled()
        assert (await client.delete(rules)).is_success
    ((now,),) = await pipeline.rows("SELECT now()")

    async with open_control_client(ClientSettings.load(pipeline.env)) as control:

        async def are_indexed() -> bool:
            counted = await pipeline.rows(
                "SELECT count(*) FROM dead_letters WHERE error_code = 'ungrounded'"
            )
            return bool(counted[0][0] == REFUSED)

        await until(are_indexed)
        wanted: dict[str, Any] = {
            "which": {"code": "ungrounded"},
            "canary": True,
            "overrides": {"prompt_version": OTHER},
        }
        plan = await control.send("POST", "/v1/plans", dict[str, Any], json=wanted)
        path = f"/v1/plans/{plan['plan_id']}"
        assert len(plan["steps"]) > 1
        await control.send("POST", f"{path}/start", dict[str, Any])
        # While they go through, others do, too.
        others = [
            submitted(STUDY, f"other-{number}", TALK.format(500 + number, "York"))
            for number in range(OTHERS)
        ]
        await pipeline.publish(others)

        async def is_over() -> dict[str, Any] | None:
            found = await control.get(path, dict[str, Any])
            return None if found["state"] == "running" else found

        ended = await until(is_over, within_s=120)
    assert (ended["state"], ended["counts"]["resolved"]) == ("finished", REFUSED), ended
    await pipeline.settled()

    versions: dict[Any, Counter[str]] = {}
    for row in await pipeline.rows(CALLS, now):
        versions.setdefault(row["transcript_id"], Counter())[row["prompt_version"]] += row["calls"]
    assert {tuple(versions[one.transcript_id]) for one in refused} == {(OTHER,)}
    assert {tuple(versions[one.transcript_id]) for one in others} == {(CURRENT.version,)}
    stored = await pipeline.rows("SELECT transcript_id, prompt_version FROM chunks")
    lineage = {row["transcript_id"]: row["prompt_version"] for row in stored}
    assert {lineage[one.transcript_id] for one in refused} == {OTHER}
    assert {lineage[one.transcript_id] for one in others} == {CURRENT.version}


async def test_a_plan_with_a_budget_spends_no_more_and_leaves_the_rest_open(
    stack: LocalStack,
) -> None:
    pipeline = Pipeline(stack)
    rules = f"{pipeline.simulator}/rules"
    async with http_client() as client:
        spoiled = {"fault": "wrong_segment", "match": "Hull"}
        assert (await client.put(f"{rules}/spoil", json=spoiled)).is_success
        await pipeline.publish(
            submitted(STUDY, f"dear-{number}", TALK.format(200 + number, "Hull"))
            for number in range(WITH_BUDGET)
        )
        await pipeline.settled()
        assert (await client.delete(rules)).is_success
    ((worst,),) = await pipeline.rows("SELECT max(worst_usd) FROM llm_calls")
    budget = worst * Decimal("1.5")
    async with open_control_client(ClientSettings.load(pipeline.env)) as control:

        async def are_indexed() -> bool:
            page = await control.get(
                "/v1/letters", dict[str, Any], {"state": "open", "code": "ungrounded"}
            )
            return len(page["letters"]) == WITH_BUDGET

        await until(are_indexed)
        wanted = {"which": {"code": "ungrounded"}, "overrides": {"budget_usd": str(budget)}}
        plan = await control.send(
            "POST", "/v1/plans", dict[str, Any], json=wanted | {"max_failed": 1}
        )
        path = f"/v1/plans/{plan['plan_id']}"
        await control.send("POST", f"{path}/start", dict[str, Any])

        async def is_over() -> dict[str, Any] | None:
            found = await control.get(path, dict[str, Any])
            return None if found["state"] == "running" else found

        ended = await until(is_over, within_s=120)
        await pipeline.settled()

        async def has_resolved() -> bool:
            return bool((await control.get(path, dict[str, Any]))["counts"]["resolved"])

        await until(has_resolved)
    assert ended["state"] == "stopped"
    assert "is spent" in ended["state_reason"]
    assert ended["counts"]["waiting"] >= WITH_BUDGET // 2
    ((calls, booked),) = await pipeline.rows(
        "SELECT count(*), sum(cost_usd) FROM llm_calls WHERE plan_id = $1", UUID(plan["plan_id"])
    )
    assert calls >= 1
    assert 0 < booked <= budget
    ((counted,),) = await pipeline.rows("SELECT sum(usd) FROM llm_plan_spending")
    assert counted == booked
