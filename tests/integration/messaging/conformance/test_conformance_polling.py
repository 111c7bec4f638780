"""Polling never stops: neither a long call nor a long outage costs the membership.

The group drops a member that has not polled for ``max.poll.interval.ms``, here three seconds; what
is delivered then is delivered again to whoever comes next. The group's generation tells: it rises
with every rebalance.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import pytest

from contracts.errors import OutageError, RetryableError
from contracts.topics import CHUNKS_READY
from integration.messaging.conformance.backends import Ability, Brokered, needs, proves
from integration.messaging.conformance.failing import waiting
from messaging import Record
from support.broker import PROBE, QUICK, RunningStage
from support.stages import Stage
from support.waiting import until

pytestmark = needs(Ability.RAW_RECORDS, Ability.CONCURRENCY, Ability.COMMITS)

INTERVAL_MS: Final = 3_000
LONG_S: Final = 3 * INTERVAL_MS / 1_000
PATIENT: Final = QUICK.model_copy(update={"deadline_s": 3_600.0, "max_in_flight": 4})


def membership(running: RunningStage) -> tuple[Any, ...]:
    """Which member of which generation a stage is; another one after every rebalance."""
    consumption = running.consumption
    assert consumption is not None
    coordinator = consumption.client._coordinator
    return coordinator.generation, coordinator.member_id


class Slow:
    """A stage whose first calls take three times as long as a member may go without polling."""

    def __init__(self, slow: int) -> None:
        self.stage = Stage(PROBE)
        self.begun: list[bytes | None] = []
        self.done: list[bytes | None] = []

        @self.stage.on_raw(CHUNKS_READY)
        async def handle(record: Record) -> None:
            self.begun.append(record.value)
            if len(self.begun) <= slow:
                await asyncio.sleep(LONG_S)
            self.done.append(record.value)


async def keeps_its_membership(backend: Brokered, slow: Slow, number: int) -> None:
    values = [b"%d" % n for n in range(number)]
    impatient = backend.settings(max_poll_interval_ms=INTERVAL_MS)
    await backend.send("chunks-ready", *values)
    async with impatient.running(slow.stage, PATIENT) as running:
        await until(lambda: slow.begun)
        before = membership(running)
        await backend.is_committed("chunks-ready", number)
        assert membership(running) == before
    assert sorted(slow.begun) == sorted(slow.done) == sorted(values)  # type: ignore[type-var]


@pytest.mark.long
@proves("promise 8", "promise 2")
async def test_a_call_longer_than_the_poll_interval_keeps_the_membership(
    backend: Brokered,
) -> None:
    await keeps_its_membership(backend, Slow(1), 20)


@pytest.mark.long
@proves("promise 8", "promise 2")
async def test_a_window_full_of_calls_longer_than_the_poll_interval_keeps_the_membership(
    backend: Brokered,
) -> None:
    await keeps_its_membership(backend, Slow(PATIENT.max_in_flight), 20)


@pytest.mark.long
@proves("promise 8", "OutageError")
async def test_an_outage_longer_than_the_poll_interval_keeps_the_membership(
    backend: Brokered,
) -> None:
    stage, down, done = Stage(PROBE), True, list[bytes | None]()

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        if down:
            raise OutageError("away")
        done.append(record.value)

    values = [b"%d" % n for n in range(20)]
    impatient = backend.settings(max_poll_interval_ms=INTERVAL_MS)
    async with impatient.running(stage, PATIENT) as running:
        await backend.send("chunks-ready", *values)
        await running.says_ready(ready=False)
        before, over = membership(running), time.monotonic() + LONG_S
        await until(lambda: time.monotonic() > over)
        down = False
        await backend.is_committed("chunks-ready", len(values))
        assert membership(running) == before
    assert sorted(done) == sorted(values)  # type: ignore[type-var]
    assert await backend.size("probe-dlq") == 0


@pytest.mark.long
@proves("promise 8", "promise 5")
@needs(Ability.DEAD_LETTERS)
async def test_a_stopped_stage_keeps_its_membership_beyond_the_poll_interval(
    backend: Brokered,
) -> None:
    stage, broken = Stage(PROBE), True

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        if broken:
            raise RetryableError("a misconfiguration")

    number = 60
    still = PATIENT.model_copy(
        update={
            "tries": 1,
            "stop_window": 8,
            "outage_pause_s": 3_600.0,
            "outage_pause_max_s": 3_600.0,
        }
    )
    impatient = backend.settings(max_poll_interval_ms=INTERVAL_MS)
    async with impatient.running(stage, still) as running:
        await backend.send("chunks-ready", *(b"%d" % n for n in range(number)))
        assert "stopped" in await running.says_ready(ready=False)
        before, over = membership(running), time.monotonic() + LONG_S
        await until(lambda: time.monotonic() > over)
        broken = False
        consumption = running.consumption
        assert consumption is not None
        consumption.resume()
        await backend.is_committed("chunks-ready", number)
        assert membership(running) == before
    assert await backend.size("probe-dlq") < number / 2


@pytest.mark.long
@proves("promise 8", "RetryableError")
@needs(Ability.DEAD_LETTERS)
async def test_more_waiting_messages_than_are_held_keep_the_membership_and_hold_up_nobody(
    backend: Brokered,
) -> None:
    stage, seen = Stage(PROBE), list[bytes | None]()

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        seen.append(record.value)

    impatient = backend.settings(max_poll_interval_ms=INTERVAL_MS)
    number = 1_300
    await backend.send_many("probe-retry-1", [b"late"] * number, headers=waiting(3_600.0, 0))
    async with impatient.running(stage, PATIENT) as running:
        consumption = running.consumption
        assert consumption is not None
        await until(lambda: consumption.fetcher.retries.deferred, within_s=40)
        before, over = membership(running), time.monotonic() + LONG_S
        await backend.send("probe-retry-2", b"due", headers=waiting(0.0, 1))
        await backend.send("chunks-ready", b"new")
        await backend.is_committed("chunks-ready", 1)
        await until(lambda: time.monotonic() > over)
        assert membership(running) == before
    assert sorted(seen) == [b"due", b"new"]  # type: ignore[type-var]
