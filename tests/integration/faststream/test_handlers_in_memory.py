"""The services' own handlers on FastStream's in-memory broker: topics and events, no commits."""

from __future__ import annotations

from pathlib import Path

from faststream.kafka import TestKafkaBroker

from contracts.events import (
    ChunkReady,
    Event,
    NotesValidated,
    TranscriptIngested,
    TranscriptSubmitted,
)
from contracts.topics import NOTES_DRAFTED, TRANSCRIPTS_SUBMITTED
from guardrail.assessors import assess_here
from guardrail.handlers import guardrail_stage
from guardrail.policy import Policy
from ingestion.domain import Cutting
from ingestion.handlers import ingestion_stage
from ingestion.readers import read_encoded
from messaging.faststream_bridge import broker_of

EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples"


async def read_here(submitted: TranscriptSubmitted) -> tuple[Event, ...]:
    return read_encoded(submitted, Cutting(6_000, 800))


async def test_ingestion_reads_the_example_submission() -> None:
    broker = broker_of(ingestion_stage(read_here))
    interviews: list[TranscriptIngested] = []
    chunks: list[ChunkReady] = []

    @broker.subscriber("transcripts-ingested")
    async def ingested(interview: TranscriptIngested) -> None:
        interviews.append(interview)

    @broker.subscriber("chunks-ready")
    async def ready(chunk: ChunkReady) -> None:
        chunks.append(chunk)

    example = (EXAMPLES / "TranscriptSubmitted" / "webvtt.json").read_bytes()
    async with TestKafkaBroker(broker):
        await broker.publish(example, TRANSCRIPTS_SUBMITTED.name, key=b"any")

    (interview,) = interviews
    assert [chunk.chunk_id for chunk in chunks] == [ref.chunk_id for ref in interview.chunks]


async def test_guardrail_judges_the_example_draft() -> None:
    broker = broker_of(guardrail_stage(assess_here, Policy()))
    judged: list[NotesValidated] = []

    @broker.subscriber("notes-validated")
    async def keep(validated: NotesValidated) -> None:
        judged.append(validated)

    example = (EXAMPLES / "NotesDrafted" / "full.json").read_bytes()
    async with TestKafkaBroker(broker):
        await broker.publish(example, NOTES_DRAFTED.name, key=b"any")

    (validated,) = judged
    assert validated.notes


def test_every_subscriber_of_the_bridge_acknowledges_by_hand() -> None:
    broker = broker_of(guardrail_stage(assess_here, Policy()))

    policies = {str(subscriber.ack_policy) for subscriber in broker.subscribers}

    assert len(policies) == 1
    assert "MANUAL" in policies.pop().upper()
