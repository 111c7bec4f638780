"""Messages that wait are released, held or given up, as operators decide: each once, none lost."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest

from contracts import headers as h
from contracts.errors import RetryableError
from contracts.topics import (
    CHUNKS_READY,
    ENRICHMENT,
    NOTES_DRAFTED,
    WAITING_DECISIONS,
    build_dlq_topic,
    build_retry_topic,
)
from contracts.waiting_decisions import DecidedWait, WaitingAction, WaitingDecision
from messaging import MessageOrigin, Record, StageSettings
from messaging.delivery import read_delivery_history, split_headers
from support.broker import QUICK, Bench, RunningStage, bench_on
from support.stages import Stage
from support.waiting import until

FIRST, SECOND, LETTERS = "enrichment-retry-1", "enrichment-retry-2", "enrichment-dlq"
TOPICS = tuple(
    replace(topic, partitions=1)
    for topic in (
        CHUNKS_READY,
        NOTES_DRAFTED,
        *(build_retry_topic(ENRICHMENT, tier) for tier in range(4)),
        build_dlq_topic(ENRICHMENT),
        WAITING_DECISIONS,
    )
)
PATIENT = QUICK.model_copy(update={"retry_delays_s": (300.0, 300.0), "tries": 1})
WORDS: tuple[tuple[str, bytes], ...] = (("a", b"1"), ("a", b"\xff"))


@dataclass
class Tried:
    """What a handler was given, by value; it fails on what it is to fail on."""

    failing: set[bytes] = field(default_factory=set)
    calls: list[bytes] = field(default_factory=list)

    def stage(self) -> Stage:
        stage = Stage(ENRICHMENT)

        @stage.on_raw(CHUNKS_READY)
        async def handle(record: Record) -> None:
            self.calls.append(record.value or b"")
            if record.value in self.failing:
                raise RetryableError("not now")

        return stage


def name_wait(record: Any, topic: str) -> DecidedWait:
    """What control reads of a waiting message."""
    _, added = split_headers(record.headers)
    here = MessageOrigin(topic, record.partition, record.offset)
    delivery = read_delivery_history(added, fallback=here, tier=1)
    return DecidedWait(*delivery.wait, topic, record.partition, record.offset)


async def decide(
    bench: Bench, action: WaitingAction, *waits: DecidedWait, until_ms: int = 0
) -> None:
    decision = WaitingDecision(
        decision_id=UUID(int=1),
        service=ENRICHMENT,
        action=action,
        held_until_ms=until_ms,
        decided_by="ada",
        reason="the model is being mended",
        waits=waits,
    )
    value = decision.model_dump_json().encode()
    await bench.send(WAITING_DECISIONS.name, value, key=ENRICHMENT.encode())


def soon_ms(seconds: float) -> int:
    return round((time.time() + seconds) * 1000)


async def fail(bench: Bench, tried: Tried, *values: bytes) -> list[DecidedWait]:
    """Send messages on which the handler fails, and wait until they wait; their waits in order."""
    tried.failing |= {*values}
    before = await bench.size(FIRST)
    await bench.send(CHUNKS_READY.name, *values, headers=WORDS)
    records = await bench.records(FIRST, before + len(values))
    waits = {one.value: name_wait(one, FIRST) for one in records[before:]}
    return [waits[value] for value in values]


@pytest.mark.parametrize(
    "settings",
    [PATIENT, PATIENT.model_copy(update={"read_ahead_bytes": 4_096})],
    ids=["held in memory", "remembered by offset"],
)
async def test_a_released_message_is_tried_at_once_and_its_next_wait_is_another(
    broker: str, settings: StageSettings
) -> None:
    bench, tried = await bench_on(broker, TOPICS), Tried()
    async with bench.running(tried.stage(), settings):
        waits = await fail(bench, tried, *(b"%d" % number for number in range(12)))
        assert len(tried.calls) == 12
        await decide(bench, WaitingAction.RELEASE, waits[3], waits[7])
        again = await bench.records(SECOND, 2)
    # Both are due at once, so that either may be tried, and wait again, first.
    assert sorted(tried.calls[12:]) == sorted(one.value for one in again) == [b"3", b"7"]


async def test_a_held_message_lets_others_pass_survives_restarts_and_is_tried_once_released(
    broker: str,
) -> None:
    bench, tried = await bench_on(broker, TOPICS), Tried()
    async with bench.running(tried.stage(), PATIENT) as running:
        held, other = await fail(bench, tried, b"held", b"other")
        until_ms = soon_ms(3_600)
        await decide(bench, WaitingAction.HOLD, held, until_ms=until_ms)
        (*_, again) = await bench.records(FIRST, 3)
        _, added = split_headers(again.headers)
        assert dict(added)[h.HELD_UNTIL] == b"%d" % until_ms
        # The message itself, its cause and its wait are what they were.
        assert tuple(again.headers)[:2] == WORDS
        assert dict(added)[h.ERROR_CODE] == b"conflict"
        now = name_wait(again, FIRST)
        assert (now[:5], now.retry_offset, again.value) == (held[:5], 2, b"held")
        tried.failing.clear()
        await decide(bench, WaitingAction.RELEASE, other)
        await until(lambda: tried.calls[2:] == [b"other"])
        # What is finished behind it can be committed: it is not in the way.
        await bench.is_committed(FIRST, 2, ENRICHMENT)
        await running.kill()
    async with bench.running(tried.stage(), PATIENT):
        # By the place in which it was when it was decided about first: that is not where it is.
        await decide(bench, WaitingAction.RELEASE, held)
        await decide(bench, WaitingAction.RELEASE, now)
        await until(lambda: tried.calls[3:] == [b"held"])
        await bench.is_committed(FIRST, 3, ENRICHMENT)
    assert (tried.calls[3:], await bench.size(FIRST), await bench.size(LETTERS)) == (
        [b"held"],
        3,
        0,
    )


async def test_a_hold_ends_by_itself(broker: str) -> None:
    bench, tried = await bench_on(broker, TOPICS), Tried()
    async with bench.running(tried.stage(), PATIENT):
        waits = await fail(bench, tried, b"held")
        tried.failing.clear()
        until_ms = soon_ms(4)
        await decide(bench, WaitingAction.HOLD, *waits, until_ms=until_ms)
        await bench.records(FIRST, 2)
        assert tried.calls == [b"held"]
        await until(lambda: len(tried.calls) == 2)
        assert soon_ms(0) >= until_ms


async def test_a_held_message_goes_round_until_its_time_and_stays_the_same_wait(
    broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messaging.dead_letters.failure_router.HOLD_ROUND_S", 1.0)
    bench, tried = await bench_on(broker, TOPICS), Tried()
    async with bench.running(tried.stage(), PATIENT):
        (held,) = await fail(bench, tried, b"held")
        tried.failing.clear()
        until_ms = soon_ms(6)
        await decide(bench, WaitingAction.HOLD, held, until_ms=until_ms)
        rounds = (await bench.records(FIRST, 4))[1:]
        assert {name_wait(one, FIRST)[:5] for one in rounds} == {held[:5]}
        stated = [dict(split_headers(one.headers)[1]) for one in rounds]
        assert {one[h.HELD_UNTIL] for one in stated} == {b"%d" % until_ms}
        assert {one.get(h.ATTEMPTS) for one in stated} == {b"1"}, "a round is no try"
        await until(lambda: len(tried.calls) == 2)
        assert soon_ms(0) >= until_ms
    assert await bench.size(LETTERS) == 0


async def test_a_message_that_is_given_up_is_a_letter_with_who_and_why(broker: str) -> None:
    bench, tried = await bench_on(broker, TOPICS), Tried()
    async with bench.running(tried.stage(), PATIENT):
        given_up, _ = await fail(bench, tried, b"given up", b"other")
        await decide(bench, WaitingAction.GIVE_UP, given_up)
        (letter,) = await bench.records(LETTERS, 1)
        original, added = split_headers(letter.headers)
        told = dict(added)
        assert (letter.value, original) == (b"given up", WORDS)
        assert (told[h.ERROR_CODE], told[h.ATTEMPTS]) == (b"given_up", b"1")
        assert told[h.DLQ_MESSAGE] == (
            b"given up by ada while it waited to be tried again (conflict): "
            b"the model is being mended"
        )
        assert (told[h.DLQ_TOPIC], told[h.DLQ_OFFSET]) == (b"chunks-ready", b"0")
    assert tried.calls == [b"given up", b"other"]


async def test_what_was_decided_while_the_service_was_down_holds_when_it_is_back(
    broker: str,
) -> None:
    bench, tried = await bench_on(broker, TOPICS), Tried()
    quick = PATIENT.model_copy(update={"retry_delays_s": (2.0,)})
    async with bench.running(tried.stage(), quick):
        held, given_up = await fail(bench, tried, b"held", b"given up")
    await decide(bench, WaitingAction.HOLD, held, until_ms=soon_ms(3_600))
    await decide(bench, WaitingAction.GIVE_UP, held)
    await decide(bench, WaitingAction.HOLD, held, given_up, until_ms=soon_ms(3_600))
    await decide(bench, WaitingAction.GIVE_UP, given_up)
    await bench.send(WAITING_DECISIONS.name, b"{", key=ENRICHMENT.encode())
    async with bench.running(tried.stage(), quick) as running:
        assert isinstance(running, RunningStage)
        await bench.records(FIRST, 3)
        (letter,) = await bench.records(LETTERS, 1)
    assert (letter.value, tried.calls) == (b"given up", [b"held", b"given up"])
