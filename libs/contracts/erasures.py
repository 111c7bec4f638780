"""Erasures of interviews: requests, progress and signed receipts of the API."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from contracts.bounds import STORABLE
from contracts.control_api import Base64Bytes, ControlApiModel
from contracts.ownership import Reason
from contracts.pages import PageRequest
from contracts.study import Identifier

MOST_NAMED: Final = 1_000
"""Most interviews that a plan of an erasure names; the others are counted."""

ParticipantName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), STORABLE
]
"""Name under which a participant speaks in interviews."""

Reference = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), STORABLE]
"""What people know a request for erasure by, such as a ticket's number; it stays on the receipt."""


class ErasureKind(StrEnum):
    """What an erasure is about: one interview, a participant's, a study's, or those too old."""

    TRANSCRIPT = "transcript"
    PARTICIPANT = "participant"
    STUDY = "study"
    RETENTION = "retention"


class ErasureState(StrEnum):
    """State of an erasure.

    ``erasing``: rows are being deleted. ``draining``: there are none any more, and messages that
    were on their way are waited for. ``complete``: these are over, and the receipt is signed.
    """

    ERASING = "erasing"
    DRAINING = "draining"
    COMPLETE = "complete"


class EraseRequest(BaseModel):
    """Request to erase one interview, a participant's interviews in a study, or a study's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    transcript_id: UUID | None = Field(None, description="The interview; or `study_id`.")
    study_id: Identifier | None = Field(
        None, description="The study: all of its interviews, or those of `participant`."
    )
    participant: ParticipantName | None = Field(
        None,
        description="Only interviews in which somebody other than an interviewer speaks under this "
        "name, in any letter case. They are erased whole, with what others said there.",
    )
    reference: Reference = Field(
        "", description="What people know the request by; it stays on the receipt: no name."
    )
    reason: Reason = Field(description="Why; it goes into the trail, and stays there: no name.")
    expected: int | None = Field(
        None,
        ge=1,
        le=2**31 - 1,
        description="How many interviews a dry run has said; if there are others by now, nothing "
        "is erased (409). Null: any.",
    )
    dry_run: bool = Field(default=False, description="Only return what would be erased.")

    @model_validator(mode="after")
    def _names_one_thing(self) -> Self:
        if (self.transcript_id is None) == (self.study_id is None):
            raise ValueError("name either a transcript_id or a study_id")
        if self.participant is not None and self.study_id is None:
            raise ValueError("a participant is one of a study: name its study_id")
        return self

    @property
    def kind(self) -> ErasureKind:
        """What is to be erased."""
        if self.transcript_id is not None:
            return ErasureKind.TRANSCRIPT
        return ErasureKind.STUDY if self.participant is None else ErasureKind.PARTICIPANT


class InterviewToErase(ControlApiModel):
    """Interview that an erasure concerns."""

    transcript_id: UUID = Field(description="The interview.")
    title: str | None = Field(description="Its latest title; null: it is not stored.")
    notes: int = Field(description="How many notes it has, of all its revisions.")
    other_participants: int = Field(
        0, description="How many others than the named participant speak in it."
    )


class ErasurePlan(ControlApiModel):
    """What a request would erase."""

    kind: ErasureKind = Field(description="What it is about.")
    study_id: str = Field(description="The study; empty if nobody knows it.")
    transcripts: int = Field(description="How many interviews would be erased.")
    notes: int = Field(description="How many notes they have.")
    not_stored: int = Field(
        0,
        description="Of a participant: how many interviews of the study are on their way or dead "
        "letters, of which it is not known who speaks in them.",
    )
    named: tuple[InterviewToErase, ...] = Field(description="The interviews, 1,000 at most.")


class Erasure(ControlApiModel):
    """Erasure that was begun, and how far it is."""

    erasure_id: UUID = Field(description="The erasure.")
    kind: ErasureKind = Field(description="What it is about.")
    study_id: str = Field(description="The study; empty if nobody knows it.")
    reference: str = Field(description="What people know the request by.")
    requested_by: str = Field(description="Who asked for it.")
    requested_at: datetime = Field(description="When.")
    state: ErasureState = Field(description="How far it is.")
    transcripts: int = Field(description="How many interviews it erases.")
    erased: int = Field(description="Of how many of them the rows are deleted.")
    rows_deleted_at: datetime | None = Field(description="When the last row was deleted.")
    completed_at: datetime | None = Field(description="When the receipt was signed.")
    waits_for: tuple[str, ...] = Field(
        (), description="Services with messages that were on their way when rows were deleted."
    )


class ErasurePage(ControlApiModel):
    """Page of erasures, the latest first."""

    erasures: tuple[Erasure, ...] = Field(description="Of the page.")
    next: str | None = Field(None, description="Cursor of the next page; null: there is none.")


class ListErasuresRequest(PageRequest):
    """Parameters of the request to list erasures."""

    study_id: Identifier | None = Field(None, description="Only of this study.")


class ErasedTranscript(ControlApiModel):
    """Interview that was erased."""

    transcript_id: UUID = Field(description="The interview's id, which has nothing of its words.")
    erased_at: datetime = Field(description="When its rows were deleted.")


class RemainingCopy(ControlApiModel):
    """Place where words of an erased interview may still be, and until when."""

    place: str = Field(description="Such as `kafka topic chunks-ready`.")
    what: str = Field(description="What is there.")
    until: datetime | None = Field(description="When it is gone; null: see `ends`.")
    ends: str = Field(description="What ends it.")


class ErasureReceipt(ControlApiModel):
    """What was erased, when and by whom, and what remains where and until when.

    It has no name, no word and no title of what was erased.
    """

    format: int = Field(1, description="Version of this receipt's fields.")
    erasure_id: UUID = Field(description="The erasure.")
    kind: ErasureKind = Field(description="What it is about.")
    study_id: str = Field(description="The study; empty if nobody knows it.")
    reference: str = Field(description="What people know the request by.")
    requested_by: str = Field(description="Who asked for it.")
    requested_at: datetime = Field(description="When.")
    completed_at: datetime = Field(description="When all that was on its way was over.")
    transcripts: tuple[ErasedTranscript, ...] = Field(description="The interviews.")
    rows_deleted: dict[str, int] = Field(
        description="How many rows of which table were deleted in PostgreSQL; of `dead_letters`, "
        "emptied; of `trail_reasons`, reasons that were cleared."
    )
    remains: tuple[RemainingCopy, ...] = Field(description="What may remain, and until when.")


class SignedErasureReceipt(ControlApiModel):
    """Receipt of an erasure as it was signed, byte for byte, with the signature (Ed25519)."""

    receipt: str = Field(description="The receipt as JSON; the signature is of its UTF-8 bytes.")
    signature: Base64Bytes = Field(description="64 bytes, base64 (RFC 8032).")
    public_key: Base64Bytes = Field(description="32 bytes, base64: of the system that signed.")


class ErasureKey(ControlApiModel):
    """Public key by which receipts of erasures are verified."""

    public_key: Base64Bytes = Field(description="Ed25519, 32 bytes, base64.")
