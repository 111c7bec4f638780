"""What a worker does where its parts fail: every message is settled, or begins anew, visibly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from contracts import headers as h
from contracts.content_bugs import convert_bugs_triggered_by_message
from contracts.errors import (
    BadMessageError,
    ErrorCode,
    OutageError,
    ParkedError,
    RejectedError,
    RetryableError,
)
from contracts.topics import CHUNKS_READY
from messaging import Record, StageSettings
from messaging.dead_letters import failure_router
from messaging.dead_letters.metrics import FLOOD
from messaging.delivery import Headers, append_headers
from messaging.processing.inflight import InFlightMessage
from messaging.processing.processor import MAX_NEWCOMERS, MessageProcessor
from messaging.producer.outgoing import DISCARDED
from messaging.producer.publisher import RecordTooLargeError
from support.chunks import GOOD, drafted
from support.stages import Stage
from support.waiting import until
from unit.messaging.test_attempts import Received

SETTINGS = StageSettings(tries=1, outage_pause_s=0.001, outage_pause_max_s=0.001)
HELD = StageSettings(tries=1, max_in_flight=2, outage_pause_s=3_600.0)
PLACE = TopicPartition(CHUNKS_READY.name, 0)


@dataclass
class Broker:
    """A publisher's part: what it is to raise, and what it took."""

    acknowledges: Exception | None = None
    publishes: Exception | None = None
    forwards: Exception | None = None
    takes_stubs: bool = False
    letters: list[str] = field(default_factory=list)
    letter_headers: list[dict[str, str]] = field(default_factory=list)
    trouble: str = ""

    async def send(
        self, _: Any, acknowledged: Callable[[Exception | None], None], **__: Any
    ) -> None:
        acknowledged(self.acknowledges)

    async def publish(self, _: Any, **__: Any) -> None:
        if self.publishes is not None:
            raise self.publishes

    async def forward(self, topic: str, _: Any, value: bytes | None, headers: Headers) -> None:
        if self.forwards is not None and not (self.takes_stubs and value is None):
            raise self.forwards
        self.letters.append(topic)
        self.letter_headers.append({name: (value or b"").decode() for name, value in headers})


def worker_of(
    handle: Callable[[Record], Any], broker: Broker, settings: StageSettings = SETTINGS
) -> MessageProcessor:
    stage = Stage("probe")

    @stage.on_raw(CHUNKS_READY)
    async def call(record: Record) -> Any:
        return handle(record)

    return MessageProcessor(stage, settings, broker, group="probe")  # type: ignore[arg-type]  # its part


def job(
    finished: list[InFlightMessage], value: bytes = b"1", headers: Headers = ()
) -> InFlightMessage:
    received = Received(value=value, headers=headers)
    return InFlightMessage(received, PLACE, PLACE.topic, None, finished.append)


def about(interview: bytes) -> Headers:
    return ((h.TRANSCRIPT_ID, interview),)


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_an_event_that_cannot_be_sent_again_for_an_unforeseen_reason_is_a_letter() -> None:
    broker, finished = Broker(ZeroDivisionError(), ZeroDivisionError()), list[InFlightMessage]()
    worker = worker_of(lambda _: drafted(GOOD), broker)
    await worker.work(job(finished))
    await settled()
    assert broker.letters == ["probe-dlq"]
    assert (len(finished), worker.failure) == (1, None)
    await worker.close()


async def test_what_can_be_neither_sent_again_nor_set_aside_is_told_to_the_consumption() -> None:
    why = KeyError("unforeseen")
    broker, finished = (
        Broker(OutageError("away"), ZeroDivisionError(), why),
        list[InFlightMessage](),
    )
    worker = worker_of(lambda _: drafted(GOOD), broker)
    with capture_logs() as logs:
        await worker.work(job(finished))
        await until(lambda: worker.failure)
    assert worker.failure is why
    assert not finished, "it is delivered again"
    assert [one["offset"] for one in logs if one["event"] == "unsettled"] == [0]
    await worker.close()


async def test_a_message_whose_end_cannot_be_entered_is_told_to_the_consumption() -> None:
    def refuse(_: InFlightMessage) -> None:
        raise ValueError("offset 7 was never started")

    worker = worker_of(lambda _: drafted(GOOD), Broker())
    await worker.work(InFlightMessage(Received(), PLACE, PLACE.topic, None, refuse))
    assert isinstance(worker.failure, ValueError)
    await worker.close()


@pytest.mark.parametrize("error", [ZeroDivisionError(), RecursionError()])
async def test_what_is_good_in_a_rejected_message_does_not_keep_it_from_becoming_a_letter(
    error: Exception,
) -> None:
    def reject(_: Record) -> None:
        raise RejectedError("rejected", salvaged=(drafted(GOOD),))

    broker, finished = Broker(publishes=error), list[InFlightMessage]()
    worker = worker_of(reject, broker)
    await worker.work(job(finished))
    assert broker.letters == ["probe-dlq"]
    assert len(finished) == 1
    await worker.close()


async def test_a_newcomer_is_wanted_when_all_that_is_worked_on_waits() -> None:
    def fail(_: Record) -> None:
        raise OutageError("down")

    worker = worker_of(fail, Broker(), HELD)
    assert not worker.admits_newcomer(in_flight=0, room=2)
    assert not worker.admits_newcomer(in_flight=2, room=0), "none has begun yet"
    working = [asyncio.create_task(worker.work(job([])))]
    await settled()
    assert worker.admits_newcomer(in_flight=1, room=1), "it has failed and waits"
    assert worker.admits_newcomer(in_flight=0, room=2), "those that waited are gone"
    working.append(asyncio.create_task(worker.work(job([]))))
    await settled()
    assert not worker.admits_newcomer(in_flight=2, room=0), "the newcomer has not been tried"
    assert worker.trouble == "kafka_unavailable: down"
    for task in working:
        task.cancel()
    await asyncio.gather(*working, return_exceptions=True)
    await worker.close()


async def test_no_more_newcomers_are_admitted_than_memory_is_meant_for() -> None:
    def fail(_: Record) -> None:
        raise OutageError("down")

    worker = worker_of(fail, Broker(), HELD)
    working = asyncio.create_task(worker.work(job([])))
    await settled()
    most = 2 * HELD.max_in_flight + MAX_NEWCOMERS
    assert worker.admits_newcomer(in_flight=most - 1, room=-1)
    assert not worker.admits_newcomer(in_flight=most, room=-1)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await worker.close()


SECRET = "SECRETWORDS"
MANY = 200


def stumble(_: Record) -> None:
    """Fail as a reader does that meets what nobody thought of."""
    with convert_bugs_triggered_by_message("reading the transcript"):
        raise KeyError(SECRET)


async def test_what_a_messages_content_alone_sets_off_is_its_letter_and_stops_nobody() -> None:
    broker, finished = Broker(), list[InFlightMessage]()
    worker = worker_of(stumble, broker)
    with capture_logs() as logs:
        for number in range(MANY):
            await worker.work(job(finished, headers=about(b"%d" % number)))
    assert worker.trouble == ""
    assert (len(finished), broker.letters) == (MANY, ["probe-dlq"] * MANY)
    headers = broker.letter_headers[-1]
    assert (headers[h.ERROR_CODE], headers[h.ERROR_TYPE]) == (ErrorCode.BUG, "KeyError")
    assert headers[h.ERROR_STACK].startswith("test_processor.py:")
    assert "reading the transcript failed unexpectedly (KeyError at " in headers[h.DLQ_MESSAGE]
    bugs = [one for one in logs if one["event"] == "bug"]
    assert len(bugs) == MANY
    assert {one["log_level"] for one in bugs} == {"error"}
    assert all("stumble" in one["stack"] for one in bugs)
    assert SECRET not in f"{logs}{broker.letter_headers}"
    await worker.close()


async def test_a_bug_that_may_be_the_stages_own_still_stops_it() -> None:
    worker, finished = worker_of(lambda _: 1 // 0, Broker()), list[InFlightMessage]()
    with capture_logs():
        for number in range(worker.breaker.window):
            if worker.trouble:
                break
            await worker.work(job(finished, headers=about(b"%d" % number)))
    assert "bug" in worker.trouble
    await worker.close()


@pytest.mark.parametrize("origin", [b"", b"elsewhere", b"probe-retry-0", b"\xff", b"a\0b"])
async def test_forged_headers_in_a_retry_topic_are_never_held_against_the_stage(
    origin: bytes,
) -> None:
    broker, finished = Broker(), list[InFlightMessage]()
    worker = worker_of(lambda _: None, broker)
    for number in range(worker.breaker.window):
        claims = (
            (h.DLQ_TOPIC, origin),
            (h.DLQ_PARTITION, b"9" * 18),
            (h.DLQ_OFFSET, b"%d" % number),
        )
        received = Received(headers=append_headers(about(b"%d" % number), claims))
        await worker.work(InFlightMessage(received, PLACE, "probe-retry-0", 0, finished.append))
    assert (len(finished), worker.trouble) == (worker.breaker.window, "")
    assert {headers[h.ERROR_CODE] for headers in broker.letter_headers} == {"invalid_event"}
    assert not [
        headers for headers in broker.letter_headers if "elsewhere" in headers[h.DLQ_MESSAGE]
    ]
    await worker.close()


async def test_messages_that_cannot_even_be_told_apart_stop_nobody() -> None:
    """They lie in a retry topic, and name no topic that the stage reads."""
    broker, finished = Broker(), list[InFlightMessage]()
    worker = worker_of(stumble, broker)
    for _ in range(MANY):
        lost = InFlightMessage(Received(value=b"1"), PLACE, "probe-retry-1", 1, finished.append)
        await worker.work(lost)
    assert worker.trouble == ""
    assert (len(finished), broker.letters) == (MANY, ["probe-dlq"] * MANY)
    await worker.close()


@pytest.mark.parametrize("code", [ErrorCode.LLM_BAD_OUTPUT, ErrorCode.LLM_TIMEOUT])
async def test_one_interview_at_which_the_model_fails_stops_nobody(code: ErrorCode) -> None:
    def fail(_: Record) -> None:
        raise RetryableError("nonsense", code=code)

    worker, finished = worker_of(fail, Broker()), list[InFlightMessage]()
    for _ in range(MANY):
        await worker.work(job(finished, headers=about(b"hostile")))
    assert worker.trouble == ""
    for number in range(worker.breaker.window):
        if worker.trouble:
            break
        await worker.work(job(finished, headers=about(b"interview %d" % number)))
    assert code.value in worker.trouble
    await worker.close()


@pytest.mark.parametrize("raises", [ZeroDivisionError(SECRET), AssertionError(), RecursionError()])
@pytest.mark.parametrize("error", [BadMessageError("bad"), RetryableError("later"), KeyError("x")])
async def test_what_cannot_be_set_aside_whole_for_an_unforeseen_reason_is_a_small_letter(
    error: Exception, raises: Exception
) -> None:
    def fail(_: Record) -> None:
        raise error

    broker, finished = Broker(forwards=raises, takes_stubs=True), list[InFlightMessage]()
    worker = worker_of(fail, broker)
    with capture_logs() as logs:
        await worker.work(job(finished, SECRET.encode(), about(b"odd")))
    assert (broker.letters, len(finished), worker.failure) == (["probe-dlq"], 1, None)
    (headers,) = broker.letter_headers
    assert (headers[h.ERROR_CODE], headers[h.STUB]) == (ErrorCode.BUG, "record")
    assert headers[h.STUB_SIZE] == str(len(SECRET) + len(h.TRANSCRIPT_ID) + len(b"odd"))
    assert SECRET not in f"{headers}"
    assert [one["log_level"] for one in logs if one["event"] == "not_set_aside"] == ["error"]
    await worker.close()


@pytest.mark.parametrize("part", ["digest_record", "build_dead_letter_stub"])
async def test_what_cannot_be_hashed_or_shortened_is_a_small_letter(
    monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def fail(_: Record) -> None:
        raise BadMessageError("bad")

    def break_down(*_: Any) -> None:
        raise UnicodeEncodeError("utf-8", "x", 0, 1, "surrogates not allowed")

    monkeypatch.setattr(failure_router, part, break_down)
    broker, finished = (
        Broker(forwards=RecordTooLargeError("x"), takes_stubs=True),
        list[InFlightMessage](),
    )
    worker = worker_of(fail, broker)
    await worker.work(job(finished))
    assert (broker.letters, len(finished), worker.failure) == (["probe-dlq"], 1, None)
    await worker.close()


@pytest.mark.parametrize(
    ("error", "warned"),
    [
        (BadMessageError("bad"), True),
        (ParkedError("over budget"), False),
        (ParkedError("no price", code=ErrorCode.PRICE_UNKNOWN), False),
        (RejectedError("ungrounded"), False),
        (RejectedError("names", code=ErrorCode.PII), False),
        (RetryableError("filtered", code=ErrorCode.LLM_CONTENT_FILTERED), False),
    ],
)
async def test_only_bad_messages_are_held_against_their_producer(
    error: Exception, *, warned: bool
) -> None:
    def fail(_: Record) -> None:
        raise error

    worker = worker_of(fail, Broker(), SETTINGS.model_copy(update={"retry_delays_s": ()}))
    with capture_logs() as logs:
        for _ in range(2 * FLOOD):
            await worker.work(job([]))
    assert ("many_bad_messages" in {one["event"] for one in logs}) is warned
    await worker.close()


def handled(outcome: str) -> float:
    labels = {"service": "probe", "outcome": outcome}
    return REGISTRY.get_sample_value("onrecord_messages_handled_total", labels) or 0.0


def dead_letters(code: ErrorCode) -> float:
    labels = {"service": "probe", "code": code.value, "producer": "unknown"}
    return REGISTRY.get_sample_value("onrecord_dead_letters_total", labels) or 0.0


async def test_a_message_that_does_not_fit_its_retry_topic_counts_as_a_dead_letter() -> None:
    class Narrow(Broker):
        """A broker whose retry topics take less than its DLQ."""

        async def forward(self, topic: str, *record: Any) -> None:
            if "-retry-" in topic:
                raise RecordTooLargeError("x")
            await super().forward(topic, *record)

    def fail(_: Record) -> None:
        raise RetryableError("filtered", code=ErrorCode.LLM_CONTENT_FILTERED)

    code = ErrorCode.LLM_CONTENT_FILTERED
    before = dead_letters(code), handled("dead"), handled("retried")
    broker, finished = Narrow(), list[InFlightMessage]()
    worker = worker_of(fail, broker)
    await worker.work(job(finished))
    assert (broker.letters, len(finished)) == (["probe-dlq"], 1)
    after = dead_letters(code), handled("dead"), handled("retried")
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 0]
    await worker.close()


@pytest.mark.parametrize(("returned", "outcome"), [((), "done"), (DISCARDED, "discarded")])
async def test_what_a_handler_discards_is_settled_and_counted_so(
    returned: tuple[Any, ...], outcome: str
) -> None:
    before = {one: handled(one) for one in ("done", "discarded")}
    finished = list[InFlightMessage]()
    worker = worker_of(lambda _: returned, Broker())
    await worker.work(job(finished))
    assert len(finished) == 1
    grown = {one for one, number in before.items() if handled(one) == number + 1}
    assert grown == {outcome}
    await worker.close()
