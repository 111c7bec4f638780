"""Settings of the language models and their endpoints (``OPENAI_*``, ``ONRECORD_MODEL*``)."""

from __future__ import annotations

import os
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from prompts.fact_checking import FORMATS, validate_format_name


class TokenPrices(BaseModel):
    """Prices in US dollars per million tokens, of a model that is not in the price list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Decimal = Field(ge=0, description="Of the prompt.")
    cached_input: Decimal | None = Field(
        None, ge=0, description="Of the prompt's that the provider had cached; as `input` if unset."
    )
    output: Decimal = Field(ge=0, description="Of the answer.")


class ModelConfig(BaseModel):
    """Configuration of one model of the fallback chain, at an OpenAI-compatible endpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    model: str = Field(min_length=1, description="The model's name there.")
    base_url: str = Field("https://api.openai.com/v1", description="The endpoint, with version.")
    api_key: SecretStr = Field(SecretStr(""), description="The endpoint's key.")
    api_key_env: str | None = Field(None, description="The variable that holds the key, instead.")

    context_tokens: int | None = Field(
        None, ge=1, description="Most tokens of question and answer together; unset: not checked."
    )
    max_output_tokens: int = Field(4_000, ge=1, description="Longest answer.")
    json_schema: Literal["strict", "object", "none"] = Field(
        "strict",
        description="What the endpoint can hold an answer to: the schema, JSON of any shape, or "
        "nothing. Less than strict puts the schema into the prompt; learnt when refused.",
    )
    streaming: bool = Field(
        default=True, description="Whether answers are streamed; learnt when refused."
    )
    temperature: float | None = Field(
        None, ge=0, description="Sent only if set: reasoning models refuse it."
    )
    seed: int | None = Field(7, description="Best effort at the endpoint; null: not sent.")

    requests_per_minute: float | None = Field(
        None, gt=0, description="All replicas together; unset: what the endpoint's headers say."
    )
    tokens_per_minute: float | None = Field(None, gt=0, description="As requests_per_minute.")
    concurrency: int = Field(64, ge=1, description="Most calls at once from one replica.")

    timeout_s: float = Field(60.0, gt=0, description="Longest call, in seconds.")
    first_token_s: float = Field(30.0, gt=0, description="Longest wait for the first token.")
    between_tokens_s: float = Field(10.0, gt=0, description="Longest wait for each further one.")

    priced_as: str | None = Field(None, description="Another model by whose price this one goes.")
    prices: TokenPrices | None = Field(
        None, description="Its own prices, dollars a million tokens."
    )

    judge_format: str | None = Field(
        None,
        description=f"Of a judging model that was trained to check facts, its prompt format: "
        f"{', '.join(FORMATS)}. Others are asked in the project's own words.",
    )

    @field_validator("judge_format")
    @classmethod
    def _is_a_format(cls, name: str | None) -> str | None:
        return validate_format_name(name)

    @model_validator(mode="after")
    def _has_room_for_questions(self) -> Self:
        if self.context_tokens is not None and self.context_tokens <= self.max_output_tokens:
            raise ValueError("context_tokens has to be more than max_output_tokens")
        return self

    @property
    def key(self) -> str:
        """The API key as it is sent: without surrounding whitespace, such as a newline."""
        if self.api_key_env:
            return os.environ.get(self.api_key_env, "").strip()
        return self.api_key.get_secret_value().strip()

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters that, besides request and model, decide an answer; part of the cache key."""
        fields = {"max_output_tokens", "temperature", "seed", "json_schema"}
        return self.model_dump(include=fields)


class ModelSettings(BaseSettings):
    """Settings of the language model to call, or of the file that lists a chain of models."""

    model_config = SettingsConfigDict(
        frozen=True,
        populate_by_name=True,
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

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
    chain_file: Path | None = Field(
        None,
        validation_alias="ONRECORD_MODELS",
        description="A YAML file with a list of models, asked in this order when those before "
        "cannot answer; in place of the one in the environment.",
    )
    timeout_s: float = Field(
        60.0, gt=0, validation_alias="OPENAI_TIMEOUT_S", description="Longest call, in seconds."
    )
    first_token_s: float = Field(
        30.0,
        gt=0,
        validation_alias="OPENAI_FIRST_TOKEN_S",
        description="Longest wait for the first token of a streamed answer, in seconds.",
    )
    between_tokens_s: float = Field(
        10.0,
        gt=0,
        validation_alias="OPENAI_BETWEEN_TOKENS_S",
        description="Longest wait for each further piece of it, in seconds.",
    )
    max_output_tokens: int = Field(
        4_000, ge=1, validation_alias="OPENAI_MAX_OUTPUT_TOKENS", description="Longest answer."
    )
    context_tokens: int | None = Field(
        None,
        ge=1,
        validation_alias="OPENAI_CONTEXT_TOKENS",
        description="Most tokens of question and answer together; not checked if not set.",
    )
    seed: int | None = Field(
        7, validation_alias="OPENAI_SEED", description="Best effort at the endpoint."
    )
    temperature: float | None = Field(
        None,
        ge=0,
        validation_alias="OPENAI_TEMPERATURE",
        description="Sent only if set: reasoning models refuse it.",
    )
    requests_per_minute: float | None = Field(
        None,
        gt=0,
        validation_alias="OPENAI_REQUESTS_PER_MINUTE",
        description="Limit of all replicas together; what the endpoint's headers say if not set.",
    )
    tokens_per_minute: float | None = Field(
        None,
        gt=0,
        validation_alias="OPENAI_TOKENS_PER_MINUTE",
        description="Limit of all replicas together; what the endpoint's headers say if not set.",
    )
    concurrency: int = Field(
        64,
        ge=1,
        validation_alias="OPENAI_CONCURRENCY",
        description="Most calls at once from one replica; fewer when the endpoint slows down.",
    )
    priced_as: str | None = Field(
        None,
        validation_alias="ONRECORD_MODEL_PRICED_AS",
        description="The model by whose price calls are counted, for one that no table knows.",
    )
    rate_wait_ceiling_s: float = Field(
        20.0,
        ge=0,
        validation_alias="OPENAI_RATE_WAIT_CEILING_S",
        description="A longer wait for the rate limit is spent in a retry topic, in seconds.",
    )

    retry_after_ceiling_s: float = Field(
        300.0,
        gt=0,
        validation_alias="OPENAI_RETRY_AFTER_CEILING_S",
        description="A longer `retry-after` of a 429 is not waited for: then one call finds out "
        "whether it still holds, while the others wait, in seconds.",
    )

    @cached_property
    def chain(self) -> tuple[ModelConfig, ...]:
        """Models in the order in which they are asked; at least one."""
        if self.chain_file is None:
            described = ModelConfig.model_fields.keys() & type(self).model_fields.keys()
            return (ModelConfig(**{name: getattr(self, name) for name in described}),)
        return load_model_chain(self.chain_file)

    @model_validator(mode="after")
    def _can_read_the_chain(self) -> Self:
        assert self.chain
        return self


def load_model_chain(file: Path) -> tuple[ModelConfig, ...]:
    """Load a primary model and its fallback models from a YAML or JSON file.

    Raises:
        ValueError: the file cannot be read, or does not describe a chain; says what to mend.
    """
    try:
        entries = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ValueError(f"cannot read {file} ({type(error).__name__})") from None
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{file} has to be a list of models, such as `- {{model: gpt-4o-mini}}`")
    return tuple(_entry(file, place, one) for place, one in enumerate(entries, start=1))


def _entry(file: Path, place: int, entry: object) -> ModelConfig:
    try:
        config = ModelConfig.model_validate(entry)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise ValueError(f"{file}: model {place}: {field}: {first['msg']}") from None
    if config.api_key_env and config.api_key_env not in os.environ:
        raise ValueError(f"{file}: model {place}: {config.api_key_env} is not set")
    return config
