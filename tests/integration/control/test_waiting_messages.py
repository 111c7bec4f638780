"""What waits in retry topics: its cause and its time, until its service is done with it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from contracts import headers as h
from contracts.errors import ErrorCode
from contracts.topics import ALL_TOPICS, CHUNKS_READY, WAITING_DECISIONS
from database.pool import Database
from messaging import Record
from messaging.consumer.offset_metadata import UNKNOWN_LOG, encode_commit_metadata
from messaging.dead_letters.headers import build_cause_headers, describe_failure
from messaging.delivery import Delivery, Headers, MessageOrigin, append_headers, build_retry_headers
from support.broker import QUICK, RestartableBroker
from support.chunks import CHUNK
from support.control_office import Office, TryAgainError, open_office
from support.stages import Stage
from support.waiting import until

NOW = datetime.now(UTC)


def waiting_headers(due_in_s: float, attempts: int = 1, why: str = "no answer") -> Headers:
    origin = MessageOrigin("chunks-ready", 0, 7, 1_000)
    due_ms = int((NOW + timedelta(seconds=due_in_s)).timestamp() * 1_000)
    delivery = Delivery(origin, attempts=attempts, first_failed_at=NOW)
    added = build_retry_headers(delivery, not_before_ms=due_ms, delay_ms=1_000)
    cause = build_cause_headers(describe_failure(TryAgainError(why), "enrichment"))
    return append_headers((), (*added, *cause))


async def waiting(office: Office, query: str = "") -> dict[str, Any]:
    status, page = await office.ask("GET", f"/v1/waiting{query}")
    assert status == 200, page
    found: dict[str, Any] = page
    return found


async def test_of_an_unknown_service_nothing_waits(broker: str, fresh_database: Database) -> None:
    async with open_office(broker, fresh_database, ALL_TOPICS) as office:
        page = await waiting(office, "?service=nobody")
        assert (page["messages"], page["matching"]) == ([], 0)


async def test_messages_in_retry_topics_have_their_cause_their_time_and_their_subject(
    broker: str, fresh_database: Database
) -> None:
    about = CHUNK
    async with open_office(broker, fresh_database, ALL_TOPICS) as office:
        value, key = about.model_dump_json().encode(), about.key.encode()
        await office.bench.send(
            "enrichment-retry-3", value, key=key, headers=waiting_headers(600, 3, "slow")
        )
        await office.bench.send("enrichment-retry-1", value, key=key, headers=waiting_headers(10))
        await office.bench.send("guardrail-retry-0", b"what is this", key=b"\xff")
        page = await waiting(office)
        assert (page["matching"], page["is_partial"]) == (3, False)
        assert page["by_service"] == {"enrichment": 2, "guardrail": 1}
        replayed, soon, late = page["messages"]
        assert (replayed["service"], replayed["due_at"], replayed["subject"]) == (
            *("guardrail", None, None),
        )
        assert {name: soon[name] for name in ("topic", "error_code", "error_message")} == {
            "topic": "enrichment-retry-1",
            "error_code": ErrorCode.LLM_TIMEOUT.value,
            "error_message": "no answer",
        }
        assert (soon["subject"], soon["study_id"]) == (str(about.chunk_id), "heating")
        due_in = datetime.fromisoformat(late["due_at"]) - NOW
        assert abs(due_in.total_seconds() - 600) < 1
        assert (late["attempts"], late["source_topic"], late["source_offset"]) == (
            *(3, "chunks-ready", 7),
        )
        one_by_one, cursor = [], ""
        while cursor is not None:
            page = await waiting(office, f"?limit=1&{cursor}")
            one_by_one += page["messages"]
            assert page["matching"] == 3
            cursor = page["next"] and f"cursor={page['next']}"
        assert one_by_one == [replayed, soon, late]
        for query, expected in {
            "?service=enrichment": [soon, late],
            "?code=llm_timeout&text=SLOW": [late],
            "?min_attempts=2": [late],
            f"?subject={about.chunk_id}&study=heating": [soon, late],
            "?study=another": [],
        }.items():
            assert (await waiting(office, query))["messages"] == expected, query
        assert (await office.ask("GET", "/v1/waiting?cause=1"))[0] == 400


async def commit(office: Office, topic: str, offset: int, finished: list[range]) -> None:
    kafka = office.bench.kafka
    consumer = AIOKafkaConsumer(
        **kafka.client_options(), group_id=kafka.topic("enrichment"), enable_auto_commit=False
    )
    await consumer.start()
    try:
        place = TopicPartition(kafka.topic(topic), 0)
        consumer.assign([place])
        metadata = encode_commit_metadata(offset, finished, UNKNOWN_LOG)
        await consumer.commit({place: OffsetAndMetadata(offset, metadata)})
    finally:
        await consumer.stop()


async def test_what_a_service_is_done_with_waits_no_more_also_out_of_order(
    broker: str, fresh_database: Database
) -> None:
    async with open_office(broker, fresh_database, ALL_TOPICS) as office:
        topic = "enrichment-retry-2"
        for number in range(6):
            headers = waiting_headers(60 - number)
            await office.bench.send(topic, b"%d" % number, key=b"k", headers=headers)
        await commit(office, topic, 2, [range(3, 5)])
        page = await waiting(office)
        assert [one["offset"] for one in page["messages"]] == [5, 2]  # the soonest first
        await commit(office, topic, 6, [])
        assert await waiting(office) == {
            "messages": [],
            "next": None,
            "matching": 0,
            "by_service": {},
            "is_partial": False,
        }


async def test_more_than_a_request_reads_is_said(
    broker: str, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.pipeline.waiting.MOST_READ", 3)
    async with open_office(broker, fresh_database, ALL_TOPICS) as office:
        for number in range(5):
            headers = waiting_headers(10)
            await office.bench.send("enrichment-retry-1", b"%d" % number, headers=headers)
        page = await waiting(office)
        assert (page["matching"], page["is_partial"]) == (3, True)


async def test_topics_that_are_not_there_have_nothing_that_waits(office: Office) -> None:
    assert (await waiting(office))["messages"] == []


async def test_without_kafka_what_waits_is_not_known_and_to_be_asked_again(
    own_broker: RestartableBroker, fresh_database: Database
) -> None:
    async with open_office(own_broker.servers, fresh_database) as office:
        await asyncio.to_thread(own_broker.stop)
        answer = await office.client.get(f"{office.url}/v1/waiting", timeout=120)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        await asyncio.to_thread(own_broker.start)


def failing_stage(calls: list[bytes], failing: set[bytes]) -> Stage:
    """Enrichment with a handler that fails on some values."""
    stage = Stage("enrichment")

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        calls.append(record.value or b"")
        if record.value in failing:
            raise TryAgainError("no answer")

    return stage


async def test_what_waits_is_held_released_and_given_up_by_selection(
    broker: str, fresh_database: Database
) -> None:
    calls, failing = list[bytes](), {b"0", b"1", b"2"}
    settings = QUICK.model_copy(update={"retry_delays_s": (600.0,), "tries": 1})
    async with open_office(broker, fresh_database, ALL_TOPICS) as office:
        stage = failing_stage(calls, failing)

        async def wait_for(query: str, number: int) -> dict[str, Any]:
            async def look() -> dict[str, Any] | None:
                page = await waiting(office, query)
                return page if page["matching"] == number else None

            found: dict[str, Any] = await until(look)
            return found

        async with office.bench.running(stage, settings):
            await office.bench.send("chunks-ready", *sorted(failing))
            await wait_for("?code=llm_timeout", 3)
            hold = {"limit": 2, "reason": "mending", "service": "enrichment"}
            status, held = await office.ask("POST", "/v1/waiting/hold", hold)
            assert (status, held["messages"], held["by_service"]) == (200, 2, {"enrichment": 2})
            page = await wait_for("?held=true", 2)
            until_then = datetime.fromisoformat(held["held_until"])
            shown = datetime.fromisoformat(page["messages"][0]["held_until"])
            assert abs((shown - until_then).total_seconds()) < 0.01
            assert (await wait_for("?held=false", 1))["messages"][0]["held_until"] is None
            assert len(calls) == 3

            _, given_up = await office.ask(
                "POST", "/v1/waiting/give-up", {"held": True, "limit": 1, "reason": "never mind"}
            )
            assert given_up["messages"] == 1
            (letter,) = await office.bench.records("enrichment-dlq", 1)
            assert dict(letter.headers)[h.ERROR_CODE] == b"given_up"
            await wait_for("", 2)

            failing.clear()
            _, released = await office.ask("POST", "/v1/waiting/release", {})
            assert released["messages"] == 2
            await wait_for("", 0)
        assert sorted([*calls[3:], letter.value]) == [b"0", b"1", b"2"]
        _, trail = await office.ask("GET", "/v1/trail")
        told = {one["action"]: one["reason"] for one in trail["entries"]}
        assert told["waiting.hold"] == "mending"
        assert told["waiting.give_up"] == "never mind"
        assert "waiting.release" in told


@pytest.mark.parametrize(
    ("verb", "body", "says"),
    [
        ("give-up", {}, "reason"),
        ("give-up", {"reason": " "}, "reason"),
        ("hold", {"held_until": "2020-01-01T00:00:00Z"}, "held_until"),
        ("hold", {"held_until": "2999-01-01T00:00:00Z"}, "7 days"),
        ("release", {"studdy": "x"}, "studdy"),
        ("release", {"limit": 0}, "limit"),
    ],
)
async def test_a_decision_that_makes_no_sense_is_refused(
    broker: str, fresh_database: Database, verb: str, body: dict[str, Any], says: str
) -> None:
    async with open_office(broker, fresh_database, ALL_TOPICS) as office:
        status, problem = await office.ask("POST", f"/v1/waiting/{verb}", body)
        assert status == 400
        assert says in str(problem)


async def test_without_its_topic_nothing_can_be_decided(
    broker: str, fresh_database: Database
) -> None:
    topics = [topic for topic in ALL_TOPICS if topic is not WAITING_DECISIONS]
    async with open_office(broker, fresh_database, topics) as office:
        status, problem = await office.ask("POST", "/v1/waiting/release", {})
        assert (status, "topics create" in problem["detail"]) == (424, True)
