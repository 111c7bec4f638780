"""Each row of the design's table, on a broker: where a message ends whose handler fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from contracts import headers as h
from contracts.errors import (
    BadMessageError,
    OutageError,
    ParkedError,
    RejectedError,
    RetryableError,
    ThrottledError,
    TimedOutError,
)
from contracts.events import TranscriptSubmitted
from contracts.topics import CHUNKS_READY, TRANSCRIPTS_SUBMITTED
from messaging import Delivery, Publisher, Record, Stage
from messaging.delivery import Headers, append, split
from messaging.letters import replay_headers
from support.broker import PROBE, QUICK, Bench
from support.waiting import until

ODD: Headers = (("a", b"1"), ("a", b"2"), ("raw", b"\xff\xfe"), ("empty", b""), (h.ADDED, b"3"))


class Failing:
    """A stage whose handler fails as told, and that remembers its deliveries."""

    def __init__(self, error: Callable[[], Exception | None]) -> None:
        self.stage = Stage(PROBE)
        self.seen: list[tuple[Record, Delivery]] = []
        self.at: list[float] = []

        @self.stage.on_raw(CHUNKS_READY)
        async def handle(record: Record, delivery: Delivery) -> None:
            self.seen.append((record, delivery))
            self.at.append(time.monotonic())
            if (failure := error()) is not None:
                raise failure


def told(record: Any) -> dict[str, str]:
    """The headers that were added to a letter."""
    return {name: value.decode() for name, value in split(record.headers)[1]}


@pytest.mark.parametrize(
    ("error", "code", "counts"),
    [
        (BadMessageError("bad"), "invalid_event", (1, 0, 1)),
        (ParkedError("parked"), "budget_exceeded", (1, 0, 1)),
        (RejectedError("rejected"), "ungrounded", (1, 0, 1)),
        (ZeroDivisionError("secret"), "bug", (1, 0, 1)),
        (RetryableError("later"), "conflict", (6, 0, 6)),
        (TimedOutError("slow"), "timeout", (6, 6, 6)),
        # Its own timeouts are not tried again in place.
        (TimeoutError("slow"), "timeout", (3, 3, 3)),
        (asyncio.CancelledError(), "bug", (1, 0, 1)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
async def test_ends_as_a_dead_letter_after_as_many_tries_as_its_class_gets(
    bench: Bench, error: Exception, code: str, counts: tuple[int, int, int]
) -> None:
    failing = Failing(lambda: error)
    await bench.send("chunks-ready", b"1")
    async with bench.running(failing.stage):
        (letter,) = await bench.records("probe-dlq", 1)
        await bench.is_committed("chunks-ready", 1)
    headers = told(letter)
    assert headers[h.ERROR_CODE] == code
    assert (int(headers[h.ATTEMPTS]), int(headers[h.TIMEOUTS]), len(failing.seen)) == counts
    assert (headers[h.DLQ_TOPIC], headers[h.DLQ_PARTITION], headers[h.DLQ_OFFSET]) == (
        "chunks-ready",
        "0",
        "0",
    )
    assert headers[h.DLQ_GROUP] == bench.kafka.topic(PROBE)
    assert not [value for value in headers.values() if "secret" in value]


async def test_waits_in_each_retry_topic_as_long_as_it_says(bench: Bench) -> None:
    failing = Failing(lambda: RetryableError("later"))
    await bench.send("chunks-ready", b"1")
    async with bench.running(failing.stage):
        await bench.records("probe-dlq", 1)
    assert [delivery.tier for _, delivery in failing.seen] == [0, 0, 1, 1, 2, 2]
    assert failing.at[2] - failing.at[1] >= 0.2
    assert failing.at[4] - failing.at[3] >= 0.4
    assert {delivery.origin.topic for _, delivery in failing.seen} == {"chunks-ready"}


async def test_recovers_in_a_retry_topic_without_a_dead_letter(bench: Bench) -> None:
    failures = iter([RetryableError("1"), RetryableError("2"), None])
    failing = Failing(lambda: next(failures))
    await bench.send("chunks-ready", b"1", key=b"k", headers=ODD)
    async with bench.running(failing.stage):
        await bench.is_committed("probe-retry-1", 1)
    record, delivery = failing.seen[-1]
    assert (record.key, record.value, record.headers) == (b"k", b"1", ODD)
    assert (delivery.attempts, delivery.first_failed_at is not None) == (2, True)
    assert await bench.size("probe-dlq") == 0


@pytest.mark.parametrize(
    ("key", "value", "headers"),
    [
        (b"\xff\x00", b"\x80 not json", ODD),
        (b"k", None, ODD),
        (None, b"\x00", ()),
        (None, None, ODD),
        (None, None, ()),
        (b"", b"", ((h.ATTEMPTS, b"7"), (h.NOT_BEFORE, b"99999999999999"), (h.ADDED, b"2"))),
        (b"k", b"x", (("null", None),)),
    ],
)
async def test_a_dead_letter_and_its_replay_are_the_original_byte_for_byte(
    bench: Bench, key: bytes | None, value: bytes | None, headers: Headers
) -> None:
    failing = Failing(lambda: BadMessageError("bad"))
    await bench.send("chunks-ready", value, key=key, headers=headers)
    async with bench.running(failing.stage):
        (letter,) = await bench.records("probe-dlq", 1)
        original, added = split(letter.headers)
        assert (letter.key, letter.value, original) == (key, value, headers)
        letter_id = told(letter)[h.LETTER_ID]
        replayed = append(original, replay_headers(UUID(letter_id), added))
        await bench.send("probe-retry-0", letter.value, key=letter.key, headers=replayed)
        _, again = await bench.records("probe-dlq", 2)
    record, delivery = failing.seen[1]
    assert (record.key, record.value, record.headers) == (key, value, headers)
    assert (delivery.replays, delivery.attempts, str(delivery.replay_of)) == (1, 0, letter_id)
    assert split(again.headers)[0] == headers
    assert told(again)[h.REPLAY_OF] == letter_id != told(again)[h.LETTER_ID]
    assert told(again)[h.REPLAYS] == "1"
    assert told(again)[h.DLQ_TOPIC] == "chunks-ready"


@pytest.mark.parametrize("value", [b"\xff", None, b'{"title": 3}'])
async def test_a_message_that_cannot_be_read_goes_to_the_dlq_and_the_next_goes_through(
    bench: Bench, value: bytes | None
) -> None:
    stage, seen = Stage(PROBE), []

    @stage.on(TRANSCRIPTS_SUBMITTED)
    async def never(event: TranscriptSubmitted) -> None:
        raise AssertionError("not readable")

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        seen.append(record.value)

    await bench.send("transcripts-submitted", value, key=b"k")
    await bench.send("chunks-ready", b"next")
    async with bench.running(stage):
        (letter,) = await bench.records("probe-dlq", 1)
        await bench.is_committed("transcripts-submitted", 1)
        await bench.is_committed("chunks-ready", 1)
    assert letter.value == value
    assert told(letter)[h.ERROR_CODE] in {"undecodable", "invalid_event"}
    assert seen == [b"next"]


async def test_a_hanging_handler_is_cut_off_at_the_deadline_and_counted_as_timeout(
    bench: Bench,
) -> None:
    stage, seen = Stage(PROBE), []

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record, delivery: Delivery) -> None:
        seen.append(delivery)
        await asyncio.Event().wait()

    await bench.send("chunks-ready", b"1")
    brief = QUICK.model_copy(update={"deadline_s": 0.1})
    async with bench.running(stage, brief):
        (letter,) = await bench.records("probe-dlq", 1)
    assert (told(letter)[h.ATTEMPTS], told(letter)[h.TIMEOUTS]) == ("3", "3")
    assert told(letter)[h.ERROR_CODE] == "timeout"
    assert [delivery.timeouts for delivery in seen] == [0, 1, 2]


async def test_waits_as_told_in_place_and_counts_no_attempt(bench: Bench) -> None:
    answers = iter([ThrottledError("busy", retry_after=0.15), None])
    failing = Failing(lambda: next(answers))
    await bench.send("chunks-ready", b"1")
    async with bench.running(failing.stage):
        await bench.is_committed("chunks-ready", 1)
    assert failing.at[1] - failing.at[0] >= 0.15
    assert failing.seen[1][1].attempts == 0
    assert await bench.size("probe-retry-1") == 0


async def test_a_long_wait_is_spent_in_a_retry_topic_and_counts_no_attempt(bench: Bench) -> None:
    answers = iter([ThrottledError("busy", retry_after=0.5), None])
    failing = Failing(lambda: next(answers))
    await bench.send("chunks-ready", b"1")
    async with bench.running(failing.stage, QUICK.model_copy(update={"throttle_ceiling_s": 0.2})):
        await bench.is_committed("probe-retry-1", 1)
    assert failing.at[1] - failing.at[0] >= 0.5
    assert failing.seen[1][1].attempts == 0


async def test_being_told_to_wait_beyond_the_deadline_is_no_timeout(bench: Bench) -> None:
    patience = 12

    def answer() -> Exception | None:
        return ThrottledError("busy", retry_after=0.1) if len(failing.seen) < patience else None

    failing = Failing(answer)
    await bench.send("chunks-ready", b"1")
    async with bench.running(failing.stage, QUICK.model_copy(update={"deadline_s": 0.15})):
        await until(lambda: len(failing.seen) == patience)
        await bench.is_committed("chunks-ready", 1)
    assert {delivery.attempts for _, delivery in failing.seen} == {0}
    assert await bench.size("probe-dlq") == 0


async def test_an_outage_is_waited_out_told_and_ends_by_itself(bench: Bench) -> None:
    down = True
    failing = Failing(lambda: OutageError("the model is away") if down else None)
    async with bench.running(failing.stage) as running:
        await bench.send("chunks-ready", *(str(n).encode() for n in range(20)))
        reason = await running.says_ready(ready=False)
        assert reason == "kafka_unavailable: the model is away"
        first = len(failing.seen)
        await until(lambda: len(failing.seen) >= first + 3)
        assert await bench.committed("chunks-ready") == 0
        down = False
        await bench.is_committed("chunks-ready", 20)
        await running.is_ready()
    assert {delivery.attempts for _, delivery in failing.seen} == {0}
    for topic in ("probe-dlq", "probe-retry-1"):
        assert await bench.size(topic) == 0


async def test_stops_quickly_while_waiting_for_a_dependency_and_keeps_the_messages(
    bench: Bench,
) -> None:
    failing = Failing(lambda: OutageError("away"))
    slow = QUICK.model_copy(update={"outage_pause_s": 3_600.0, "drain_grace_s": 3_600.0})
    async with bench.running(failing.stage, slow) as running:
        await bench.send("chunks-ready", b"1")
        await running.says_ready(ready=False)
    assert await bench.committed("chunks-ready") == 0


async def test_the_offset_waits_for_the_dead_letters_acknowledgement(bench: Bench) -> None:
    failing = Failing(lambda: BadMessageError("bad") if len(failing.seen) == 1 else None)
    asked, never = asyncio.Event(), asyncio.Event()

    async def hang(*_: Any) -> None:
        asked.set()
        await never.wait()

    def unacknowledged(publisher: Publisher) -> None:
        publisher.forward = hang  # type: ignore[method-assign,assignment]  # a broker that never answers

    await bench.send("chunks-ready", b"bad", b"good")
    async with bench.running(failing.stage, wrap=unacknowledged) as running:
        await asked.wait()
        await until(lambda: len(failing.seen) == 2)
        consumption = running.runner._consumption
        assert consumption is not None
        await consumption.commit()
        assert await bench.committed("chunks-ready") == 0
        await running.kill()
    dying = Failing(lambda: BadMessageError("bad"))
    async with bench.running(dying.stage):
        await bench.records("probe-dlq", 1)
        await bench.is_committed("chunks-ready", 2)
    # What was finished beyond the first unfinished message is told in the commit's metadata.
    assert [record.value for record, _ in dying.seen] == [b"bad"]


async def test_a_retry_topics_forged_headers_do_not_stop_the_stage(bench: Bench) -> None:
    failing = Failing(lambda: None)
    await bench.send("probe-retry-1", b"1", headers=((h.ADDED, b"9" * 5_000),))
    await bench.send(
        "probe-retry-1", b"2", headers=((h.DLQ_TOPIC, b"chunks-ready"), (h.ADDED, b"1"))
    )
    async with bench.running(failing.stage):
        await bench.is_committed("probe-retry-1", 2)
        (letter,) = await bench.records("probe-dlq", 1)
    assert letter.value == b"1"
    assert told(letter)[h.ERROR_CODE] == "bug"
    assert [record.value for record, _ in failing.seen] == [b"2"]
