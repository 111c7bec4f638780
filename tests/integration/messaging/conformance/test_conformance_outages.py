"""While a dependency is down, the stage waits and its messages stay."""

from __future__ import annotations

from contracts.errors import (
    OutageError,
)
from contracts.topics import CHUNKS_READY
from integration.messaging.conformance.backends import Ability, Brokered, needs, proves
from integration.messaging.conformance.failing import Failing
from messaging import Delivery, Record, Stage
from support.broker import PROBE, QUICK
from support.waiting import until

pytestmark = needs(Ability.RAW_RECORDS, Ability.COMMITS, Ability.DEAD_LETTERS)


@proves("promise 3", "OutageError")
async def test_an_outage_is_waited_out_told_and_ends_by_itself(backend: Brokered) -> None:
    down = True
    failing = Failing(lambda: OutageError("the model is away") if down else None)
    async with backend.running(failing.stage) as running:
        await backend.send("chunks-ready", *(str(n).encode() for n in range(20)))
        reason = await running.says_ready(ready=False)
        assert reason == "kafka_unavailable: the model is away"
        first = len(failing.seen)
        await until(lambda: len(failing.seen) >= first + 3)
        assert await backend.committed("chunks-ready") == 0
        down = False
        await backend.is_committed("chunks-ready", 20)
        await running.is_ready()
    assert {delivery.attempts for _, delivery in failing.seen} == {0}
    for topic in ("probe-dlq", "probe-retry-1"):
        assert await backend.size(topic) == 0


@proves("OutageError", "promise 9")
async def test_stops_quickly_while_waiting_for_a_dependency_and_keeps_the_messages(
    backend: Brokered,
) -> None:
    failing = Failing(lambda: OutageError("away"))
    slow = QUICK.model_copy(update={"outage_pause_s": 3_600.0, "drain_grace_s": 3_600.0})
    async with backend.running(failing.stage, slow) as running:
        await backend.send("chunks-ready", b"1")
        await running.says_ready(ready=False)
    assert await backend.committed("chunks-ready") == 0


@proves("promise 1")
async def test_a_stage_without_dead_letters_keeps_a_message_until_it_can_be_handled(
    backend: Brokered,
) -> None:
    stage = Stage(PROBE, dead_letters=False)
    tries, fixed = 0, False

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record, delivery: Delivery) -> None:
        nonlocal tries
        tries += 1
        if not fixed:
            raise ZeroDivisionError("not yet")

    async with backend.running(stage) as running:
        await backend.send("chunks-ready", b"1")
        await until(lambda: tries >= 3)
        reason = await running.says_ready(ready=False)
        assert "ZeroDivisionError on chunks-ready" in reason
        assert await backend.committed("chunks-ready") == 0
        fixed = True
        await backend.is_committed("chunks-ready", 1)
        await running.is_ready()
    assert await backend.size("probe-dlq") == 0
