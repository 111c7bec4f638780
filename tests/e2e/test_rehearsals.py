"""A rehearsal says what a replay would end in, and leaves everything as it was."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from typing import Any, Final

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from contracts.events import TranscriptSubmitted
from contracts.topics import ALL_TOPICS, PIPELINE, TRANSCRIPTS_SETTLED
from local_stack.supervisor import LocalStack
from onrecord.connections import open_control_client
from onrecord.control_client import ControlClient
from onrecord.replay_plans import change_replay_plan, create_replay_plan, follow_replay_plan
from onrecord.settings import ClientSettings
from support.http_client import http_client
from support.pipeline import Pipeline, submitted
from support.repair_talks import TALK, build_study
from support.stack import QUICK_RETRIES, whole_stack
from support.waiting import until

pytestmark = pytest.mark.long

EACH: Final = int(os.environ.get("ONRECORD_REHEARSED_LETTERS", "20"))
"""Letters of each of the six causes; a longer round, of 3,000 letters, sets it to 500."""

LIMIT_S: Final = 400 if EACH <= 20 else 3_000
"""Longest wait for one part of it, in seconds."""

STUDY = build_study("rehearsed")
SPOILS = {"refused": "refusal", "garbled": "invalid_json", "misquoted": "wrong_segment"}
"""What the model does wrong, by a word in the interview."""

CALLS_OF_PASSING = """
SELECT count(*)
  FROM llm_calls
  JOIN dead_letters AS letter USING (subject)
  JOIN rehearsed_letters USING (letter_id)
 WHERE rehearsal_id = $1 AND prediction = 'passes'
"""

ON_PURPOSE = {"rehearsals", "rehearsed_letters", "trail", "trail_outcomes"}
"""Tables that a rehearsal writes to."""

KEPT_UP = {
    "access_tokens": "(SELECT token_id, name, grants, revoked_at FROM access_tokens)",
    "letter_cause_counts": "(SELECT cause_id, study_id, state, sum(letters) "
    "FROM letter_cause_counts GROUP BY 1, 2, 3 HAVING sum(letters) <> 0)",
    # Half a minute after they were stored, drafts and calls that are no rehearsal's are observed.
    **dict.fromkeys(("drift_positions", "drift_series", "drift_alarms"), "(SELECT 1 AS observed)"),
}
"""Tables that control keeps up in the background, each minute and each hour, whatever is rehearsed:
what of them means something."""

OF_CALLS = {
    "llm_calls",
    "llm_answers",
    "llm_answer_subjects",
    "llm_spending",
    "llm_fingerprints",
    "llm_claims",
}
"""Tables that calls of models write to."""


@pytest.fixture(scope="module")
def stack(pytestconfig: pytest.Config) -> Iterator[LocalStack]:
    env = {
        "ONRECORD_SIMULATOR_SEED": "5",
        "ENRICHMENT_STOP_SHARE": "1",
        "GUARDRAIL_STOP_SHARE": "1",
    }
    stops = {f"{one.upper()}_STOP_SHARE_OF_ALL": "1" for one in PIPELINE}
    with whole_stack(pytestconfig.getoption("--stack"), QUICK_RETRIES | env | stops) as running:
        yield running


@pytest.fixture
def pipeline(stack: LocalStack) -> Pipeline:
    return Pipeline(stack)


class Model:
    """The simulator's fault rules."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._rules = f"{pipeline.simulator}/rules"

    async def spoil(self, word: str, fault: str) -> None:
        async with http_client() as client:
            url = f"{self._rules}/on-{word.replace(' ', '-')}"
            put = await client.put(url, json={"fault": fault, "match": word})
            assert put.is_success, put.text

    async def mend(self) -> None:
        async with http_client() as client:
            assert (await client.delete(self._rules)).is_success


@asynccontextmanager
async def control_of(pipeline: Pipeline) -> AsyncIterator[ControlClient]:
    async with open_control_client(ClientSettings.load(pipeline.env)) as control:
        yield control


async def rehearse(control: ControlClient, **asked: Any) -> dict[str, Any]:
    begun = await control.send("POST", "/v1/rehearsals", dict[str, Any], json=asked)

    async def look() -> dict[str, Any] | None:
        found = await control.get(f"/v1/rehearsals/{begun['rehearsal_id']}", dict[str, Any])
        return None if found["state"] == "running" else found

    return dict(await until(look, within_s=LIMIT_S))


async def replay_all(control: ControlClient, which: Mapping[str, str]) -> None:
    plan = await create_replay_plan(control, {"which": which, "canary": False})
    started = await change_replay_plan(control, str(plan.plan_id), "start")
    await follow_replay_plan(control, started, until_sent=True)


async def letters_of(control: ControlClient, rehearsal: Mapping[str, Any]) -> list[dict[str, Any]]:
    path, found = f"/v1/rehearsals/{rehearsal['rehearsal_id']}/letters", []
    cursor: str | None = None
    while True:
        page = await control.get(path, dict[str, Any], {"limit": 200, "cursor": cursor})
        found += page["letters"]
        if (cursor := page["next"]) is None:
            return found


async def digests_of(pipeline: Pipeline) -> dict[str, str]:
    """Digests of all rows of each table."""
    tables = await pipeline.rows(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    digests = {}
    for (name,) in tables:
        ((digest,),) = await pipeline.rows(
            "SELECT md5(string_agg(row::text, '|' ORDER BY row::text)) "
            f"FROM {KEPT_UP.get(name, _quote(name))} AS row"
        )
        digests[name] = digest
    return digests


def _quote(table: str) -> str:
    return f'"{table}"'


async def offsets_of(pipeline: Pipeline) -> dict[str, Any]:
    """Ends of all topics, and what groups have committed."""
    admin = AIOKafkaAdminClient(bootstrap_servers=pipeline.kafka.bootstrap_servers)
    consumer = AIOKafkaConsumer(bootstrap_servers=pipeline.kafka.bootstrap_servers)
    async with AsyncExitStack() as stack:
        for one in (admin, consumer):
            await one.start()
        stack.push_async_callback(admin.close)
        stack.push_async_callback(consumer.stop)
        committed = {
            group: {
                str(place): at.offset
                for place, at in (await admin.list_consumer_group_offsets(group)).items()
            }
            for group in (*PIPELINE, "control")
        }
        cluster = await consumer._client.fetch_all_metadata()
        topics = [one.name for one in ALL_TOPICS if one is not TRANSCRIPTS_SETTLED]
        places = [
            TopicPartition(topic, number)
            for topic in topics
            for number in cluster.partitions_for_topic(topic) or ()
        ]
        ends = await consumer.end_offsets(places)
    return {"committed": committed, "ends": {str(place): end for place, end in ends.items()}}


async def wait_until_unchanging(pipeline: Pipeline) -> tuple[dict[str, str], dict[str, Any]]:
    """Wait until groups have committed all there is and two looks agree; return the last one."""
    before: Any = None

    async def look() -> tuple[dict[str, str], dict[str, Any]] | None:
        nonlocal before
        found = await digests_of(pipeline), await offsets_of(pipeline)
        ends = found[1]["ends"]
        is_committed = all(
            at == ends[place]
            for of_group in found[1]["committed"].values()
            for place, at in of_group.items()
        )
        is_same, before = found == before, found
        return found if is_same and is_committed else None

    rows, offsets = await until(look, within_s=LIMIT_S)
    return rows, offsets


async def set_aside(pipeline: Pipeline, model: Model, each: int) -> None:
    """Have letters of six causes set aside, so many of each."""
    for word, fault in SPOILS.items():
        await model.spoil(word, fault)
    events: list[TranscriptSubmitted] = []
    for number in range(each):
        which = "mended" if number % 2 else "unmended"
        events += [
            submitted(
                STUDY, f"{word}-{each}-{number}", TALK.format(100 + number, f"{word} {which}")
            )
            for word in SPOILS
        ]
        events.append(submitted(STUDY, f"empty-{each}-{number}", ""))
        named = submitted(STUDY, f"unknown-{each}-{number}", TALK.format(300 + number, "Leeds"))
        study_id = f"later-{which}-{each}"
        events.append(named.model_copy(update={"study": None, "study_id": study_id}))
    first = [
        submitted(STUDY, f"conflict-{each}-{number}", TALK.format(500 + number, "York"))
        for number in range(each)
    ]
    await pipeline.publish([*events, *first])
    await pipeline.settled(within_s=LIMIT_S)
    await pipeline.publish(
        [
            one.model_copy(update={"content": one.content + "\nInterviewer: Thanks."})
            for one in first
        ]
    )
    await pipeline.settled(within_s=LIMIT_S)


async def causes_of(pipeline: Pipeline) -> Counter[str]:
    found = await pipeline.rows("SELECT error_code FROM dead_letters WHERE state = 'open'")
    return Counter(row["error_code"] for row in found)


@pytest.mark.timeout(300 if EACH <= 20 else 7_200)
async def test_predictions_are_right_and_nothing_is_changed(pipeline: Pipeline) -> None:
    each = EACH
    model = Model(pipeline)
    await set_aside(pipeline, model, each)
    # What is mended meanwhile: half of what the model spoils, and one of two unknown studies.
    await model.mend()
    await model.spoil("refused unmended", "refusal")
    await model.spoil("garbled unmended", "refusal")
    await model.spoil("misquoted unmended", "wrong_segment")

    async with control_of(pipeline) as control:
        known = {
            "study_id": f"later-mended-{each}",
            "name": "Later",
            "themes": [{"id": "pricing", "name": "Prices", "description": "cost, dollars, pay"}],
        }
        await control.send("POST", "/v1/studies", dict[str, Any], json=known)
        rows, offsets = await wait_until_unchanging(pipeline)
        # Only now are all of them indexed.
        open_letters = await causes_of(pipeline)
        assert len(open_letters) == 6, open_letters
        assert min(open_letters.values()) >= each * 0.95

        recorded = await rehearse(control)

        assert recorded["rehearsed"] == recorded["letters"] == sum(open_letters.values())
        assert Decimal(recorded["cost_usd"]) == 0
        after = await digests_of(pipeline)
        assert {name for name in rows if rows[name] != after[name]} <= ON_PURPOSE
        assert await offsets_of(pipeline) == offsets

        live = await rehearse(control, mode="live", budget_usd="50")

        after = await digests_of(pipeline)
        assert {name for name in rows if rows[name] != after[name]} <= ON_PURPOSE | OF_CALLS
        assert await offsets_of(pipeline) == offsets
        booked = await pipeline.rows(
            "SELECT coalesce(sum(cost_usd), 0) FROM llm_calls WHERE purpose LIKE 'rehearsal%'"
        )
        assert 0 < Decimal(live["cost_usd"]) <= 50
        assert live["predictions"].get("unknown", 0) == 0, live
        assert booked[0][0] == Decimal(live["cost_usd"])

        calls = await pipeline.rows(CALLS_OF_PASSING, live["rehearsal_id"])
        await replay_all(control, {})
        for code in ("empty_transcript", "revision_conflict"):
            await replay_all(control, {"code": code})
        await pipeline.settled(within_s=LIMIT_S)

        async def compare() -> dict[str, Any] | None:
            found = await control.get(f"/v1/rehearsals/{live['rehearsal_id']}", dict[str, Any])
            accuracy = dict(found["accuracy"])
            return accuracy if accuracy["settled"] == accuracy["replayed"] else None

        accuracy = await until(
            compare, within_s=LIMIT_S
        )  # outcomes are looked for in the background
        letters = await letters_of(control, live)
        # A study that nobody has registered meanwhile: a replay is refused, as it was predicted.
        refused = [one for one in letters if not one["outcome"]]
        assert len(refused) == each / 2
        assert {(one["prediction"], one["predicted_code"]) for one in refused} == {
            ("same_cause", "unknown_study")
        }
        wrong = [
            one
            for one in letters
            if one["outcome"] and (one["prediction"] == "passes") != (one["outcome"] == "passed")
        ]
        replayable = sum(open_letters.values()) - len(refused)
        assert accuracy["settled"] >= replayable * 0.98, (accuracy, wrong[:3])
        assert accuracy["right"] >= accuracy["settled"] * 0.98, (accuracy, wrong[:3])
        # What the rehearsal paid for is not asked again.
        assert calls[0][0] > 0
        assert await pipeline.rows(CALLS_OF_PASSING, live["rehearsal_id"]) == calls
