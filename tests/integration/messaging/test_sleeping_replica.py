"""A replica that stood still longer than its session, such as on a laptop that slept."""

from __future__ import annotations

from typing import Any

from structlog.testing import capture_logs

from contracts.topics import CHUNKS_READY
from messaging import Record
from support.broker import PROBE, Bench
from support.stages import Stage
from support.waiting import until


async def test_a_member_that_the_replica_itself_left_behind_has_not_taken_its_name(
    bench: Bench,
) -> None:
    stage, seen = Stage(PROBE), list[bytes | None]()

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        seen.append(record.value)

    def coordinator() -> Any:
        consumption = running.consumption
        assert consumption is not None
        return consumption.client._coordinator

    named = Bench(bench.kafka.model_copy(update={"group_instance_id": "one"}))
    with capture_logs() as logs:
        async with named.running(stage) as running:
            for value in (b"1", b"2"):
                left_behind = coordinator().member_id
                # It stood still while it joined: the broker's answer, with the new member's id, is
                # lost, and the group does not know the old one any more.
                coordinator().member_id = ""
                coordinator().reset_generation()
                await until(lambda old=left_behind: coordinator().member_id not in {"", old})  # type: ignore[misc]
                await bench.send(CHUNKS_READY.name, value)
                await until(lambda one=value: one in seen, within_s=40)  # type: ignore[misc]
                await running.is_ready()
    assert [one for one in logs if one["event"] == "waiting"] == []
