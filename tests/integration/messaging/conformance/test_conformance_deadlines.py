"""One deadline a delivery: the stage's, or the message's own if that is nearer."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import pytest

from contracts import headers as h
from contracts.events import ChunkReady, NotesStored, TranscriptSubmitted
from contracts.ids import derive_id, derive_transcript_id
from contracts.topics import CHUNKS_READY, TRANSCRIPTS_SUBMITTED
from integration.messaging.conformance.backends import Ability, Brokered, needs, proves
from integration.messaging.conformance.failing import in_ms, told
from messaging import Delivery, Record
from messaging.codec import encode_event
from support.broker import PROBE, QUICK
from support.chunks import STUDY
from support.stages import Stage

HOUR_S = 3_600.0
EVENT = TranscriptSubmitted(
    transcript_id=derive_transcript_id("heating", "one"),
    title="One",
    study=STUDY,
    content="Ann: Yes.",
)
STORED = NotesStored(
    transcript_id=EVENT.transcript_id, revision=1, study_id="heating", chunk_id=derive_id("chunk")
)

pytestmark = needs(Ability.RAW_RECORDS, Ability.COMMITS, Ability.DEAD_LETTERS)


async def send_event(backend: Brokered, deadline_ms: int | None) -> None:
    key, value, headers = encode_event(EVENT, source="/test")
    if deadline_ms is not None:
        headers.append((h.DEADLINE, str(deadline_ms).encode()))
    await backend.send("transcripts-submitted", value, key=key, headers=tuple(headers))


@proves("promise 7")
async def test_a_message_whose_own_deadline_has_passed_dies_without_being_handled(
    backend: Brokered,
) -> None:
    stage, seen = Stage(PROBE), list[TranscriptSubmitted]()

    @stage.on(TRANSCRIPTS_SUBMITTED)
    async def handle(event: TranscriptSubmitted) -> None:
        seen.append(event)

    await send_event(backend, in_ms(-1))
    async with backend.running(stage):
        (letter,) = await backend.records("probe-dlq", 1)
        await backend.is_committed("transcripts-submitted", 1)
    assert seen == []
    assert told(letter)[h.ERROR_CODE] == "timeout"
    assert await backend.size("probe-retry-1") == 0


@proves("promise 7")
async def test_the_messages_own_deadline_is_carried_on_to_what_it_causes(backend: Brokered) -> None:
    stage, deadlines = Stage(PROBE), list[float]()
    deadline_ms = in_ms(HOUR_S)

    @stage.on(TRANSCRIPTS_SUBMITTED)
    async def handle(_: TranscriptSubmitted, delivery: Delivery) -> NotesStored:
        assert delivery.deadline is not None
        deadlines.append(delivery.deadline - asyncio.get_running_loop().time())
        return STORED

    await send_event(backend, deadline_ms)
    async with backend.running(stage):
        (caused,) = await backend.records("notes-stored", 1)
    assert dict(caused.headers)[h.DEADLINE] == str(deadline_ms).encode()
    # The stage's own deadline is nearer.
    assert 0 < deadlines[0] <= QUICK.deadline_s


@proves("promise 7")
async def test_the_messages_own_deadline_ends_work_that_the_stages_would_not(
    backend: Brokered,
) -> None:
    stage, begun = Stage(PROBE), list[float]()

    @stage.on(TRANSCRIPTS_SUBMITTED)
    async def handle(_: TranscriptSubmitted) -> None:
        begun.append(time.monotonic())
        await asyncio.Event().wait()

    async with backend.running(stage, QUICK.model_copy(update={"deadline_s": HOUR_S})):
        await send_event(backend, in_ms(3.0))
        (letter,) = await backend.records("probe-dlq", 1)
    assert told(letter)[h.ERROR_CODE] == "timeout"
    assert len(begun) == 1  # after its wait in the retry topic it is too late for another


@proves("promise 7")
async def test_a_damaged_deadline_counts_as_none(backend: Brokered) -> None:
    stage = Stage(PROBE)

    @stage.on(TRANSCRIPTS_SUBMITTED)
    async def handle(_: TranscriptSubmitted) -> NotesStored:
        return STORED

    key, value, headers = encode_event(EVENT, source="/test")
    damaged = (*headers, (h.DEADLINE, b"\xff soon"))
    await backend.send("transcripts-submitted", value, key=key, headers=damaged)
    async with backend.running(stage):
        await backend.records("notes-stored", 1)
    assert await backend.size("probe-dlq") == 0


@proves("promise 7")
@pytest.mark.parametrize("then", ["returns", "raises"])
async def test_a_handler_that_swallows_the_cancellation_of_its_deadline(
    backend: Brokered, then: str
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
    await backend.send("transcripts-submitted", b"stubborn", b"1")
    async with backend.running(stage, quick) as running:
        (letter,) = await backend.records("probe-dlq", 1)
        # The same task goes on to other messages, whose deadlines count as ever.
        await backend.send("transcripts-submitted", b"2", b"stubborn", b"3")
        await backend.records("probe-dlq", 2)
        await backend.is_committed("transcripts-submitted", 5)
        assert running.health.ready
    assert told(letter)[h.ERROR_CODE] == ("timeout" if then == "returns" else "bug")
    assert await backend.size("notes-stored") == 0
    assert len(seen) == 5


@proves("promise 7", "RetryableError")
async def test_a_hanging_handler_is_cut_off_at_the_deadline_and_counted_as_timeout(
    backend: Brokered,
) -> None:
    stage, seen = Stage(PROBE), []

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record, delivery: Delivery) -> None:
        seen.append(delivery)
        await asyncio.Event().wait()

    await backend.send("chunks-ready", b"1")
    brief = QUICK.model_copy(update={"deadline_s": 0.1})
    async with backend.running(stage, brief):
        (letter,) = await backend.records("probe-dlq", 1)
    assert (told(letter)[h.ATTEMPTS], told(letter)[h.TIMEOUTS]) == ("3", "3")
    assert told(letter)[h.ERROR_CODE] == "timeout"
    assert [delivery.timeouts for delivery in seen] == [0, 1, 2]
