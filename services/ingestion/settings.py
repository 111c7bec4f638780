"""Settings of ingestion (``INGESTION_*``)."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from contracts.topics import MIB
from messaging import StageSettings


class IngestionSettings(StageSettings):
    """How interviews are worked through, and how they are cut."""

    model_config = SettingsConfigDict(env_prefix="INGESTION_", frozen=True)

    max_in_flight: int = Field(4, ge=1, description="Interviews worked on at the same time.")
    max_message_bytes: int = Field(
        32 * MIB,
        ge=1,
        description="Most bytes of a submission's key and value; a larger one is a dead letter.",
    )
    max_json_values: int = Field(
        100_000,
        ge=1,
        description="Most values that a submission's JSON may be made of; what its content holds "
        "does not count.",
    )
    chunk_characters: int = Field(
        6_000, ge=500, description="About how much talk the model gets in one call, in characters."
    )
    context_characters: int = Field(
        800, ge=0, description="About how much of the talk before goes along, in characters."
    )
