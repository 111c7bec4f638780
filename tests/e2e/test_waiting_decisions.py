"""Operators hold, release and give up what waits, by the command line; the audit balances."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from audit.facts import SubmissionState
from contracts.topics import PIPELINE
from local_stack.supervisor import LocalStack
from support.http_client import http_client
from support.pipeline import Pipeline, submitted
from support.repair_talks import TALK, build_study
from support.stack import whole_stack
from support.waiting import until

pytestmark = pytest.mark.long

STUDY = build_study("waits")
FAILING, GIVEN_UP = 6, 2


@pytest.fixture(scope="module")
def stack(pytestconfig: pytest.Config) -> Iterator[LocalStack]:
    env = {f"{one.upper()}_STOP_SHARE": "1" for one in PIPELINE}
    env |= {f"{one.upper()}_STOP_SHARE_OF_ALL": "1" for one in PIPELINE}
    # Nothing that waits comes back by itself within the test.
    env |= {"ENRICHMENT_RETRY_DELAYS_S": "900"}
    with whole_stack(pytestconfig.getoption("--stack"), env) as running:
        yield running


async def test_what_waits_is_held_over_a_restart_released_and_given_up(
    stack: LocalStack,
) -> None:
    pipeline = Pipeline(stack)
    rules = f"{pipeline.simulator}/rules"

    async def wait_for(number: int, *options: str) -> dict[str, Any]:
        async def look() -> Any:
            found = await pipeline.ask("waiting", "list", *options)
            return found if found["matching"] == number else None

        found: dict[str, Any] = await until(look, within_s=90)
        return found

    async with http_client() as client:
        spoiled = {"fault": "invalid_json", "match": "Leeds"}
        assert (await client.put(f"{rules}/spoil", json=spoiled)).is_success
        events = [
            submitted(STUDY, f"waits-{number}", TALK.format(100 + number, "Leeds"))
            for number in range(FAILING)
        ]
        await pipeline.publish(events)
        await wait_for(FAILING, "--service", "enrichment", "--study", STUDY.study_id)
        assert (await client.delete(rules)).is_success

    await pipeline.ask(
        *("waiting", "hold", "--study", STUDY.study_id, "--until", "2h", "--yes"),
        *("--reason", "the model is being mended"),
    )
    held = await wait_for(FAILING, "--held")
    assert {one["error_code"] for one in held["messages"]} == {"llm_bad_output"}
    await asyncio.to_thread(stack.kill, "enrichment")
    await asyncio.to_thread(stack.restart, "enrichment")
    await wait_for(FAILING, "--held")

    done = await pipeline.ask(
        *("waiting", "give-up", "--held", "--limit", str(GIVEN_UP), "--yes"),
        *("--reason", "a test"),
    )
    assert done["messages"] == GIVEN_UP
    await wait_for(FAILING - GIVEN_UP)
    counted = (await pipeline.audit()).chunks.states
    assert counted[SubmissionState.IN_RETRY] == FAILING - GIVEN_UP
    await pipeline.ask(
        *("waiting", "release", "--code", "llm_bad_output", "--yes"), *("--reason", "mended")
    )
    result = await pipeline.settled()
    assert result.balances, result
    letters = await pipeline.rows("SELECT error_code, error_message FROM dead_letters")
    assert [one["error_code"] for one in letters] == ["given_up"] * GIVEN_UP
    assert all("a test" in one["error_message"] for one in letters)
    stored = await pipeline.rows("SELECT count(*) FROM chunks WHERE stored_at IS NOT NULL")
    assert stored[0][0] == FAILING - GIVEN_UP
    # Given up is not gone: it is replayed like any letter.
    await pipeline.ask("dlq", "replay", "--all", "--code", "given_up", "--yes", "--wait")
    assert (await pipeline.settled()).balances
