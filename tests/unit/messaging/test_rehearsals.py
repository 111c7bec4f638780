"""A stage's code takes a record without effects, and says what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from contracts import headers as h
from contracts.errors import (
    ErrorCode,
    OutageError,
    RejectedError,
    RetryableError,
    ThrottledError,
)
from contracts.events import ChunkReady
from contracts.rehearsals import (
    RehearsalMode,
    StageOutcome,
    StageRehearsal,
    StageRehearsalRequest,
    build_rehearsed_record,
)
from messaging import Delivery, StageSettings
from messaging.broker.rehearsals import AT_ONCE, RecordRehearser
from messaging.codec import encode_event
from messaging.dead_letters.headers import build_replay_headers
from messaging.delivery import append_headers
from messaging.stage import Stage
from rehearsal import (
    ModelCallNeededError,
    Rehearsal,
    get_rehearsal,
    outside_rehearsal,
    rehearsing,
)
from support.chunks import CHUNK
from support.stages import FunctionRoute

SETTINGS = StageSettings(deadline_s=0.3, tries=3, retry_wait_s=0.01)


def request(**options: Any) -> StageRehearsalRequest:
    key, value, headers = encode_event(CHUNK, source="/test")
    return StageRehearsalRequest(
        record=build_rehearsed_record("chunks-ready", key, value, headers),
        **options,
    )


async def rehearse(
    handler: Callable[..., Any], asked: StageRehearsalRequest | None = None
) -> StageRehearsal:
    stage = Stage("enrichment")
    wants = handler.__code__.co_argcount > 1
    stage.add(FunctionRoute("chunks-ready", ChunkReady, handler, wants_delivery=wants))
    return await RecordRehearser("/test", "").rehearse(stage, SETTINGS, asked or request())


async def test_what_passes_says_what_it_would_have_written() -> None:
    async def write(chunk: ChunkReady) -> ChunkReady:
        assert get_rehearsal() is not None
        return chunk

    found = await rehearse(write, request(wanted=("chunks-ready",)))
    assert found.outcome is StageOutcome.PASSES
    (written,) = found.written
    assert (written.topic, written.key) == ("chunks-ready", CHUNK.key.encode())
    assert ChunkReady.model_validate_json(written.value or b"") == CHUNK
    assert (await rehearse(write)).written == ()
    assert get_rehearsal() is None


async def test_a_failure_is_as_a_dead_letter_has_it() -> None:
    async def refuse(chunk: ChunkReady) -> None:
        del chunk
        raise RejectedError("all notes refused")

    found = await rehearse(refuse)
    assert (found.outcome, found.error_code, found.error_type, found.error_message) == (
        *(StageOutcome.FAILS, "ungrounded", "RejectedError", "all notes refused"),
    )


async def test_a_failure_that_production_tries_again_in_place_is_tried_once() -> None:
    tries = []

    async def fail(chunk: ChunkReady) -> None:
        tries.append(chunk)
        raise RetryableError("no answer", code=ErrorCode.LLM_TIMEOUT)

    assert SETTINGS.tries > 1
    found = await rehearse(fail)
    assert (found.outcome, found.error_code) == (StageOutcome.FAILS, "llm_timeout")
    assert len(tries) == 1


async def test_what_hangs_times_out() -> None:
    async def hang(chunk: ChunkReady) -> None:
        del chunk
        await asyncio.Event().wait()

    found = await rehearse(hang)
    assert (found.outcome, found.error_code) == (StageOutcome.FAILS, "timeout")


async def test_a_bug_is_a_failure_that_quotes_nothing() -> None:
    async def fail(chunk: ChunkReady) -> None:
        raise ValueError(chunk.segments[0].text)

    found = await rehearse(fail)
    assert (found.error_code, found.error_type) == ("bug", "ValueError")
    assert CHUNK.segments[0].text not in found.error_message


async def test_what_no_handler_takes_fails_as_in_production() -> None:
    async def take(chunk: ChunkReady) -> None:
        raise AssertionError(chunk)

    asked = request()
    broken = asked.record.model_copy(update={"value": b"no JSON"})
    found = await rehearse(take, asked.model_copy(update={"record": broken}))
    assert (found.outcome, found.error_code) == (StageOutcome.FAILS, "undecodable")
    other = asked.record.model_copy(update={"topic": "elsewhere"})
    found = await rehearse(take, asked.model_copy(update={"record": other}))
    assert (found.outcome, found.error_code) == (StageOutcome.FAILS, "invalid_event")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OutageError("away", code=ErrorCode.DATABASE_UNAVAILABLE), "database_unavailable"),
        (ThrottledError("wait", retry_after=9.0), "asked to wait"),
    ],
)
async def test_what_says_nothing_of_the_record_is_undecided(error: Exception, words: str) -> None:
    async def wait(chunk: ChunkReady) -> None:
        del chunk
        raise error

    found = await rehearse(wait)
    assert found.outcome is StageOutcome.UNDECIDED
    assert words in found.reason


async def test_a_call_that_is_needed_leaves_it_undecided_if_the_handler_catches_its_error() -> None:
    async def catch(chunk: ChunkReady) -> ChunkReady:
        rehearsal = get_rehearsal()
        assert rehearsal is not None
        with pytest.raises(ModelCallNeededError):
            rehearsal.reserve_call(Decimal(1))
        return chunk

    found = await rehearse(catch)
    assert (found.outcome, found.calls_needed) == (StageOutcome.UNDECIDED, 1)
    assert "no answer is recorded" in found.reason


async def test_a_rehearsal_that_is_cut_off_is_undecided_also_if_its_handler_succeeds() -> None:
    async def succeed(chunk: ChunkReady) -> ChunkReady:
        rehearsal = get_rehearsal()
        assert rehearsal is not None
        rehearsal.cut_off = "it took too long"
        return chunk

    found = await rehearse(succeed)
    assert (found.outcome, found.reason) == (StageOutcome.UNDECIDED, "it took too long")


async def test_a_record_of_a_retry_topic_has_the_history_of_a_replay() -> None:
    seen: list[Delivery] = []

    async def look(chunk: ChunkReady, delivery: Delivery) -> ChunkReady:
        seen.append(delivery)
        return chunk

    asked, letter = request(), uuid4()
    added = build_replay_headers(letter, ((h.DLQ_TOPIC, b"chunks-ready"), (h.DLQ_OFFSET, b"7")))
    one = asked.record
    headers = append_headers(one.get_headers(), added)
    record = build_rehearsed_record("enrichment-retry-0", one.key, one.value, headers)
    found = await rehearse(look, asked.model_copy(update={"record": record}))
    assert found.outcome is StageOutcome.PASSES, found
    (delivery,) = seen
    assert (delivery.replays, delivery.replay_of, delivery.origin.offset) == (1, letter, 7)


async def test_header_names_of_any_bytes_arrive_as_they_are() -> None:
    seen: list[tuple[str, bytes]] = []

    async def look(chunk: ChunkReady, delivery: Delivery) -> None:
        del chunk
        seen.extend(delivery.headers)

    asked = request()
    one = asked.record
    headers = (("odd\udcff", b"\xff"), *one.get_headers())
    record = build_rehearsed_record(one.topic, one.key, one.value, headers)
    sent = asked.model_copy(update={"record": record}).model_dump_json()
    found = await rehearse(look, StageRehearsalRequest.model_validate_json(sent))
    assert found.outcome is StageOutcome.PASSES, found
    assert ("odd\udcff", b"\xff") in seen


async def test_an_error_that_quotes_half_a_surrogate_pair_is_answered() -> None:
    async def refuse(chunk: ChunkReady) -> None:
        del chunk
        raise RejectedError("a header odd\udcff")

    found = await rehearse(refuse)
    assert found.error_message == "a header odd\\udcff"
    assert StageRehearsal.model_validate_json(found.model_dump_json()) == found


async def test_few_records_are_rehearsed_at_once() -> None:
    at_once, most = 0, 0

    async def count(chunk: ChunkReady) -> None:
        nonlocal at_once, most
        del chunk
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.01)  # a handler's work, during which others begin
        at_once -= 1

    stage = Stage("enrichment")
    stage.add(FunctionRoute("chunks-ready", ChunkReady, count, wants_delivery=False))
    rehearser = RecordRehearser("/test", "")
    await asyncio.gather(
        *(rehearser.rehearse(stage, SETTINGS, request()) for _ in range(5 * AT_ONCE))
    )
    assert most == AT_ONCE


def test_calls_stay_within_the_budget() -> None:
    rehearsal = Rehearsal(RehearsalMode.LIVE, Decimal(3))
    first = rehearsal.reserve_call(Decimal(2))
    with pytest.raises(ModelCallNeededError, match="used up"):
        rehearsal.reserve_call(Decimal(2))
    rehearsal.count_cost(Decimal(1))
    rehearsal.release_call(first)
    assert rehearsal.reserve_call(Decimal(2)) == 2
    with pytest.raises(ModelCallNeededError, match="no known price"):
        rehearsal.reserve_call(None)
    assert (rehearsal.calls_made, rehearsal.calls_needed, rehearsal.cost_usd) == (2, 2, Decimal(1))


def test_requests_of_a_call_that_is_tried_again_stay_within_the_budget() -> None:
    rehearsal = Rehearsal(RehearsalMode.LIVE, Decimal(4))
    reserved = rehearsal.reserve_call(Decimal(4))
    assert rehearsal.begin_request(Decimal(2))
    assert rehearsal.begin_request(Decimal(2))
    assert not rehearsal.begin_request(Decimal(1))
    rehearsal.end_request(Decimal(2), Decimal(1))
    assert rehearsal.begin_request(Decimal(1))
    for worst in (Decimal(2), Decimal(1)):
        rehearsal.end_request(worst, worst)
    rehearsal.release_call(reserved)
    assert (rehearsal.cost_usd, rehearsal.budget_usd) == (Decimal(4), Decimal(0))
    assert not rehearsal.begin_request(Decimal("0.01"))
    assert rehearsal.calls_needed == 2


def test_code_that_runs_outside_a_rehearsal_sees_none_and_the_code_after_it_does() -> None:
    rehearsal = Rehearsal()
    with rehearsing(rehearsal):
        with outside_rehearsal():
            assert get_rehearsal() is None
        assert get_rehearsal() is rehearsal
    assert get_rehearsal() is None
