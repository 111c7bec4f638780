from __future__ import annotations

from dataclasses import astuple, replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from contracts import headers as h
from contracts.errors import BadMessageError, ErrorCode, RejectedError
from messaging.dead_letters import headers as dead_letter_headers
from messaging.dead_letters import identity
from messaging.dead_letters.record_digest import digest_record
from messaging.delivery import Delivery, Headers, MessageOrigin, Record, read_delivery_history

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DELIVERY = Delivery(
    MessageOrigin("chunks-ready", 2, 17, 1_767_323_045_000), tier=3, attempts=9, timeouts=4
)
RECORD = Record("enrichment-retry-3", 0, 4, b"key", b"value", (("name", b"\xff"),))
MARKER = "SECRETWORDS"


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except type(error) as caught:
        return caught


def content_of(record: Record) -> bytes:
    return digest_record(record.key, record.value, record.headers)


def letter_id(service: str, delivery: Delivery, record: Record = RECORD) -> UUID:
    return identity.derive_dead_letter_id(
        service, delivery.origin, delivery.replays, content_of(record)
    )


def headers_of(error: BaseException, delivery: Delivery = DELIVERY) -> dict[str, str]:
    failure = dead_letter_headers.describe_failure(error, "enrichment")
    added = dead_letter_headers.build_dead_letter_headers(
        failure, delivery, content_of(RECORD), service="enrichment", group="p-enrichment", at=AT
    )
    return {name: value.decode() for name, value in added}


def test_a_letter_tells_where_from_why_and_how_often() -> None:
    told = headers_of(raised(RejectedError("two notes refused")))
    assert told == {
        h.DLQ_TOPIC: "chunks-ready",
        h.DLQ_PARTITION: "2",
        h.DLQ_OFFSET: "17",
        h.ORIGIN_TIMESTAMP: "1767323045000",
        h.DLQ_GROUP: "p-enrichment",
        h.DLQ_DELIVERY_COUNT: "9",
        h.DLQ_MESSAGE: "two notes refused",
        h.ERROR_CODE: "ungrounded",
        h.ERROR_TYPE: "RejectedError",
        h.ATTEMPTS: "9",
        h.TIMEOUTS: "4",
        h.FIRST_FAILED_AT: AT.isoformat(),
        h.FAILED_AT: AT.isoformat(),
        h.FINGERPRINT: told[h.FINGERPRINT],
        h.LETTER_ID: str(letter_id("enrichment", DELIVERY)),
        h.REPLAYS: "0",
    }


def test_a_letter_of_a_replay_names_the_earlier_one() -> None:
    told = headers_of(BadMessageError("x"), replace(DELIVERY, replays=1, replay_of=UUID(int=5)))
    assert told[h.REPLAY_OF] == str(UUID(int=5))
    assert told[h.REPLAYS] == "1"


def test_a_bug_tells_type_and_stack_but_not_what_foreign_code_says() -> None:
    told = headers_of(raised(ValueError(f"cannot read {MARKER}")))
    assert told[h.ERROR_CODE] == "bug"
    assert told[h.ERROR_TYPE] == "ValueError"
    assert "test_dead_letter_headers.py" in told[h.ERROR_STACK]
    assert not [value for value in told.values() if MARKER in value]


def test_a_timeout_of_the_deadline_has_its_code() -> None:
    assert headers_of(TimeoutError(MARKER))[h.ERROR_CODE] == "timeout"


def test_texts_and_stacks_are_capped() -> None:
    def deep(levels: int) -> None:
        if not levels:
            raise ZeroDivisionError
        deep(levels - 1)

    with pytest.raises(ZeroDivisionError) as caught:
        deep(100)
    assert (
        headers_of(caught.value)[h.ERROR_STACK].count(" < ") == dead_letter_headers.STACK_LIMIT - 1
    )
    long = headers_of(BadMessageError("word\n" * 1_000))[h.DLQ_MESSAGE]
    assert len(long) == dead_letter_headers.MESSAGE_LIMIT
    assert "\n" not in long


def test_a_text_that_has_no_utf8_does_not_keep_the_letter_from_being_written() -> None:
    assert headers_of(BadMessageError("odd \ud800 text"))[h.DLQ_MESSAGE] == r"odd \ud800 text"


def test_a_message_that_is_set_aside_twice_is_one_letter() -> None:
    again = replace(DELIVERY, attempts=1, tier=0)
    elsewhere = replace(RECORD, topic="chunks-ready", offset=17)
    assert letter_id("a", DELIVERY) == letter_id("a", again, elsewhere)


def test_a_letter_differs_by_replay_service_place_and_time() -> None:
    topic, partition, offset, sent_ms = astuple(DELIVERY.origin)
    others = {
        letter_id("a", replace(DELIVERY, replays=1)),
        letter_id("b", DELIVERY),
        letter_id(
            "a", replace(DELIVERY, origin=MessageOrigin("other", partition, offset, sent_ms))
        ),
        letter_id("a", replace(DELIVERY, origin=MessageOrigin(topic, 3, offset, sent_ms))),
        letter_id("a", replace(DELIVERY, origin=MessageOrigin(topic, partition, 18, sent_ms))),
        letter_id(
            "a", replace(DELIVERY, origin=MessageOrigin(topic, partition, offset, sent_ms + 1))
        ),
    }
    assert len(others | {letter_id("a", DELIVERY)}) == 7


def test_a_letter_differs_by_every_part_of_what_was_set_aside() -> None:
    others = [
        replace(RECORD, key=b"ke", value=b"yvalue"),
        replace(RECORD, key=None),
        replace(RECORD, key=b""),
        replace(RECORD, value=None),
        replace(RECORD, value=b""),
        replace(RECORD, headers=()),
        replace(RECORD, headers=(("name", b"\xfe"),)),
        replace(RECORD, headers=(("nam", b"e\xff"),)),
        replace(RECORD, headers=(*RECORD.headers, *RECORD.headers)),
    ]
    ids = {letter_id("a", DELIVERY, record) for record in (RECORD, *others)}
    assert len(ids) == 1 + len(others)


def fail_here(error: Exception) -> BaseException:
    return raised(error)


def test_the_fingerprint_is_equal_for_one_cause_and_differs_for_others() -> None:
    def fingerprint(error: BaseException, service: str = "s") -> str:
        return dead_letter_headers.describe_failure(error, service).fingerprint

    same = fingerprint(fail_here(BadMessageError("one")))
    assert same == fingerprint(fail_here(BadMessageError("another text")))
    others = {
        fingerprint(fail_here(BadMessageError("one", code=ErrorCode.TOO_LARGE))),
        fingerprint(fail_here(RejectedError("one"))),
        fingerprint(fail_here(BadMessageError("one")), "t"),
    }
    assert len(others | {same}) == 4


def as_headers(told: dict[str, str]) -> Headers:
    return tuple((name, value.encode()) for name, value in told.items())


def test_a_replay_keeps_the_origin_counts_up_and_starts_its_tries_anew() -> None:
    letter, died = UUID(int=5), as_headers(headers_of(BadMessageError("x")))
    read = read_delivery_history(
        dead_letter_headers.build_replay_headers(letter, died),
        fallback=MessageOrigin("other", 0, 0),
        tier=0,
    )
    assert read == Delivery(DELIVERY.origin, replay_of=letter, replays=1)


@pytest.mark.parametrize(
    "added", [(), ((h.REPLAYS, b"many"),), ((h.REPLAYS, b"9" * 5_000), (h.DLQ_TOPIC, None))]
)
def test_a_replay_of_a_damaged_letter_leaves_out_what_is_damaged(added: Headers) -> None:
    headers = dead_letter_headers.build_replay_headers(UUID(int=5), added)
    assert headers == ((h.REPLAY_OF, str(UUID(int=5)).encode()), (h.REPLAYS, b"1"))
