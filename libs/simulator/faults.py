"""Which requests go wrong, and how: rules that fire by rate and by what a request says."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from simulator.chance import source


class Fault(StrEnum):
    """What can go wrong with an answer."""

    HANG = "hang"
    SLOW = "slow"
    RATE_LIMIT = "rate_limit"
    SERVER_ERROR = "server_error"
    INVALID_JSON = "invalid_json"
    CUT_OFF = "cut_off"
    REFUSAL = "refusal"
    ALTERED_NUMBER = "altered_number"
    DROPPED_NEGATION = "dropped_negation"
    WRONG_SEGMENT = "wrong_segment"
    UNKNOWN_THEME = "unknown_theme"
    INTERVIEWER_QUOTE = "interviewer_quote"


SPOILING = frozenset(
    {
        Fault.ALTERED_NUMBER,
        Fault.DROPPED_NEGATION,
        Fault.WRONG_SEGMENT,
        Fault.UNKNOWN_THEME,
        Fault.INTERVIEWER_QUOTE,
    }
)
"""Faults that change the notes themselves; where there are no notes they do not fire."""

DEFAULT_SLOWNESS_S = 5.0


class FaultRule(BaseModel):
    """One way in which some requests go wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: Fault = Field(description="What goes wrong.")
    rate: float = Field(1.0, ge=0, le=1, description="Share of the matching requests it hits.")
    match: str | None = Field(
        None, min_length=1, description="Text the user messages must contain, as they are sent."
    )
    times: int | None = Field(None, ge=1, description="How often it fires; without end if absent.")
    status: int = Field(500, ge=500, le=599, description="HTTP status of a `server_error`.")
    retry_after: float = Field(1.0, ge=0, description="Seconds a `rate_limit` asks to wait.")
    delay: float | None = Field(
        None, ge=0, description="Seconds the answer waits beyond its latency; `slow` has 5."
    )

    @model_validator(mode="after")
    def _settings_belong_to_the_fault(self) -> Self:
        for name, fault in (("status", Fault.SERVER_ERROR), ("retry_after", Fault.RATE_LIMIT)):
            if name in self.model_fields_set and self.fault is not fault:
                raise ValueError(f"`{name}` belongs to {fault}, not to {self.fault}")
        return self

    @property
    def extra_delay(self) -> float:
        """Seconds to wait beyond the usual latency."""
        if self.delay is None:
            return DEFAULT_SLOWNESS_S if self.fault is Fault.SLOW else 0.0
        return self.delay


class RuleBook:
    """The rules in force, with how often each has fired.

    The first rule that matches, has `times` left and wins its draw fires. A draw depends on the
    seed, the rule's place in the list, the request and its attempt, and on nothing else; so two
    runs agree whatever the order of their requests. Only `times` counts in order of arrival:
    where that matters, give the rule a `match`.
    """

    def __init__(self, rules: Sequence[FaultRule], seed: int) -> None:
        self._seed = seed
        self.rules = tuple(rules)
        self.fired = [0] * len(self.rules)

    def fire(self, text: str, fingerprint: str, attempt: int, *, notes: bool) -> FaultRule | None:
        """Decide what happens to a request.

        Args:
            text: what the user messages say.
            fingerprint: identifies the request's content.
            attempt: how often this content has been asked for, from 1.
            notes: whether the answer would hold notes that can be spoiled.

        Returns:
            The rule that fired, now counted, or nothing if the request is to be answered well.
        """
        for place, rule in enumerate(self.rules):
            if rule.times is not None and self.fired[place] >= rule.times:
                continue
            if (rule.match or "") not in text or (rule.fault in SPOILING and not notes):
                continue
            if source(self._seed, "rule", place, fingerprint, attempt).random() < rule.rate:
                self.fired[place] += 1
                return rule
        return None
