from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.events import TranscriptSubmitted
from contracts.ids import derive_transcript_id
from contracts.study import Study, Theme
from messaging.codec import InvalidEventError, UndecodableError, decode_event, encode_event
from messaging.delivery import NO_CONTEXT, PropagatedContext

EVENT = TranscriptSubmitted(
    transcript_id=derive_transcript_id("study", "one"),
    title="One",
    study=Study(study_id="study", name="Study", themes=(Theme(id="t", name="T"),)),
    content="Ann: Grüße 🙂",
)
MARKER = "SECRETWORDS"


def read(
    value: bytes | None, headers: Sequence[tuple[str, bytes]] = ()
) -> tuple[TranscriptSubmitted, PropagatedContext]:
    return decode_event(value, headers, TranscriptSubmitted)


def sent(event: TranscriptSubmitted = EVENT, **more: Any) -> tuple[bytes, bytes, dict[str, str]]:
    key, value, headers = encode_event(event, source="/test", **more)
    return key, value, {name: text.decode() for name, text in headers}


def test_an_event_comes_back_as_it_was_sent() -> None:
    _, value, headers = encode_event(EVENT, source="/test")
    event, lineage = read(value, headers)
    assert event == EVENT
    assert lineage == PropagatedContext(traceparent=dict(headers)["traceparent"])


def test_headers_are_those_of_the_cloudevents_kafka_binding() -> None:
    at = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
    key, _, headers = sent(at=at)
    assert key.decode() == headers["ce_subject"] == str(EVENT.transcript_id)
    assert headers["content-type"] == "application/json"
    assert headers["ce_specversion"] == "1.0"
    assert headers["ce_type"] == "onrecord.TranscriptSubmitted.v1"
    assert headers["ce_source"] == "/test"
    assert headers["ce_time"] == "2026-05-06T07:08:09+00:00"


@pytest.mark.parametrize(
    "now_us", [0, 1, 999_999, 1_000_000, 1_767_225_599_999_999, 1_767_225_600_000_000, 4 * 10**15]
)
def test_an_event_sent_now_says_so_as_rfc_3339_in_utc_to_the_microsecond(now_us: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("messaging.codec.time.time_ns", lambda: now_us * 1_000 + 999)
        at = datetime.fromisoformat(sent()[2]["ce_time"])
    assert at == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=now_us)


def test_the_same_event_sent_twice_has_one_id_and_another_event_has_another() -> None:
    other = EVENT.model_copy(update={"title": "Two"})
    assert sent()[2]["ce_id"] == sent()[2]["ce_id"] != sent(other)[2]["ce_id"]


def test_the_trace_goes_on_from_the_parent() -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    trace = sent(cause=PropagatedContext(traceparent=parent.encode()))[2]["traceparent"]
    assert trace.startswith(f"00-{'a' * 32}-")
    assert "b" * 16 not in trace


def test_the_deadline_is_carried_on_as_it_was_told() -> None:
    assert (
        sent(cause=PropagatedContext(deadline=b"1900000000000"))[2]["onrecord-deadline"]
        == "1900000000000"
    )
    assert "onrecord-deadline" not in sent()[2]


def test_a_deadline_is_read_in_milliseconds_since_the_epoch() -> None:
    _, lineage = read(sent()[1], (("onrecord-deadline", b"1900000000500"),))
    assert lineage.deadline_s == 1_900_000_000.5


@pytest.mark.parametrize("told", [b"", b"soon", b"-5", b"0", b"1e9", b"9" * 5_000, b"\xff", None])
def test_a_damaged_deadline_counts_as_none(told: bytes) -> None:
    event, lineage = read(sent()[1], (("onrecord-deadline", told),))
    assert event == EVENT
    assert lineage.deadline_s is None


def test_of_a_header_told_twice_the_last_counts() -> None:
    headers = [("traceparent", b"1"), ("onrecord-deadline", b"1"), ("traceparent", b"2")]
    assert read(sent()[1], headers)[1] == PropagatedContext(b"2", b"1")


def test_accepts_confluents_wire_format() -> None:
    _, value, _ = sent()
    assert read(b"\x00\x00\x00\x01\x02" + value)[0] == EVENT


def test_accepts_an_event_without_any_headers() -> None:
    assert read(sent()[1]) == (EVENT, NO_CONTEXT)


@pytest.mark.parametrize(
    "value",
    [None, b"", b"\x00", b"\x00\x00\x00\x00\x01", b"not json", b'{"a":', b"\xff\xfe{}", b"[" * 900],
)
def test_refuses_what_is_no_json_as_undecodable(value: bytes | None) -> None:
    with pytest.raises(UndecodableError):
        read(value)


def test_refuses_another_event_by_its_type_header() -> None:
    foreign = (("ce_type", MARKER.encode()),)
    with pytest.raises(InvalidEventError, match=r"onrecord\.TranscriptSubmitted\.v1") as caught:
        read(sent()[1], foreign)
    assert MARKER not in str(caught.value)


def test_names_the_fields_that_are_wrong_but_not_all_of_very_many() -> None:
    with pytest.raises(InvalidEventError) as caught:
        read(b'{"study": {}}')
    message = str(caught.value)
    assert "transcript_id" in message
    assert "and 3 more" in message


def damaged(path: tuple[str, ...], value: Any) -> bytes:
    document: Any = json.loads(EVENT.model_dump_json())
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return json.dumps(document).encode()


paths = st.sampled_from(
    [
        ("transcript_id",),
        ("revision",),
        ("title",),
        ("content",),
        ("format",),
        ("recorded_at",),
        ("speakers",),
        ("study",),
        ("study", "study_id"),
        ("study", "language"),
        ("study", "themes"),
        ("study", "questions"),
    ]
)
marked = st.one_of(
    st.text(max_size=8).map(lambda text: MARKER + text),
    st.text(max_size=4).map(lambda text: f"2026-01-01T{text}{MARKER}"),
    st.just([MARKER]),
    st.just({MARKER: MARKER}),
    st.just([{"id": MARKER + "!", "name": MARKER}]),
    st.just([{"label": MARKER, "role": MARKER}]),
    st.just(MARKER * 1_000),
)


@given(path=paths, value=marked)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_error_texts_never_quote_the_payload(path: tuple[str, ...], value: Any) -> None:
    try:
        read(damaged(path, value))
    except (InvalidEventError, UndecodableError) as error:
        assert MARKER not in str(error)  # noqa: PT017 - some draws are valid events


def test_error_texts_do_not_quote_even_one_character() -> None:
    with pytest.raises(InvalidEventError, match="transcript_id: has to be a UUID") as caught:
        read(damaged(("transcript_id",), "§" * 36))
    assert "§" not in str(caught.value)
