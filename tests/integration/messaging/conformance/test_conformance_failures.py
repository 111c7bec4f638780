"""Each row of the design's table: where a message ends whose handler fails."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest

from contracts import headers as h
from contracts.errors import (
    BadMessageError,
    HandlerTimedOutError,
    ParkedError,
    RejectedError,
    RetryableError,
    ThrottledError,
)
from contracts.events import NotesDrafted
from contracts.topics import CHUNKS_READY
from integration.messaging.conformance.backends import Ability, Brokered, needs, proves
from integration.messaging.conformance.failing import ODD, Failing, told, waiting
from messaging import Record
from support.broker import PROBE, QUICK
from support.chunks import GOOD, drafted
from support.stages import Stage
from support.waiting import until

pytestmark = needs(Ability.RAW_RECORDS, Ability.COMMITS, Ability.DEAD_LETTERS)


@proves(
    "promise 3",
    "BadMessageError",
    "RetryableError",
    "ParkedError",
    "RejectedError",
    "anything else",
)
@pytest.mark.parametrize(
    ("error", "code", "counts"),
    [
        (BadMessageError("bad"), "invalid_event", (1, 0, 1)),
        (ParkedError("parked"), "budget_exceeded", (1, 0, 1)),
        (RejectedError("rejected"), "ungrounded", (1, 0, 1)),
        (ZeroDivisionError("secret"), "bug", (1, 0, 1)),
        (RetryableError("later"), "conflict", (6, 0, 6)),
        (HandlerTimedOutError("slow"), "timeout", (6, 6, 6)),
        # Its own timeouts are not tried again in place.
        (TimeoutError("slow"), "timeout", (3, 3, 3)),
        (asyncio.CancelledError(), "bug", (1, 0, 1)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
async def test_ends_as_a_dead_letter_after_as_many_tries_as_its_class_gets(
    backend: Brokered, error: Exception, code: str, counts: tuple[int, int, int]
) -> None:
    failing = Failing(lambda: error)
    await backend.send("chunks-ready", b"1")
    async with backend.running(failing.stage):
        (letter,) = await backend.records("probe-dlq", 1)
        await backend.is_committed("chunks-ready", 1)
    headers = told(letter)
    assert headers[h.ERROR_CODE] == code
    assert (int(headers[h.ATTEMPTS]), int(headers[h.TIMEOUTS]), len(failing.seen)) == counts
    assert (headers[h.DLQ_TOPIC], headers[h.DLQ_PARTITION], headers[h.DLQ_OFFSET]) == (
        "chunks-ready",
        "0",
        "0",
    )
    assert headers[h.DLQ_GROUP] == backend.kafka.topic(PROBE)
    assert not [value for value in headers.values() if "secret" in value]


@proves("promise 3", "RejectedError")
async def test_what_is_good_in_a_rejected_message_goes_on_and_the_message_is_a_letter(
    backend: Brokered,
) -> None:
    good = drafted(GOOD)
    failing = Failing(lambda: RejectedError("rejected", salvaged=(good,)))
    await backend.send("chunks-ready", b"1")
    async with backend.running(failing.stage):
        await backend.records("probe-dlq", 1)
        (salvaged,) = await backend.records("notes-drafted", 1)
        await backend.is_committed("chunks-ready", 1)
    assert salvaged.value is not None
    assert NotesDrafted.model_validate_json(salvaged.value) == good
    assert (salvaged.key, len(failing.seen)) == (good.key.encode(), 1)


@proves("promise 3", "RetryableError")
async def test_waits_in_each_retry_topic_as_long_as_it_says(backend: Brokered) -> None:
    failing = Failing(lambda: RetryableError("later"))
    await backend.send("chunks-ready", b"1")
    async with backend.running(failing.stage):
        await backend.records("probe-dlq", 1)
    assert [delivery.tier for _, delivery in failing.seen] == [0, 0, 1, 1, 2, 2]
    assert failing.at[2] - failing.at[1] >= 0.2
    assert failing.at[4] - failing.at[3] >= 0.4
    assert {delivery.origin.topic for _, delivery in failing.seen} == {"chunks-ready"}


@proves("RetryableError")
async def test_recovers_in_a_retry_topic_without_a_dead_letter(backend: Brokered) -> None:
    failures = iter([RetryableError("1"), RetryableError("2"), None])
    failing = Failing(lambda: next(failures))
    await backend.send("chunks-ready", b"1", key=b"k", headers=ODD)
    async with backend.running(failing.stage):
        await backend.is_committed("probe-retry-1", 1)
    record, delivery = failing.seen[-1]
    assert (record.key, record.value, record.headers) == (b"k", b"1", ODD)
    assert (delivery.attempts, delivery.first_failed_at is not None) == (2, True)
    assert await backend.size("probe-dlq") == 0


@pytest.mark.long
@proves("RetryableError")
async def test_a_message_that_is_due_is_not_held_up_by_an_earlier_one_that_is_not(
    backend: Brokered,
) -> None:
    stage, seen = Stage(PROBE), list[tuple[bytes | None, float]]()

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        seen.append((record.value, time.monotonic()))

    async with backend.running(stage):
        begun = time.monotonic()
        await backend.send("probe-retry-1", b"late", headers=waiting(5.0, 0))
        await backend.send("probe-retry-1", b"soon", headers=waiting(0.3, 1))
        await until(lambda: len(seen) == 2)
        await backend.is_committed("probe-retry-1", 2)
    (first, at_first), (second, at_second) = seen
    assert (first, second) == (b"soon", b"late")
    assert at_first - begun >= 0.25
    assert at_second - begun >= 4.9


@proves("promise 6")
async def test_what_was_done_out_of_turn_is_not_done_again_after_a_stop(backend: Brokered) -> None:
    stage, seen = Stage(PROBE), list[bytes | None]()

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        seen.append(record.value)

    await backend.send("probe-retry-1", b"late", headers=waiting(3_600.0, 0))
    await backend.send("probe-retry-1", b"soon", headers=waiting(0.0, 1))
    async with backend.running(stage):
        await until(lambda: seen == [b"soon"])
    assert await backend.committed("probe-retry-1") == 0
    await backend.send("probe-retry-1", b"later sent", headers=waiting(0.0, 2))
    async with backend.running(stage):
        await until(lambda: b"later sent" in seen)
    assert seen == [b"soon", b"later sent"]


@proves("ThrottledError")
async def test_waits_as_told_in_place_and_counts_no_attempt(backend: Brokered) -> None:
    answers = iter([ThrottledError("busy", retry_after=0.15), None])
    failing = Failing(lambda: next(answers))
    await backend.send("chunks-ready", b"1")
    async with backend.running(failing.stage):
        await backend.is_committed("chunks-ready", 1)
    assert failing.at[1] - failing.at[0] >= 0.15
    assert failing.seen[1][1].attempts == 0
    assert await backend.size("probe-retry-1") == 0


@proves("ThrottledError")
async def test_a_long_wait_is_spent_in_a_retry_topic_and_counts_no_attempt(
    backend: Brokered,
) -> None:
    answers = iter([ThrottledError("busy", retry_after=0.5), None])
    failing = Failing(lambda: next(answers))
    await backend.send("chunks-ready", b"1")
    async with backend.running(failing.stage, QUICK.model_copy(update={"throttle_ceiling_s": 0.2})):
        await backend.is_committed("probe-retry-1", 1)
    assert failing.at[1] - failing.at[0] >= 0.5
    assert failing.seen[1][1].attempts == 0


@proves("ThrottledError")
async def test_an_endless_wait_ends_at_the_ceiling_and_the_reason_is_shown_meanwhile(
    backend: Brokered,
) -> None:
    stage, seen = Stage(PROBE), list[bytes | None]()

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        seen.append(record.value)
        if seen.count(b"throttled") == 1 and record.value == b"throttled":
            raise ThrottledError("quota used up", retry_after=3_600.0)

    capped = QUICK.model_copy(update={"throttle_ceiling_s": 0.1, "throttle_max_s": 2.0})
    await backend.send("chunks-ready", b"throttled", b"other")
    async with backend.running(stage, capped) as running:
        detail = await until(lambda: running.health.detail or None)
        assert running.health.ready
        for what in ("1 messages", "llm_rate_limited", "quota used up", "3600 s", "after 2 s"):
            assert what in detail
        await backend.is_committed("probe-retry-1", 1)
        await until(lambda: running.health.detail == "")
    assert sorted(map(bytes, filter(None, seen))) == [b"other", b"throttled", b"throttled"]


@proves("ThrottledError")
async def test_being_told_to_wait_beyond_the_deadline_is_no_timeout(backend: Brokered) -> None:
    patience = 12

    def answer() -> Exception | None:
        return ThrottledError("busy", retry_after=0.1) if len(failing.seen) < patience else None

    failing = Failing(answer)
    await backend.send("chunks-ready", b"1")
    async with backend.running(failing.stage, QUICK.model_copy(update={"deadline_s": 0.15})):
        await until(lambda: len(failing.seen) == patience)
        await backend.is_committed("chunks-ready", 1)
    assert {delivery.attempts for _, delivery in failing.seen} == {0}
    assert await backend.size("probe-dlq") == 0


@pytest.mark.long
@proves("ThrottledError", "promise 1")
async def test_messages_told_to_wait_thousands_of_times_are_each_handled_once(
    backend: Brokered,
) -> None:
    number, times = 2_000, 4
    calls, handled = Counter[bytes](), Counter[bytes]()
    stage = Stage(PROBE)

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        assert record.value is not None
        calls[record.value] += 1
        if calls[record.value] <= times:
            raise ThrottledError("busy", retry_after=0.01)
        handled[record.value] += 1

    values = [b"%d" % n for n in range(number)]
    await backend.send_many("chunks-ready", values)
    wide = QUICK.model_copy(update={"max_in_flight": 64, "deadline_s": 60.0})
    async with backend.running(stage, wide):
        await until(lambda: handled.total() == number, within_s=120)
        await backend.is_committed("chunks-ready", number)
    assert handled == Counter(values)
    assert calls.total() == number * (times + 1)
    assert await backend.size("probe-retry-1") == await backend.size("probe-dlq") == 0


@proves("anything else")
async def test_a_cancellation_that_leaks_out_of_a_handler_is_a_bug_and_others_go_on(
    backend: Brokered,
) -> None:
    stage, seen = Stage(PROBE), list[bytes | None]()

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        seen.append(record.value)
        if record.value == b"leak":
            inner = asyncio.create_task(asyncio.Event().wait())
            inner.cancel()
            await inner

    values = (b"1", b"leak", b"2", b"3")
    await backend.send("chunks-ready", *values)
    async with backend.running(stage) as running:
        await backend.is_committed("chunks-ready", len(values))
        (letter,) = await backend.records("probe-dlq", 1)
        assert running.health.ready
    assert (letter.value, told(letter)[h.ERROR_CODE]) == (b"leak", "bug")
    assert sorted(value for value in seen if value) == sorted(values)


@proves("BadMessageError")
async def test_a_retry_topics_forged_headers_do_not_stop_the_stage(backend: Brokered) -> None:
    failing = Failing(lambda: None)
    await backend.send("probe-retry-1", b"1", headers=((h.ADDED, b"9" * 5_000),))
    await backend.send(
        "probe-retry-1", b"2", headers=((h.DLQ_TOPIC, b"chunks-ready"), (h.ADDED, b"1"))
    )
    async with backend.running(failing.stage):
        await backend.is_committed("probe-retry-1", 2)
        (letter,) = await backend.records("probe-dlq", 1)
    assert letter.value == b"1"
    assert told(letter)[h.ERROR_CODE] == "invalid_event"
    assert [record.value for record, _ in failing.seen] == [b"2"]
