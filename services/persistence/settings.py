"""Settings of the persistence service (``PERSISTENCE_*``)."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from messaging import StageSettings


class PersistenceSettings(StageSettings):
    """Settings of the persistence service, which stores transcripts and notes."""

    model_config = SettingsConfigDict(env_prefix="PERSISTENCE_", frozen=True)

    transactions: int = Field(
        8,
        ge=1,
        description="Transactions open at the same time; drafts that arrive at once share them.",
    )
