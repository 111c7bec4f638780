"""A client that stops fetching for whatever cause is noticed, and replaced by a new one."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from contracts.topics import CHUNKS_READY
from messaging import Record
from messaging.kafka import broker_monitor
from support.broker import PROBE, Bench
from support.stages import Stage
from support.waiting import until

PATIENCE_S = 1.0
"""More than the half second for which a fetch may hold up what is asked behind it."""


@pytest.mark.long
async def test_a_client_that_stops_fetching_is_replaced_and_nothing_is_lost(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_monitor, "CHECK_INTERVAL_S", PATIENCE_S)
    monkeypatch.setattr(broker_monitor, "STALL_TIMEOUT_S", PATIENCE_S)
    stage, seen = Stage(PROBE), list[bytes | None]()

    @stage.on_raw(CHUNKS_READY)
    async def note(record: Record) -> None:
        seen.append(record.value)

    def has_come(value: bytes) -> bool:
        return value in seen

    async with bench.running(stage) as running:
        await bench.send(CHUNKS_READY.name, b"before")
        await until(lambda: seen == [b"before"])
        worn = running.consumption
        assert worn is not None
        fetching: asyncio.Task[None] = worn.client._fetcher._fetch_task
        fetching.cancel()
        # One fetch may be under way still, and bring the first of them.
        for number, value in enumerate((b"first", b"second"), start=2):
            await bench.send(CHUNKS_READY.name, value)
            await until(partial(has_come, value), within_s=40)
            await bench.is_committed(CHUNKS_READY.name, number)
        assert running.consumption is not worn


@pytest.mark.long
async def test_a_client_that_has_read_everything_is_left_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_monitor, "CHECK_INTERVAL_S", PATIENCE_S)
    monkeypatch.setattr(broker_monitor, "STALL_TIMEOUT_S", PATIENCE_S)
    stage, looks = Stage(PROBE), 0

    @stage.on_raw(CHUNKS_READY)
    async def ignore(_: Record) -> None: ...

    async with bench.running(stage) as running:
        await bench.send(CHUNKS_READY.name, b"all there is")
        await bench.is_committed(CHUNKS_READY.name, 1)
        first = running.consumption
        assert first is not None
        expect = first.monitor.expect_progress

        def count(behind: set[object]) -> None:
            nonlocal looks
            looks += 1
            assert not behind
            expect(set())

        monkeypatch.setattr(first.monitor, "expect_progress", count)
        await until(lambda: looks >= 3)
        assert running.consumption is first
