"""Messages that go well: published, committed, in the right order, so many at a time."""

from __future__ import annotations

import asyncio

from contracts.events import NotesStored
from contracts.ids import derive
from contracts.topics import CHUNKS_READY
from messaging import Record, Stage
from messaging.delivery import Delivery
from support.broker import PROBE, QUICK, Bench
from support.waiting import until

TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


def stored(value: bytes | None) -> NotesStored:
    return NotesStored(
        transcript_id=derive("t", value), revision=1, study_id="s", chunk_id=derive("c", value)
    )


async def test_publishes_what_the_handler_returns_and_commits(bench: Bench) -> None:
    stage = Stage(PROBE)

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> tuple[NotesStored, ...]:
        return stored(record.value), stored(b"again")

    await bench.send("chunks-ready", b"1", headers=(("traceparent", TRACE.encode()),))
    async with bench.running(stage):
        first, second = await bench.records("notes-stored", 2)
        await bench.is_committed("chunks-ready", 1)
    assert NotesStored.model_validate_json(first.value) == stored(b"1")
    assert NotesStored.model_validate_json(second.value) == stored(b"again")
    headers = dict(first.headers)
    assert headers["ce_source"] == b"/onrecord/probe"
    assert headers["traceparent"].startswith(b"00-" + b"a" * 32)


async def test_keeps_no_more_in_flight_than_allowed_and_no_fewer(bench: Bench) -> None:
    stage, release = Stage(PROBE), asyncio.Event()
    working: set[bytes] = set()
    most = 0

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        nonlocal most
        assert record.value is not None
        working.add(record.value)
        most = max(most, len(working))
        await release.wait()
        working.discard(record.value)

    await bench.send("chunks-ready", *(str(n).encode() for n in range(30)))
    async with bench.running(stage, QUICK.model_copy(update={"max_in_flight": 5})) as running:
        await until(lambda: len(working) == 5)
        consumption = running.runner._consumption
        assert consumption is not None
        show_life, polls = consumption._show_life, 0

        async def counted() -> None:
            nonlocal polls
            polls += 1
            await show_life()

        consumption._show_life = counted  # type: ignore[method-assign]  # polling goes on while full
        await until(lambda: polls >= 3)
        release.set()
        await bench.is_committed("chunks-ready", 30)
    assert most == 5


async def test_a_slow_message_holds_up_nobody_but_the_commit(bench: Bench) -> None:
    stage, release, seen = Stage(PROBE), asyncio.Event(), []

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        if record.value == b"slow":
            await release.wait()
        seen.append(record.value)

    await bench.send("chunks-ready", b"before", b"slow", *(str(n).encode() for n in range(20)))
    async with bench.running(stage):
        await until(lambda: len(seen) == 21)
        await bench.is_committed("chunks-ready", 1)
        release.set()
        await bench.is_committed("chunks-ready", 22)


async def test_key_order_keeps_a_key_in_sequence_while_others_go_on(bench: Bench) -> None:
    stage, release = Stage(PROBE), asyncio.Event()
    begun: list[bytes | None] = []

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        begun.append(record.value)
        if record.value == b"a0":
            await release.wait()

    for number in range(3):
        await bench.send("chunks-ready", f"a{number}".encode(), key=b"a")
    await bench.send("chunks-ready", b"b0", b"b1", key=b"b")
    await bench.send("chunks-ready", b"c0")
    async with bench.running(stage, QUICK.model_copy(update={"order": "key"})):
        await until(lambda: len(begun) == 4)
        assert sorted(one for one in begun if one) == [b"a0", b"b0", b"b1", b"c0"]
        release.set()
        await bench.is_committed("chunks-ready", 6)
    assert [one for one in begun if one and one.startswith(b"a")] == [b"a0", b"a1", b"a2"]


async def test_a_failing_message_does_not_keep_its_key_waiting(bench: Bench) -> None:
    stage, seen = Stage(PROBE), []

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        seen.append(record.value)
        if record.value == b"bad":
            raise ZeroDivisionError

    await bench.send("chunks-ready", b"bad", b"good", key=b"k")
    async with bench.running(stage, QUICK.model_copy(update={"order": "key"})):
        await bench.is_committed("chunks-ready", 2)
    assert seen == [b"bad", b"good"]


async def test_a_stop_finishes_what_is_in_flight_and_commits_it(bench: Bench) -> None:
    stage, begun, release = Stage(PROBE), asyncio.Event(), asyncio.Event()

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> NotesStored:
        begun.set()
        await release.wait()
        return stored(record.value)

    await bench.send("chunks-ready", b"1")
    async with bench.running(stage) as running:
        await begun.wait()
        running.ask_to_stop()
        assert await running.says_ready(ready=False) == "stopping"
        release.set()
        await running.task
    assert await bench.committed("chunks-ready") == 1
    await bench.records("notes-stored", 1)


async def test_what_is_cut_off_at_the_end_of_the_grace_is_not_committed(bench: Bench) -> None:
    stage, begun = Stage(PROBE), asyncio.Event()
    delivered: list[int] = []

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        delivered.append(record.offset)
        if len(delivered) == 1:
            begun.set()
            await asyncio.Event().wait()

    await bench.send("chunks-ready", b"1")
    async with bench.running(stage, QUICK.model_copy(update={"drain_grace_s": 0.1})):
        await begun.wait()
    assert await bench.committed("chunks-ready") == 0
    async with bench.running(stage):
        await bench.is_committed("chunks-ready", 1)
    assert delivered == [0, 0]


async def test_a_crash_before_the_commit_delivers_again(bench: Bench) -> None:
    stage, delivered = Stage(PROBE), []

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        delivered.append(record.offset)

    await bench.send("chunks-ready", b"1", b"2")
    rarely = QUICK.model_copy(update={"commit_interval_s": 3_600.0})
    async with bench.running(stage, rarely) as running:
        await until(lambda: len(delivered) == 2)
        await running.kill()
    assert await bench.committed("chunks-ready") == 0
    async with bench.running(stage):
        await bench.is_committed("chunks-ready", 2)
    assert delivered == [0, 1, 0, 1]


async def test_a_stage_without_dead_letters_keeps_a_message_until_it_can_be_handled(
    bench: Bench,
) -> None:
    stage = Stage(PROBE, dead_letters=False)
    tries, fixed = 0, False

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record, delivery: Delivery) -> None:
        nonlocal tries
        tries += 1
        if not fixed:
            raise ZeroDivisionError("not yet")

    async with bench.running(stage) as running:
        await bench.send("chunks-ready", b"1")
        await until(lambda: tries >= 3)
        reason = await running.says_ready(ready=False)
        assert "ZeroDivisionError on chunks-ready" in reason
        assert await bench.committed("chunks-ready") == 0
        fixed = True
        await bench.is_committed("chunks-ready", 1)
        await running.is_ready()
    assert await bench.size("probe-dlq") == 0
