"""One message's own outage is told from everybody's: hours of it, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

import pytest

from contracts.errors import BadMessageError, ErrorCode, OutageError
from messaging.delivery import Delivery, MessageOrigin
from messaging.processing import failure_policy
from messaging.processing.failure_policy import RetryLater, SingleMessageOutageError
from messaging.processing.outage_gate import STRIKES, OutageGate
from messaging.settings import StageSettings
from support.virtual_time import run

SETTINGS: Final = StageSettings()
PAUSES: Final = (SETTINGS.outage_pause_s, SETTINGS.outage_pause_max_s)
HOUR_S: Final = 3_600.0
SIZE: Final = 64
EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)

Handler = Callable[[int], Awaitable[None]]
"""What is done with the message of a number."""


def now_s() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Stage:
    """A window of messages before one gate, with retry topics and letters behind it."""

    handle: Handler
    number: int
    every_s: float = 0.0
    gate: OutageGate = field(default_factory=lambda: OutageGate(*PAUSES))
    tries: dict[int, int] = field(default_factory=dict)
    well: dict[int, float] = field(default_factory=dict)
    retried: dict[int, int] = field(default_factory=dict)
    letters: set[int] = field(default_factory=set)

    async def run(self, *, patience_s: float = SETTINGS.own_outage_patience_s) -> None:
        self._settings = SETTINGS.model_copy(update={"own_outage_patience_s": patience_s})
        self._room = asyncio.Semaphore(SIZE)
        await asyncio.gather(*map(self._live, range(self.number)))

    async def _live(self, number: int) -> None:
        delivery = Delivery(MessageOrigin("chunks-ready", 0, number))
        await asyncio.sleep(number * self.every_s)
        while True:
            async with self._room:
                try:
                    await self.gate.run(
                        self._step, number, may_be_its_own=True, proved=delivery.own_outage
                    )
                except SingleMessageOutageError as error:
                    failed_at = EPOCH + timedelta(seconds=now_s())
                    delivery = delivery.failed(timed_out=False, at=failed_at, own_outage=True)
                    decision = failure_policy.decide_next_step(
                        error, delivery, self._settings, now=failed_at
                    )
                else:
                    self.well[number] = now_s()
                    return
            if not isinstance(decision, RetryLater):
                self.letters.add(number)
                return
            self.retried[number] = self.retried.get(number, 0) + 1
            delivery = replace(delivery, tier=decision.tier)
            await asyncio.sleep(decision.delay_s)

    async def _step(self, number: int) -> None:
        self.tries[number] = self.tries.get(number, 0) + 1
        await self.handle(number)


def poisoned(*poisons: int) -> Handler:
    async def handle(number: int) -> None:
        await asyncio.sleep(0.05)
        if number in poisons:
            raise OutageError("the server closed the connection")

    return handle


@pytest.mark.parametrize("poisons", [(0,), (31,), (0, 1, 2), tuple(range(0, 200, 10))], ids=len)
def test_poisons_hold_up_nobody_and_end_in_retry_topics_and_letters(
    poisons: tuple[int, ...],
) -> None:
    stage = Stage(poisoned(*poisons), 300, every_s=0.02)

    run(stage.run())

    assert stage.letters == set(poisons)
    assert sorted(stage.well) == [n for n in range(300) if n not in poisons]
    late_s = [at - n * stage.every_s for n, at in stage.well.items()]
    assert max(late_s) < 2 * PAUSES[0] + 0.2, "each poison's first failure is all that holds up"
    assert set(stage.retried) == set(poisons)


def test_a_poison_that_recovers_within_the_patience_is_no_letter() -> None:
    async def handle(number: int) -> None:
        if number == 0 and now_s() < 0.9 * HOUR_S:
            raise OutageError("its table is locked")
        await asyncio.sleep(0.05)

    stage = Stage(handle, 200, every_s=0.02)
    run(stage.run())
    assert not stage.letters
    assert stage.retried.keys() == {0}
    assert len(stage.well) == 200


def test_the_letter_comes_after_all_retry_topics_where_there_is_no_patience() -> None:
    stage = Stage(poisoned(7), 200, every_s=0.02)
    run(stage.run(patience_s=0.0))
    assert stage.letters == {7}
    assert stage.retried == {7: len(SETTINGS.retry_delays_s)}


@pytest.mark.parametrize("outage_s", [1.0, 60.0, HOUR_S, 24 * HOUR_S])
def test_a_real_outage_however_long_makes_no_letter_and_no_retry(outage_s: float) -> None:
    async def handle(_: int) -> None:
        await asyncio.sleep(0.05)
        if 1.0 < now_s() < 1.0 + outage_s:
            raise OutageError("down")

    stage = Stage(handle, 3_000)
    run(stage.run())
    assert len(stage.well) == 3_000
    assert not stage.letters
    assert not stage.retried
    probes = sum(stage.tries.values()) - 3_000
    assert probes <= 2 * SIZE + 10 + outage_s / PAUSES[1], "one at a time, with pauses between"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_dependency_that_fails_at_random_for_hours_makes_no_letter(
    share: float, seed: int
) -> None:
    chance = Random(seed)

    async def handle(_: int) -> None:
        await asyncio.sleep(chance.uniform(0.01, 5.0))
        if now_s() < 3 * HOUR_S and chance.random() < share:
            raise OutageError("overloaded")

    stage = Stage(handle, 1_000)
    run(stage.run())
    assert not stage.letters
    assert len(stage.well) == 1_000


@pytest.mark.parametrize("seed", range(4))
def test_a_dependency_that_is_up_and_down_in_turn_makes_no_letter(seed: int) -> None:
    chance = Random(seed)

    async def handle(_: int) -> None:
        await asyncio.sleep(chance.uniform(0.01, 5.0))
        if now_s() < 3 * HOUR_S and now_s() % 20 < 10:
            raise OutageError("down for ten seconds of twenty")

    stage = Stage(handle, 1_000)
    run(stage.run())
    assert not stage.letters


def test_who_takes_others_along_is_blamed_and_they_are_not() -> None:
    """A statement that crashes the database: whatever runs at that moment fails with it."""
    crashes = 0

    async def handle(number: int) -> None:
        nonlocal crashes
        before = crashes
        await asyncio.sleep(0.02)
        if number == 5:
            crashes += 1
        await asyncio.sleep(0.01 * (1 + number % 5))
        if crashes > before:
            raise OutageError("the server closed the connection")

    stage = Stage(handle, 1_000)
    run(stage.run())
    assert stage.letters == {5}
    assert set(stage.retried) == {5}
    assert len(stage.well) == 999


def test_tries_from_before_an_outage_that_pass_during_it_prove_nothing() -> None:
    """Calls of twenty minutes that had begun before the endpoint went away."""

    async def handle(number: int) -> None:
        begun = now_s()
        if number % 2:
            await asyncio.sleep(1_200.0 * number / SIZE)
            return
        await asyncio.sleep(0.05)
        if 0.0 <= begun < HOUR_S:
            raise OutageError("away")

    stage = Stage(handle, SIZE)
    run(stage.run())
    assert not stage.retried


def test_failures_of_others_own_prove_nothing() -> None:
    """They may never have come as far as the dependency."""

    async def handle(number: int) -> None:
        await asyncio.sleep(0.05)
        if number % 2:
            raise BadMessageError("malformed")
        if now_s() < HOUR_S:
            raise OutageError("away")

    gate, others = OutageGate(*PAUSES), 0

    async def live(number: int) -> None:
        nonlocal others
        await asyncio.sleep(20.0 * number)
        try:
            await gate.run(handle, number, may_be_its_own=True)
        except BadMessageError:
            others += 1

    async def main() -> None:
        await asyncio.gather(*map(live, range(170)))

    run(main())
    assert others == 85


def test_where_there_is_no_other_place_it_is_tried_for_ever_and_holds_up_nobody() -> None:
    gate, tries = OutageGate(*PAUSES), 0

    async def fail() -> None:
        nonlocal tries
        tries += 1
        await poisoned(0)(0)

    async def main() -> int:
        poison = asyncio.create_task(gate.run(fail))
        begun = now_s()
        for number in range(1, 200):
            await gate.run(poisoned(0), number)
            await asyncio.sleep(1.0)
        assert now_s() - begun < 230.0
        assert not poison.done()
        assert gate.is_open
        assert gate.suspects == 1
        assert gate.suspicion.endswith("closed the connection")
        poison.cancel()
        await asyncio.gather(poison, return_exceptions=True)
        return tries

    assert STRIKES < run(main()) < 20
    assert gate.suspects == gate.waiting == 0


def test_a_suspect_whose_likes_are_all_there_is_tells_an_outage() -> None:
    gate = OutageGate(*PAUSES)

    async def main() -> None:
        poison = asyncio.create_task(gate.run(poisoned(0), 0, may_be_its_own=True))
        await asyncio.sleep(0.1)
        await gate.run(poisoned(0), 1)
        await asyncio.sleep(10.0)
        assert not gate.is_open, "nobody has passed since"
        assert not poison.done()
        poison.cancel()
        await asyncio.gather(poison, return_exceptions=True)

    run(main())


def test_its_error_keeps_the_outages_code_and_says_whose_it_is() -> None:
    error = SingleMessageOutageError(
        OutageError("connection lost", code=ErrorCode.DATABASE_UNAVAILABLE)
    )
    assert error.code is ErrorCode.DATABASE_UNAVAILABLE
    assert "connection lost" in str(error)
    assert "others passed" in str(error)
