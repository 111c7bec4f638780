"""Settings of the persistence service (``PERSISTENCE_*``)."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from messaging import StageSettings


class PersistenceSettings(StageSettings):
    """Settings of the persistence service, which stores transcripts and notes."""

    model_config = SettingsConfigDict(env_prefix="PERSISTENCE_", frozen=True)

    max_large_in_flight: int | None = Field(
        8,
        ge=1,
        description="Large messages worked on at the same time, so that the others have places "
        "too; as many as others if not set.",
    )
    transactions: int = Field(
        8,
        ge=3,
        description="Transactions open at the same time; drafts that arrive at once share them.",
    )
