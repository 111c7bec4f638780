"""Settings that say which models judge (``GUARDRAIL_JUDGE_*``), and in which prompt format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from model_client import ModelConfig, ModelSettings
from prompts.fact_checking import FORMATS, FactCheckPromptFormat, validate_format_name


@dataclass(frozen=True, slots=True)
class JudgingModel:
    """Model that judges notes: its endpoint, and its prompt format if it needs one.

    Attributes:
        config: the model and its endpoint.
        judge_format: the prompt format that it was trained with; None to ask it in the project's
            own words.
    """

    config: ModelConfig
    judge_format: FactCheckPromptFormat | None


class JudgeSettings(BaseSettings):
    """Settings of the judging models; by default the drafting model is used."""

    model_config = SettingsConfigDict(env_prefix="GUARDRAIL_", frozen=True, extra="ignore")

    judge_model: str | None = Field(
        None, description="The judging model's name at the endpoint of OPENAI_BASE_URL."
    )
    judge_models: Path | None = Field(
        None, description="A YAML file with judging models, in place of GUARDRAIL_JUDGE_MODEL."
    )
    judge_format: str | None = Field(
        None,
        description="The prompt format of a judging model that was trained to check facts; of a "
        "model in the file, `judge_format` there goes first.",
    )

    @property
    def model_settings(self) -> ModelSettings:
        """Settings of the judging models' client; the drafting models' if none is named.

        Not the price: what the drafting model is priced as is no price of another one.
        """
        if self.judge_models is not None:
            return ModelSettings(chain_file=self.judge_models)
        if self.judge_model is None:
            return ModelSettings()
        return ModelSettings(model=self.judge_model, chain_file=None, priced_as=None)

    def list_models(self) -> Sequence[JudgingModel]:
        """Return the judging models in the order of the file; none if none is named."""
        if self.judge_model is None and self.judge_models is None:
            return ()
        return [JudgingModel(one, self._find_format(one)) for one in self.model_settings.chain]

    def find_common_format(self) -> FactCheckPromptFormat | None:
        """Return the format in which all judging models are asked; None for the project's own.

        Raises:
            ValueError: they differ, and a note is asked about once, whichever of them answers.
        """
        formats = {one.judge_format for one in self.list_models()}
        if len(formats) > 1:
            names = sorted("none" if one is None else one.name for one in formats)
            raise ValueError(
                f"the models of {self.judge_models} have different formats ({', '.join(names)}): "
                "a chain asks the next one the same question"
            )
        return next(iter(formats), None)

    def _find_format(self, config: ModelConfig) -> FactCheckPromptFormat | None:
        name = config.judge_format or self.judge_format
        return None if name is None else FORMATS[name]

    @field_validator("judge_model", "judge_models", "judge_format", mode="before")
    @classmethod
    def _is_named(cls, name: object) -> object:
        """As for the drafting model, an empty variable is as good as none."""
        return name or None

    @field_validator("judge_format")
    @classmethod
    def _is_a_format(cls, name: str | None) -> str | None:
        return validate_format_name(name)

    @model_validator(mode="after")
    def _can_read_the_models(self) -> Self:
        self.list_models()
        return self
