"""Interviews that are asked again with the current version of their study."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.control_api import ControlApiModel
from contracts.registry import Dollars
from contracts.study import Identifier

MAX_REFRESHED: Final = 500
"""Most interviews that one request has asked again."""

MAX_NAMED: Final = 1_000
"""Most interviews that one request names."""


class RefreshStudyRequest(BaseModel):
    """Request to make new notes of a study's interviews, as its questions have changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    transcript_ids: tuple[UUID, ...] | None = Field(
        None, max_length=MAX_NAMED, description="Only these interviews; null: all of the study."
    )
    dry_run: bool = Field(
        default=False, description="Say what it would be and cost, and ask for nothing."
    )


class RefreshEstimate(ControlApiModel):
    """Estimate of the model calls, tokens and dollars for making new notes of interviews.

    The lower bounds are those of one answered call each, with nothing for chunks that the cache may
    answer; the upper ones of as many tries as before. Chunks of which no call is known count
    as the cheapest and the dearest of the others.
    """

    chunks: int = Field(description="How many chunks are asked about.")
    measured_chunks: int = Field(description="Of how many of them calls are known.")
    cached_chunks: int = Field(
        description="How many were asked the same before, so that the cache may have the answers."
    )
    calls_low: int
    calls_high: int
    tokens_low: int
    tokens_high: int
    usd_low: Dollars | None = Field(description="Null: no call is known, or the price is not.")
    usd_high: Dollars | None


class StudyRefresh(ControlApiModel):
    """Progress of making new notes for a study's interviews after its questions have changed."""

    study_id: Identifier = Field(description="The study.")
    version: int = Field(description="Its current version.")
    up_to_date: int = Field(description="Interviews whose notes are of this version.")
    in_progress: int = Field(description="Interviews that are being asked again with it.")
    outdated: int = Field(description="Interviews that are of another version, and not asked yet.")
    requested: int = Field(0, description="Interviews that this request has asked again.")
    estimate: RefreshEstimate = Field(description="What asking the outdated ones again costs.")
