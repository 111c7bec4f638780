"""Settings of ingestion (``INGESTION_*``)."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from messaging import StageSettings


class IngestionSettings(StageSettings):
    """How interviews are worked through, and how they are cut."""

    model_config = SettingsConfigDict(env_prefix="INGESTION_", frozen=True)

    max_in_flight: int = Field(4, ge=1, description="Interviews worked on at the same time.")
    chunk_characters: int = Field(
        6_000, ge=500, description="About how much talk the model gets in one call, in characters."
    )
    context_characters: int = Field(
        800, ge=0, description="About how much of the talk before goes along, in characters."
    )
