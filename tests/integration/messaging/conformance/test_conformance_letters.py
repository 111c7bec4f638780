"""A dead letter is the message, byte for byte, and so is what is replayed from it."""

from __future__ import annotations

import random
from typing import Any, Final
from uuid import UUID

import pytest

from contracts import headers as h
from contracts.errors import BadMessageError, RetryableError
from contracts.events import TranscriptSubmitted
from contracts.topics import CHUNKS_READY, TRANSCRIPTS_SUBMITTED
from integration.messaging.conformance.backends import Ability, Brokered, needs, proves
from integration.messaging.conformance.failing import ODD, Failing, told
from messaging import Record
from messaging.consumer import batch_reader
from messaging.dead_letters.headers import build_replay_headers
from messaging.delivery import Headers, append_headers, split_headers
from support.broker import PROBE, QUICK
from support.stages import Stage

pytestmark = needs(Ability.RAW_RECORDS, Ability.COMMITS, Ability.DEAD_LETTERS)

NAME: Final = b"x-\xff\xfe".decode("utf-8", "surrogateescape")
"""A header's name that is not UTF-8, as ``messaging.kafka.header_names`` has it in text."""

Original = tuple[bytes | None, bytes | None, Headers]

ORIGINALS: Final[dict[str, Original]] = {
    "undecodable": (b"\xff\x00", b"\x80 not json", ODD),
    "without a value": (b"k", None, ODD),
    "without a key": (None, b"\x00", ()),
    "with headers only": (None, None, ODD),
    "with nothing": (None, None, ()),
    "forged": (b"", b"", ((h.ATTEMPTS, b"7"), (h.NOT_BEFORE, b"99999999999999"), (h.ADDED, b"2"))),
    "with a null header": (b"k", b"x", (("null", None),)),  # type: ignore[dict-item]  # Kafka has it
    "with odd names": (b"k", b"x", ((NAME, b"\xff"), ("ok", b"1"), (NAME, b"2"))),
    "with one name often": (b"k", b"x", tuple(("again", b"%d" % n) for n in range(200))),
}

each_original = pytest.mark.parametrize("original", ORIGINALS.values(), ids=ORIGINALS.keys())


@pytest.fixture(autouse=True)
def _reads_odd_names() -> None:
    batch_reader.install_bounded_batch_reader()


async def send(backend: Brokered, topic: str, original: Original) -> None:
    key, value, headers = original
    await backend.send(topic, value, key=key, headers=headers)


async def replay(backend: Brokered, letter: Any) -> str:
    """Write a letter's message to where replays go, as ``control`` does; the letter's id."""
    original, added = split_headers(letter.headers)
    letter_id = told(letter)[h.LETTER_ID]
    headers = append_headers(original, build_replay_headers(UUID(letter_id), added))
    await send(backend, "probe-retry-0", (letter.key, letter.value, headers))
    return letter_id


def original_of(record: Any) -> Original:
    return record.key, record.value, split_headers(record.headers)[0]


@proves("promise 4")
@each_original
async def test_a_dead_letter_and_its_replay_are_the_original_byte_for_byte(
    backend: Brokered, original: Original
) -> None:
    failing = Failing(lambda: BadMessageError("bad"))
    await send(backend, "chunks-ready", original)
    async with backend.running(failing.stage):
        (letter,) = await backend.records("probe-dlq", 1)
        assert original_of(letter) == original
        letter_id = await replay(backend, letter)
        _, again = await backend.records("probe-dlq", 2)
    record, delivery = failing.seen[1]
    assert (record.key, record.value, record.headers) == original
    assert (delivery.replays, delivery.attempts, str(delivery.replay_of)) == (1, 0, letter_id)
    assert original_of(again) == original
    assert told(again)[h.REPLAY_OF] == letter_id != told(again)[h.LETTER_ID]
    assert told(again)[h.REPLAYS] == "1"
    assert told(again)[h.DLQ_TOPIC] == "chunks-ready"


@proves("promise 4", "RetryableError")
@each_original
async def test_what_waits_in_retry_topics_and_dies_is_the_original_byte_for_byte(
    backend: Brokered, original: Original
) -> None:
    failing = Failing(lambda: RetryableError("later"))
    brief = QUICK.model_copy(update={"retry_delays_s": (0.01, 0.01)})
    await send(backend, "chunks-ready", original)
    async with backend.running(failing.stage, brief):
        (letter,) = await backend.records("probe-dlq", 1)
    assert original_of(letter) == original
    assert {(record.key, record.value, record.headers) for record, _ in failing.seen} == {original}
    assert {delivery.tier for _, delivery in failing.seen} == {0, 1, 2}


def odd_records(number: int) -> list[Original]:
    """Return records of random bytes, with headers of any names, some of them our own."""
    chance = random.Random(130)
    names = ["", "a", "A", "ключ", "with blank", "\x00", NAME, h.ADDED, h.ATTEMPTS, h.LETTER_ID]

    def some_bytes() -> bytes | None:
        return chance.choice([None, b"", chance.randbytes(chance.randint(1, 2_000))])

    def some_headers() -> Headers:
        many = range(chance.choice([0, 1, 2, 30]))
        return tuple((chance.choice(names), chance.randbytes(chance.randint(0, 40))) for _ in many)

    # A number in front tells them apart.
    return [
        (some_bytes(), some_bytes(), (("number", b"%d" % n), *some_headers()))
        for n in range(number)
    ]


@proves("promise 4", "BadMessageError", "RetryableError")
@pytest.mark.parametrize("error", [BadMessageError, RetryableError])
async def test_odd_records_of_every_kind_are_letters_byte_for_byte_on_both_ways(
    backend: Brokered, error: type[BadMessageError | RetryableError]
) -> None:
    originals = odd_records(130)
    failing = Failing(lambda: error("cannot"))
    brief = QUICK.model_copy(
        update={"retry_delays_s": (0.01,), "stop_window": 100_000, "tries": 1, "deadline_s": 60.0}
    )
    for one in originals:
        await send(backend, "chunks-ready", one)
    async with backend.running(failing.stage, brief):
        letters = await backend.records("probe-dlq", len(originals), within_s=60.0)
        await backend.is_committed("chunks-ready", len(originals))
    by_number = {dict(one[2])["number"]: one for one in map(original_of, letters)}
    assert len(letters) == len(by_number)
    assert [by_number[b"%d" % n] for n in range(len(originals))] == originals
    retried = await backend.size("probe-retry-1")
    assert retried == (len(originals) if error is RetryableError else 0)


@proves("promise 4", "BadMessageError")
@each_original
async def test_what_cannot_be_read_dies_with_its_replay_and_the_next_goes_through(
    backend: Brokered, original: Original
) -> None:
    stage, seen = Stage(PROBE), list[bytes | None]()

    @stage.on(TRANSCRIPTS_SUBMITTED)
    async def never(event: TranscriptSubmitted) -> None:
        seen.append(b"unreadable")

    @stage.on_raw(CHUNKS_READY)
    async def handle(record: Record) -> None:
        seen.append(record.value)

    await send(backend, "transcripts-submitted", original)
    await backend.send("chunks-ready", b"next")
    async with backend.running(stage):
        (letter,) = await backend.records("probe-dlq", 1)
        await replay(backend, letter)
        _, again = await backend.records("probe-dlq", 2)
        await backend.is_committed("transcripts-submitted", 1)
        await backend.is_committed("probe-retry-0", 1)
        await backend.is_committed("chunks-ready", 1)
    assert seen == [b"next"]
    for one in (letter, again):
        assert original_of(one) == original
        assert told(one)[h.ERROR_CODE] == "undecodable"


@proves("promise 4")
async def test_the_added_headers_are_capped_and_do_not_quote_the_payload(
    backend: Brokered,
) -> None:
    secret = "what the participant said in confidence"

    def fail(depth: int) -> None:
        if depth:
            fail(depth - 1)
        raise ValueError(secret)

    def next_error() -> Exception:
        if len(failing.seen) > 1:
            fail(200)
        return BadMessageError("x" * 100_000)

    failing = Failing(next_error)
    await backend.send("chunks-ready", secret.encode(), secret.encode())
    async with backend.running(failing.stage):
        letters = await backend.records("probe-dlq", 2)
    for letter in letters:
        added = told(letter)
        assert not [name for name, value in added.items() if secret in value]
        assert sum(len(name) + len(value) for name, value in added.items()) < 4_096
