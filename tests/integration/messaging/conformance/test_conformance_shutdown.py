"""SIGTERM finishes what is in flight and commits it; kill -9 loses nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from typing import Final
from uuid import UUID

import pytest

from contracts.events import NotesStored
from contracts.ids import derive_id
from contracts.topics import CHUNKS_READY
from integration.messaging.conformance.backends import Ability, Brokered, needs, proves
from integration.messaging.conformance.processes import Process
from messaging import Record
from messaging.runtime.supervision import FAREWELL_S
from support.apache_kafka import ApacheKafka
from support.broker import PROBE, QUICK, RestartableBroker
from support.chunks import CHUNK
from support.stages import Stage
from support.waiting import until

pytestmark = needs(Ability.RAW_RECORDS, Ability.COMMITS, Ability.RESTARTS)

GRACE_S: Final = 1.0
SLOW_MACHINE_S: Final = 5.0
"""What the interpreter may take to end, and the test to see it."""

STORED = NotesStored(
    transcript_id=CHUNK.transcript_id, revision=1, study_id="s", chunk_id=CHUNK.chunk_id
)


@proves("promise 9")
async def test_a_stop_finishes_what_is_in_flight_and_commits_it(backend: Brokered) -> None:
    stage, begun, release = Stage(PROBE), asyncio.Event(), asyncio.Event()

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> NotesStored:
        begun.set()
        await release.wait()
        return STORED

    await backend.send("chunks-ready", b"1")
    async with backend.running(stage) as running:
        await begun.wait()
        running.ask_to_stop()
        assert await running.says_ready(ready=False) == "stopping"
        release.set()
        await running.task
    assert await backend.committed("chunks-ready") == 1
    await backend.records("notes-stored", 1)


@proves("promise 9", "promise 1")
async def test_what_is_cut_off_at_the_end_of_the_grace_is_not_committed(
    backend: Brokered,
) -> None:
    stage, begun = Stage(PROBE), asyncio.Event()
    delivered: list[int] = []

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        delivered.append(record.offset)
        if len(delivered) == 1:
            begun.set()
            await asyncio.Event().wait()

    await backend.send("chunks-ready", b"1")
    async with backend.running(stage, QUICK.model_copy(update={"drain_grace_s": 0.1})):
        await begun.wait()
    assert await backend.committed("chunks-ready") == 0
    async with backend.running(stage):
        await backend.is_committed("chunks-ready", 1)
    assert delivered == [0, 0]


@proves("promise 9")
@needs(Ability.PROCESSES)
async def test_a_process_ends_with_code_0_on_sigterm_with_everything_committed(
    backend: Brokered,
) -> None:
    number = 40
    await backend.send("chunks-ready", *(b"%d" % n for n in range(number)))
    with Process(backend.kafka) as process:

        async def all_caused() -> bool:
            return await backend.size("notes-stored") >= number

        await until(all_caused, within_s=60)
        process.send(signal.SIGTERM)
        assert await process.ended() == 0
    assert await backend.committed("chunks-ready") == number
    assert await backend.size("notes-stored") == number


@proves("promise 9")
@needs(Ability.PROCESSES)
async def test_a_second_signal_ends_a_process_at_once_and_commits_nothing_unfinished(
    backend: Brokered,
) -> None:
    await backend.send("chunks-ready", b"hang")
    with Process(backend.kafka) as process:
        await process.says("begun")
        process.send(signal.SIGTERM)
        await process.says("stopping")
        process.send(signal.SIGTERM)
        assert await process.ended() == 128 + signal.SIGTERM
    assert await backend.committed("chunks-ready") == 0


@proves("promise 1")
@needs(Ability.PROCESSES)
async def test_kill_9_in_the_middle_loses_nothing_and_commits_nothing_unfinished(
    backend: Brokered,
) -> None:
    number, before_it_hangs = 60, 15
    await backend.send("chunks-ready", *(b"%d" % n for n in range(number)))

    for _ in range(2):
        before = await backend.size("notes-stored")

        async def more_caused(than: int = before) -> bool:
            return await backend.size("notes-stored") > than

        # Without an end to what it handles, a slow test would come when nothing is left to do.
        with Process(backend.kafka, hang_after=before_it_hangs) as process:
            await until(more_caused, within_s=60)
            process.send(signal.SIGKILL)
            assert await process.ended() == -signal.SIGKILL
        committed = await backend.committed("chunks-ready")
        caused = await caused_by(backend)
        assert committed < number
        assert {derive_id("c", b"%d" % n) for n in range(committed)} <= caused
    with Process(backend.kafka):
        await backend.is_committed("chunks-ready", number)
    assert await caused_by(backend) == {derive_id("c", b"%d" % n) for n in range(number)}
    assert await backend.size("probe-dlq") == 0


async def caused_by(backend: Brokered) -> set[UUID]:
    """The chunks whose handling has caused an event."""
    records = await backend.records("notes-stored", await backend.size("notes-stored"))
    return {NotesStored.model_validate_json(record.value).chunk_id for record in records}


@pytest.mark.long
@proves("promise 9", "promise 1")
@needs(Ability.PROCESSES)
async def test_a_handler_that_ignores_its_cancellation_is_named_and_the_process_ends(
    backend: Brokered,
) -> None:
    await backend.send("chunks-ready", b"1", b"ignore")
    with Process(backend.kafka, drain_grace_s=GRACE_S) as process:
        await process.says("begun")
        process.send(signal.SIGTERM)
        asked_at = time.monotonic()
        assert await process.ended() == 0
        assert time.monotonic() - asked_at < GRACE_S + FAREWELL_S + SLOW_MACHINE_S
        (line,) = [one for one in process.said.splitlines() if "ignores_cancellation" in one]
        told = json.loads(line)
        assert (told["topic"], told["offset"]) == ("chunks-ready", 1)
        assert "ignore_cancellation" in told["at"]
    assert await backend.committed("chunks-ready") == 1


@pytest.mark.broker_files
@proves("promise 9")
@needs(Ability.PROCESSES, Ability.BROKER_RESTARTS)
async def test_a_process_ends_soon_though_the_broker_is_frozen(
    own_backend: Brokered, own_broker: RestartableBroker
) -> None:
    assert isinstance(own_broker, ApacheKafka)
    assert own_broker.pid is not None
    await own_backend.send("chunks-ready", b"hang")
    with Process(own_backend.kafka, drain_grace_s=GRACE_S) as process:
        await process.says("begun")
        os.kill(own_broker.pid, signal.SIGSTOP)
        try:
            process.send(signal.SIGTERM)
            asked_at = time.monotonic()
            assert await process.ended() == 0
            assert time.monotonic() - asked_at < GRACE_S + FAREWELL_S + SLOW_MACHINE_S
        finally:
            os.kill(own_broker.pid, signal.SIGCONT)
    assert await own_backend.committed("chunks-ready") == 0
