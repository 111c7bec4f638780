"""What a message is about comes from its value; its key and headers are claims."""

from __future__ import annotations

import json
from dataclasses import replace
from uuid import UUID

import pytest

from contracts import headers as h
from messaging.dead_letters.identity import (
    DeadLetterIdentity,
    MessageSubject,
    compute_content_digest,
    compute_dead_letter_identity,
    derive_dead_letter_id,
    read_message_subject,
)
from messaging.dead_letters.record_digest import digest_record
from messaging.dead_letters.stubs import build_dead_letter_stub
from messaging.delivery import Headers, MessageOrigin, Record, append_headers

TRANSCRIPT = UUID(int=1)
CHUNK = UUID(int=2)
SHA256 = "ab" * 32
HERE = MessageOrigin("enrichment-dlq", 0, 5)


def body(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def of_transcript(**fields: object) -> bytes:
    return body(transcript_id=str(TRANSCRIPT), **fields)


@pytest.mark.parametrize(
    ("topic", "key", "value", "found"),
    [
        ("transcripts-submitted", TRANSCRIPT, of_transcript(), MessageSubject(str(TRANSCRIPT))),
        (
            "transcripts-ingested",
            TRANSCRIPT,
            of_transcript(revision=3, content_sha256=SHA256, more=[1]),
            MessageSubject(str(TRANSCRIPT), 3, SHA256),
        ),
        (
            "chunks-ready",
            CHUNK,
            body(chunk_id=str(CHUNK), revision=1),
            MessageSubject(str(CHUNK), 1),
        ),
        ("notes-drafted", CHUNK, body(chunk={"chunk_id": str(CHUNK)}), MessageSubject(str(CHUNK))),
        ("notes-validated", CHUNK, body(chunk_id=str(CHUNK)), MessageSubject(str(CHUNK))),
    ],
)
def test_is_read_from_the_value_of_each_topic(
    topic: str, key: UUID, value: bytes, found: MessageSubject
) -> None:
    assert read_message_subject(topic, str(key).encode(), value) == found
    assert read_message_subject(topic, str(key).encode(), b"\0\0\0\0\7" + value) == found


@pytest.mark.parametrize(
    ("topic", "key", "value"),
    [
        ("transcripts-submitted", TRANSCRIPT, b"garbage"),
        ("transcripts-submitted", TRANSCRIPT, b"\xff"),
        ("transcripts-submitted", TRANSCRIPT, b""),
        ("transcripts-submitted", TRANSCRIPT, None),
        ("transcripts-submitted", TRANSCRIPT, b"[" * 100_000),
        ("transcripts-submitted", TRANSCRIPT, body(transcript_id="x")),
        ("transcripts-submitted", TRANSCRIPT, of_transcript(more=[0] * 600_000)),
        ("transcripts-submitted", CHUNK, of_transcript()),
        ("chunks-ready", CHUNK, of_transcript()),
        ("notes-drafted", CHUNK, body(chunk="x")),
        ("elsewhere", TRANSCRIPT, of_transcript()),
        (None, TRANSCRIPT, of_transcript()),
    ],
)
def test_a_key_alone_makes_a_message_about_nothing(
    topic: str | None, key: UUID, value: bytes | None
) -> None:
    assert read_message_subject(topic, str(key).encode(), value) is None
    assert read_message_subject(topic, None, value) is None


@pytest.mark.parametrize("revision", [0, -1, 2**31, 10**30, "x", None, [], 1.5])
def test_a_revision_that_is_none_does_not_hide_what_a_message_is_about(revision: object) -> None:
    value = of_transcript(revision=revision)
    found = read_message_subject("transcripts-ingested", str(TRANSCRIPT).encode(), value)
    assert found == MessageSubject(str(TRANSCRIPT))


def told(origin: MessageOrigin, replays: int, letter: UUID) -> Headers:
    return (
        (h.DLQ_TOPIC, origin.topic.encode()),
        (h.DLQ_PARTITION, b"%d" % origin.partition),
        (h.DLQ_OFFSET, b"%d" % origin.offset),
        (h.ORIGIN_TIMESTAMP, b"%d" % origin.timestamp_ms),
        (h.REPLAYS, b"%d" % replays),
        (h.LETTER_ID, str(letter).encode()),
    )


ORIGIN = MessageOrigin("chunks-ready", 1, 2, 3)
KEY = str(CHUNK).encode()
VALUE = body(chunk_id=str(CHUNK), revision=1)
CONTENT = digest_record(KEY, VALUE, ())
OTHER = digest_record(KEY, b"other", ())


def identify(
    added: Headers, value: bytes = VALUE, place: MessageOrigin = HERE
) -> DeadLetterIdentity:
    headers = append_headers((), added) if added else ()
    return compute_dead_letter_identity("enrichment", place, KEY, value, headers)


def test_an_id_in_the_headers_counts_if_it_follows_from_the_record() -> None:
    mine = derive_dead_letter_id("enrichment", ORIGIN, 4, CONTENT)
    about = MessageSubject(str(CHUNK), 1)
    assert identify(told(ORIGIN, 4, mine)) == DeadLetterIdentity(mine, CONTENT, ORIGIN, about)


@pytest.mark.parametrize(
    "claimed",
    [
        derive_dead_letter_id("guardrail", ORIGIN, 4, CONTENT),
        derive_dead_letter_id("enrichment", ORIGIN, 5, CONTENT),
        derive_dead_letter_id("enrichment", MessageOrigin("chunks-ready", 1, 2, 9), 4, CONTENT),
        derive_dead_letter_id("enrichment", ORIGIN, 4, OTHER),
        UUID(int=0),
    ],
)
def test_an_id_that_does_not_is_replaced_by_one_of_its_place_and_nothing_else_is_believed(
    claimed: UUID,
) -> None:
    found = identify(told(ORIGIN, 4, claimed))
    assert found.letter_id != claimed
    assert found.letter_id == identify(()).letter_id
    assert (found.origin, found.about) == (None, None)
    elsewhere = MessageOrigin(HERE.topic, HERE.partition, HERE.offset + 1)
    assert found.letter_id != identify((), place=elsewhere).letter_id
    assert found.letter_id != identify((), b"other").letter_id


def test_a_stub_is_known_by_what_it_tells_of_its_message_and_is_never_the_whole_one() -> None:
    record = Record("chunks-ready", 0, 1, b"k", b"v" * 10_000, (("name", b"value"),))
    stub = build_dead_letter_stub(record)
    contents = {
        compute_content_digest(one.key, one.value, one.headers, one.added_headers)
        for one in (stub, stub.without_content)
    }
    assert len(contents) == 1
    assert compute_content_digest(record.key, record.value, record.headers, ()) not in contents
    other = build_dead_letter_stub(replace(record, key=b"other"))
    assert (
        compute_content_digest(other.key, other.value, other.headers, other.added_headers)
        not in contents
    )
