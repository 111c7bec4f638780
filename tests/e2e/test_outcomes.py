"""A producer is told what became of its interviews, and what became of them later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from contracts.events import SettledOutcome, TranscriptSettled, TranscriptSubmitted
from contracts.study import Study, Theme
from onrecord import Producer, cli
from support.http_client import http_client
from support.pipeline import Pipeline, submitted

STUDY = Study(
    study_id="outcomes",
    name="Paying for repairs",
    themes=(Theme(id="pricing", name="Prices", description="cost, dollars, pay, expensive"),),
)
TALK = "Interviewer: What did you pay?\n\nParticipant: I paid {} dollars for the repair, no more.\n"
WITHIN_S = 60.0


async def next_outcome(producer: Producer, event: TranscriptSubmitted) -> TranscriptSettled:
    (outcome,) = [one async for one in producer.settled([event], timeout_s=WITHIN_S)]
    return outcome


@asynccontextmanager
async def model_that_refuses(pipeline: Pipeline, words: str) -> AsyncIterator[None]:
    """Have the model refuse passages with certain words, within the ``async with`` block."""
    model = pipeline.stack.model()
    assert model is not None
    assert model.base_url is not None
    rule = f"{model.base_url.removesuffix('/v1')}/simulator/rules/refuses-{words}"
    async with http_client() as client:
        put = await client.put(rule, json={"fault": "refusal", "match": words})
        assert put.is_success, put.text
        try:
            yield
        finally:
            await client.delete(rule)


@pytest.mark.long
async def test_an_interview_that_died_in_part_is_complete_once_it_is_replayed(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = submitted(STUDY, "dies in part", TALK.format("fifty-three"))
    async with (
        Producer(pipeline.kafka) as producer,
        model_that_refuses(pipeline, "fifty-three"),
    ):
        await producer.send(event)
        dead = await next_outcome(producer, event)
    assert (dead.outcome, dead.number, dead.dead) == (SettledOutcome.DEAD_IN_PART, 1, 1)
    (reason,) = dead.reasons
    assert (reason.service, reason.code, reason.chunks) == ("enrichment", "llm_refused", 1)

    for name, value in pipeline.env.items():
        monkeypatch.setenv(name, value)
    async with Producer(pipeline.kafka) as producer:
        replay = ["dlq", "replay", "--all", "--code", "llm_refused", "--yes"]
        assert await asyncio.to_thread(cli.run_command, replay) == 0
        complete = await next_outcome(producer, event)
    assert (complete.outcome, complete.number) == (SettledOutcome.COMPLETE, 2)
    assert (complete.chunks, complete.stored, complete.dead) == (1, 1, 0)


async def test_a_newer_revision_supersedes_the_older(pipeline: Pipeline) -> None:
    first = submitted(STUDY, "is corrected", TALK.format("forty"))
    second = submitted(STUDY, "is corrected", TALK.format("fifty"), revision=2)
    async with Producer(pipeline.kafka) as producer:
        await producer.send(first)
        complete = await next_outcome(producer, first)
    assert complete.outcome is SettledOutcome.COMPLETE
    async with Producer(pipeline.kafka) as producer:
        await producer.send(second)
        outcomes = [one async for one in producer.settled([first, second], timeout_s=WITHIN_S)]
    found = {one.revision: one for one in outcomes}
    assert found[1].outcome is SettledOutcome.SUPERSEDED
    assert (found[1].number, found[1].superseded_by) == (2, 2)
    assert (found[2].outcome, found[2].number) == (SettledOutcome.COMPLETE, 1)
