"""Whose interviews are, and which of their revisions count: requests and responses of the API."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.bounds import STORABLE, Number
from contracts.control_api import ControlApiModel
from contracts.registry import ProducerName
from contracts.study import Identifier

Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), STORABLE
]
"""Why something is done, in people's words; it goes into the trail."""


class WithdrawRevisionRequest(BaseModel):
    """Request to withdraw a revision of an interview, or to restore one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    revision: Number | None = Field(
        None,
        description="Which revision; null: the highest one, or the one that was withdrawn last. "
        "Sent again, null is the next one: name the revision, or send an `Idempotency-Key`.",
    )
    reason: Reason = Field(description="Why; it goes into the trail.")


class HandOverRequest(BaseModel):
    """Request to make another producer the owner of an interview."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    to: ProducerName = Field(
        description="The producer that corrects it from now on: `token:NAME`, `person:ID` or a "
        "CloudEvents `source`."
    )
    reason: Reason = Field(description="Why; it goes into the trail.")


class HandOverStudyRequest(HandOverRequest):
    """Request to make another producer the owner of a study's interviews."""

    of: ProducerName | None = Field(
        None, description="Only those of this producer; null: all of the study."
    )


class HandoverResult(ControlApiModel):
    """Result of a handover: the number of interviews that another producer owns now."""

    study_id: Identifier = Field(description="The study.")
    producer: str = Field(description="Their producer now.")
    transcripts: int = Field(description="How many had another producer before.")


class OwnedTranscript(ControlApiModel):
    """Interview with its study, its owning producer and its current revisions."""

    transcript_id: UUID = Field(description="Id of the interview.")
    study_id: Identifier = Field(description="The study that it belongs to.")
    producer: str | None = Field(
        description="Its producer; null: it was stored before this was recorded, and becomes that "
        "of its next submission."
    )
    current: int | None = Field(
        description="The revision that is shown: the highest that is stored and not withdrawn; "
        "null: none is."
    )
    highest: int = Field(
        description="The highest accepted revision that is not withdrawn, stored or on its way; 0 "
        "if there is none. The next one follows it, or names it in `supersedes`."
    )
    withdrawn: tuple[int, ...] = Field(description="Revisions that are withdrawn.")


class RevisionChangeResult(ControlApiModel):
    """Result of withdrawing or restoring a revision: the interview after the change."""

    revision: int = Field(description="The revision that was withdrawn or restored.")
    transcript: OwnedTranscript = Field(description="The interview as it is now.")
