"""Answers about the whole system: the audit, and what each service has before it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from contracts.control_api import ControlApiModel
from contracts.letter_retention import DlqSize
from contracts.topics import ENRICHMENT, GUARDRAIL, INGESTION, PERSISTENCE


class AuditStateCounts(ControlApiModel):
    """Audit's counts of interviews, records or chunks: how many were submitted, stored, lost."""

    submitted: int
    stored: int
    superseded: int
    withdrawn: int = 0
    erased: int = 0
    waiting: int
    in_retry: int
    dead: int
    discarded: int
    lost: tuple[str, ...] = Field(description="Ids of what is nowhere.")


class ServiceMessageCounts(ControlApiModel):
    """Audit's counts of the messages at one service, by state."""

    service: str
    received: int
    handled: int
    waiting: int
    in_retry: int
    dead: int
    discarded: int
    held: int = 0


class DeletedRecordCount(ControlApiModel):
    """Number of records that Kafka deleted before a service had processed them."""

    service: str
    topic: str
    records: int


class AuditReport(ControlApiModel):
    """Report of an audit: whether any interview is lost, and the counts by state."""

    balances: bool = Field(description="Whether every interview and chunk is accounted for.")
    settled: bool = Field(description="Whether nothing is on its way any more.")
    submissions: AuditStateCounts
    unreadable: AuditStateCounts
    chunks: AuditStateCounts
    services: tuple[ServiceMessageCounts, ...]
    deleted: tuple[DeletedRecordCount, ...]
    missing_topics: tuple[str, ...]


class PipelineTopic(ControlApiModel):
    """Topic that a service reads, with the consumer lag: how many records are not committed."""

    topic: str
    lag: int = Field(description="Records behind the group's commits; of those, some may be done.")
    committed: int = Field(
        0,
        ge=0,
        description="Sum of the offsets that the group has committed: between two looks it grows "
        "by what was done.",
    )


class ServiceStatus(ControlApiModel):
    """Status of one service: its consumer group, its lag by topic and its dead letters."""

    service: str
    state: str = Field(
        description="Its consumer group's, such as `Stable`, or `Empty` where nobody consumes."
    )
    members: int = Field(description="Replicas in the consumer group.")
    topics: tuple[PipelineTopic, ...] = Field(description="The topics that it reads.")
    open_letters: int = Field(description="Its dead letters that wait for an operator.")
    ready: bool | None = Field(
        None,
        description="Whether it handles messages, by its `/readyz`; null: control does not know "
        "where it answers (`CONTROL_STAGE_URLS`). Of control itself, what the replica that answers "
        "knows of itself.",
    )
    reason: str = Field(
        "",
        description="Why it handles none, such as an outage or that it stopped itself, or what "
        "slows it down, such as throttling.",
    )


class ServiceName(StrEnum):
    """Name of a service of the pipeline, such as ``ingestion`` or ``enrichment``."""

    INGESTION = INGESTION
    ENRICHMENT = ENRICHMENT
    GUARDRAIL = GUARDRAIL
    PERSISTENCE = PERSISTENCE


class ResumedReplica(ControlApiModel):
    """Replica of a service that was asked to resume consuming, with its answer."""

    address: str = Field(description="Where it was asked.")
    resumed: bool = Field(
        description="Whether it took the request, so that it is not, or no longer, stopped by "
        "itself. It may wait for something else: `waits_for`."
    )
    had_stopped: bool = Field(
        default=False,
        description="Whether it had stopped itself; one that had not goes on as before.",
    )
    reason: str = Field(
        "",
        description="Why it was not resumed; of one that had stopped itself, why it had "
        "(`stopped: …`); empty of one that had not.",
    )
    waits_for: str = Field(
        "",
        description="What it waits for all the same, such as the end of an outage; empty if it "
        "handles messages.",
    )


class ServiceResume(ControlApiModel):
    """Result of resuming a service: each of its replicas that control found."""

    service: ServiceName
    replicas: tuple[ResumedReplica, ...]


class PipelineState(ControlApiModel):
    """Status of all services of the pipeline."""

    services: tuple[ServiceStatus, ...]
    expiring_letters: int = Field(
        0, ge=0, description="How many open letters expire soon, as last counted."
    )
    full_dlqs: tuple[DlqSize, ...] = Field(
        (), description="DLQs that are near their bound, beyond which Kafka deletes the oldest."
    )
