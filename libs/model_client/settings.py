"""Which model is called, where, and for how long (``OPENAI_*``, ``ONRECORD_MODEL``)."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ModelSettings(BaseSettings):
    """An OpenAI-compatible endpoint and the model asked there."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True, extra="ignore")

    base_url: str = Field(
        "https://api.openai.com/v1",
        validation_alias="OPENAI_BASE_URL",
        description="The endpoint, with its version.",
    )
    api_key: SecretStr = Field(
        SecretStr(""), validation_alias="OPENAI_API_KEY", description="The endpoint's key."
    )
    model: str = Field(
        "gpt-4o-mini", validation_alias="ONRECORD_MODEL", description="The model's name there."
    )
    timeout_s: float = Field(
        60.0, gt=0, validation_alias="OPENAI_TIMEOUT_S", description="Longest call, in seconds."
    )
    max_output_tokens: int = Field(
        4_000, ge=1, validation_alias="OPENAI_MAX_OUTPUT_TOKENS", description="Longest answer."
    )
    seed: int = Field(7, validation_alias="OPENAI_SEED", description="Best effort at the endpoint.")
    temperature: float | None = Field(
        None,
        ge=0,
        validation_alias="OPENAI_TEMPERATURE",
        description="Sent only if set: reasoning models refuse it.",
    )
