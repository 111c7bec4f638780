"""A producer reads what became of its interviews, whatever happened before it listens."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from contracts.events import (
    SettledOutcome,
    SettledReason,
    TranscriptSettled,
    TranscriptSubmitted,
)
from contracts.topics import TRANSCRIPTS_SETTLED, TRANSCRIPTS_SUBMITTED
from contracts.transcript import ContentForm
from messaging import KafkaUnavailableError, Publisher
from onrecord.client import Producer, build_submission
from onrecord.outcomes import NotSettledError, build_outcome_filter
from support.broker import Bench, bench_on
from support.interviews import STUDY, sha


@pytest.fixture
async def bench(broker: str) -> Bench:
    return await bench_on(broker, (TRANSCRIPTS_SUBMITTED, TRANSCRIPTS_SETTLED))


def submission(content: str = "Ann: Hi.", revision: int = 1) -> TranscriptSubmitted:
    return build_submission(
        content=content, title="T", study=STUDY, source=str(uuid4()), revision=revision
    )


def settled(
    submitted: TranscriptSubmitted,
    outcome: SettledOutcome = SettledOutcome.COMPLETE,
    number: int = 1,
) -> TranscriptSettled:
    return TranscriptSettled(
        transcript_id=submitted.transcript_id,
        revision=submitted.revision,
        content_sha256=submitted.content_sha256,
        number=number,
        outcome=outcome,
    )


async def tell(bench: Bench, *events: TranscriptSettled) -> None:
    async with Publisher(bench.kafka, source="/test") as publisher:
        await publisher.publish(events)


async def test_each_interview_is_told_once_however_early_it_was_settled(bench: Bench) -> None:
    first, second = submission(), submission()
    refused = settled(second, SettledOutcome.REFUSED).model_copy(
        update={"reasons": (SettledReason(service="ingestion", code="unknown_format"),)}
    )
    async with Producer(bench.kafka) as producer:
        await producer.send(first)
        await producer.send(second)
        await tell(bench, settled(first), settled(first), settled(submission()), refused)
        found = [one async for one in producer.settled([first, second], timeout_s=60)]
    assert {one.transcript_id: one for one in found} == {
        first.transcript_id: settled(first),
        second.transcript_id: refused,
    }
    assert len(found) == 2


async def test_what_was_settled_before_the_producer_was_opened_is_not_told(bench: Bench) -> None:
    submitted = submission()
    await tell(bench, settled(submitted, SettledOutcome.DEAD_IN_PART))
    async with Producer(bench.kafka) as producer:
        await producer.send(submitted)
        await tell(bench, settled(submitted, number=2))
        (found,) = [one async for one in producer.settled([submitted], timeout_s=60)]
    assert (found.outcome, found.number) == (SettledOutcome.COMPLETE, 2)


async def test_an_outcome_of_other_content_is_not_this_one_s(bench: Bench) -> None:
    submitted = submission()
    other = settled(submitted).model_copy(update={"content_sha256": sha("b")})
    older = settled(submitted).model_copy(update={"revision": 7})
    async with Producer(bench.kafka) as producer:
        await tell(bench, other, older, settled(submitted))
        found = [one async for one in producer.settled([submitted], timeout_s=60)]
    assert found == [settled(submitted)]


async def test_by_its_id_any_outcome_of_an_interview_counts(bench: Bench) -> None:
    submitted = submission()
    other = settled(submitted).model_copy(update={"content_sha256": None, "revision": None})
    async with Producer(bench.kafka) as producer:
        await tell(bench, other)
        found = [one async for one in producer.settled([submitted.transcript_id], timeout_s=60)]
    assert found == [other]


async def test_who_leaves_before_the_last_outcome_holds_no_connection_beyond_the_producer(
    bench: Bench,
) -> None:
    first, second = submission(), submission()
    async with Producer(bench.kafka) as producer:
        outcomes = producer.settled([first, second], timeout_s=3_600)
        await tell(bench, settled(first), settled(second))
        assert await anext(outcomes) in (settled(first), settled(second))
    # It is closed although it is referred to still, and has another outcome at hand.
    assert await anext(outcomes, None) is None


async def test_records_that_are_no_outcomes_are_passed_over(bench: Bench) -> None:
    submitted = submission()
    async with Producer(bench.kafka) as producer:
        await bench.send("transcripts-settled", b"{", None, b'{"outcome": "unheard of"}')
        await tell(bench, settled(submitted))
        found = [one async for one in producer.settled([submitted], timeout_s=60)]
    assert found == [settled(submitted)]


async def test_those_that_are_not_settled_in_time_are_named(bench: Bench) -> None:
    first, second = submission(), submission()
    async with Producer(bench.kafka) as producer:
        await tell(bench, settled(first))
        outcomes = producer.settled([first, second], timeout_s=1)
        assert await anext(outcomes) == settled(first)
        with pytest.raises(NotSettledError) as caught:
            await anext(outcomes)
    assert caught.value.transcript_ids == {second.transcript_id}


async def test_nothing_submitted_is_settled_at_once(bench: Bench) -> None:
    async with Producer(bench.kafka) as producer:
        assert [one async for one in producer.settled([], timeout_s=0)] == []


async def test_several_waits_at_the_same_time_each_see_all(bench: Bench) -> None:
    submitted = submission()

    async def wait(producer: Producer) -> list[TranscriptSettled]:
        return [one async for one in producer.settled([submitted], timeout_s=60)]

    async with Producer(bench.kafka) as producer:
        waiting = [asyncio.create_task(wait(producer)) for _ in range(2)]
        await tell(bench, settled(submitted))
        assert await asyncio.gather(*waiting) == [[settled(submitted)]] * 2


async def test_a_broker_without_the_topic_takes_interviews_and_tells_of_none(broker: str) -> None:
    bench = await bench_on(broker, (replace(TRANSCRIPTS_SUBMITTED, partitions=1),))
    async with Producer(bench.kafka) as producer:
        await producer.send(submission())
        with pytest.raises(KafkaUnavailableError, match="has no topic"):
            _ = [one async for one in producer.settled([submission()], timeout_s=60)]


async def test_without_any_time_what_is_there_is_not_waited_for(bench: Bench) -> None:
    submitted = submission()
    async with Producer(bench.kafka) as producer:
        with pytest.raises(NotSettledError):
            await anext(producer.settled([submitted], timeout_s=0))


async def test_content_that_was_sent_in_another_form_is_known_by_its_revision(
    bench: Bench,
) -> None:
    submitted = submission().model_copy(
        update={"content": "https://files.example/7.vtt", "content_form": ContentForm.URI}
    )
    other = settled(submitted).model_copy(update={"revision": 2})
    read = settled(submitted).model_copy(update={"content_sha256": sha("b")})
    async with Producer(bench.kafka) as producer:
        await tell(bench, other, read)
        found = [one async for one in producer.settled([submitted], timeout_s=60)]
    assert found == [read]


def test_text_that_was_compressed_may_be_refused_before_it_is_read() -> None:
    submitted = submission()
    unread = settled(submitted).model_copy(update={"content_sha256": None})
    assert build_outcome_filter(submitted, was_compressed=True).is_met_by(unread)
    assert not build_outcome_filter(submitted).is_met_by(unread)
