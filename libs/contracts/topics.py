"""Declaration of every topic: event, key, producers, consumers and settings.

``make contracts`` writes them to ``schemas/topics/``. Services never create topics; the stack
(`onrecord up`, compose, or an operator) does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from contracts.events import (
    ChunkReady,
    Event,
    NotesDrafted,
    NotesRejected,
    NotesStored,
    NotesValidated,
    TranscriptIngested,
    TranscriptSettled,
    TranscriptSubmitted,
)

MIB: Final = 1024 * 1024
DAY_MS: Final = 24 * 60 * 60 * 1000
FOREVER: Final = -1

MAX_DLQ_BYTES: Final = 16 * 1024 * 1024 * 1024
"""Most bytes of a partition of a DLQ: beyond them Kafka deletes the oldest letters."""

INGESTION: Final = "ingestion"
ENRICHMENT: Final = "enrichment"
GUARDRAIL: Final = "guardrail"
PERSISTENCE: Final = "persistence"
CONTROL: Final = "control"
PIPELINE: Final = (INGESTION, ENRICHMENT, GUARDRAIL, PERSISTENCE)
"""The services a transcript passes through, in order; each has retry topics and a DLQ."""

RETRY_DELAYS_S: Final = (0.0, 10.0, 60.0, 600.0)
"""Seconds a message waits in ``<service>-retry-0`` … ``-3``; tier 0 is for replays."""


@dataclass(frozen=True, slots=True)
class Topic:
    """Declaration of a Kafka topic: name, event, producers, consumers, settings.

    Attributes:
        name: without the prefix that settings may put before it.
        event: the event its records carry; None for retry topics and DLQs, which carry any.
        key: what the record key is.
        producers: services (or ``anyone``) that write to it.
        consumers: services (or ``anyone``) that read it.
        about: one sentence for people.
        partitions: how many partitions it is created with.
        retention_ms: how long Kafka keeps records, in milliseconds; -1 for ever.
        max_message_bytes: the largest record batch the broker takes, in bytes.
        retention_bytes: most bytes of a partition, beyond which Kafka deletes the oldest; -1: any.
    """

    name: str
    event: type[Event] | None
    key: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    about: str
    partitions: int = 4
    retention_ms: int = 7 * DAY_MS
    max_message_bytes: int = 8 * MIB
    retention_bytes: int = FOREVER


TRANSCRIPTS_SUBMITTED: Final = Topic(
    "transcripts-submitted",
    TranscriptSubmitted,
    "transcript id",
    (CONTROL, "anyone"),
    (INGESTION, CONTROL),
    "Interviews as producers hand them in.",
)
TRANSCRIPTS_INGESTED: Final = Topic(
    "transcripts-ingested",
    TranscriptIngested,
    "transcript id",
    (INGESTION,),
    (PERSISTENCE,),
    "Interviews as segments, with the list of their chunks.",
    max_message_bytes=16 * MIB,
)
CHUNKS_READY: Final = Topic(
    "chunks-ready",
    ChunkReady,
    "chunk id",
    (INGESTION,),
    (ENRICHMENT,),
    "Passages of interviews for the model to read.",
)
NOTES_DRAFTED: Final = Topic(
    "notes-drafted",
    NotesDrafted,
    "chunk id",
    (ENRICHMENT,),
    (GUARDRAIL,),
    "Notes as the model offers them, not yet believed.",
)
NOTES_REJECTED: Final = Topic(
    "notes-rejected",
    NotesRejected,
    "chunk id",
    (GUARDRAIL,),
    (ENRICHMENT,),
    "Drafts sent back to the model once, with the reasons.",
)
NOTES_VALIDATED: Final = Topic(
    "notes-validated",
    NotesValidated,
    "chunk id",
    # Persistence sends those back that were kept until their interview came and then failed.
    (GUARDRAIL, PERSISTENCE),
    (PERSISTENCE,),
    "Notes whose evidence was found in the transcript.",
)
NOTES_STORED: Final = Topic(
    "notes-stored",
    NotesStored,
    "transcript id",
    (PERSISTENCE,),
    ("anyone",),
    "News of notes that are in the database.",
)
TRANSCRIPTS_SETTLED: Final = Topic(
    "transcripts-settled",
    TranscriptSettled,
    "transcript id",
    (CONTROL,),
    ("anyone",),
    "What became of each submitted interview.",
)

EVENT_TOPICS: Final = (
    TRANSCRIPTS_SUBMITTED,
    TRANSCRIPTS_INGESTED,
    CHUNKS_READY,
    NOTES_DRAFTED,
    NOTES_REJECTED,
    NOTES_VALIDATED,
    NOTES_STORED,
    TRANSCRIPTS_SETTLED,
)


def build_retry_topic(service: str, tier: int) -> Topic:
    """Build the declaration of a service's retry topic of one tier (0 is for replays)."""
    wait = f"for {RETRY_DELAYS_S[tier]:g} s" if tier else "to be replayed at once"
    return Topic(
        f"{service}-retry-{tier}",
        None,
        "as in the source topic",
        (CONTROL,) if tier == 0 else (service,),
        (service,),
        f"Messages of {service} waiting {wait}.",
        max_message_bytes=64 * MIB,
    )


def build_dlq_topic(service: str) -> Topic:
    """Build the declaration of a service's dead letter topic.

    Kafka keeps records however old they are, as control deletes those of letters that expired; the
    bound keeps a service that sets everything aside from filling the broker's disk.
    """
    return Topic(
        f"{service}-dlq",
        None,
        "as in the source topic",
        (service,),
        (CONTROL,),
        f"Messages {service} set aside, byte for byte, with the reason in headers.",
        partitions=1,
        retention_ms=FOREVER,
        max_message_bytes=64 * MIB,
        retention_bytes=MAX_DLQ_BYTES,
    )


RETRY_TOPICS: Final = tuple(
    build_retry_topic(service, tier) for service in PIPELINE for tier in range(len(RETRY_DELAYS_S))
)
DLQ_TOPICS: Final = tuple(build_dlq_topic(service) for service in PIPELINE)
MESSAGE_TOPICS: Final = EVENT_TOPICS + RETRY_TOPICS + DLQ_TOPICS
"""Topics whose messages a service's group finishes, one by one; the audit counts these."""

WAITING_DECISIONS: Final = Topic(
    "waiting-decisions",
    None,
    "service",
    (CONTROL,),
    PIPELINE,
    "What operators decided about messages that wait in retry topics.",
    partitions=1,
)
"""Every replica reads it whole, without a group. It is kept for as long as what it is about."""

ALL_TOPICS: Final = (*MESSAGE_TOPICS, WAITING_DECISIONS)


def get_event_topic(event: type[Event]) -> Topic:
    """Return the declaration of the Kafka topic that carries a class of events.

    Raises:
        LookupError: no topic carries this event.
    """
    try:
        return _TOPIC_OF[event]
    except KeyError:
        raise LookupError(f"no topic carries {event.__name__}") from None


_TOPIC_OF: Final = {topic.event: topic for topic in EVENT_TOPICS if topic.event is not None}
