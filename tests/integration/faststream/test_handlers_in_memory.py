"""Every service's handlers on FastStream's in-memory broker: topics, events and what goes where."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from aiokafka import ConsumerRecord
from faststream.kafka import KafkaMessage, TestKafkaBroker

from contracts.events import (
    ChunkReady,
    Event,
    NotesDrafted,
    NotesRejected,
    NotesStored,
    NotesValidated,
    TranscriptIngested,
    TranscriptSubmitted,
)
from contracts.replay_options import NO_OVERRIDES, ReplayOverrides
from contracts.topics import (
    CHUNKS_READY,
    CONTROL,
    DLQ_TOPICS,
    ENRICHMENT,
    EVENT_TOPICS,
    GUARDRAIL,
    INGESTION,
    NOTES_DRAFTED,
    NOTES_REJECTED,
    NOTES_VALIDATED,
    PERSISTENCE,
    PIPELINE,
    TRANSCRIPTS_INGESTED,
    TRANSCRIPTS_SUBMITTED,
    Topic,
    build_retry_topic,
)
from control import handlers as control
from control.domain import IndexedSubmission
from control.letters.rows import LetterRow
from enrichment import handlers as enrichment
from guardrail import handlers as guardrail
from guardrail.assessors import assess_in_thread
from guardrail.policy import CheckPolicy
from ingestion import handlers as ingestion
from ingestion.domain import ChunkSizes
from ingestion.readers import build_encoded_events
from messaging import KafkaRouter, ReliableKafkaBroker, StageSettings
from messaging.codec import InvalidEventError, UndecodableError
from persistence import handlers as persistence
from support.admission import admit_inline
from support.on_faststream import broker_with

EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples"


def example(event: type[Event], name: str = "full") -> bytes:
    return (EXAMPLES / event.__name__ / f"{name}.json").read_bytes()


class Watched:
    """A broker with a service's handlers, and all that they publish."""

    def __init__(self, service: str, router: KafkaRouter, **context: Any) -> None:
        self.broker = broker_with(service, router, StageSettings(), **context)
        self.records: list[ConsumerRecord[bytes, bytes]] = []
        read = {one.name for sub in self.broker.subscribers for one in cast("Any", sub).topics}
        for topic in EVENT_TOPICS:
            if topic.name not in read:
                self._watch(self.broker, topic)

    def _watch(self, broker: ReliableKafkaBroker, topic: Topic) -> None:
        @broker.subscriber(topic.name, group_id="test")
        async def keep(_: Any, message: KafkaMessage) -> None:
            self.records.append(cast("ConsumerRecord[bytes, bytes]", message.raw_message))

    async def takes(self, topic: Topic, value: bytes) -> list[Event]:
        """Have a record handled; the events that were published."""
        async with TestKafkaBroker(self.broker):
            await self.broker.publish(value, topic.name, key=b"any")
        return [
            topic.event.model_validate_json(record.value)
            for record in self.records
            for topic in EVENT_TOPICS
            if topic.name == record.topic and topic.event is not None and record.value
        ]


async def read_here(submitted: TranscriptSubmitted, **_: Any) -> tuple[Event, ...]:
    return build_encoded_events(submitted, ChunkSizes(6_000, 800))


async def test_ingestion_reads_the_example_submission() -> None:
    service = Watched(INGESTION, ingestion.router, read=read_here, admit=admit_inline)
    events = await service.takes(TRANSCRIPTS_SUBMITTED, example(TranscriptSubmitted, "webvtt"))
    interviews = [one for one in events if isinstance(one, TranscriptIngested)]
    chunks = [one for one in events if isinstance(one, ChunkReady)]
    (interview,) = interviews
    assert [chunk.chunk_id for chunk in chunks] == [ref.chunk_id for ref in interview.chunks]


async def test_what_is_published_are_cloudevents_keyed_by_their_id() -> None:
    service = Watched(INGESTION, ingestion.router, read=read_here, admit=admit_inline)
    await service.takes(TRANSCRIPTS_SUBMITTED, example(TranscriptSubmitted, "webvtt"))
    assert {one.topic for one in service.records} == {TRANSCRIPTS_INGESTED.name, CHUNKS_READY.name}
    for record in service.records:
        headers = dict(record.headers)
        assert record.key == headers["ce_subject"]
        assert headers["content-type"] == b"application/json"
        event = next(one.event for one in EVENT_TOPICS if one.name == record.topic)
        assert event is not None
        assert headers["ce_type"] == event.ce_type.encode()
        assert event.model_validate_json(record.value or b"").key.encode() == record.key


class Drafting:
    def __init__(self) -> None:
        self.asked: list[tuple[int, str, bool]] = []

    async def draft(
        self,
        chunk: ChunkReady,
        *,
        attempt: int,
        deadline: float,
        feedback: str = "",
        is_replay: bool = False,
        overrides: ReplayOverrides = NO_OVERRIDES,
    ) -> NotesDrafted:
        assert deadline > 0
        assert overrides.is_empty
        self.asked.append((attempt, feedback, is_replay))
        draft = NotesDrafted.model_validate_json(example(NotesDrafted))
        return draft.model_copy(update={"chunk": chunk, "attempt": attempt})


async def test_enrichment_drafts_notes_on_the_example_chunk() -> None:
    drafter = Drafting()
    service = Watched(ENRICHMENT, enrichment.router, drafter=drafter)
    (draft,) = await service.takes(CHUNKS_READY, example(ChunkReady))
    assert isinstance(draft, NotesDrafted)
    assert draft.chunk == ChunkReady.model_validate_json(example(ChunkReady))
    assert drafter.asked == [(1, "", False)]


async def test_enrichment_asks_again_with_the_reasons() -> None:
    drafter = Drafting()
    service = Watched(ENRICHMENT, enrichment.router, drafter=drafter)
    refused = NotesRejected.model_validate_json(example(NotesRejected))
    (draft,) = await service.takes(NOTES_REJECTED, example(NotesRejected))
    assert isinstance(draft, NotesDrafted)
    assert drafter.asked == [(refused.attempt + 1, refused.feedback, False)]


async def test_guardrail_judges_the_example_draft() -> None:
    service = Watched(
        GUARDRAIL, guardrail.router, assess=assess_in_thread, policy=CheckPolicy(), review=None
    )
    (validated,) = await service.takes(NOTES_DRAFTED, example(NotesDrafted))
    assert isinstance(validated, NotesValidated)
    assert validated.notes


class Storing:
    def __init__(self, *returned: Event) -> None:
        self.returned = returned
        self.places: list[object] = []

    async def store_transcript(self, _: TranscriptIngested) -> tuple[Event, ...]:
        return self.returned

    async def store_notes(self, _: NotesValidated, place: object) -> Event | None:
        self.places.append(place)
        return self.returned[0] if self.returned else None


async def test_persistence_tells_of_what_it_stored() -> None:
    stored = NotesStored.model_validate_json(example(NotesStored))
    service = Watched(PERSISTENCE, persistence.router, store=(store := Storing(stored)))
    assert await service.takes(NOTES_VALIDATED, example(NotesValidated)) == [stored]
    assert store.places == [(NOTES_VALIDATED.name, 0, 0)]


async def test_persistence_tells_nothing_of_what_waits() -> None:
    service = Watched(PERSISTENCE, persistence.router, store=Storing())
    assert await service.takes(NOTES_VALIDATED, example(NotesValidated)) == []
    assert await service.takes(TRANSCRIPTS_INGESTED, example(TranscriptIngested)) == []


class Indexing:
    def __init__(self) -> None:
        self.letters: list[LetterRow] = []
        self.indexer = self
        self.submissions: list[IndexedSubmission] = []

    async def index(self, letters: Sequence[LetterRow]) -> None:
        self.letters += letters

    async def index_submission(self, submission: IndexedSubmission) -> None:
        self.submissions.append(submission)

    async def submitter_secret(self) -> bytes:
        return b"s" * 32


async def test_control_indexes_letters_of_all_services_and_submissions() -> None:
    store = Indexing()
    broker = broker_with(CONTROL, control.router, StageSettings(), store=store)
    async with TestKafkaBroker(broker):
        for topic in DLQ_TOPICS:
            await broker.publish(b"\xff", topic.name, key=b"\xfe")
        await broker.publish(example(TranscriptSubmitted), TRANSCRIPTS_SUBMITTED.name)
        await broker.publish(b"not JSON", TRANSCRIPTS_SUBMITTED.name)
    assert [one.dlq_topic for one in store.letters] == [one.name for one in DLQ_TOPICS]
    assert len(store.submissions) == 2


@pytest.mark.parametrize(
    ("value", "refused"),
    [
        (b"not JSON", UndecodableError),
        (b"", UndecodableError),
        (b"{}", InvalidEventError),
        (json.dumps([1]).encode(), InvalidEventError),
    ],
)
async def test_what_is_no_event_never_reaches_a_handler(
    value: bytes, refused: type[Exception]
) -> None:
    drafter = Drafting()
    service = Watched(ENRICHMENT, enrichment.router, drafter=drafter)
    with pytest.raises(refused):
        await service.takes(CHUNKS_READY, value)
    assert drafter.asked == []


async def test_confluents_wire_format_is_accepted() -> None:
    drafter = Drafting()
    service = Watched(ENRICHMENT, enrichment.router, drafter=drafter)
    await service.takes(CHUNKS_READY, b"\0\0\0\0\7" + example(ChunkReady))
    assert len(drafter.asked) == 1


def test_every_event_has_a_handler_or_goes_to_anyone() -> None:
    routers = (
        ingestion.router,
        enrichment.router,
        guardrail.router,
        persistence.router,
        control.router,
    )
    read = {
        name
        for router in routers
        for sub in router.subscribers
        for name in cast("Any", sub).declared
    }
    assert read == {
        one.name for one in (*EVENT_TOPICS, *DLQ_TOPICS) if set(one.consumers) - {"anyone"}
    }
    written = {cast("Any", one).declared for router in routers for one in router.publishers}
    replays = {build_retry_topic(service, 0) for service in PIPELINE}
    assert written == replays | {one for one in EVENT_TOPICS if set(one.producers) - {"anyone"}}
