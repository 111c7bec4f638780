"""Settings of guardrail (``GUARDRAIL_*``)."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from messaging import StageSettings


class GuardrailSettings(StageSettings):
    """How drafts are worked through, and how much of one may be refused."""

    model_config = SettingsConfigDict(env_prefix="GUARDRAIL_", frozen=True)

    max_in_flight: int = Field(8, ge=1, description="Drafts judged at the same time.")
    max_rejected_share: float = Field(
        0.5, ge=0, le=1, description="A draft of which more is refused goes back as a whole."
    )
