"""At least once: what is committed when, and what a restart does again."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest
import structlog

from contracts.errors import BadMessageError, OutageError
from contracts.events import NotesStored
from contracts.topics import CHUNKS_READY
from integration.messaging.conformance.backends import Ability, Brokered, needs, proves
from messaging import Publisher, Record
from messaging.consumer import offset_metadata
from messaging.kafka.admin import open_admin_client
from support.broker import PROBE, QUICK
from support.chunks import CHUNK
from support.stages import Stage
from support.waiting import until

pytestmark = needs(Ability.RAW_RECORDS, Ability.COMMITS, Ability.RESTARTS)

RARELY: Final = QUICK.model_copy(update={"commit_interval_s": 3_600.0})
PATIENT: Final = QUICK.model_copy(update={"deadline_s": 3_600.0})


class Holding:
    """A stage that holds the messages its test names until they are let go."""

    def __init__(self, *held: int, every: int = 0) -> None:
        self.stage = Stage(PROBE)
        self.release = asyncio.Event()
        self.begun: list[int] = []
        self.done: set[int] = set()

        @self.stage.on_raw(CHUNKS_READY)
        async def handle(record: Record) -> None:
            self.begun.append(record.offset)
            if record.offset in held or (every and record.offset % every == 0):
                await self.release.wait()
            self.done.add(record.offset)


def numbers(amount: int) -> list[bytes]:
    return [str(number).encode() for number in range(amount)]


async def commit_of(backend: Brokered) -> tuple[int, str]:
    """The committed offset of the only partition, and its metadata."""
    async with open_admin_client(backend.kafka) as admin:
        commits = await admin.list_consumer_group_offsets(backend.kafka.topic(PROBE))
    for partition, commit in commits.items():
        if partition.topic == backend.kafka.topic("chunks-ready"):
            return commit.offset, commit.metadata
    return -1, ""


def told_of(offset: int, metadata: str) -> set[int]:
    """The offsets that a commit tells as finished beyond it."""
    return {
        one
        for told in offset_metadata.decode_commit_metadata(offset, metadata).finished
        for one in told
    }


@proves("promise 1", "promise 2")
async def test_a_slow_message_holds_up_nobody_but_the_commit(backend: Brokered) -> None:
    holding = Holding(1)
    await backend.send("chunks-ready", *numbers(22))
    async with backend.running(holding.stage):
        await until(lambda: len(holding.done) == 21)
        await backend.is_committed("chunks-ready", 1)
        holding.release.set()
        await backend.is_committed("chunks-ready", 22)


@proves("promise 1")
async def test_a_crash_before_the_commit_delivers_again(backend: Brokered) -> None:
    holding = Holding()
    await backend.send("chunks-ready", b"1", b"2")
    async with backend.running(holding.stage, RARELY) as running:
        await until(lambda: len(holding.done) == 2)
        await running.kill()
    assert await backend.committed("chunks-ready") == 0
    async with backend.running(holding.stage):
        await backend.is_committed("chunks-ready", 2)
    assert holding.begun == [0, 1, 0, 1]


@proves("promise 1")
@pytest.mark.parametrize("what", ["an event", "a dead letter"])
async def test_the_offset_waits_for_the_acknowledgement_of(backend: Brokered, what: str) -> None:
    stage, seen = Stage(PROBE), list[int]()
    asked, never = asyncio.Event(), asyncio.Event()

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> NotesStored | None:
        seen.append(record.offset)
        if record.offset > 0:
            return None
        if what == "a dead letter":
            raise BadMessageError("bad")
        return NotesStored(
            transcript_id=CHUNK.transcript_id, revision=1, study_id="s", chunk_id=CHUNK.chunk_id
        )

    async def hang(*_: Any, **__: Any) -> None:
        asked.set()
        await never.wait()

    def unacknowledged(publisher: Publisher) -> None:
        for send in ("forward", "send", "publish"):
            setattr(publisher, send, hang)

    await backend.send("chunks-ready", b"0", b"1")
    async with backend.running(stage, PATIENT, wrap=unacknowledged) as running:
        await asked.wait()
        await until(lambda: len(seen) == 2)
        consumption = running.consumption
        assert consumption is not None
        await consumption.commit()
        assert await backend.committed("chunks-ready") == 0
        await running.kill()
    seen.clear()
    async with backend.running(stage):
        await backend.records("probe-dlq" if what == "a dead letter" else "notes-stored", 1)
        await backend.is_committed("chunks-ready", 2)
    # What was finished beyond the first unfinished message is told in the commit's metadata.
    assert seen == [0]


@proves("promise 1")
@needs(Ability.DEAD_LETTERS)
async def test_a_message_that_an_unexpected_error_leaves_unsettled_is_delivered_again(
    backend: Brokered,
) -> None:
    stage, seen = Stage(PROBE), list[int]()
    is_broken = True

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> NotesStored:
        nonlocal is_broken
        seen.append(record.offset)
        is_broken = len(seen) == 1
        return NotesStored(
            transcript_id=CHUNK.transcript_id, revision=1, study_id="s", chunk_id=CHUNK.chunk_id
        )

    def fail_at_first(publisher: Publisher) -> None:
        """Events are refused once they are sent, and then nothing goes as anybody expects."""
        send, publish, forward = publisher.send, publisher.publish, publisher.forward

        async def send_or_refuse(events: Any, acknowledged: Any, **more: Any) -> None:
            if is_broken:
                acknowledged(OutageError("away"))
            else:
                await send(events, acknowledged, **more)

        async def publish_or_fail(*arguments: Any, **more: Any) -> None:
            if is_broken:
                raise ZeroDivisionError
            await publish(*arguments, **more)

        async def forward_or_fail(*arguments: Any, **more: Any) -> None:
            if is_broken:
                raise KeyError("nobody expected it")
            await forward(*arguments, **more)

        for name, one in {
            "send": send_or_refuse,
            "publish": publish_or_fail,
            "forward": forward_or_fail,
        }.items():
            setattr(publisher, name, one)

    await backend.send("chunks-ready", b"1")
    with structlog.testing.capture_logs() as logs:
        async with backend.running(stage, wrap=fail_at_first):
            await backend.is_committed("chunks-ready", 1)
    assert seen == [0, 0]
    assert [one["offset"] for one in logs if one["event"] == "unsettled"] == [0]
    assert (await backend.size("notes-stored"), await backend.size("probe-dlq")) == (1, 0)


@proves("promise 6")
async def test_a_restart_after_a_crash_does_not_do_again_what_was_finished_beyond_the_commit(
    backend: Brokered,
) -> None:
    unfinished = {3, 4, 9, 17}
    first = Holding(*unfinished)
    await backend.send("chunks-ready", *numbers(30))
    beyond = set(range(3, 30)) - unfinished
    async with backend.running(first.stage, PATIENT) as running:

        async def told() -> bool:
            offset, metadata = await commit_of(backend)
            return offset == 3 and told_of(offset, metadata) == beyond

        await until(told)
        await running.kill()
    second = Holding()
    async with backend.running(second.stage):
        await backend.is_committed("chunks-ready", 30)
    assert sorted(second.begun) == sorted(unfinished)
    offset, metadata = await commit_of(backend)
    assert (offset, told_of(offset, metadata)) == (30, set())


@proves("promise 6")
async def test_the_metadata_survives_a_second_crash_before_anything_new_is_finished(
    backend: Brokered,
) -> None:
    await backend.send("chunks-ready", *numbers(6))
    for holding in (Holding(1, 4), Holding(1, 4)):
        async with backend.running(holding.stage) as running:
            await until(lambda: {1, 4} <= {*holding.begun})  # noqa: B023 - it is awaited here
            consumption = running.consumption
            assert consumption is not None

            async def told() -> bool:
                offset, metadata = await commit_of(backend)
                return told_of(offset, metadata) == {2, 3, 5}

            await until(told)
            await running.kill()
    assert sorted(holding.begun) == [1, 4]
    last = Holding()
    async with backend.running(last.stage):
        await backend.is_committed("chunks-ready", 6)
    assert sorted(last.begun) == [1, 4]


@pytest.mark.long
@proves("promise 6")
async def test_whatever_may_be_in_flight_is_told_and_not_done_again(backend: Brokered) -> None:
    # Every 16th is unfinished, farther than lengths of runs would tell it in 4,096 characters.
    number, every = 20_000, 16
    holding = Holding(every=every)
    held = range(0, number, every)
    wide = PATIENT.model_copy(update={"max_in_flight": len(held) + 50})
    async with backend.running(holding.stage, wide) as running:
        await backend.send_many("chunks-ready", numbers(number))
        await until(lambda: len(holding.begun) == number, within_s=120)

        async def told() -> bool:
            offset, metadata = await commit_of(backend)
            return offset == 0 and told_of(offset, metadata) == set(range(number)) - set(held)

        await until(told, within_s=40)
        await running.kill()
    again = Holding()
    async with backend.running(again.stage, wide):
        await backend.is_committed("chunks-ready", number)
    assert sorted(again.begun) == list(held)
