from __future__ import annotations

import asyncio
from typing import Any

import pytest

from contracts.errors import BadMessageError, HandlerTimedOutError, OutageError
from messaging.processing.failure_policy import DeadlinePassedError
from messaging.processing.outage_gate import MAX_TIMEOUTS, OutageGate

QUICK_S = 0.002
LONG_S = 60.0
NEVER_S = 3_600.0


async def cancelled(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Steps:
    """A message's step that fails as told before it succeeds."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures = list(failures)
        self.calls = 0

    async def __call__(self) -> int:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return self.calls


async def outage(text: str = "down") -> None:
    raise OutageError(text)


async def pass_through() -> None: ...


async def closed(pause_s: float, pause_max_s: float = NEVER_S) -> OutageGate:
    """A gate closed by an outage, as the first message left it."""
    gate = OutageGate(pause_s, pause_max_s)
    waiting = asyncio.create_task(gate.run(outage))
    await settled()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not gate.is_open
    return gate


async def settled() -> None:
    """Let everything that can run without time passing do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_everybody_passes_an_open_gate_at_once() -> None:
    gate, together = OutageGate(NEVER_S, NEVER_S), asyncio.Barrier(2)

    async def meet() -> None:
        await together.wait()

    async with asyncio.timeout(5):
        await asyncio.gather(gate.run(meet), gate.run(meet))
    assert gate.is_open


@pytest.mark.parametrize("error", [BadMessageError("x"), ZeroDivisionError(), TimeoutError()])
async def test_failures_of_a_messages_own_leave_it_open(error: Exception) -> None:
    gate, step = OutageGate(NEVER_S, NEVER_S), Steps(error)
    with pytest.raises(type(error)):
        await gate.run(step)
    assert gate.is_open
    assert step.calls == 1


async def test_an_outage_closes_it_and_tells_why() -> None:
    gate = await closed(NEVER_S)
    assert gate.reason == "kafka_unavailable: down"


async def test_a_message_passes_as_soon_as_its_probe_is_answered() -> None:
    gate, step = OutageGate(QUICK_S, QUICK_S), Steps(*(OutageError("x") for _ in range(5)))
    async with asyncio.timeout(5):
        assert await gate.run(step) == 6
    assert gate.is_open
    assert gate.reason == ""


async def test_a_probes_own_failure_is_an_answer_too() -> None:
    gate, step = OutageGate(QUICK_S, QUICK_S), Steps(OutageError("x"), BadMessageError("bad"))
    async with asyncio.timeout(5):
        with pytest.raises(BadMessageError):
            await gate.run(step)
    assert gate.is_open


@pytest.mark.parametrize("late", [TimeoutError(), HandlerTimedOutError("slow")])
async def test_a_probe_that_runs_out_of_time_is_no_answer(late: Exception) -> None:
    gate = await closed(QUICK_S)
    seen: list[bool] = []

    async def step() -> None:
        seen.append(gate.is_open)
        if len(seen) == 1:
            raise late

    async with asyncio.timeout(5):
        await gate.run(step)
    assert seen == [False, False]
    assert gate.is_open


async def test_a_probe_that_runs_out_of_time_while_others_are_answered_opens_it_and_ends() -> None:
    gate, late = await closed(QUICK_S), HandlerTimedOutError("slow")
    late.dependency_answers = True
    step = Steps(late)
    async with asyncio.timeout(5):
        with pytest.raises(HandlerTimedOutError):
            await gate.run(step)
    assert step.calls == 1
    assert gate.is_open


async def test_an_answer_to_a_probe_opens_it_for_all() -> None:
    gate = await closed(QUICK_S)
    passed: list[int] = []

    async def one(number: int) -> None:
        async def step() -> None:
            passed.append(number)

        await gate.run(step)

    async with asyncio.timeout(5):
        await asyncio.gather(*(one(number) for number in range(50)))
    assert sorted(passed) == list(range(50))
    assert gate.is_open


async def test_probes_go_one_at_a_time() -> None:
    gate = await closed(QUICK_S)
    probing, most, failed = 0, 0, 0
    release, first = asyncio.Event(), asyncio.Event()

    async def probe() -> None:
        nonlocal probing, most, failed
        probing += 1
        most = max(most, probing)
        first.set()
        await release.wait()
        probing -= 1
        if failed < 3:
            failed += 1
            raise OutageError("still down")

    tasks = [asyncio.create_task(gate.run(probe)) for _ in range(5)]
    await first.wait()
    await settled()
    assert most == 1
    release.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*tasks)
    assert failed == 3
    assert gate.is_open


async def test_pauses_grow_to_the_longest_and_begin_short_with_the_next_outage() -> None:
    gate = OutageGate(QUICK_S, 3 * QUICK_S)
    pauses: list[float] = []

    async def step() -> None:
        pauses.append(gate._pause_s)
        if len(pauses) < 5:
            raise OutageError("down")

    await gate.run(step)
    assert pauses == [QUICK_S, QUICK_S, 2 * QUICK_S, 3 * QUICK_S, 3 * QUICK_S]
    await gate.run(Steps(OutageError("again")))
    assert gate._pause_s == QUICK_S


async def test_many_outages_at_once_do_not_lengthen_the_pause() -> None:
    gate, together = OutageGate(LONG_S, NEVER_S), asyncio.Barrier(100)

    async def one() -> None:
        await together.wait()
        raise OutageError("down")

    tasks = [asyncio.create_task(gate.run(one)) for _ in range(100)]
    await settled()
    assert not gate.is_open
    assert gate._pause_s == LONG_S
    await cancelled(*tasks)


async def test_a_try_from_before_the_outage_that_succeeds_does_not_open_it() -> None:
    gate, release = OutageGate(NEVER_S, NEVER_S), asyncio.Event()
    early = asyncio.create_task(gate.run(release.wait))
    waiting = asyncio.create_task(gate.run(outage))
    await settled()
    release.set()
    await early
    assert not gate.is_open
    await cancelled(waiting)


async def test_a_probe_waits_for_its_pause() -> None:
    gate, step = await closed(NEVER_S), Steps()
    probe = asyncio.create_task(gate.run(step))
    await settled()
    assert step.calls == 0
    await cancelled(probe)


async def test_opening_it_by_hand_ends_every_pause() -> None:
    gate = await closed(NEVER_S)
    tasks = [asyncio.create_task(gate.run(pass_through)) for _ in range(3)]
    await settled()
    gate.open()
    async with asyncio.timeout(5):
        await asyncio.gather(*tasks)


async def test_a_cancelled_probe_frees_the_turn_and_opens_nothing() -> None:
    gate, inside = await closed(QUICK_S), asyncio.Event()

    async def hang() -> None:
        inside.set()
        await asyncio.Event().wait()

    hanging = asyncio.create_task(gate.run(hang))
    await inside.wait()
    waiting = asyncio.create_task(gate.run(pass_through))
    await settled()
    assert not waiting.done()
    await cancelled(hanging)
    async with asyncio.timeout(5):
        await waiting
    assert gate.is_open


async def test_cancelling_whoever_pauses_or_queues_frees_the_turn() -> None:
    gate = await closed(NEVER_S)
    tasks = [asyncio.create_task(gate.run(pass_through)) for _ in range(3)]
    await settled()
    await cancelled(*tasks)
    assert gate.waiting == gate.untried == 0
    assert not gate._probing


async def test_a_try_from_before_the_outage_that_fails_too_leaves_the_pause_as_it_is() -> None:
    gate, release = OutageGate(QUICK_S, NEVER_S), asyncio.Event()

    async def late() -> None:
        await release.wait()
        raise OutageError("late")

    early = asyncio.create_task(gate.run(late))
    await settled()
    gate.close("outage")
    gate.probe_failed("outage")
    release.set()
    await settled()
    assert gate._pause_s == 2 * QUICK_S
    assert gate.reason == "kafka_unavailable: late"
    await cancelled(early)


@pytest.mark.parametrize("late", [TimeoutError(), HandlerTimedOutError("slow")])
async def test_a_message_whose_probes_always_run_out_of_time_makes_way(late: Exception) -> None:
    gate = await closed(QUICK_S)
    step = Steps(*([late] * MAX_TIMEOUTS))
    async with asyncio.timeout(5):
        with pytest.raises(type(late)):
            await gate.run(step)
        assert not gate.is_open, "it may have been the message"
        assert await gate.run(Steps()) == 1, "the next one finds out"
    assert gate.is_open


async def test_a_message_whose_deadline_has_passed_leaves_it_closed_and_does_not_wait() -> None:
    gate = await closed(QUICK_S)
    async with asyncio.timeout(5):
        with pytest.raises(DeadlinePassedError):
            await gate.run(Steps(DeadlinePassedError("over")))
    assert not gate.is_open


async def test_whoever_has_failed_least_often_probes_next() -> None:
    gate = await closed(QUICK_S)
    order: list[int] = []

    async def probe(failures: int) -> None:
        assert await gate.wait_for_turn(failures)
        order.append(failures)
        gate.probe_failed("still down")
        gate.end_turn()

    tasks = [asyncio.create_task(probe(failures)) for failures in (3, 0, 2, 0, 1)]
    await settled()
    assert (gate.waiting, gate.untried) == (5, 2)
    async with asyncio.timeout(5):
        await asyncio.gather(*tasks)
    assert order == [0, 0, 1, 2, 3]


async def test_a_turn_that_comes_as_its_taker_is_cancelled_goes_to_the_next() -> None:
    gate = await closed(QUICK_S)
    first, second = (asyncio.create_task(gate.wait_for_turn()) for _ in range(2))
    await settled()
    gate._let_one_probe()
    first.cancel()
    async with asyncio.timeout(5):
        assert await second
    assert first.cancelled()
