"""What one model is like: its limits, its pace, its abilities, and how it changes on a date."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from simulator.faults import SPOILING, Fault
from simulator.latency import Latency
from simulator.limits import Quota
from simulator.output_format import Schema, Wrapping
from simulator.schedule import Moment


def _latency(value: Any) -> Any:
    return Latency.parse(str(value)) if isinstance(value, str | int | float) else value


Seconds = Annotated[Latency, BeforeValidator(_latency)]
Rate = Annotated[float, Field(ge=0, le=1)]
PerMinute = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Slowdown(BaseModel):
    """How a model slows down under load: each call beyond a number makes all of it slower."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    beyond: int = Field(0, ge=0, description="Calls in flight that slow nothing down.")
    per_call: float = Field(
        gt=0, allow_inf_nan=False, description="What each further one adds, as a share: 0.05."
    )

    def factor(self, others: int) -> float:
        """What waiting times are multiplied by while so many other calls are in flight."""
        return 1.0 + self.per_call * max(0, others + 1 - self.beyond)


class Drift(BaseModel):
    """How a model answers from some moment on: under another fingerprint, and worse."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: Moment = Field(description="Its begin: seconds from the start, or a date and time.")
    spoils: dict[Fault, Rate] = Field(
        {Fault.PARAPHRASED_NUMBER: 0.5}, description="Share of the notes spoiled, by fault."
    )

    @field_validator("spoils")
    @classmethod
    def _spoils_notes(cls, spoils: dict[Fault, float]) -> dict[Fault, float]:
        if strange := set(spoils) - SPOILING:
            raise ValueError(f"{min(strange)} does not spoil notes")
        if sum(spoils.values()) > 1:
            raise ValueError("the shares add up to more than 1")
        return spoils


class Behaviour(BaseModel):
    """What a model is like."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests_per_minute: PerMinute | None = Field(None, description="No limit if absent.")
    tokens_per_minute: PerMinute | None = Field(None, description="No limit if absent.")
    burst_s: float = Field(
        60.0, gt=0, allow_inf_nan=False, description="Seconds' worth of quota that can pile up."
    )
    tokens_counted: Literal["used", "reserved"] = Field(
        "used", description="`reserved`: the prompt's and the most the answer may have."
    )
    latency: Seconds = Field(
        default_factory=Latency,
        description="Until an answer begins: seconds, `lognormal:MEDIAN,SIGMA`, `uniform:A,B`.",
    )
    between_chunks: Seconds = Field(
        default_factory=Latency, description="From one piece of an answer to the next; as latency."
    )
    chunk_tokens: int = Field(8, ge=1, description="Tokens in one piece of an answer.")
    slowdown: Slowdown | None = Field(None, description="How load slows it down.")
    context_tokens: int | None = Field(
        None, ge=1, description="Most tokens of prompt and answer together."
    )
    output_tokens: int | None = Field(None, ge=1, description="Most tokens of an answer.")
    json_schema: Schema = Field(Schema.STRICT, description="What it makes of a JSON schema.")
    wrapping: Wrapping = Field(Wrapping.NONE, description="What it puts around JSON.")
    drift: Drift | None = Field(None, description="How it changes, and when.")

    @property
    def quota(self) -> Quota:
        """What it grants in a minute."""
        return Quota(self.requests_per_minute, self.tokens_per_minute, self.burst_s)

    def with_changes(self, changes: Behaviour) -> Behaviour:
        """The same, but for the fields that ``changes`` sets."""
        fields = changes.model_fields_set & set(Behaviour.model_fields)
        return self.model_copy(update={name: getattr(changes, name) for name in fields})
