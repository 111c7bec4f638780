"""Settings of control (``CONTROL_*``)."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from messaging import StageSettings


class ControlSettings(StageSettings):
    """Settings of how dead letters are indexed and replayed."""

    model_config = SettingsConfigDict(env_prefix="CONTROL_", frozen=True)

    max_in_flight: int = Field(16, ge=1, description="Records indexed at the same time.")
    read_timeout_s: float = Field(4.0, gt=0, description="Longest wait for a letter's bytes.")
