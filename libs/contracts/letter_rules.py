"""Models of rules by which control replays dead letters by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from pydantic import ConfigDict, Field

from contracts.control_api import ControlApiModel, DeadLetterFilter

RULE_NAME: Final = r"^[a-z0-9][a-z0-9-]{0,63}$"
"""Pattern of a rule's name."""

RuleName = Annotated[str, Field(pattern=RULE_NAME)]


class RuleFilter(DeadLetterFilter):
    """Filter of the open dead letters that a rule for automatic replays applies to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: None = Field(None, description="Not to be given: a rule is about open letters.")


class CreateLetterRuleRequest(ControlApiModel):
    """Request to create a rule for automatic replays of dead letters; disabled at first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: RuleName = Field(description="Name of the rule: small letters, digits and hyphens.")
    filter: RuleFilter = Field(description="Letters that it replays; at least one condition.")
    quiet_s: int = Field(
        600,
        ge=0,
        le=7 * 24 * 3_600,
        description="It replays only once no such letter was set aside for so many seconds, and a "
        "message went through the same service since then (in ten minutes at least).",
    )
    rate_per_s: int = Field(5, ge=1, le=100, description="Most letters a second.")
    most_replays: int = Field(
        2, ge=1, le=100, description="Most replays of one message, whoever made them."
    )


class LetterRule(ControlApiModel):
    """Rule by which the control service replays matching open dead letters automatically."""

    name: str
    filter: DeadLetterFilter
    quiet_s: int
    rate_per_s: int
    most_replays: int
    is_enabled: bool
    created_by: str
    created_at: datetime
    version: int = Field(ge=1, description="Counts the changes of it.")
    evaluated_at: datetime | None = Field(None, description="When control looked at it last.")
    fired_at: datetime | None = Field(None, description="When it replayed letters last.")
    replayed: int = Field(0, ge=0, description="How many letters it replayed so far.")


class LetterRulePage(ControlApiModel):
    """Page of the rules for automatic replays of dead letters, by their names."""

    rules: tuple[LetterRule, ...]
    next: str | None = Field(None, description="`cursor` of the next page; None: there is none.")


class SwitchLetterRuleRequest(ControlApiModel):
    """Request to enable or disable a rule for automatic replays of dead letters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    is_enabled: bool
