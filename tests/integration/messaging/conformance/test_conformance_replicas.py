"""Replicas that join, leave and are killed in the middle of load; a broker that goes and comes."""

from __future__ import annotations

import asyncio
import gc
import random
from collections import Counter
from collections.abc import Sequence
from typing import Final

import pytest

from contracts.errors import BadMessageError, RetryableError
from contracts.events import NotesStored
from contracts.ids import derive_id
from contracts.topics import CHUNKS_READY
from integration.messaging.conformance.backends import Ability, Brokered, needs, proves
from messaging import Record
from support.broker import PROBE, QUICK, RestartableBroker, RunningStage
from support.choice_of_tests import keep_one_in
from support.chunks import INTERVIEW
from support.stages import Stage
from support.waiting import until

pytestmark = needs(
    Ability.RAW_RECORDS, Ability.COMMITS, Ability.DEAD_LETTERS, Ability.RESTARTS, Ability.REBALANCES
)

DRAINING: Final = QUICK.model_copy(
    update={"revoke_drain_s": 20.0, "deadline_s": 60.0, "retry_delays_s": (0.05, 0.05)}
)
"""Enough time for a rebalance to let every message end, however slow the machine is."""


class Load:
    """Messages, some of which fail for a while or for ever, and what becomes of them.

    The handler's pauses leave every replica something in flight whenever another one comes or goes.
    """

    def __init__(self, backend: Brokered, number: int) -> None:
        self._backend = backend
        self.number = number
        self.handled: Counter[int] = Counter()

    def stage(self) -> Stage:
        """The stage of one more replica."""
        stage = Stage(PROBE)

        @stage.on_raw(CHUNKS_READY)
        async def handle(record: Record) -> NotesStored:
            assert record.value is not None
            number = int(record.value)
            await asyncio.sleep(0.01)
            self.handled[number] += 1
            if number % 10 == 3:
                raise BadMessageError("for ever")
            if number % 10 == 7 and self.handled[number] < 3:
                raise RetryableError("for a while")
            return _stored(number)

        return stage

    async def write(self, numbers: range) -> None:
        """Hand in some of the messages."""
        await self._backend.send_many("chunks-ready", [b"%d" % n for n in numbers])

    async def has_handled(self, number: int) -> None:
        """Wait until so many different messages have been at work."""
        await until(lambda: len(self.handled) >= number, within_s=90)

    async def ended(self) -> Counter[str]:
        """Wait until all have ended, each where it should; how often each event was published."""
        backend = self._backend
        await until(lambda: set(self.handled) == set(range(self.number)), within_s=90)
        await backend.is_committed("chunks-ready", self.number)
        for topic in ("probe-retry-1", "probe-retry-2"):
            await backend.is_committed(topic, await backend.size(topic))
        dead = await backend.records("probe-dlq", await backend.size("probe-dlq"))
        assert {int(letter.value) for letter in dead} == set(range(3, self.number, 10))
        caused = await backend.records("notes-stored", await backend.size("notes-stored"))
        ids = Counter(
            str(NotesStored.model_validate_json(record.value).chunk_id) for record in caused
        )
        well = (n for n in range(self.number) if n % 10 != 3)
        assert set(ids) == {str(_stored(n).chunk_id) for n in well}
        return ids


def _stored(number: int) -> NotesStored:
    return NotesStored(
        transcript_id=INTERVIEW, revision=1, study_id="s", chunk_id=derive_id("c", b"%d" % number)
    )


def shares(replicas: Sequence[RunningStage]) -> list[int]:
    """How many partitions each replica has: of the topic, and of four retry topics."""
    consumptions = [running.consumption for running in replicas]
    return [len(one.client.assignment()) if one and one.assigned else 0 for one in consumptions]


def told_share(running: RunningStage) -> float:
    """The share of its topics' partitions that a replica's stage is told."""
    consumption = running.consumption
    return consumption.stage.share if consumption else 0.0


async def vanish(running: RunningStage) -> None:
    """Have a replica end without a word to the group, as by kill -9: it is missed, and dropped."""
    await running.is_ready()
    consumption = running.consumption
    assert consumption is not None

    async def nothing() -> None: ...

    consumption.client._coordinator._maybe_leave_group = nothing
    await running.kill()


@proves("promise 1", "promise 6")
async def test_a_replica_that_joins_in_the_middle_takes_its_share_and_nothing_is_lost(
    wide_backend: Brokered,
) -> None:
    load = Load(wide_backend, 400)
    one = wide_backend.replica("one", load.stage(), DRAINING)
    await one.is_ready()
    await load.write(range(200))
    await load.has_handled(50)
    two = wide_backend.replica("two", load.stage(), DRAINING)
    try:
        await two.is_ready()
        await until(lambda: shares([one, two]) == [10, 10], within_s=60)
        # What replicas share without talking to each other, such as a rate limit, they share so.
        await until(lambda: [told_share(one), told_share(two)] == [0.5, 0.5])
        await load.write(range(200, 400))
        await load.ended()
    finally:
        await asyncio.gather(one.stop(), two.stop())


@proves("promise 6")
@needs(Ability.NAMELESS_REPLICAS)
async def test_replicas_that_join_and_leave_in_order_have_nothing_done_twice(
    wide_backend: Brokered,
) -> None:
    load = Load(wide_backend, 400)
    await load.write(range(400))
    first = wide_backend.replica("one", load.stage(), DRAINING)
    await load.has_handled(60)
    second = wide_backend.replica("two", load.stage(), DRAINING)
    await second.is_ready()
    await load.has_handled(180)
    await first.stop()
    await load.has_handled(260)
    third = wide_backend.replica("three", load.stage(), DRAINING)
    try:
        await third.is_ready()
        ids = await load.ended()
    finally:
        await asyncio.gather(second.stop(), third.stop())
    assert set(ids.values()) == {1}
    assert {n for n, times in load.handled.items() if times > 1} <= set(range(7, 400, 10))


@pytest.mark.long
@proves("promise 1", "promise 6")
@needs(Ability.NAMELESS_REPLICAS)
@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_a_replica_that_goes_in_the_middle_and_comes_back_loses_nothing(
    wide_backend: Brokered, how: str
) -> None:
    load = Load(wide_backend, 400)
    names = ("one", "two")
    replicas = [wide_backend.replica(name, load.stage(), DRAINING) for name in names]
    try:
        await until(lambda: shares(replicas) == [10, 10], within_s=90)
        await load.write(range(400))
        await load.has_handled(40)
        await (vanish if how == "killed" else RunningStage.stop)(replicas[1])
        replicas[1] = wide_backend.replica("two", load.stage(), DRAINING)
        await load.ended()
    finally:
        await asyncio.gather(*(running.stop() for running in replicas))


@proves("promise 6")
@needs(Ability.NAMELESS_REPLICAS)
async def test_a_named_replica_that_is_killed_while_partitions_are_to_move_releases_them(
    wide_backend: Brokered,
) -> None:
    """The group gives a name back its assignment without a rebalance, as the leader planned it."""
    stage, named = Stage(PROBE), Brokered(wide_backend.kafka, named=True)
    settings = DRAINING.model_copy(update={"max_in_flight": 40})
    begun = set[bytes | None]()

    @stage.on_raw(CHUNKS_READY)
    async def hang(record: Record) -> None:
        begun.add(record.value)
        await asyncio.Event().wait()

    await named.send_many("chunks-ready", [b"%d" % n for n in range(40)])
    one = named.replica("one", stage, settings)
    replicas = [one]
    try:
        await one.is_ready()
        await until(lambda: len(begun) == 40)
        replicas.append(named.replica("two", stage, settings))
        # What is idle moves at once; what is busy waits for handlers that hang.
        await until(lambda: shares(replicas) == [12, 8], within_s=60)
        await vanish(one)
        replicas[0] = named.replica("one", stage, settings)
        await until(lambda: shares(replicas) == [10, 10], within_s=15)
        assert [told_share(running) for running in replicas] == [0.5, 0.5]
    finally:
        await asyncio.gather(*(running.kill() for running in replicas))


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@proves("promise 1", "promise 6")
@needs(Ability.NAMELESS_REPLICAS)
@pytest.mark.parametrize("seed", keep_one_in(2, [1, 2]))
async def test_a_storm_of_replicas_that_join_leave_and_are_killed_loses_nothing(
    wide_backend: Brokered, seed: int
) -> None:
    acts, load = random.Random(seed), Load(wide_backend, 500)
    replicas: dict[str, RunningStage] = {}
    names = ("one", "two", "three")

    async def act() -> None:
        name = acts.choice(names)
        running = replicas.pop(name, None)
        if running is None:
            replicas[name] = wide_backend.replica(name, load.stage(), DRAINING)
        elif acts.random() < 0.5:
            await vanish(running)
        else:
            await running.stop()

    await load.write(range(load.number))
    try:
        for _ in range(10):
            await act()
            if replicas:
                await _progress(load, 20)
        for name in names:
            if name not in replicas:
                replicas[name] = wide_backend.replica(name, load.stage(), DRAINING)
        await load.ended()
    finally:
        await asyncio.gather(*(running.stop() for running in replicas.values()))
        # aiokafka 0.14 forgets a connection when it is cancelled while it asks its first broker
        # for metadata (`AIOKafkaClient.bootstrap`); the collector is to tell so here.
        gc.collect()


async def _progress(load: Load, by: int) -> None:
    """Wait until some more messages have been at work, if there are any left."""
    await load.has_handled(min(load.number, len(load.handled) + by))


@pytest.mark.long
@proves("promise 1", "OutageError")
@needs(Ability.BROKER_RESTARTS)
async def test_nothing_is_lost_when_the_broker_restarts_in_the_middle(
    own_backend: Brokered, own_broker: RestartableBroker
) -> None:
    load = Load(own_backend, 200)
    await load.write(range(200))
    async with own_backend.running(load.stage(), DRAINING):
        await load.has_handled(50)
        await asyncio.to_thread(own_broker.stop)
        await asyncio.to_thread(own_broker.start)
        await load.ended()
