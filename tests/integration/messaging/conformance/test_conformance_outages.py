"""While a dependency is down, the stage waits and its messages stay."""

from __future__ import annotations

import asyncio

import pytest

from contracts import headers as h
from contracts.errors import ErrorCode, OutageError
from contracts.topics import CHUNKS_READY
from integration.messaging.conformance.backends import Ability, Brokered, needs, proves
from integration.messaging.conformance.failing import Failing, told
from messaging import Delivery, Record
from support.broker import PROBE, QUICK
from support.stages import Stage
from support.waiting import until

pytestmark = needs(Ability.RAW_RECORDS, Ability.COMMITS, Ability.DEAD_LETTERS)


@proves("promise 3", "OutageError")
async def test_an_outage_is_waited_out_told_and_ends_by_itself(backend: Brokered) -> None:
    down = True
    failing = Failing(lambda: OutageError("the model is away") if down else None)
    async with backend.running(failing.stage) as running:
        await backend.send("chunks-ready", *(str(n).encode() for n in range(20)))
        reason = await running.says_ready(ready=False)
        assert reason == "kafka_unavailable: the model is away"
        first = len(failing.seen)
        await until(lambda: len(failing.seen) >= first + 3)
        assert await backend.committed("chunks-ready") == 0
        down = False
        await backend.is_committed("chunks-ready", 20)
        await running.is_ready()
    assert {delivery.attempts for _, delivery in failing.seen} == {0}
    for topic in ("probe-dlq", "probe-retry-1"):
        assert await backend.size(topic) == 0


@proves("OutageError", "promise 9")
async def test_stops_quickly_while_waiting_for_a_dependency_and_keeps_the_messages(
    backend: Brokered,
) -> None:
    failing = Failing(lambda: OutageError("away"))
    slow = QUICK.model_copy(update={"outage_pause_s": 3_600.0, "drain_grace_s": 3_600.0})
    async with backend.running(failing.stage, slow) as running:
        await backend.send("chunks-ready", b"1")
        await running.says_ready(ready=False)
    assert await backend.committed("chunks-ready") == 0


PATIENT = QUICK.model_copy(update={"own_outage_patience_s": 0.0})
FILLING = [b"poison"] * (QUICK.max_in_flight + 4)
"""More than may be at work at the same time."""


class Poisoned:
    """A stage that meets an outage whenever it handles a poison, and handles all others."""

    def __init__(self, *, order: str = "none") -> None:
        self.stage = Stage(PROBE)
        self.handled: list[bytes | None] = []
        self.settings = PATIENT.model_copy(update={"order": order})

        @self.stage.on_raw(CHUNKS_READY)
        async def handle(record: Record) -> None:
            await asyncio.sleep(0)
            if record.value == b"poison":
                raise OutageError("connection lost", code=ErrorCode.DATABASE_UNAVAILABLE)
            self.handled.append(record.value)


@proves("promise 3", "OutageError")
@pytest.mark.parametrize("order", ["none", "key"])
@pytest.mark.parametrize("poisons", [[b"poison"], FILLING], ids=len)
async def test_messages_that_alone_meet_an_outage_hold_up_nobody_and_end_as_letters(
    backend: Brokered, poisons: list[bytes], order: str
) -> None:
    poisoned = Poisoned(order=order)
    good = [f"good {n}".encode() for n in range(99)]
    await backend.send("chunks-ready", *poisons, *good)
    async with backend.running(poisoned.stage, poisoned.settings) as running:
        letters = asyncio.create_task(backend.records("probe-dlq", len(poisons), within_s=60.0))
        while not letters.done():  # what comes later shows that others pass
            await backend.send("chunks-ready", b"later")
        await until(lambda: set(good) <= set(poisoned.handled))
        await running.is_ready()
    headers = told(letters.result()[0])
    assert headers[h.ERROR_CODE] == "database_unavailable"
    assert headers[h.ERROR_TYPE] == "OutageError"
    assert "connection lost" in headers[h.DLQ_MESSAGE]
    assert {letter.value for letter in letters.result()} == {b"poison"}
    assert await backend.size("probe-dlq") == len(poisons)


@proves("promise 3", "OutageError")
async def test_a_poison_waits_out_its_patience_in_retry_topics_while_the_stage_is_ready(
    backend: Brokered,
) -> None:
    poisoned = Poisoned()
    patient = QUICK.model_copy(update={"own_outage_patience_s": 3_600.0, "retry_delays_s": (0.1,)})
    await backend.send("chunks-ready", b"poison", *[b"good"] * 20)
    async with backend.running(poisoned.stage, patient) as running:
        while await backend.size("probe-retry-1") < 3:
            await backend.send("chunks-ready", b"later")
        await running.is_ready()
    assert await backend.size("probe-dlq") == 0


@proves("promise 1")
async def test_a_stage_without_dead_letters_keeps_a_message_until_it_can_be_handled(
    backend: Brokered,
) -> None:
    stage = Stage(PROBE, dead_letters=False)
    tries, fixed = 0, False

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record, delivery: Delivery) -> None:
        nonlocal tries
        tries += 1
        if not fixed:
            raise ZeroDivisionError("not yet")

    async with backend.running(stage) as running:
        await backend.send("chunks-ready", b"1")
        await until(lambda: tries >= 3)
        reason = await running.says_ready(ready=False)
        assert "ZeroDivisionError on chunks-ready" in reason
        assert await backend.committed("chunks-ready") == 0
        fixed = True
        await backend.is_committed("chunks-ready", 1)
        await running.is_ready()
    assert await backend.size("probe-dlq") == 0


@proves("promise 1")
async def test_a_message_that_has_no_other_place_is_kept_while_others_are_handled(
    backend: Brokered,
) -> None:
    stage, handled = Stage(PROBE, dead_letters=False), list[bytes | None]()

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        if record.value == b"poison":
            raise ZeroDivisionError("never")
        handled.append(record.value)

    await backend.send("chunks-ready", b"poison", *[b"good"] * 50)
    hurry = QUICK.model_copy(update={"drain_grace_s": 0.1})
    async with backend.running(stage, hurry):
        await until(lambda: len(handled) == 50)
        assert await backend.committed("chunks-ready") == 0
