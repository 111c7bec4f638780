"""Handlers that ignore their cancellation: a rebalance goes on without them, and names them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any, Final

import pytest
import structlog

from contracts.topics import CHUNKS_READY
from integration.messaging.conformance.backends import Ability, Brokered, needs, proves
from messaging import Record
from messaging.consumer.assignment import CANCEL_TIMEOUT_S, MIN_REBALANCE_INTERVAL_S
from messaging.consumer.window import CANCEL_S
from support.broker import PROBE, QUICK, RunningStage
from support.stages import Stage
from support.waiting import until

pytestmark = needs(
    Ability.RAW_RECORDS,
    Ability.CONCURRENCY,
    Ability.COMMITS,
    Ability.RESTARTS,
    Ability.REBALANCES,
    Ability.NAMELESS_REPLICAS,
)

STUBBORN: Final = QUICK.model_copy(
    update={
        "max_in_flight": 16,
        "deadline_s": 3_600.0,
        "revoke_drain_s": 0.5,
        "drain_grace_s": 0.5,
    }
)

SLOW_MACHINE_S: Final = 15.0
"""What joining, fetching the commits and a heartbeat may take besides, on a busy machine."""

HANDOVER_S: Final = (
    STUBBORN.revoke_drain_s + CANCEL_TIMEOUT_S + MIN_REBALANCE_INTERVAL_S + SLOW_MACHINE_S
)
LEAVING_S: Final = STUBBORN.drain_grace_s + CANCEL_S + SLOW_MACHINE_S


class Handlers:
    """Handlers of two replicas; those of the first one only end when the test lets them."""

    def __init__(self) -> None:
        self._released = asyncio.Event()
        self.begun: set[tuple[int, int]] = set()
        self.handled: Counter[tuple[int, int]] = Counter()

    def stubborn(self) -> Stage:
        """The stage of the replica whose handlers ignore their cancellation."""
        stage = Stage(PROBE)

        @stage.on_raw(CHUNKS_READY)
        async def ignore_cancellation(record: Record) -> None:
            self.begun.add((record.partition, record.offset))
            while not self._released.is_set():
                try:
                    await self._released.wait()
                except asyncio.CancelledError:
                    continue

        return stage

    def willing(self) -> Stage:
        """The stage of a replica whose handlers end at once."""
        stage = Stage(PROBE)

        @stage.on_raw(CHUNKS_READY)
        async def handle(record: Record) -> None:
            self.handled[record.partition, record.offset] += 1

        return stage

    def let_end(self) -> None:
        """Have the stubborn handlers return."""
        self._released.set()


def own_partitions(running: RunningStage) -> set[int]:
    """The partitions of the stage's own topic that a replica has, once a rebalance is over."""
    consumption = running.consumption
    if consumption is None or not consumption.assigned:
        return set()
    mine = consumption.client.assignment()
    return {one.partition for one in mine if one.topic.endswith(CHUNKS_READY.name)}


def member_id(running: RunningStage) -> str:
    consumption = running.consumption
    assert consumption is not None
    return str(consumption.client._coordinator.member_id)


def claim_nothing(running: RunningStage) -> None:
    """Have a replica's partitions taken from it at the next rebalance, as if it had been missed."""
    consumption = running.consumption
    assert consumption is not None
    consumption.assignment.assignor._claims = lambda: ((), ())


def named(logs: list[Any]) -> list[tuple[int, int]]:
    """The places of the messages whose handlers were logged."""
    lines = [one for one in logs if one["event"] == "handler_ignores_cancellation"]
    assert all("ignore_cancellation" in one["at"] for one in lines)
    return [(one["partition"], one["offset"]) for one in lines]


@pytest.mark.long
@proves("promise 1", "promise 6", "promise 9")
@pytest.mark.parametrize("how", ["released", "taken"])
async def test_a_rebalance_does_not_wait_for_handlers_that_ignore_their_cancellation(
    wide_backend: Brokered, how: str
) -> None:
    handlers, number = Handlers(), 16
    await wide_backend.send_many(CHUNKS_READY.name, [b"%d" % n for n in range(number)])
    replicas = [wide_backend.replica("one", handlers.stubborn(), STUBBORN)]
    one = replicas[0]
    with structlog.testing.capture_logs() as logs:
        try:
            await until(lambda: len(handlers.begun) == number, within_s=40)
            if how == "taken":
                claim_nothing(one)
            member, joined_at = member_id(one), time.monotonic()
            two = wide_backend.replica("two", handlers.willing(), STUBBORN)
            replicas.append(two)
            await until(lambda: len(own_partitions(two)) == 2, within_s=HANDOVER_S)
            moved = {place for place in handlers.begun if place[0] in own_partitions(two)}
            assert moved
            await until(lambda: set(handlers.handled) == moved)
            assert time.monotonic() - joined_at < HANDOVER_S
            assert member_id(one) == member, "the group lost a member"
            assert own_partitions(one) == {0, 1, 2, 3} - own_partitions(two)
            await until(lambda: sorted(named(logs)) == sorted(moved))
            stopped_at = time.monotonic()
            await one.stop()
            assert time.monotonic() - stopped_at < LEAVING_S
            assert sorted(named(logs)) == sorted(handlers.begun)
            await wide_backend.is_committed(CHUNKS_READY.name, number)
            assert set(handlers.handled.values()) == {1}
        finally:
            handlers.let_end()
            await asyncio.gather(*(running.stop() for running in replicas))
