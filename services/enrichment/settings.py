"""Settings of enrichment (``ENRICHMENT_*``)."""

from __future__ import annotations

from pydantic_settings import SettingsConfigDict

from messaging import StageSettings


class EnrichmentSettings(StageSettings):
    """How chunks are worked through; the model's own settings are ``model_client``'s."""

    model_config = SettingsConfigDict(env_prefix="ENRICHMENT_", frozen=True)
