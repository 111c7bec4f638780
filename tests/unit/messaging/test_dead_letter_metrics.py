from __future__ import annotations

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from contracts import headers as h
from contracts.errors import UNMENDABLE, ErrorCode
from messaging.dead_letters.metrics import (
    FLOOD,
    FLOOD_S,
    DeadLetterMetrics,
)
from messaging.delivery import Record
from support.manual_clock import ManualClock
from telemetry.label_bounds import MAX_CHARACTERS
from telemetry.metrics import MAX_PRODUCERS


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def counts(request: pytest.FixtureRequest, clock: ManualClock) -> DeadLetterMetrics:
    return DeadLetterMetrics(request.node.name, clock=clock)


def written_by(producer: bytes | None) -> Record:
    headers = () if producer is None else ((h.CE_SOURCE, producer),)
    return Record("transcripts-submitted", 0, 0, None, b"?", headers)


def counted(service: str, producer: str, code: ErrorCode = ErrorCode.UNDECODABLE) -> float:
    labels = {"service": service, "code": code.value, "producer": producer}
    return REGISTRY.get_sample_value("onrecord_dead_letters_total", labels) or 0.0


def note(
    counts: DeadLetterMetrics,
    producer: bytes | None,
    number: int = 1,
    code: ErrorCode = ErrorCode.UNDECODABLE,
) -> None:
    for _ in range(number):
        counts.record(written_by(producer), code)


@pytest.mark.parametrize(
    ("producer", "label"),
    [
        (b"/crm", "/crm"),
        (b"/onrecord/ingestion", "/onrecord/ingestion"),
        (None, "unknown"),
        (b"", "unknown"),
        (b"\xff", "unknown"),
        (b"two\nlines", "unknown"),
        (b"x" * 5_000, "x" * MAX_CHARACTERS),
    ],
)
def test_counts_letters_by_who_wrote_the_message(
    counts: DeadLetterMetrics,
    request: pytest.FixtureRequest,
    producer: bytes | None,
    label: str,
) -> None:
    note(counts, producer, 2)
    assert counted(request.node.name, label) == 2


def test_names_only_so_many_producers_and_always_our_own(
    counts: DeadLetterMetrics, request: pytest.FixtureRequest
) -> None:
    for number in range(MAX_PRODUCERS + 50):
        note(counts, f"/stranger/{number}".encode())
    note(counts, b"/onrecord/guardrail")
    note(counts, b"/stranger/0")
    name = request.node.name
    assert counted(name, f"/stranger/{MAX_PRODUCERS - 1}") == 1
    assert counted(name, f"/stranger/{MAX_PRODUCERS}") == 0
    assert counted(name, "other") == 50
    assert counted(name, "/onrecord/guardrail") == 1
    assert counted(name, "/stranger/0") == 2


def test_warns_once_a_minute_of_a_producer_whose_bad_messages_are_many(
    counts: DeadLetterMetrics, clock: ManualClock
) -> None:
    with capture_logs() as logs:
        note(counts, b"/crm", FLOOD - 1)
        note(counts, b"/other", FLOOD - 1)
        assert not logs
        note(counts, b"/crm", 10 * FLOOD)
        (warning,) = logs
        clock.now_s += FLOOD_S
        note(counts, b"/crm", FLOOD)
    assert warning["event"] == "many_bad_messages"
    assert (warning["producer"], warning["code"], warning["letters"]) == (
        "/crm",
        "undecodable",
        FLOOD,
    )
    assert len(logs) == 2


def test_does_not_warn_of_few_at_a_time(counts: DeadLetterMetrics, clock: ManualClock) -> None:
    with capture_logs() as logs:
        for _ in range(10):
            note(counts, b"/crm", FLOOD - 1)
            clock.now_s += FLOOD_S
    assert not logs


@pytest.mark.parametrize("code", ErrorCode)
def test_warns_of_what_no_replay_mends_and_of_nothing_else(
    counts: DeadLetterMetrics, code: ErrorCode
) -> None:
    with capture_logs() as logs:
        note(counts, b"/crm", 10 * FLOOD, code)
    assert len(logs) == (code in UNMENDABLE)
