"""Settings of the enrichment service (``ENRICHMENT_*``)."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from messaging import StageSettings


class EnrichmentSettings(StageSettings):
    """Settings of the enrichment service, which drafts notes on chunks.

    Retries have one owner, which is ``model_client``: a delivery is tried once here, and what is
    asked to wait longer than the client waits goes to a retry topic.
    """

    model_config = SettingsConfigDict(env_prefix="ENRICHMENT_", frozen=True)

    tries: int = Field(1, ge=1, description="Deliveries are tried once; the client tries again.")
    throttle_ceiling_s: float = Field(
        0.0, ge=0, description="The client has waited already: the rest is a retry topic's."
    )
    outage_pause_max_s: float = Field(
        2.0, gt=0, description="Longest pause between probes: one call, so it may be short."
    )
