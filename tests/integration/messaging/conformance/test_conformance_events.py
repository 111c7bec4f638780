"""Events in, events out: what holds on every backend, commits or not."""

from __future__ import annotations

import pytest

from contracts import headers as h
from contracts.errors import BadMessageError, RetryableError
from contracts.events import ChunkReady, NotesDrafted, NotesStored
from contracts.ids import derive_id
from contracts.topics import CHUNKS_READY
from integration.messaging.conformance.backends import Backend, proves
from messaging import Delivery
from messaging.codec import encode_event
from messaging.delivery import Headers
from support.broker import PROBE
from support.chunks import CHUNK, GOOD, drafted
from support.stages import Stage

TRACE = f"00-{'a' * 32}-{'b' * 16}-01"
KEY, BODY, PLAIN = encode_event(CHUNK, source="/test")
HEADERS: Headers = tuple(header for header in PLAIN if header[0] != h.TRACEPARENT)
DRAFT = drafted(GOOD)


def stored(chunk: ChunkReady, number: int) -> NotesStored:
    return NotesStored(
        transcript_id=chunk.transcript_id,
        revision=chunk.revision,
        study_id=chunk.study.study_id,
        chunk_id=derive_id("c", str(number).encode()),
    )


def drafting_stage() -> tuple[Stage, list[ChunkReady]]:
    stage, seen = Stage(PROBE), list[ChunkReady]()

    @stage.on(CHUNKS_READY)
    async def handle(chunk: ChunkReady) -> NotesStored:
        seen.append(chunk)
        return stored(chunk, 1)

    return stage, seen


@proves("events")
async def test_hands_the_event_to_its_handler_and_publishes_what_that_returns(
    backend: Backend,
) -> None:
    stage, seen = drafting_stage()
    await backend.send("chunks-ready", BODY, key=KEY, headers=HEADERS)
    async with backend.running(stage):
        await backend.settled("chunks-ready", 1)
        (caused,) = await backend.records("notes-stored", 1)
    assert seen == [CHUNK]
    event = stored(CHUNK, 1)
    assert NotesStored.model_validate_json(caused.value) == event
    assert caused.key == event.key.encode()
    headers = dict(caused.headers)
    assert headers[h.CE_SOURCE] == b"/onrecord/probe"
    assert headers[h.CE_TYPE] == event.ce_type.encode()
    assert headers[h.CE_SUBJECT] == event.key.encode()


@proves("events")
async def test_publishes_several_events_in_their_order(backend: Backend) -> None:
    stage = Stage(PROBE)

    @stage.on(CHUNKS_READY)
    async def handle(chunk: ChunkReady) -> tuple[NotesStored, ...]:
        return tuple(stored(chunk, number) for number in range(5))

    await backend.send("chunks-ready", BODY, key=KEY)
    async with backend.running(stage):
        records = await backend.records("notes-stored", 5)
        await backend.settled("chunks-ready", 1)
    events = [NotesStored.model_validate_json(record.value) for record in records]
    assert events == [stored(CHUNK, number) for number in range(5)]


@proves("events")
async def test_an_event_of_another_topic_goes_there(backend: Backend) -> None:
    stage = Stage(PROBE)

    @stage.on(CHUNKS_READY)
    async def handle(chunk: ChunkReady) -> tuple[NotesStored | NotesDrafted, ...]:
        return stored(chunk, 1), DRAFT

    await backend.send("chunks-ready", BODY, key=KEY)
    async with backend.running(stage):
        await backend.records("notes-stored", 1)
        (draft,) = await backend.records("notes-drafted", 1)
    assert NotesDrafted.model_validate_json(draft.value) == DRAFT


@proves("events")
async def test_a_handler_that_returns_nothing_causes_nothing(backend: Backend) -> None:
    stage, seen = Stage(PROBE), list[Delivery]()

    @stage.on(CHUNKS_READY)
    async def handle(chunk: ChunkReady, delivery: Delivery) -> None:
        seen.append(delivery)

    await backend.send("chunks-ready", BODY, key=KEY)
    async with backend.running(stage):
        await backend.settled("chunks-ready", 1)
    assert await backend.size("notes-stored") == 0
    (delivery,) = seen
    assert (delivery.origin.topic, delivery.attempts, delivery.replays) == ("chunks-ready", 0, 0)


@proves("events", "promise 7")
async def test_what_is_caused_keeps_the_trace_and_the_deadline_of_its_cause(
    backend: Backend,
) -> None:
    stage, _ = drafting_stage()
    far = b"99999999999999"
    told = ((h.TRACEPARENT, TRACE.encode()), (h.DEADLINE, far))
    await backend.send("chunks-ready", BODY, key=KEY, headers=told)
    async with backend.running(stage):
        (caused,) = await backend.records("notes-stored", 1)
    headers = dict(caused.headers)
    assert headers[h.TRACEPARENT].startswith(b"00-" + b"a" * 32)
    assert headers[h.TRACEPARENT] != TRACE.encode()
    assert headers[h.DEADLINE] == far


@proves("events")
async def test_reads_a_body_in_confluents_wire_format(backend: Backend) -> None:
    stage, seen = drafting_stage()
    await backend.send("chunks-ready", b"\x00\x00\x00\x00\x07" + BODY, key=KEY)
    async with backend.running(stage):
        await backend.settled("chunks-ready", 1)
    assert seen == [CHUNK]


@proves("events")
async def test_the_same_event_again_has_the_same_id(backend: Backend) -> None:
    stage, seen = drafting_stage()
    await backend.send("chunks-ready", BODY, BODY, key=KEY)
    async with backend.running(stage):
        first, second = await backend.records("notes-stored", 2)
        await backend.settled("chunks-ready", 2)
    assert len(seen) == 2
    assert dict(first.headers)[h.CE_ID] == dict(second.headers)[h.CE_ID]


@proves("BadMessageError")
@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (b"\xff not json", ()),
        (b"", ()),
        (b'{"title": 3}', ()),
        (BODY, ((h.CE_TYPE, b"org.onrecord.another"),)),
    ],
    ids=["undecodable", "empty", "invalid", "another event"],
)
async def test_a_message_that_cannot_be_read_reaches_no_handler_and_the_next_one_does(
    backend: Backend, value: bytes, headers: Headers
) -> None:
    stage, seen = drafting_stage()
    await backend.send("chunks-ready", value, key=KEY, headers=headers)
    await backend.send("chunks-ready", BODY, key=KEY)
    async with backend.running(stage):
        await backend.settled("chunks-ready", 2)
    assert seen == [CHUNK]
    assert await backend.size("notes-stored") == 1


@proves("promise 3")
@pytest.mark.parametrize(
    "error", [BadMessageError("bad"), RetryableError("later"), ZeroDivisionError()], ids=repr
)
async def test_a_message_whose_handler_fails_causes_nothing_and_the_next_one_goes_through(
    backend: Backend, error: Exception
) -> None:
    stage, failed = Stage(PROBE), list[int]()

    @stage.on(CHUNKS_READY)
    async def handle(chunk: ChunkReady) -> NotesStored:
        if chunk.index == 2:
            failed.append(chunk.index)
            raise error
        return stored(chunk, chunk.index)

    bad = CHUNK.model_copy(update={"index": 2})
    await backend.send("chunks-ready", bad.model_dump_json().encode(), BODY, key=KEY)
    async with backend.running(stage):
        await backend.settled("chunks-ready", 2)
        (caused,) = await backend.records("notes-stored", 1)
    assert NotesStored.model_validate_json(caused.value) == stored(CHUNK, 1)
    assert failed
