"""Models of rehearsals: what control asks a stage, and what its API returns."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from contracts.control_api import (
    Asked,
    Base64Bytes,
    ControlApiModel,
    DeadLetterFilter,
)
from contracts.pages import PageRequest
from contracts.replay_options import NO_OVERRIDES, ReplayOverrides
from contracts.topics import MIB

REHEARSAL_PATH: Final = "/rehearse"
"""Path on a service's port that takes a message through its code without effects."""

MAX_REHEARSED_BYTES: Final = 8 * MIB
"""Most bytes of a message that is rehearsed."""

MAX_REHEARSAL_BODY: Final = 2 * MAX_REHEARSED_BYTES
"""Most bytes of a request that asks for it: base64, with the headers."""

MAX_REHEARSED: Final = 10_000
"""Most letters of one rehearsal."""

MAX_REHEARSAL_BUDGET: Final = Decimal(1_000)
"""Largest budget of one rehearsal, in US dollars."""


class RehearsalMode(StrEnum):
    """Mode of a rehearsal: with cached model answers only, or with calls of models too."""

    RECORDED = "recorded"
    LIVE = "live"


class StageOutcome(StrEnum):
    """Outcome of handling a record without effects: it passes, fails, or is undecided."""

    PASSES = "passes"
    FAILS = "fails"
    UNDECIDED = "undecided"


class RehearsedRecord(ControlApiModel):
    """Kafka record that a rehearsal reads or would write: topic, key, value and headers."""

    topic: str = Field(description="Its topic, without the installation's prefix.")
    key: Base64Bytes | None = None
    value: Base64Bytes | None = None
    headers: tuple[tuple[Base64Bytes, Base64Bytes | None], ...] = Field(
        (), description="In order; names as bytes, as producers write names that are not UTF-8."
    )

    def get_headers(self) -> tuple[tuple[str, Any], ...]:
        """Return its headers as Kafka's client has them: an undecodable byte as a surrogate."""
        return tuple((name.decode(*_NAMES), value) for name, value in self.headers)


def build_rehearsed_record(
    topic: str,
    key: bytes | None,
    value: bytes | None,
    headers: Iterable[tuple[str, bytes | None]],
) -> RehearsedRecord:
    """Build a rehearsal's record from key, value and headers, whose names may be any bytes."""
    names = tuple((name.encode(*_NAMES), one) for name, one in headers)
    return RehearsedRecord(topic=topic, key=key, value=value, headers=names)


_NAMES: Final = ("utf-8", "surrogateescape")
"""How bytes of header names are text and back (PEP 383)."""


class StageRehearsalRequest(ControlApiModel):
    """Request to a service to handle one record without effects, to see how it ends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    record: RehearsedRecord
    mode: RehearsalMode = RehearsalMode.RECORDED
    budget_usd: Annotated[Decimal, Field(ge=0, le=MAX_REHEARSAL_BUDGET)] = Decimal(0)
    wanted: tuple[str, ...] = Field(
        (), description="Topics of which the answer has what would be written to them."
    )


class StageRehearsal(ControlApiModel):
    """Result of handling a record without effects: outcome, error, model calls and their cost."""

    outcome: StageOutcome
    error_code: str = ""
    error_type: str = ""
    error_message: str = ""
    reason: str = Field("", description="Why it is undecided.")
    calls_cached: int = 0
    calls_made: int = 0
    calls_needed: int = 0
    cost_usd: Decimal = Decimal(0)
    written: tuple[RehearsedRecord, ...] = Field(
        (), description="What it would have written to the wanted topics, in order."
    )


class RehearsalPrediction(StrEnum):
    """Predicted result of replaying a dead letter: it passes, or fails with the same cause."""

    PASSES = "passes"
    SAME_CAUSE = "same_cause"
    OTHER_CAUSE = "other_cause"
    UNKNOWN = "unknown"
    NOT_REHEARSED = "not_rehearsed"


class RehearsalState(StrEnum):
    """State of a rehearsal: running, done or cancelled."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


LetterIdPrefix = Annotated[str, Field(min_length=4, max_length=36)]


class RehearsalRequest(DeadLetterFilter):
    """Request to rehearse (simulate) a replay of open dead letters, by ids or by a filter."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: None = Field(None, description="Only open letters are rehearsed.")
    letters: tuple[LetterIdPrefix, ...] = Field(
        (), max_length=1_000, description="Letters, by the beginning of their ids; no filter then."
    )
    sample: int = Field(
        MAX_REHEARSED,
        ge=1,
        le=MAX_REHEARSED,
        description="At most so many of the letters that match, from each cause about as many.",
    )
    mode: RehearsalMode = Field(
        RehearsalMode.RECORDED,
        description="`recorded`: models' answers are those of the response cache; `live`: models "
        "are called, too, within the budget.",
    )
    budget_usd: Decimal = Field(
        Decimal(0), ge=0, le=MAX_REHEARSAL_BUDGET, description="Of `live`: what calls may cost."
    )
    overrides: ReplayOverrides = Field(
        NO_OVERRIDES, description="What a replay would set for these messages alone."
    )


class RehearsalAccuracy(ControlApiModel):
    """Accuracy of a rehearsal: how many replays since then ended as it predicted."""

    replayed: int = Field(0, ge=0, description="Letters replayed since, with a prediction.")
    settled: int = Field(0, ge=0, description="Those of which the end is known.")
    right: int = Field(0, ge=0, description="Those of which it was as predicted.")


class LetterRehearsal(ControlApiModel):
    """Rehearsal (simulated replay) of dead letters: its progress and its predictions."""

    rehearsal_id: UUID
    state: RehearsalState
    mode: RehearsalMode
    letters: int = Field(ge=0, description="How many are rehearsed.")
    matching: int = Field(ge=0, description="How many there were to choose from.")
    rehearsed: int = Field(ge=0, description="How many are done.")
    predictions: dict[RehearsalPrediction, int] = Field(description="Letters by prediction.")
    calls_cached: int = Field(0, ge=0, description="Calls that a recorded answer stood for.")
    calls_made: int = Field(0, ge=0, description="Calls that were made.")
    calls_needed: int = Field(0, ge=0, description="Calls that a replay would make.")
    budget_usd: Decimal = Field(Decimal(0), description="What calls may cost, in US dollars.")
    overrides: ReplayOverrides = Field(
        NO_OVERRIDES, description="What it sets for its messages alone."
    )
    cost_usd: Decimal = Field(Decimal(0), description="What the calls cost.")
    accuracy: RehearsalAccuracy = Field(default_factory=RehearsalAccuracy)
    created_at: datetime
    created_by: str = Field(description="Who asked for it.")
    finished_at: datetime | None = None


class RehearsedLetter(ControlApiModel):
    """Dead letter in a rehearsal, with the predicted and, after a replay, the real result."""

    letter_id: UUID
    service: str
    cause_id: str = Field(description="What it died of.")
    prediction: RehearsalPrediction | None = Field(description="None: not yet rehearsed.")
    predicted_service: str = Field("", description="Where it would fail.")
    predicted_code: str = Field("", description="The error code it would fail with.")
    predicted_message: str = Field("", description="The error's text.")
    predicted_cause_id: str = Field("", description="The cause it would be of.")
    reason: str = Field("", description="Why the outcome is unknown, or why it is not rehearsed.")
    calls_cached: int = 0
    calls_made: int = 0
    calls_needed: int = 0
    cost_usd: Decimal = Decimal(0)
    outcome: Literal["", "pending", "passed", "failed"] = Field(
        "", description="What a replay since then ended in; empty: it was not replayed."
    )


class RehearsedLetterPage(ControlApiModel):
    """Page of the dead letters in a rehearsal, in the order of the DLQs."""

    letters: tuple[RehearsedLetter, ...]
    next: str | None = Field(None, description="`cursor` of the next page; None: there is none.")


class ListRehearsedLettersRequest(PageRequest):
    """Parameters of the request to list the dead letters in a rehearsal."""

    prediction: RehearsalPrediction | None = Field(None, description="Only with this prediction.")
    cause: Asked | None = Field(None, description="Only letters that died of this cause.")
