"""Settings of control (``CONTROL_*``)."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from messaging import StageSettings


class ControlSettings(StageSettings):
    """Settings of the control service, which indexes and replays dead letters."""

    model_config = SettingsConfigDict(env_prefix="CONTROL_", frozen=True)

    max_in_flight: int = Field(16, ge=1, description="Records indexed at the same time.")
    read_timeout_s: float = Field(4.0, gt=0, description="Longest wait for a letter's bytes.")
    admin_token_file: Path | None = Field(
        None,
        description="A file with an access token that has the role `admin`; it is made, for its "
        "owner alone to read, if it is not there. Without it, tokens are made by those there are.",
    )
