"""Answers about the whole system: the audit, and what each service has before it."""

from __future__ import annotations

from pydantic import Field

from contracts.control_api import ControlModel


class AuditAccount(ControlModel):
    """Interviews, records or chunks that were submitted, and how many are in each state."""

    submitted: int
    stored: int
    superseded: int
    withdrawn: int = 0
    waiting: int
    in_retry: int
    dead: int
    discarded: int
    lost: tuple[str, ...] = Field(description="Ids of what is nowhere.")


class ServiceMessages(ControlModel):
    """Messages at one service, and how many are in each state."""

    service: str
    received: int
    handled: int
    waiting: int
    in_retry: int
    dead: int
    discarded: int
    held: int = 0


class DeletedRecords(ControlModel):
    """Records that the broker deleted before a service had finished them."""

    service: str
    topic: str
    records: int


class AuditReport(ControlModel):
    """Report of an audit: whether nothing is lost, and where everything is."""

    balances: bool = Field(description="Whether every interview and chunk is accounted for.")
    settled: bool = Field(description="Whether nothing is on its way any more.")
    submissions: AuditAccount
    unreadable: AuditAccount
    chunks: AuditAccount
    services: tuple[ServiceMessages, ...]
    deleted: tuple[DeletedRecords, ...]
    missing_topics: tuple[str, ...]


class PipelineTopic(ControlModel):
    """Topic that a service reads, and how many records it has not committed there."""

    topic: str
    lag: int = Field(description="Records behind the group's commits; of those, some may be done.")


class PipelineService(ControlModel):
    """State of a service as far as the broker and control's index know it."""

    service: str
    state: str = Field(
        description="Its consumer group's, such as `Stable`, or `Empty` where nobody consumes."
    )
    members: int = Field(description="Replicas in the consumer group.")
    topics: tuple[PipelineTopic, ...] = Field(description="The topics that it reads.")
    open_letters: int = Field(description="Its dead letters that wait for an operator.")


class PipelineState(ControlModel):
    """State of all services."""

    services: tuple[PipelineService, ...]
