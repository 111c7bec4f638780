from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from contracts.errors import BadMessageError, OutageError
from messaging.outage import OutageGate

QUICK_S = 0.002
NEVER_S = 3_600.0


async def fail(gate: OutageGate, text: str = "down") -> None:
    with pytest.raises(OutageError):
        async with gate.passage():
            raise OutageError(text)


async def pass_through(gate: OutageGate, note: Callable[[], None] = lambda: None) -> None:
    async with gate.passage():
        note()


async def settled() -> None:
    """Let everything that can run without time passing do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_everybody_passes_an_open_gate_at_once() -> None:
    gate = OutageGate(NEVER_S, NEVER_S)
    async with gate.passage(), gate.passage():
        assert gate.is_open


@pytest.mark.parametrize("error", [None, BadMessageError("x"), ZeroDivisionError()])
async def test_other_ends_leave_it_open(error: Exception | None) -> None:
    gate = OutageGate(NEVER_S, NEVER_S)
    if error is None:
        await pass_through(gate)
    else:
        with pytest.raises(type(error)):
            async with gate.passage():
                raise error
    assert gate.is_open


async def test_an_outage_closes_it_and_tells_why() -> None:
    gate = OutageGate(NEVER_S, NEVER_S)
    await fail(gate, "the database is down")
    assert not gate.is_open
    assert gate.reason == "kafka_unavailable: the database is down"


@pytest.mark.parametrize("error", [None, BadMessageError("x")])
async def test_any_answer_to_a_probe_opens_it_for_all(error: Exception | None) -> None:
    gate = OutageGate(QUICK_S, QUICK_S)
    await fail(gate)
    passed: list[int] = []

    async def one(number: int) -> None:
        async with gate.passage():
            passed.append(number)
            if error is not None:
                raise error

    await asyncio.gather(*(one(number) for number in range(50)), return_exceptions=True)
    assert sorted(passed) == list(range(50))
    assert gate.is_open
    assert gate.reason == ""


async def test_probes_go_one_at_a_time() -> None:
    gate = OutageGate(QUICK_S, QUICK_S)
    await fail(gate)
    probing, most = 0, 0
    release = asyncio.Event()
    first = asyncio.Event()

    async def probe() -> None:
        nonlocal probing, most
        async with gate.passage():
            probing += 1
            most = max(most, probing)
            first.set()
            await release.wait()
            probing -= 1
            if len(done) < 3:
                done.append(1)
                raise OutageError("still down")

    done: list[int] = []
    tasks = [asyncio.create_task(probe()) for _ in range(5)]
    await first.wait()
    await settled()
    assert most == 1
    release.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(done) == 3
    assert gate.is_open


async def test_pauses_grow_to_the_longest_and_begin_short_with_the_next_outage() -> None:
    gate = OutageGate(QUICK_S, 3 * QUICK_S)
    await fail(gate)
    pauses = []
    for _ in range(3):
        pauses.append(gate._pause_s)
        await fail(gate)
    assert pauses == [QUICK_S, 2 * QUICK_S, 3 * QUICK_S]
    await pass_through(gate)
    await fail(gate)
    assert gate._pause_s == QUICK_S


async def test_many_outages_at_once_do_not_lengthen_the_pause() -> None:
    gate = OutageGate(QUICK_S, NEVER_S)
    together = asyncio.Barrier(100)

    async def one() -> None:
        async with gate.passage():
            await together.wait()
            raise OutageError("down")

    await asyncio.gather(*(one() for _ in range(100)), return_exceptions=True)
    assert gate._pause_s == QUICK_S


async def test_a_try_from_before_the_outage_that_succeeds_does_not_open_it() -> None:
    gate = OutageGate(NEVER_S, NEVER_S)
    async with gate.passage():
        await fail(gate)
    assert not gate.is_open


async def test_a_probe_waits_for_its_pause() -> None:
    gate = OutageGate(NEVER_S, NEVER_S)
    await fail(gate)
    passed: list[int] = []
    probe = asyncio.create_task(pass_through(gate, lambda: passed.append(1)))
    await settled()
    assert passed == []
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)


async def test_a_cancelled_probe_frees_the_turn() -> None:
    gate = OutageGate(QUICK_S, QUICK_S)
    await fail(gate)
    inside = asyncio.Event()

    async def hang() -> None:
        async with gate.passage():
            inside.set()
            await asyncio.Event().wait()

    hanging = asyncio.create_task(hang())
    await inside.wait()
    waiting = asyncio.create_task(pass_through(gate))
    await settled()
    hanging.cancel()
    async with asyncio.timeout(5):
        await waiting
    assert gate.is_open


async def test_cancelling_whoever_pauses_or_queues_frees_the_turn() -> None:
    gate = OutageGate(NEVER_S, NEVER_S)
    await fail(gate)
    tasks = [asyncio.create_task(pass_through(gate)) for _ in range(3)]
    await settled()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert not gate._turn.locked()


async def test_a_try_from_before_the_outage_that_fails_too_leaves_the_pause_as_it_is() -> None:
    gate = OutageGate(QUICK_S, NEVER_S)

    async def late() -> None:
        async with gate.passage():
            await fail(gate)
            await fail(gate)
            raise OutageError("late")

    with pytest.raises(OutageError):
        await late()
    assert gate._pause_s == 2 * QUICK_S
