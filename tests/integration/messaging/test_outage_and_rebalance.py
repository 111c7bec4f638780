"""An outage during which a rebalance takes away those who would have found out that it is over."""

from __future__ import annotations

from contracts.errors import OutageError
from contracts.topics import CHUNKS_READY
from messaging import Record
from support.broker import PROBE, QUICK, Bench
from support.stages import Stage
from support.waiting import until

MESSAGES = 20


async def test_an_outage_ends_though_a_rebalance_cancelled_all_who_probed(bench: Bench) -> None:
    stage, down = Stage(PROBE), True
    tried, done = list[bytes | None](), set[bytes | None]()

    @stage.on_raw(CHUNKS_READY)
    async def call(record: Record) -> None:
        tried.append(record.value)
        if down:
            raise OutageError("nobody answers")
        done.add(record.value)

    slow = QUICK.model_copy(update={"outage_pause_s": 2.0, "outage_pause_max_s": 2.0})
    async with bench.running(stage, slow) as running:
        values = [b"%d" % number for number in range(MESSAGES)]
        await bench.send(CHUNKS_READY.name, *values)
        await until(lambda: tried)
        consumption = running.consumption
        assert consumption is not None
        await until(lambda: consumption.client.paused() or None)
        # As two rebalances between two polls do: one takes everything away, one gives it back.
        mine = consumption.client.assignment()
        await consumption.assignment.on_partitions_revoked(mine)
        await consumption.assignment.on_partitions_assigned(())
        assert consumption.in_flight == 0
        await consumption.assignment.on_partitions_revoked(())
        await consumption.assignment.on_partitions_assigned(mine)
        down = False
        await until(lambda: done == set(values))
        assert await running.says_ready(ready=True) == ""
