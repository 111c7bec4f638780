"""An operator's shift: an outage, a model that hangs and spoils drafts, and what is done then.

The operator has nothing but the command line.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pytest

from local_stack.supervisor import LocalStack
from prompts.notes import CURRENT
from support.http_client import http_client
from support.pipeline import Pipeline, submitted
from support.repair_talks import TALK, build_study
from support.stack import QUICK_RETRIES, whole_stack
from support.waiting import until

INTERVIEWS: Final = int(os.environ.get("ONRECORD_STORY_INTERVIEWS") or "400")
"""``make story`` takes 2,000, which is five minutes on two cores."""

OUTAGE_S: Final = 60 if INTERVIEWS >= 2_000 else 10
LIMIT_S: Final = 600

HANG_EACH: Final = 33
SPOILED_EACH: Final = 20
"""The model hangs on 3 % of the interviews, and spoils the drafts of 5 %."""

NEW_PROMPT: Final = "notes-2"
ONLY_IN_CURRENT: Final = "A program compares every statement"
assert CURRENT.version != NEW_PROMPT
assert ONLY_IN_CURRENT in CURRENT.instructions

STUDY: Final = build_study("story")


@pytest.fixture(scope="module")
def stack(pytestconfig: pytest.Config) -> Iterator[LocalStack]:
    """The whole stack as it is by default, but for waits that a test cannot afford."""
    patience = {
        "OPENAI_FIRST_TOKEN_S": "2",
        "ENRICHMENT_OUTAGE_PAUSE_MAX_S": "2",
        "ENRICHMENT_STOP_PAUSE_S": "0.5",
        "ENRICHMENT_STOP_PAUSE_MAX_S": "2",
    }
    with whole_stack(pytestconfig.getoption("--stack"), QUICK_RETRIES | patience) as running:
        yield running


def _town(number: int) -> str:
    if number % HANG_EACH == HANG_EACH - 1:
        return "Hull"
    return "Leeds" if number % SPOILED_EACH == SPOILED_EACH - 1 else "York"


async def _interviews_of_letters(pipeline: Pipeline, code: str) -> set[Any]:
    rows = await pipeline.rows(
        "SELECT transcript_id FROM dead_letters JOIN chunks ON chunk_id::text = subject "
        "WHERE error_code = $1",
        code,
    )
    return {one["transcript_id"] for one in rows}


@pytest.mark.long
@pytest.mark.timeout(1_200)
async def test_from_the_first_dead_letter_to_the_last(stack: LocalStack) -> None:
    pipeline = Pipeline(stack)
    towns = [_town(number) for number in range(INTERVIEWS)]
    interviews = [
        submitted(STUDY, f"interview-{number}", TALK.format(100 + number, town))
        for number, town in enumerate(towns)
    ]
    hung, spoiled = (
        {one.transcript_id for one, town in zip(interviews, towns, strict=True) if town == where}
        for where in ("Hull", "Leeds")
    )

    # The night: the model hangs and spoils, and is away for a minute in the middle.
    async with http_client() as client:
        spoils = {"fault": "wrong_segment", "match": "Leeds", "instructions": ONLY_IN_CURRENT}
        for name, rule in {"hangs": {"fault": "hang", "match": "Hull"}, "spoils": spoils}.items():
            assert (await client.put(f"{pipeline.simulator}/rules/{name}", json=rule)).is_success
        await pipeline.publish(interviews[: INTERVIEWS // 2])
        half = OUTAGE_S / 2
        outage = [
            {"kind": "disconnect", "lasts": half},
            {"at": half, "kind": "hang", "lasts": half},
        ]
        assert (await client.put(f"{pipeline.simulator}/outages", json=outage)).is_success
        await pipeline.publish(interviews[INTERVIEWS // 2 :])
    audit = await pipeline.ask("audit", "--wait", "--timeout", str(LIMIT_S))
    assert audit["balances"]

    # The morning: what has happened, and why.
    async def are_indexed() -> Any:
        found = (await pipeline.ask("dlq", "causes"))["causes"]
        return (
            found if sum(one["letters"]["open"] for one in found) == len(hung | spoiled) else None
        )

    found = {one["error_code"]: one for one in await until(are_indexed, within_s=60)}
    assert {code: one["letters"]["open"] for code, one in found.items()} == {
        "llm_timeout": len(hung),
        "ungrounded": len(spoiled),
    }
    assert await _interviews_of_letters(pipeline, "llm_timeout") == hung
    assert await _interviews_of_letters(pipeline, "ungrounded") == spoiled

    # Would a new version of the prompt mend the refused ones?
    refused = f"cause={found['ungrounded']['cause_id']}"
    with_prompt = ("--prompt-version", NEW_PROMPT)
    rehearsal = await pipeline.ask(
        "dlq", "rehearse", "--where", refused, *with_prompt, "--live", "--budget", "5"
    )
    assert rehearsal["predictions"] == {"passes": len(spoiled)}

    # It would: they go back in steps.
    plan = await pipeline.ask(
        *("dlq", "plan", "create", "--where", refused, *with_prompt),
        *("--canary", "--start", "--yes", "--wait", "--reason", "notes-2 cites the right turn"),
    )
    assert (plan["state"], plan["counts"]["resolved"]) == ("finished", len(spoiled))
    compared = await pipeline.ask("dlq", "rehearsal", rehearsal["rehearsal_id"])
    assert compared["accuracy"]["right"] == len(spoiled)

    # The rest is given up.
    discarded = await pipeline.ask(
        *("dlq", "discard", "--where", f"cause={found['llm_timeout']['cause_id']}"),
        *("--yes", "--reason", "the model hangs on them; the customer asks again"),
    )
    assert discarded["discarded"] == len(hung)
    audit = await pipeline.ask("audit", "--wait", "--timeout", "60")
    assert audit["balances"]
    causes = (await pipeline.ask("dlq", "causes", "--state", "all"))["causes"]
    states = [(one["error_code"], +Counter(one["letters"])) for one in causes]
    assert sorted(states) == [
        ("llm_timeout", {"discarded": len(hung)}),
        ("ungrounded", {"resolved": len(spoiled)}),
    ]
    stored = await pipeline.rows("SELECT DISTINCT transcript_id FROM notes")
    assert {one["transcript_id"] for one in stored} == {
        one.transcript_id for one in interviews if one.transcript_id not in hung
    }
