"""Kinds of paraphrased notes, and how often each is written."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]


class TrueNoteKind(StrEnum):
    """Kind of a true note: a cleaned-up quote, or a paraphrase with the same meaning."""

    TIDIED = "tidied"
    FAITHFUL = "faithful"


class FalseNoteKind(StrEnum):
    """Kind of error in a false note, such as a lost negation or a wrong speaker."""

    ROLE_SWAP = "role_swap"
    ATTRIBUTION = "attribution"
    CAUSE = "cause"
    QUESTION_AS_STATEMENT = "question_as_statement"
    HYPOTHETICAL_AS_FACT = "hypothetical_as_fact"
    SENTIMENT = "sentiment"
    HEDGE_DROPPED = "hedge_dropped"
    RETRACTED = "retracted"
    OVER_GENERAL = "over_general"
    NEGATION_LOST = "negation_lost"
    EXCEPTION_DROPPED = "exception_dropped"
    SARCASM = "sarcasm"
    TENSE = "tense"
    UNMET_CONDITION = "unmet_condition"
    NUMBER = "number"


NoteKind = TrueNoteKind | FalseNoteKind


class ParaphrasingRates(BaseModel):
    """Shares of true notes by kind, and weights of the kinds of false notes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tidied: Share = Field(0.35, description="Share of tidied quotes, which are true.")
    faithful: Share = Field(0.15, description="Share of true paraphrases.")
    weights: dict[FalseNoteKind, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(
        default_factory=lambda: dict.fromkeys(FalseNoteKind, 1.0),
        description="Weights of the false kinds among themselves; those not named are not written.",
    )
    notes: int = Field(8, ge=1, le=64, description="Most notes in an answer.")

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.tidied + self.faithful > 1:
            raise ValueError("the shares add up to more than 1")
        if self.false > 0 and not sum(self.weights.values()):
            raise ValueError("false notes have no kind with a weight")
        return self

    @property
    def false(self) -> float:
        """Share of false notes."""
        return max(0.0, 1 - self.tidied - self.faithful)
