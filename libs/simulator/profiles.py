"""Behaviour of one simulated model: limits, latency, abilities, and drift over time."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from simulator.faults import NOTE_FAULTS, FaultKind
from simulator.latency import LatencyDistribution
from simulator.limits import RateQuota
from simulator.output_format import JsonWrappingKind, SchemaSupportLevel
from simulator.paraphrasing.kinds import ParaphrasingRates
from simulator.schedule import Moment


def _latency(value: Any) -> Any:
    return LatencyDistribution.parse(str(value)) if isinstance(value, str | int | float) else value


Seconds = Annotated[LatencyDistribution, BeforeValidator(_latency)]
Rate = Annotated[float, Field(ge=0, le=1)]
PerMinute = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class LoadSlowdown(BaseModel):
    """Slowdown under load: beyond some number of concurrent calls, all calls take longer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    beyond: int = Field(0, ge=0, description="Calls in flight that slow nothing down.")
    per_call: float = Field(
        gt=0, allow_inf_nan=False, description="What each further one adds, as a share: 0.05."
    )

    def factor(self, others: int) -> float:
        """Return what waiting times are multiplied by while so many other calls are in flight."""
        return 1.0 + self.per_call * max(0, others + 1 - self.beyond)


class ModelDrift(BaseModel):
    """Simulated change of a model at some time: a new system fingerprint, and worse notes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: Moment = Field(description="Start: seconds from the simulator's start, or a date and time.")
    spoils: dict[FaultKind, Rate] = Field(
        {FaultKind.PARAPHRASED_NUMBER: 0.5}, description="Share of the notes spoiled, by fault."
    )

    @field_validator("spoils")
    @classmethod
    def _spoils_notes(cls, spoils: dict[FaultKind, float]) -> dict[FaultKind, float]:
        if strange := set(spoils) - NOTE_FAULTS:
            raise ValueError(f"{min(strange)} does not spoil notes")
        if sum(spoils.values()) > 1:
            raise ValueError("the shares add up to more than 1")
        return spoils


class ModelBehaviour(BaseModel):
    """Settings of a simulated model's behaviour, such as latency, limits and errors."""

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
        default_factory=LatencyDistribution,
        description="Until an answer begins: seconds, `lognormal:MEDIAN,SIGMA`, `uniform:A,B`.",
    )
    between_chunks: Seconds = Field(
        default_factory=LatencyDistribution,
        description="From one piece of an answer to the next; as latency.",
    )
    chunk_tokens: int = Field(8, ge=1, description="Tokens in one piece of an answer.")
    slowdown: LoadSlowdown | None = Field(None, description="Slowdown under load.")
    context_tokens: int | None = Field(
        None, ge=1, description="Most tokens of prompt and answer together."
    )
    output_tokens: int | None = Field(None, ge=1, description="Most tokens of an answer.")
    json_schema: SchemaSupportLevel = Field(
        SchemaSupportLevel.STRICT, description="What it does with a JSON schema."
    )
    wrapping: JsonWrappingKind = Field(JsonWrappingKind.NONE, description="Text around its JSON.")
    paraphrasing: ParaphrasingRates | None = Field(
        None, description="Write paraphrased notes, true and false, in place of tidied quotes."
    )
    drift: ModelDrift | None = Field(None, description="Change of its answers from some moment on.")

    @property
    def quota(self) -> RateQuota:
        """Requests and tokens that it grants in a minute."""
        return RateQuota(self.requests_per_minute, self.tokens_per_minute, self.burst_s)

    def with_changes(self, changes: ModelBehaviour) -> ModelBehaviour:
        """Return a copy with the fields that ``changes`` sets."""
        fields = changes.model_fields_set & set(ModelBehaviour.model_fields)
        return self.model_copy(update={name: getattr(changes, name) for name in fields})
