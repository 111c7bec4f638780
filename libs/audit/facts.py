"""What an audit compares: submissions, unfinished records, dead letters and chunks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Place = tuple[str, int, int]
"""Topic without prefix, partition and offset: what identifies one submitted record."""

Ends = Mapping[tuple[str, int], int]
"""The offset behind the last record of each partition, by topic without prefix and partition."""


class SubmissionState(StrEnum):
    """State of a submission in an audit, such as stored, waiting, dead or lost."""

    STORED = "stored"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    ERASED = "erased"
    WAITING = "waiting"
    IN_RETRY = "in_retry"
    DEAD = "dead"
    DISCARDED = "discarded"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class UnfinishedRecord:
    """Kafka record, in a source or retry topic, that a service has not finished processing.

    Attributes:
        service: whose group has not finished it.
        place: where it was read first; for a record in a retry topic, where it came from.
        subject: id of the transcript or chunk it is about; empty if its value lacks it.
        retrying: whether it is in a retry topic.
        revision: the transcript's revision, if the value has one.
        content_sha256: hash of that revision's content, if the value has one.
        held: whether nothing moves it before a dead letter is replayed.
    """

    service: str
    place: Place
    subject: str
    retrying: bool
    revision: int | None = None
    content_sha256: str | None = None
    held: bool = False

    @property
    def state(self) -> SubmissionState:
        """How it counts."""
        return SubmissionState.IN_RETRY if self.retrying else SubmissionState.WAITING


@dataclass(frozen=True, slots=True)
class DatedDeadLetter:
    """Dead letter from the control service's index, with the timestamp of its original message.

    ``sent_at`` is in milliseconds since the epoch; None if it is not known.
    """

    service: str
    place: Place
    subject: str
    discarded: bool
    revision: int | None = None
    content_sha256: str | None = None
    sent_at: int | None = None

    @property
    def state(self) -> SubmissionState:
        """How it counts."""
        return SubmissionState.DISCARDED if self.discarded else SubmissionState.DEAD


@dataclass(frozen=True, slots=True)
class ChunkFact:
    """Chunk of an interview in PostgreSQL, with whether its notes are stored."""

    chunk_id: str
    transcript_id: str
    revision: int
    stored: bool


@dataclass(frozen=True, slots=True)
class SubmissionFact:
    """Submitted Kafka record in the control service's index: its offset, interview and revision.

    Attributes:
        place: where it is.
        transcript_id: which interview it is; empty if it is none.
        revision: None if the record has no valid one.
        content_sha256: which content of that revision it brings; None if it is not valid.
        sent_at: its timestamp, in milliseconds since the epoch; None if it is not known.
    """

    place: Place
    transcript_id: str
    revision: int | None
    content_sha256: str | None = None
    sent_at: int | None = None


@dataclass(frozen=True, slots=True)
class AuditFacts:
    """Counts of messages in Kafka and PostgreSQL that an audit compares to find lost ones.

    Attributes:
        submissions: every record on the topic of submissions.
        chunks: every chunk of every ingested interview.
        ingested: interviews that are in the database: their content by id and revision.
        withdrawn: those of them that are withdrawn, by id and revision.
        superseded: those that a newer revision is current in place of, likewise.
        erased: ids of interviews that were erased on request.
        unread: every record that some service has not finished.
        letters: every dead letter that was not replayed.
        received: the end of each partition of a service's source topics, by service.
        deleted: how many records were deleted from a topic before a service had finished them.
        missing_topics: topics that could not be read, as they do not exist.
        earlier_logs: of partitions that were created anew, the timestamp until which messages of
            letters were in an earlier log, in milliseconds since the epoch.
    """

    submissions: tuple[SubmissionFact, ...] = ()
    chunks: tuple[ChunkFact, ...] = ()
    ingested: Mapping[tuple[str, int], str] = field(default_factory=dict)
    withdrawn: frozenset[tuple[str, int]] = frozenset()
    superseded: frozenset[tuple[str, int]] = frozenset()
    erased: frozenset[str] = frozenset()
    unread: tuple[UnfinishedRecord, ...] = ()
    letters: tuple[DatedDeadLetter, ...] = ()
    received: Mapping[str, Ends] = field(default_factory=dict)
    deleted: Mapping[tuple[str, str], int] = field(default_factory=dict)
    missing_topics: tuple[str, ...] = ()
    earlier_logs: Ends = field(default_factory=dict)
