"""No message costs more than its share: sizes are bounded, and what is too large is set aside."""

from __future__ import annotations

import random
from collections import defaultdict
from hashlib import sha256

import pytest

from contracts import headers as h
from contracts.errors import BadMessageError, RetryableError
from contracts.events import TranscriptSubmitted
from contracts.topics import CHUNKS_READY, TRANSCRIPTS_SUBMITTED
from integration.messaging.conformance.backends import Ability, Brokered, needs, proves
from integration.messaging.conformance.failing import ODD, Failing, told
from messaging import Record
from messaging.consumer.batch_memory import BATCH_MEMORY, ClosableBatch
from messaging.dead_letters.stubs import compute_record_digest, compute_record_size
from messaging.delivery import Headers, split_headers
from messaging.limits import HEADERS_BYTES, MAX_HEADERS, WHOLE_BYTES
from support import bombs
from support.bombs import CODECS, MIB
from support.broker import PROBE, QUICK
from support.stages import Stage
from support.waiting import until

pytestmark = needs(Ability.RAW_RECORDS, Ability.DEAD_LETTERS)

LIMIT = MIB
"""What a batch may have in these tests, in bytes after decompression."""


@pytest.fixture(autouse=True)
def _limited(backend: Brokered) -> None:
    backend.kafka = backend.kafka.model_copy(update={"max_batch_bytes": LIMIT})


class Seeing:
    """A stage that notes what it is given."""

    def __init__(self) -> None:
        self.stage = Stage(PROBE)
        self.seen: list[bytes | None] = []

        @self.stage.on_raw(CHUNKS_READY)
        async def handle(record: Record) -> None:
            self.seen.append(record.value)

        @self.stage.on(TRANSCRIPTS_SUBMITTED)
        async def never(event: TranscriptSubmitted) -> None:
            raise AssertionError(event)


async def bomb(backend: Brokered, codec: str, topic: str = "chunks-ready") -> None:
    """Have the broker take a batch that is larger than allowed once decompressed."""
    records = bombs.one_record(3 * LIMIT, key=b"key", begins=b"it begins")
    await bombs.send(backend.kafka, topic, bombs.batch(codec, records))


@proves("promise 10", "BadMessageError")
@pytest.mark.parametrize("codec", CODECS)
async def test_a_batch_that_is_huge_once_decompressed_is_a_stub_and_the_next_is_handled(
    backend: Brokered, codec: str
) -> None:
    await backend.send("chunks-ready", b"before")
    await bomb(backend, codec)
    await backend.send("chunks-ready", b"behind")
    first, restarted = Seeing(), Seeing()
    async with backend.running(first.stage):
        (letter,) = await backend.records("probe-dlq", 1)
        await backend.is_committed("chunks-ready", 3)
    await backend.send("chunks-ready", b"later")
    async with backend.running(restarted.stage):
        await backend.is_committed("chunks-ready", 4)
    assert first.seen == [b"before", b"behind"]
    assert restarted.seen == [b"later"]
    added = told(letter)
    assert (letter.key, letter.value[:9], len(letter.value)) == (b"key", b"it begins", 4 * 1024)
    assert (added[h.ERROR_CODE], added[h.STUB]) == ("too_large", "batch")
    assert (added[h.DLQ_TOPIC], added[h.DLQ_PARTITION], added[h.DLQ_OFFSET]) == (
        "chunks-ready", "0", "1"
    )  # fmt: skip
    assert len(added[h.STUB_SHA256]) == len(sha256().hexdigest())
    assert int(added[h.STUB_SIZE]) < 3 * LIMIT + 100


@proves("promise 10")
@pytest.mark.parametrize("topic", ["transcripts-submitted", "probe-retry-0", "probe-retry-2"])
async def test_a_huge_batch_is_a_stub_wherever_it_arrives(backend: Brokered, topic: str) -> None:
    await bomb(backend, "zstd", topic)
    async with backend.running(Seeing().stage):
        (letter,) = await backend.records("probe-dlq", 1)
        await backend.is_committed(topic, 1)
    assert told(letter)[h.DLQ_TOPIC] == topic
    assert told(letter)[h.STUB] == "batch"


@proves("promise 10")
async def test_every_record_of_a_huge_batch_has_a_letter_of_its_own(backend: Brokered) -> None:
    number = 5
    value = bytes(LIMIT // number)
    data = bombs.batch("lz4", bombs.tiny_records(number, value), number)
    await bombs.send(backend.kafka, "chunks-ready", data)
    async with backend.running(Seeing().stage):
        letters = await backend.records("probe-dlq", number)
        await backend.is_committed("chunks-ready", number)
    assert sorted(int(told(one)[h.DLQ_OFFSET]) for one in letters) == list(range(number))
    assert len({told(one)[h.LETTER_ID] for one in letters}) == number
    assert len({told(one)[h.STUB_SHA256] for one in letters}) == 1


@proves("promise 10")
async def test_tiny_records_of_one_batch_are_handled_one_by_one(backend: Brokered) -> None:
    number = 20_000
    await bombs.send(
        backend.kafka, "chunks-ready", bombs.batch("zstd", bombs.tiny_records(number), number)
    )
    seeing = Seeing()
    async with backend.running(seeing.stage):
        await backend.is_committed("chunks-ready", number)
    assert seeing.seen == [b"x"] * number


@proves("promise 10")
async def test_batches_read_in_turns_stay_within_their_room_and_are_handled_in_order(
    wide_backend: Brokered, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = wide_backend.settings(max_batch_bytes=LIMIT)
    opened: list[int] = []
    enter = BATCH_MEMORY.add

    def entered(batch: ClosableBatch, size: int) -> None:
        enter(batch, size)
        opened.append(BATCH_MEMORY.held_bytes)

    monkeypatch.setattr(BATCH_MEMORY, "add", entered)
    number, size, batches = 20, 40_000, 3
    one = bombs.batch("zstd", bombs.many_records(number, size), number)
    for partition in range(4):
        for _ in range(batches):
            await bombs.send(backend.kafka, "chunks-ready", one, partition=partition)
    stage = Stage(PROBE)
    seen: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        value = record.value or b""
        seen[record.partition].append((record.offset, int.from_bytes(value[:4], "big")))
        # A poll reads all 12 batches; from then on each partition is left out in the midst of one.
        await until(lambda: len(opened) >= 4 * batches, within_s=100)

    # A handler that a busy machine keeps waiting is not to end in a retry topic.
    settings = QUICK.model_copy(update={"read_ahead_bytes": size, "deadline_s": 120.0})
    async with backend.running(stage, settings):
        await backend.is_committed("chunks-ready", 4 * batches * number)
    every = [(offset, offset % number) for offset in range(batches * number)]
    assert dict(seen) == dict.fromkeys(range(4), every)
    assert max(opened) <= 2 * LIMIT
    assert len(opened) > 4 * batches + 2, "no batch was opened again in the midst of it"


TOO_LARGE: dict[str, tuple[bytes, Headers]] = {
    "value": (bytes(10_001), ODD),
    "header": (b"v", (*ODD, ("large", bytes(HEADERS_BYTES)))),
    "header's name": (b"v", (*ODD, ("n" * HEADERS_BYTES, b"1"))),
    "headers": (b"v", (("many", b"1"),) * (MAX_HEADERS + 1)),
}


@proves("promise 10", "BadMessageError")
@pytest.mark.parametrize("topic", ["chunks-ready", "transcripts-submitted"])
@pytest.mark.parametrize("what", TOO_LARGE)
async def test_a_message_over_a_limit_is_set_aside_before_it_is_decoded(
    backend: Brokered, topic: str, what: str
) -> None:
    value, headers = TOO_LARGE[what]
    backend.kafka = backend.kafka.model_copy(update={"max_batch_bytes": 4 * LIMIT})
    await backend.send(topic, value, key=b"k", headers=headers)
    seeing = Seeing()
    settings = QUICK.model_copy(update={"max_message_bytes": 10_000})
    async with backend.running(seeing.stage, settings):
        (letter,) = await backend.records("probe-dlq", 1)
        await backend.is_committed(topic, 1)
    assert not seeing.seen
    assert told(letter)[h.ERROR_CODE] == "too_large"
    assert "limit" in told(letter)[h.DLQ_MESSAGE]
    assert h.STUB not in told(letter)
    assert (letter.key, letter.value, split_headers(letter.headers)[0]) == (b"k", value, headers)


@proves("promise 10", "BadMessageError")
@pytest.mark.parametrize("what", ["value", "headers"])
async def test_of_a_large_message_over_a_limit_only_a_stub_is_kept(
    backend: Brokered, what: str
) -> None:
    backend.kafka = backend.kafka.model_copy(update={"max_batch_bytes": 64 * MIB})
    large = b"it begins".ljust(WHOLE_BYTES, b"\0")
    value, headers = (large, ODD) if what == "value" else (b"v", (("large", large), *ODD))
    await backend.send("chunks-ready", value, key=b"k", headers=headers)
    await backend.send("chunks-ready", b"next")
    seeing = Seeing()
    settings = QUICK.model_copy(update={"max_message_bytes": MIB})
    async with backend.running(seeing.stage, settings):
        (letter,) = await backend.records("probe-dlq", 1)
        await backend.is_committed("chunks-ready", 2)
    record = Record("chunks-ready", 0, 0, b"k", value, headers)
    added = told(letter)
    assert (letter.key, letter.value) == (b"k", value[: 4 * 1024])
    assert split_headers(letter.headers)[0] == ODD
    assert (added[h.ERROR_CODE], added[h.STUB]) == ("too_large", "record")
    assert (added[h.STUB_SIZE], added[h.STUB_SHA256]) == (
        str(compute_record_size(record)),
        compute_record_digest(record),
    )
    assert added.get(h.STUB_HEADERS_LEFT_OUT) == (None if what == "value" else "1")
    assert seeing.seen == [b"next"]


@proves("promise 10", "BadMessageError")
async def test_a_document_of_too_many_values_is_set_aside_before_it_is_decoded(
    backend: Brokered,
) -> None:
    value = b"[" + b"[]," * (200 * 1024) + b"0]"
    await backend.send("transcripts-submitted", value, b"{}")
    seeing = Seeing()
    settings = QUICK.model_copy(update={"max_json_values": 100_000})
    async with backend.running(seeing.stage, settings):
        letters = await backend.records("probe-dlq", 2)
        await backend.is_committed("transcripts-submitted", 2)
    codes = {one.value: told(one)[h.ERROR_CODE] for one in letters}
    assert codes == {value: "too_large", b"{}": "invalid_event"}


ALMOST = LIMIT - 1_500
"""A value that may be sent, but not with the headers of a letter."""


@proves("promise 10")
@pytest.mark.parametrize("error", [BadMessageError, RetryableError])
async def test_a_message_too_large_with_what_is_added_is_a_stub_and_the_next_is_handled(
    backend: Brokered, error: type[BadMessageError | RetryableError]
) -> None:
    failing = Failing(lambda: error("cannot"))
    value = b"it begins".ljust(ALMOST, b"\0")
    await backend.send("chunks-ready", value, b"next", key=b"k" * 200, headers=ODD)
    brief = QUICK.model_copy(update={"retry_delays_s": (0.01,)})
    async with backend.running(failing.stage, brief):
        letters = await backend.records("probe-dlq", 2)
        await backend.is_committed("chunks-ready", 2)
    letter, behind = sorted(letters, key=lambda one: told(one)[h.DLQ_OFFSET])
    added = told(letter)
    record = Record("chunks-ready", 0, 0, b"k" * 200, value, ODD)
    assert (letter.key, letter.value) == (record.key, value[: 4 * 1024])
    assert split_headers(letter.headers)[0] == ODD
    assert added[h.STUB] == "record"
    assert (added[h.STUB_SIZE], added[h.STUB_SHA256]) == (
        str(compute_record_size(record)),
        compute_record_digest(record),
    )
    assert added[h.ERROR_CODE] == error("").code
    assert behind.value == b"next"
    assert h.STUB not in told(behind)


@proves("promise 10", "OutageError")
async def test_a_stub_that_the_dlq_refuses_is_written_without_its_message(
    backend: Brokered,
) -> None:
    failing = Failing(lambda: BadMessageError("cannot"))
    noise = random.Random(1).randbytes(8 * 1024)
    async with backend.running(failing.stage) as running:
        await backend.limit("probe-dlq", 4_000)
        await backend.send("chunks-ready", noise, b"next", key=noise[:800])
        letters = await backend.records("probe-dlq", 2)
        await backend.is_committed("chunks-ready", 2)
        await backend.limit("probe-dlq", 200)
        await backend.send("chunks-ready", noise)
        reason = await running.says_ready(ready=False)
        await backend.limit("probe-dlq", MIB)
        await backend.is_committed("chunks-ready", 3)
    letter, behind = sorted(letters, key=lambda one: told(one)[h.DLQ_OFFSET])
    record = Record("chunks-ready", 0, 0, noise[:800], noise)
    assert (letter.key, letter.value) == (None, None)
    assert told(letter)[h.STUB_SHA256] == compute_record_digest(record)
    assert behind.value == b"next"
    assert "max.message.bytes" in reason
