"""Models of a dead letter's history: calls of models about it, and letters that it belongs with."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from pydantic import Field

from contracts.control_api import ControlApiModel, DeadLetterState
from contracts.notes import RejectedNote

MOST_CALLS: Final = 200
"""Most calls that a history lists."""

MOST_RELATED: Final = 100
"""Most letters that a history lists."""


class LetterModelCall(ControlApiModel):
    """Model call about the interview chunk that a dead letter is about, with its cost."""

    started_at: datetime = Field(description="When it was begun, after it had waited for limits.")
    settled_at: datetime | None = Field(None, description="When it ended; None: not yet, or lost.")
    purpose: str = Field(description="What it was for, such as `draft`.")
    prompt_version: str = Field(description="Version of the prompt.")
    model: str = Field(description="The model that was asked.")
    answered_by: str | None = Field(None, description="The model that answered, as it says.")
    outcome: str | None = Field(None, description="`answered`, or why not.")
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = Field(None, description="What it cost; None: not known.")
    estimated: bool | None = Field(None, description="Whether its tokens are an estimate.")
    latency_s: float | None = Field(None, description="How long it took, in seconds.")
    first_token_s: float | None = Field(
        None, description="After how many seconds the answer began; None: it did not."
    )


class RelatedLetter(ControlApiModel):
    """Other dead letter of the same message, or about the same chunk or interview."""

    letter_id: UUID
    service: str
    error_code: str
    state: DeadLetterState
    failed_at: datetime
    replay_of: UUID | None = Field(None, description="The letter whose replay failed again.")


class RefusedDraft(ControlApiModel):
    """Draft note that the guardrail rejected, with the checks that it failed."""

    attempt: int = Field(ge=1, description="Which draft of the chunk it was in, from 1.")
    note: RejectedNote


class LetterHistory(ControlApiModel):
    """History of a dead letter: its model calls, related dead letters and rejected notes."""

    letter_id: UUID
    calls: tuple[LetterModelCall, ...] = Field(
        (), description="Calls of models about its chunk, the latest 200, the earliest first."
    )
    call_count: int = Field(0, ge=0, description="How many there were.")
    cost_usd: Decimal = Field(Decimal(0), description="What they all came to, as far as known.")
    unpriced: int = Field(0, ge=0, description="How many calls nobody knows the price of.")
    related: tuple[RelatedLetter, ...] = Field(
        (), description="Letters of the same message, or about the same, the latest first."
    )
    stored_at: datetime | None = Field(
        None, description="When notes on its chunk were stored; None: they are not."
    )
    refused: tuple[RefusedDraft, ...] | None = Field(
        None,
        description="Notes of its chunk that the checks refused; None for callers who may not read "
        "exact words.",
    )
