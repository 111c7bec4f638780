"""A model is changed by its provider in the middle of work; operators see whose change it is."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from contracts.events import TranscriptSubmitted
from contracts.study import Study, Theme
from local_stack.supervisor import LocalStack
from support.http_client import http_client
from support.pipeline import Pipeline, submitted
from support.stack import QUICK_RETRIES, whole_stack
from support.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

STUDY = Study(
    study_id="drifting",
    name="Paying for repairs",
    themes=(Theme(id="pricing", name="Prices", description="cost, dollars, pay, expensive"),),
    personal_data="allow",
    statements="all",
)
TURNS = 80
STEADY = 130
SINCE = 30


@pytest.fixture(scope="module")
def stack(pytestconfig: pytest.Config) -> Iterator[LocalStack]:
    env = {"INGESTION_CHUNK_CHARACTERS": "500", "ONRECORD_SIMULATOR_SEED": "3"}
    with whole_stack(pytestconfig.getoption("--stack"), QUICK_RETRIES | env) as running:
        yield running


def build_talks(number: int, random: Random) -> list[TranscriptSubmitted]:
    """Interviews of many small chunks, no two of which say the same."""
    talks = []
    for _ in range(number):
        turns = []
        for _ in range(TURNS // 2):
            repair, paid = random.randrange(10**6), random.randrange(20, 900)
            turns += [
                f"Interviewer: What did repair {repair} cost?",
                f"Participant: I paid {paid} dollars for repair {repair}, which was expensive.",
            ]
        talks.append(submitted(STUDY, f"talk {random.random()}", "\n\n".join(turns)))
    return talks


async def change_model(pipeline: Pipeline, drift: dict[str, Any]) -> None:
    async with http_client() as client:
        counts = (await client.get(f"{pipeline.simulator}/counts")).json()
        (model,) = counts["models"]
        changed = await client.patch(
            f"{pipeline.simulator}/models/{model}", json={"drift": {"at": 0, "spoils": drift}}
        )
        assert changed.is_success, changed.text


async def test_a_model_that_its_provider_changes_is_found_and_named(pipeline: Pipeline) -> None:
    random = Random(4)
    await pipeline.publish(build_talks(STEADY, random))
    await pipeline.settled(within_s=240)
    drafts = await pipeline.rows("SELECT count(*) FROM drafts")
    assert drafts[0][0] >= 700, "enough to know what is usual"
    await change_model(pipeline, {"interviewer_quote": 0.3})
    await pipeline.publish(build_talks(SINCE, random))
    await pipeline.settled(within_s=240)

    async def is_found() -> bool:
        (row,) = await pipeline.rows(
            "SELECT count(*) FROM drift_alarms"
            " WHERE (metric, dimension) = ('rejected_notes', 'model') AND side IS NOT NULL"
        )
        return bool(row[0])

    await until(is_found, within_s=180)
    report = await pipeline.ask("drift")
    alarms = {(one["metric"], one["dimension"]): one for one in report["alarms"]}
    alarm = alarms["rejected_notes", "model"]
    assert (alarm["direction"], alarm["side"]) == ("up", "they_changed"), alarm
    assert "fingerprint" in {one["factor"] for one in alarm["factors"] if one["explains"]}
    printed = await pipeline.onrecord("drift")
    assert "refused notes up: all; model" in " ".join(printed.split())
    assert "the model changed" in printed
