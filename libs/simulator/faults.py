"""Fault rules: which requests fail, and how, by rate and by the request's text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from simulator.seeded_random import create_seeded_random


class FaultKind(StrEnum):
    """Kind of fault that the simulator can inject into an answer."""

    HANG = "hang"
    STALL = "stall"
    DISCONNECT = "disconnect"
    SLOW = "slow"
    RATE_LIMIT = "rate_limit"
    SERVER_ERROR = "server_error"
    INVALID_JSON = "invalid_json"
    CUT_OFF = "cut_off"
    REFUSAL = "refusal"
    ALTERED_NUMBER = "altered_number"
    PARAPHRASED_NUMBER = "paraphrased_number"
    DROPPED_NEGATION = "dropped_negation"
    WRONG_SEGMENT = "wrong_segment"
    UNKNOWN_THEME = "unknown_theme"
    INTERVIEWER_QUOTE = "interviewer_quote"
    WRONG_RULING = "wrong_ruling"
    MADE_UP_WORDS = "made_up_words"


NOTE_FAULTS = frozenset(
    {
        FaultKind.ALTERED_NUMBER,
        FaultKind.PARAPHRASED_NUMBER,
        FaultKind.DROPPED_NEGATION,
        FaultKind.WRONG_SEGMENT,
        FaultKind.UNKNOWN_THEME,
        FaultKind.INTERVIEWER_QUOTE,
    }
)
"""Faults that change the notes themselves; where there are no notes they do not fire."""

DEFAULT_SLOWNESS_S = 5.0


_BELONGS = {
    "status": FaultKind.SERVER_ERROR,
    "retry_after": FaultKind.RATE_LIMIT,
    "retry_after_in": FaultKind.RATE_LIMIT,
}


class FaultRule(BaseModel):
    """Rule that injects one kind of fault into the answers to matching requests."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: FaultKind = Field(description="Kind of fault.")
    name: str | None = Field(
        None, pattern=r"^[\w.-]+$", description="Name by which the rule can be replaced or removed."
    )
    model: str | None = Field(
        None, min_length=1, description="Only model that it applies to; all if absent."
    )
    rate: float = Field(1.0, ge=0, le=1, description="Share of the matching requests it hits.")
    match: str | None = Field(
        None, min_length=1, description="Text that the user messages must contain, as sent."
    )
    instructions: str | None = Field(
        None,
        min_length=1,
        description="Text that the system messages must contain, as sent: so that the rule applies "
        "to some versions of a prompt alone.",
    )
    times: int | None = Field(
        None, ge=1, description="How often it fires; without limit if absent."
    )
    status: int = Field(500, ge=500, le=599, description="HTTP status of a `server_error`.")
    retry_after: float = Field(
        1.0, ge=0, le=1_000_000, description="Seconds a `rate_limit` asks to wait."
    )
    retry_after_in: Literal["both", "seconds", "date", "nothing"] = Field(
        "both",
        description="Headers of a `rate_limit`'s wait: both, or one, in seconds or as a date.",
    )
    delay: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="Seconds the answer waits beyond its latency; `slow` has 5. How long a `stall` "
        "lasts; for ever if absent.",
    )

    @model_validator(mode="after")
    def _settings_belong_to_the_fault(self) -> Self:
        for name, fault in _BELONGS.items():
            if name in self.model_fields_set and self.fault is not fault:
                raise ValueError(f"`{name}` belongs to {fault}, not to {self.fault}")
        return self

    @property
    def extra_delay(self) -> float:
        """Seconds to wait beyond the usual latency."""
        if self.fault is FaultKind.STALL:
            return 0.0
        if self.delay is None:
            return DEFAULT_SLOWNESS_S if self.fault is FaultKind.SLOW else 0.0
        return self.delay


@dataclass(slots=True)
class _ActiveRule:
    """Rule in force; its identity decides its draws, so that others may come and go."""

    rule: FaultRule
    identity: str | int
    fired: int = 0

    def concerns(self, text: str, instructions: str, model: str, *, notes: bool) -> bool:
        rule = self.rule
        return (
            (rule.times is None or self.fired < rule.times)
            and rule.model in {None, model}
            and (rule.match or "") in text
            and (rule.instructions or "") in instructions
            and (notes or rule.fault not in NOTE_FAULTS)
        )


class FaultRuleSet:
    """Set of the active fault rules, with the number of times each was applied.

    The first rule that matches, has `times` left and wins its draw fires. A draw depends on the
    seed, the rule's name or else its place in the list, the request and its attempt, and on nothing
    else; so two runs agree whatever the order of their requests. Only `times` counts in order of
    arrival: where that matters, give the rule a `match`.
    """

    def __init__(self, rules: Sequence[FaultRule], seed: int) -> None:
        self._seed = seed
        self._listed = [_ActiveRule(rule, rule.name or place) for place, rule in enumerate(rules)]

    @property
    def rules(self) -> tuple[FaultRule, ...]:
        """The rules, first match first."""
        return tuple(one.rule for one in self._listed)

    @property
    def fired(self) -> list[int]:
        """How often each rule has fired, in the order of the rules."""
        return [one.fired for one in self._listed]

    def put(self, rule: FaultRule) -> None:
        """Add a named rule before all others, or replace the one that has its name."""
        named = _ActiveRule(rule, rule.name or 0)
        for place, one in enumerate(self._listed):
            if one.rule.name == rule.name:
                self._listed[place] = named
                return
        self._listed.insert(0, named)

    def remove(self, name: str) -> bool:
        """Remove a rule by its name; return whether there was one."""
        before = len(self._listed)
        self._listed = [one for one in self._listed if one.rule.name != name]
        return len(self._listed) < before

    def fire(  # noqa: PLR0913 - all by which rules tell requests apart, and named
        self,
        text: str,
        fingerprint: str,
        attempt: int,
        *,
        notes: bool,
        model: str = "",
        instructions: str = "",
    ) -> FaultRule | None:
        """Return the rule that a request falls under, if any, and count it as fired.

        Args:
            text: the text of the user messages.
            fingerprint: identifies the request's content.
            attempt: how often this content has been asked for, from 1.
            notes: whether the answer would hold notes that can be spoiled.
            model: the model that is asked.
            instructions: the text of the system messages.

        Returns:
            The rule that fired, now counted, or nothing if the request is to be answered well.
        """
        for one in self._listed:
            concerns = one.concerns(text, instructions, model, notes=notes)
            if concerns and self._wins(one, fingerprint, attempt):
                one.fired += 1
                return one.rule
        return None

    def _wins(self, one: _ActiveRule, fingerprint: str, attempt: int) -> bool:
        chance = create_seeded_random(self._seed, "rule", one.identity, fingerprint, attempt)
        return chance.random() < one.rule.rate
