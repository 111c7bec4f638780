"""What a rebalance costs: calls begun are ended by whoever began them, and no commit goes back."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from contracts.topics import CHUNKS_READY
from integration.messaging.conformance.backends import Ability, Brokered, needs, proves
from messaging import Record, StageSettings
from messaging.kafka.admin import open_admin_client
from support.broker import PROBE, QUICK, RunningStage
from support.stages import Stage
from support.waiting import until

pytestmark = needs(
    Ability.RAW_RECORDS,
    Ability.COMMITS,
    Ability.RESTARTS,
    Ability.REBALANCES,
    Ability.NAMELESS_REPLICAS,
)

CALL_S: Final = 6.0
"""Longer than a rebalance takes, and than a lost partition's work once was waited for (5 s)."""

LONG_CALL_S: Final = 2 * CALL_S

NUMBER: Final = 24
MOST_BEGUN_FOR_A_JOIN: Final = 1.1
MOST_BEGUN_IN_A_STORM: Final = 1.5
"""Calls begun for each message."""

AS_DEPLOYED: Final = QUICK.model_copy(
    update={
        "max_in_flight": 8,
        "deadline_s": 120.0,
        "revoke_drain_s": StageSettings().revoke_drain_s,
        "drain_grace_s": 0.0,
    }
)


STEPS: Final = 6
PER_STEP: Final = 60
"""Messages written for each replica that joins or leaves."""


class Calls:
    """Calls that take long, and what becomes of them."""

    def __init__(self, call_s: float = CALL_S) -> None:
        self._call_s = call_s
        self.begun: Counter[bytes] = Counter()
        self.ended: set[bytes] = set()

    def stage(self) -> Stage:
        """The stage of one more replica."""
        stage = Stage(PROBE)

        @stage.on_raw(CHUNKS_READY)
        async def call(record: Record) -> None:
            assert record.value is not None
            self.begun[record.value] += 1
            await asyncio.sleep(self._call_s)
            self.ended.add(record.value)

        return stage

    def has_begun(self, number: int) -> bool:
        """Whether so many calls have begun."""
        return self.begun.total() >= number


def values() -> list[bytes]:
    return [b"%d" % number for number in range(NUMBER)]


@pytest.mark.long
@proves("promise 1", "promise 6")
async def test_replicas_that_join_have_no_call_paid_twice(wide_backend: Brokered) -> None:
    calls = Calls()
    await wide_backend.send_many("chunks-ready", values())
    replicas = [wide_backend.replica("one", calls.stage(), AS_DEPLOYED)]
    try:
        await until(lambda: calls.has_begun(AS_DEPLOYED.max_in_flight), within_s=40)
        for name in ("two", "three"):
            replicas.append(wide_backend.replica(name, calls.stage(), AS_DEPLOYED))
            await replicas[-1].is_ready()
        await wide_backend.is_committed("chunks-ready", NUMBER)
    finally:
        await asyncio.gather(*(running.stop() for running in replicas))
    assert calls.ended == set(values())
    assert calls.begun.total() <= MOST_BEGUN_FOR_A_JOIN * NUMBER


@pytest.mark.long
@proves("promise 1", "promise 6")
async def test_a_replica_that_comes_and_goes_leaves_the_others_at_work(
    wide_backend: Brokered,
) -> None:
    calls, sent = Calls(LONG_CALL_S), values()[: 2 * AS_DEPLOYED.max_in_flight]
    await wide_backend.send_many("chunks-ready", sent)
    steady = wide_backend.replica("steady", calls.stage(), AS_DEPLOYED)
    try:
        await until(lambda: calls.has_begun(AS_DEPLOYED.max_in_flight), within_s=40)
        for _ in range(4):
            passing = wide_backend.replica("passing", calls.stage(), AS_DEPLOYED)
            await passing.is_ready()
            await passing.kill()
        await wide_backend.is_committed("chunks-ready", len(sent))
    finally:
        await steady.stop()
    assert calls.ended == set(sent)
    assert calls.begun.total() <= MOST_BEGUN_IN_A_STORM * len(sent)


@pytest.mark.long
@proves("promise 1")
async def test_of_two_replicas_with_one_name_one_works_and_the_other_says_which_setting(
    wide_backend: Brokered,
) -> None:
    number, handled = 300, Counter[bytes]()

    def stage() -> Stage:
        stage = Stage(PROBE)

        @stage.on_raw(CHUNKS_READY)
        async def call(record: Record) -> None:
            assert record.value is not None
            handled[record.value] += 1
            await asyncio.sleep(0.2)

        return stage

    kafka = wide_backend.kafka.model_copy(update={"group_instance_id": "same"})
    first = RunningStage(kafka, stage(), AS_DEPLOYED)
    await first.is_ready()
    await wide_backend.send_many("chunks-ready", [b"%d" % n for n in range(number)])
    await until(lambda: handled.total() > 20)
    second = RunningStage(kafka, stage(), AS_DEPLOYED)
    try:
        await until(lambda: "KAFKA_GROUP_INSTANCE_ID" in first.health.reason, within_s=40)
        await second.is_ready()
        await wide_backend.is_committed("chunks-ready", number)
        assert "KAFKA_GROUP_INSTANCE_ID" in first.health.reason
        assert second.health.ready
        # What the first one had in flight, and what it had not committed yet.
        assert handled.total() <= number + 4 * AS_DEPLOYED.max_in_flight
        await second.stop()
        await until(lambda: first.health.ready, within_s=40)
    finally:
        await asyncio.gather(first.stop(), second.stop())


class CommitHistory:
    """Every offset that a group was seen to have committed, by partition."""

    def __init__(self, backend: Brokered) -> None:
        self._backend = backend
        self.offsets: defaultdict[int, list[int]] = defaultdict(list)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Look all the time, until the context ends."""
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.wait([watching])
        assert watching.cancelled(), watching.exception()

    async def _watch(self) -> None:
        kafka = self._backend.kafka
        group, topic = kafka.topic(PROBE), kafka.topic("chunks-ready")
        async with open_admin_client(kafka) as admin:
            while True:
                with suppress(KafkaError):  # at first, the group has no coordinator
                    commits = await admin.list_consumer_group_offsets(group)
                    self._add({at: one.offset for at, one in commits.items() if at.topic == topic})
                await asyncio.sleep(0.005)

    def _add(self, commits: dict[TopicPartition, int]) -> None:
        for place, offset in commits.items():
            seen = self.offsets[place.partition]
            if seen[-1:] != [offset]:
                seen.append(offset)


@pytest.mark.long
@proves("promise 1", "promise 6")
async def test_no_commit_goes_back_while_replicas_join_and_leave(wide_backend: Brokered) -> None:
    chance, handled = random.Random(11), set[bytes]()

    def stage() -> Stage:
        stage = Stage(PROBE)

        @stage.on_raw(CHUNKS_READY)
        async def call(record: Record) -> None:
            assert record.value is not None
            # Messages end in another order than they began, and some only in the next rebalance.
            await asyncio.sleep(chance.expovariate(20))
            handled.add(record.value)

        return stage

    def have_handled(number: int) -> bool:
        return len(handled) >= number

    history, replicas, sent = CommitHistory(wide_backend), list[RunningStage](), 0
    async with history.watched():
        try:
            for step in range(STEPS):
                sent += PER_STEP
                await wide_backend.send_many(
                    "chunks-ready", [b"%d" % n for n in range(sent - PER_STEP, sent)]
                )
                replicas.append(wide_backend.replica(f"replica-{step}", stage()))
                await replicas[-1].is_ready()
                if len(replicas) > 2:
                    leaving = replicas.pop(0)
                    await (leaving.kill if step % 2 else leaving.stop)()
                # The others are at work when the next replica joins.
                await until(partial(have_handled, sent - PER_STEP // 2), within_s=60)
            await wide_backend.is_committed("chunks-ready", sent)
        finally:
            await asyncio.gather(*(running.stop() for running in replicas))
    assert len(handled) == sent
    assert len(history.offsets) == 4
    for offsets in history.offsets.values():
        assert offsets == sorted(offsets)
    assert sum(map(len, history.offsets.values())) > 3 * STEPS  # else nobody has looked closely
