"""Settings of guardrail (``GUARDRAIL_*``)."""

from __future__ import annotations

import os
from typing import Final, Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from guardrail.policy import Action, Policy
from messaging import StageSettings

_MOST_PROCESSES: Final = 4


def _processes() -> int:
    return min(os.cpu_count() or 1, _MOST_PROCESSES)


class GuardrailSettings(StageSettings):
    """How drafts are worked through, and what a failed check means."""

    model_config = SettingsConfigDict(env_prefix="GUARDRAIL_", frozen=True)

    max_in_flight: int = Field(8, ge=1, description="Drafts judged at the same time.")
    max_rejected_share: float = Field(
        0.5, ge=0, le=1, description="A draft of which more is refused goes back as a whole."
    )
    policies: dict[str, Action] = Field(
        {},
        description="What a failed check means, as JSON by check: `reject`, `ask_again` or `flag`; "
        "`reject` where nothing is said.",
    )
    processes: int = Field(
        default_factory=_processes,
        ge=1,
        description="Processes that hold notes against transcripts; as many as cores, at most 4.",
    )
    assess_timeout_s: float = Field(
        60.0, gt=0, description="How long one draft may take to assess, in seconds."
    )

    @property
    def policy(self) -> Policy:
        """The policy that these settings make."""
        return Policy(self.policies, self.max_rejected_share)

    @model_validator(mode="after")
    def _policy_can_be_meant(self) -> Self:
        assert self.policy
        return self
