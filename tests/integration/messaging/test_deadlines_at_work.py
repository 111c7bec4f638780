"""Times on a broker: waiting in a retry topic, the stage's deadline, and the message's own."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

import pytest

from contracts import headers as h
from contracts.events import ChunkReady, NotesStored, TranscriptSubmitted
from contracts.ids import derive, transcript_id
from contracts.topics import CHUNKS_READY, TRANSCRIPTS_SUBMITTED
from messaging import Delivery, Record, Stage
from messaging.codec import encode
from messaging.delivery import Headers, Origin, append, split, wait_headers
from support.broker import PROBE, QUICK, Bench
from support.chunks import STUDY
from support.waiting import until

HOUR_S = 3_600.0
EVENT = TranscriptSubmitted(
    transcript_id=transcript_id("heating", "one"), title="One", study=STUDY, content="Ann: Yes."
)
STORED = NotesStored(
    transcript_id=EVENT.transcript_id, revision=1, study_id="heating", chunk_id=derive("chunk")
)


def in_ms(seconds: float) -> int:
    return int((time.time() + seconds) * 1_000)


def told(letter: Any) -> dict[str, str]:
    """The headers that were added to a letter."""
    return {name: value.decode() for name, value in split(letter.headers)[1]}


def waiting(delay_s: float, offset: int) -> Headers:
    """The headers of a message that waits in a retry topic."""
    delivery = Delivery(Origin("chunks-ready", 0, offset), attempts=1)
    return append((), wait_headers(delivery, not_before_ms=in_ms(delay_s)))


async def send_event(bench: Bench, deadline_ms: int | None) -> None:
    key, value, headers = encode(EVENT, source="/test")
    if deadline_ms is not None:
        headers.append((h.DEADLINE, str(deadline_ms).encode()))
    await bench.send("transcripts-submitted", value, key=key, headers=tuple(headers))


async def test_a_message_that_is_due_is_not_held_up_by_an_earlier_one_that_is_not(
    bench: Bench,
) -> None:
    stage, seen = Stage(PROBE), list[tuple[bytes | None, float]]()

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        seen.append((record.value, time.monotonic()))

    async with bench.running(stage):
        begun = time.monotonic()
        await bench.send("probe-retry-1", b"late", headers=waiting(5.0, 0))
        await bench.send("probe-retry-1", b"soon", headers=waiting(0.3, 1))
        await until(lambda: len(seen) == 2)
        await bench.is_committed("probe-retry-1", 2)
    (first, at_first), (second, at_second) = seen
    assert (first, second) == (b"soon", b"late")
    assert 0.25 <= at_first - begun < 4.0
    assert at_second - begun >= 4.9


async def test_what_was_done_out_of_turn_is_not_done_again_after_a_stop(bench: Bench) -> None:
    stage, seen = Stage(PROBE), list[bytes | None]()

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        seen.append(record.value)

    await bench.send("probe-retry-1", b"late", headers=waiting(4.0, 0))
    await bench.send("probe-retry-1", b"soon", headers=waiting(0.0, 1))
    async with bench.running(stage):
        await until(lambda: seen == [b"soon"])
    assert await bench.committed("probe-retry-1") == 0
    async with bench.running(stage):
        await bench.is_committed("probe-retry-1", 2)
    assert seen == [b"soon", b"late"]


async def test_a_message_whose_own_deadline_has_passed_dies_without_being_handled(
    bench: Bench,
) -> None:
    stage, seen = Stage(PROBE), list[TranscriptSubmitted]()

    @stage.on(TRANSCRIPTS_SUBMITTED)
    async def handle(event: TranscriptSubmitted) -> None:
        seen.append(event)

    await send_event(bench, in_ms(-1))
    async with bench.running(stage):
        (letter,) = await bench.records("probe-dlq", 1)
        await bench.is_committed("transcripts-submitted", 1)
    assert seen == []
    assert told(letter)[h.ERROR_CODE] == "timeout"
    assert await bench.size("probe-retry-1") == 0


async def test_the_messages_own_deadline_is_carried_on_to_what_it_causes(bench: Bench) -> None:
    stage, deadlines = Stage(PROBE), list[float]()
    deadline_ms = in_ms(HOUR_S)

    @stage.on(TRANSCRIPTS_SUBMITTED)
    async def handle(_: TranscriptSubmitted, delivery: Delivery) -> NotesStored:
        assert delivery.deadline is not None
        deadlines.append(delivery.deadline - asyncio.get_running_loop().time())
        return STORED

    await send_event(bench, deadline_ms)
    async with bench.running(stage):
        (caused,) = await bench.records("notes-stored", 1)
    assert dict(caused.headers)[h.DEADLINE] == str(deadline_ms).encode()
    # The stage's own deadline is nearer.
    assert 0 < deadlines[0] <= QUICK.deadline_s


async def test_the_messages_own_deadline_ends_work_that_the_stages_would_not(
    bench: Bench,
) -> None:
    stage, begun = Stage(PROBE), list[float]()

    @stage.on(TRANSCRIPTS_SUBMITTED)
    async def handle(_: TranscriptSubmitted) -> None:
        begun.append(time.monotonic())
        await asyncio.Event().wait()

    async with bench.running(stage, QUICK.model_copy(update={"deadline_s": HOUR_S})):
        await send_event(bench, in_ms(1.0))
        (letter,) = await bench.records("probe-dlq", 1)
    assert told(letter)[h.ERROR_CODE] == "timeout"
    assert len(begun) == 1  # after its wait in the retry topic it is too late for another


async def test_a_damaged_deadline_counts_as_none(bench: Bench) -> None:
    stage = Stage(PROBE)

    @stage.on(TRANSCRIPTS_SUBMITTED)
    async def handle(_: TranscriptSubmitted) -> NotesStored:
        return STORED

    key, value, headers = encode(EVENT, source="/test")
    damaged = (*headers, (h.DEADLINE, b"\xff soon"))
    await bench.send("transcripts-submitted", value, key=key, headers=damaged)
    async with bench.running(stage):
        await bench.records("notes-stored", 1)
    assert await bench.size("probe-dlq") == 0


async def test_a_cancellation_that_leaks_out_of_a_handler_is_a_bug_and_others_go_on(
    bench: Bench,
) -> None:
    stage, seen = Stage(PROBE), list[bytes | None]()

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        seen.append(record.value)
        if record.value == b"leak":
            inner = asyncio.create_task(asyncio.Event().wait())
            inner.cancel()
            await inner

    values = (b"1", b"leak", b"2", b"3")
    await bench.send("chunks-ready", *values)
    async with bench.running(stage) as running:
        await bench.is_committed("chunks-ready", len(values))
        (letter,) = await bench.records("probe-dlq", 1)
        assert running.runner._look().ready
    assert (letter.value, told(letter)[h.ERROR_CODE]) == (b"leak", "bug")
    assert sorted(value for value in seen if value) == sorted(values)


@pytest.mark.parametrize("then", ["returns", "raises"])
async def test_a_handler_that_swallows_the_cancellation_of_its_deadline(
    bench: Bench, then: str
) -> None:
    stage, seen = Stage(PROBE), list[bytes | None]()

    @stage.on(CHUNKS_READY)
    async def never(_: ChunkReady) -> None: ...

    @stage.on_raw(TRANSCRIPTS_SUBMITTED)
    async def handle(record: Record) -> NotesStored | None:
        seen.append(record.value)
        if record.value != b"stubborn":
            return None
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        if then == "raises":
            raise ZeroDivisionError
        return STORED

    quick = QUICK.model_copy(update={"deadline_s": 0.2, "retry_delays_s": ()})
    await bench.send("transcripts-submitted", b"stubborn", b"1")
    async with bench.running(stage, quick) as running:
        (letter,) = await bench.records("probe-dlq", 1)
        # The same task goes on to other messages, whose deadlines count as ever.
        await bench.send("transcripts-submitted", b"2", b"stubborn", b"3")
        await bench.records("probe-dlq", 2)
        await bench.is_committed("transcripts-submitted", 5)
        assert running.runner._look().ready
    assert told(letter)[h.ERROR_CODE] == ("timeout" if then == "returns" else "bug")
    assert await bench.size("notes-stored") == 0
    assert len(seen) == 5
