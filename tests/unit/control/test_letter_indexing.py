from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts import headers as h
from contracts.bounds import is_representable_time
from contracts.errors import BadMessageError
from contracts.events import TranscriptSubmitted
from contracts.ids import derive_id
from contracts.transcript import ContentForm
from control.domain import IndexedDeadLetter
from control.letters.indexing import build_indexed_dead_letter, build_indexed_submission
from messaging import Delivery, MessageOrigin, Record
from messaging.dead_letters.headers import build_dead_letter_headers, describe_failure
from messaging.dead_letters.identity import derive_dead_letter_id
from messaging.dead_letters.record_digest import digest_record
from messaging.delivery import Headers, append_headers
from support.interviews import STUDY

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DELIVERY = Delivery(MessageOrigin("chunks-ready", 1, 2), attempts=3, timeouts=1)
LAST_MS = 253_402_300_799_999
FIRST_MS = -62_135_596_800_000
"""The ends of the calendar of Python and PostgreSQL, in milliseconds since 1970."""
KNOWN = [value for name, value in vars(h).items() if name.isupper() and isinstance(value, str)]


def on_dlq(headers: Headers, key: bytes | None = b"k", value: bytes | None = b"v") -> Record:
    return Record("enrichment-dlq", 0, 5, key, value, headers, timestamp_ms=1_000)


ORIGINAL = Record("chunks-ready", 1, 2, b"k", b"v", (("a", b"\xff"),))


def set_aside(record: Record, delivery: Delivery = DELIVERY) -> Headers:
    """The headers under which enrichment sets a record aside."""
    failure = describe_failure(BadMessageError("why"), "enrichment")
    content = digest_record(record.key, record.value, record.headers)
    added = build_dead_letter_headers(
        failure, delivery, content, service="enrichment", group="g", at=AT
    )
    return append_headers(record.headers, added)


def test_a_letter_is_indexed_with_all_it_tells() -> None:
    letter = build_indexed_dead_letter(on_dlq(set_aside(ORIGINAL)))
    content = digest_record(ORIGINAL.key, ORIGINAL.value, ORIGINAL.headers)
    assert letter.letter_id == derive_dead_letter_id("enrichment", DELIVERY.origin, 0, content)
    assert (letter.service, letter.source_topic, letter.source_partition) == (
        "enrichment",
        "chunks-ready",
        1,
    )
    assert (letter.source_offset, letter.attempts, letter.timeouts) == (2, 3, 1)
    assert (letter.error_code, letter.error_message) == ("invalid_event", "why")
    assert (letter.failed_at, letter.key, letter.size_bytes) == (AT, b"k", 1)
    assert letter.headers[0] == ("a", b"\xff")


def test_what_somebody_else_wrote_to_a_dlq_is_a_letter_of_unknown_cause() -> None:
    letter = build_indexed_dead_letter(on_dlq(((h.ERROR_CODE, b"bug"),), key=b"\xff"))
    assert letter.error_code == "unknown"
    assert letter.source_topic is None
    assert letter.subject is None
    assert letter.failed_at == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


values = st.one_of(
    st.none(),
    st.binary(max_size=8),
    st.text(max_size=8).map(lambda text: text.encode(errors="replace")),
    st.sampled_from(
        [
            "²".encode(),
            b"9" * 5_000,
            str(2**31).encode(),
            str(2**63).encode(),
            b"0001-01-01T00:00:00+23:59",
            b"9999-12-31T23:59:59-23:59",
            b"2026-01-01",
        ]
    ),
)
added_headers = st.lists(st.tuples(st.sampled_from(KNOWN), values), max_size=20).map(tuple)
moments = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-1, 2_000_000_000_000))


@given(headers=added_headers, key=values, value=values, moment=moments, trailer=st.booleans())
@example(headers=((h.ADDED, None),), key=None, value=None, moment=0, trailer=False)
@example(headers=(), key=None, value=None, moment=LAST_MS, trailer=False)
@example(headers=((h.FAILED_AT, b"0001-01-01"),), key=None, value=None, moment=0, trailer=True)
def test_indexing_garbage_never_raises_and_fits_the_index(
    headers: Headers, key: bytes | None, value: bytes | None, moment: int, *, trailer: bool
) -> None:
    sent = append_headers((), headers) if trailer else headers
    letter = build_indexed_dead_letter(Record("guardrail-dlq", 0, 5, key, value, sent, moment))
    for number in (letter.attempts, letter.timeouts, letter.source_partition or 0):
        assert 0 <= number < 2**31
    assert 0 <= (letter.source_offset or 0) < 2**63
    # People see it by their own clocks, whose offset must not carry it over the calendar's edge.
    assert is_representable_time(letter.failed_at)
    assert is_representable_time(letter.first_failed_at or letter.failed_at)
    assert is_representable_time(letter.source_sent_at or letter.failed_at)


@given(value=values | st.just(b'{"transcript_id": "x"}'), moment=moments)
@example(b"", LAST_MS)
@example(b"", FIRST_MS)
@example(f'{{"transcript_id": "{derive_id("t")}", "revision": {2**40}}}'.encode(), 0)
def test_indexing_a_submission_never_raises(value: bytes | None, moment: int) -> None:
    submission = build_indexed_submission(
        Record("transcripts-submitted", 1, 2, None, value, (), moment)
    )
    assert (submission.partition, submission.offset) == (1, 2)
    assert (submission.revision or 1) < 2**31
    assert is_representable_time(submission.submitted_at)


def test_a_submission_tells_which_interview_it_is() -> None:
    body = f'{{"transcript_id": "{derive_id("t")}", "revision": 3, "more": 1}}'.encode()
    submission = build_indexed_submission(Record("transcripts-submitted", 1, 2, None, body))
    assert (submission.transcript_id, submission.revision) == (derive_id("t"), 3)


@pytest.mark.parametrize("revision", [2**31, 0, -3, "x", None, 10**40])
def test_a_submission_of_a_revision_that_is_none_is_an_interview_all_the_same(
    revision: object,
) -> None:
    body = json.dumps({"transcript_id": str(derive_id("t")), "revision": revision}).encode()
    submission = build_indexed_submission(Record("transcripts-submitted", 1, 2, None, body))
    assert (submission.transcript_id, submission.revision) == (derive_id("t"), None)


def test_a_submission_that_is_valid_tells_its_content_too() -> None:
    event = TranscriptSubmitted(
        transcript_id=derive_id("t"), title="T", study=STUDY, content="A: b"
    )
    body = event.model_dump_json().encode()
    submission = build_indexed_submission(Record("transcripts-submitted", 1, 2, None, body))
    assert submission.content_sha256 == event.content_sha256
    broken = body.replace(b'"title":"T"', b'"title":""')
    submission = build_indexed_submission(Record("transcripts-submitted", 1, 2, None, broken))
    assert (submission.transcript_id, submission.content_sha256) == (derive_id("t"), None)


@pytest.mark.parametrize("form", [ContentForm.GZIP, ContentForm.URI])
def test_a_submission_that_does_not_hold_its_text_is_known_by_the_event_s_hash(
    form: ContentForm,
) -> None:
    event = TranscriptSubmitted(
        transcript_id=derive_id("t"), title="T", study=STUDY, content="x", content_form=form
    )
    body = event.model_dump_json().encode()
    submission = build_indexed_submission(Record("transcripts-submitted", 1, 2, None, body))
    assert (submission.revision, submission.content_sha256) == (1, event.content_sha256)


def test_a_key_with_a_value_that_nobody_can_read_is_no_subject() -> None:
    garbage = Record("transcripts-submitted", 1, 2, str(derive_id("t")).encode(), b"garbage")
    letter = build_indexed_dead_letter(
        on_dlq(set_aside(garbage), key=garbage.key, value=garbage.value)
    )
    assert (letter.subject, letter.key) == (None, garbage.key)


def test_a_submission_in_confluents_wire_format_tells_it_too() -> None:
    body = b"\0\0\0\0\7" + f'{{"transcript_id": "{derive_id("t")}"}}'.encode()
    submission = build_indexed_submission(Record("transcripts-submitted", 1, 2, None, body))
    assert submission.transcript_id == derive_id("t")


def submitted_letter(value: bytes, key: bytes, headers: Headers) -> IndexedDeadLetter:
    """A letter of a submission that ingestion set aside."""
    delivery = Delivery(MessageOrigin("transcripts-submitted", 0, 1), attempts=1)
    failure = describe_failure(BadMessageError("why"), "ingestion")
    content = digest_record(key, value, headers)
    added = build_dead_letter_headers(
        failure, delivery, content, service="ingestion", group="g", at=AT
    )
    whole = append_headers(headers, added)
    return build_indexed_dead_letter(Record("ingestion-dlq", 0, 5, key, value, whole, 1_000))


@pytest.mark.parametrize(
    ("document", "study"),
    [
        ({"study_id": "bikes"}, "bikes"),
        ({"study": {"study_id": "bikes", "themes": 3}}, "bikes"),
        ({"study": 7}, None),
        ({"study_id": "no study!"}, None),
        ({"study_id": "x" * 65}, None),
        ({}, None),
    ],
)
def test_a_letter_of_a_submission_has_its_study_and_producer(
    document: dict[str, object], study: str | None
) -> None:
    transcript_id = derive_id("talk")
    value = json.dumps({"transcript_id": str(transcript_id), **document}).encode()
    source: Headers = ((h.CE_SOURCE, b"crm/\xff"),)
    letter = submitted_letter(value, str(transcript_id).encode(), source)
    assert (letter.subject, letter.study_id) == (str(transcript_id), study)
    assert letter.producer == "crm/\ufffd"
    # Of a value that its key contradicts, nothing is believed.
    assert submitted_letter(value, b"another", source).study_id is None


def test_a_letter_of_a_chunk_has_the_study_of_the_chunk_and_no_producer() -> None:
    chunk_id = derive_id("chunk")
    chunk = {"chunk_id": str(chunk_id), "study": {"study_id": "bikes"}}
    for document in (chunk, {"chunk": chunk}):
        value = json.dumps(document).encode()
        record = Record(
            "chunks-ready", 1, 2, str(chunk_id).encode(), value, ((h.CE_SOURCE, b"/x"),)
        )
        letter = build_indexed_dead_letter(
            on_dlq(set_aside(record), key=record.key, value=record.value)
        )
        assert (letter.study_id, letter.producer) == ("bikes", None)
