"""A stage that stopped itself is seen and resumed by the command line; nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local_stack.supervisor import LocalStack
from support.http_client import http_client
from support.pipeline import Pipeline, submitted
from support.repair_talks import TALK, build_study
from support.stack import QUICK_RETRIES, whole_stack
from support.waiting import until

pytestmark = pytest.mark.long

STUDY = build_study("stops")
INTERVIEWS = 60
SOON = ("--for", "1")


@pytest.fixture(scope="module")
def stack(pytestconfig: pytest.Config) -> Iterator[LocalStack]:
    env = QUICK_RETRIES | {
        "ENRICHMENT_MAX_IN_FLIGHT": "4",
        "ENRICHMENT_TRIES": "1",
        # It tries nothing by itself within the test.
        "ENRICHMENT_OUTAGE_PAUSE_S": "900",
        "ENRICHMENT_OUTAGE_PAUSE_MAX_S": "900",
    }
    with whole_stack(pytestconfig.getoption("--stack"), env) as running:
        yield running


async def test_a_stage_that_stopped_itself_is_seen_and_resumed_by_the_command_line(
    stack: LocalStack,
) -> None:
    pipeline = Pipeline(stack)
    rules = f"{pipeline.simulator}/rules"

    async def look() -> dict[str, Any]:
        services = (await pipeline.ask("pipeline", *SOON))["services"]
        (found,) = [one for one in services if one["service"] == "enrichment"]
        return dict(found)

    async def has_stopped() -> dict[str, Any] | None:
        found = await look()
        return found if found["reason"].startswith("stopped:") else None

    async def is_ready() -> bool:
        found = await look()
        return bool(found["ready"])

    async with http_client() as client:
        spoiled = {"fault": "invalid_json", "match": "Leeds"}
        assert (await client.put(f"{rules}/spoil", json=spoiled)).is_success
        await pipeline.publish(
            [
                submitted(STUDY, f"stops-{number}", TALK.format(100 + number, "Leeds"))
                for number in range(INTERVIEWS)
            ]
        )
        stopped = await until(has_stopped, within_s=120)
        assert stopped["ready"] is False
        assert "llm_bad_output" in stopped["reason"]
        assert "onrecord resume" in stopped["reason"]
        page = " ".join((await pipeline.onrecord("pipeline", *SOON)).split())
        assert "stopped:" in page
        assert "onrecord resume enrichment" in page
        # Nothing goes on by itself, mended or not.
        assert (await client.delete(rules)).is_success
        assert not await is_ready()

    # Guardrail never stopped, which does it no harm.
    printed = await pipeline.onrecord("resume", "guardrail")
    assert printed == "guardrail: had not stopped; it goes on\n"
    printed = await pipeline.onrecord("resume", "enrichment", "--reason", "the rule is gone")
    assert printed.startswith("enrichment: resumed; until now: stopped: ")
    await until(is_ready, within_s=60)
    result = await pipeline.settled()
    assert result.balances, result
    stored = await pipeline.rows("SELECT count(*) FROM chunks WHERE stored_at IS NOT NULL")
    dead = await pipeline.rows("SELECT count(*) FROM dead_letters WHERE state = 'open'")
    assert stored[0][0] + dead[0][0] == INTERVIEWS
    assert dead[0][0] < INTERVIEWS / 2
    entries = await pipeline.ask("trail", "--action", "service")
    assert [(one["target"], one["reason"]) for one in entries] == [
        ("enrichment", "the rule is gone"),
        ("guardrail", ""),
    ]
