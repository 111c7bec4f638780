"""Settings of guardrail (``GUARDRAIL_*``)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from contracts.study import PersonalData
from contracts.topics import MIB
from grounding.syntax.spacy_parser import is_spacy_installed
from guardrail.domain import AssessmentOptions
from guardrail.policy import CheckPolicy, FailureAction
from messaging import StageSettings
from model_client import ModelSettings
from processes import TaskLimits

_MAX_PROCESSES: Final = 4
"""Processes that hold notes against transcripts, where more cores are there and none are set."""

_DRAFTS_A_PROCESS: Final = 2
"""One that is assessed, and the next one, so that no process has nothing to do."""


def _processes() -> int:
    return min(os.cpu_count() or 1, _MAX_PROCESSES)


def _mode() -> Literal["light", "heavy"]:
    return "heavy" if is_spacy_installed() else "light"


class GuardrailSettings(StageSettings):
    """Settings of how drafts are checked and what a failed check leads to."""

    model_config = SettingsConfigDict(env_prefix="GUARDRAIL_", frozen=True)

    max_in_flight: int = Field(
        32,
        ge=1,
        description="Drafts judged at the same time; without a judge no more than two for each of "
        "GUARDRAIL_PROCESSES.",
    )
    max_rejected_share: float = Field(
        0.5, ge=0, le=1, description="A draft of which more is refused goes back as a whole."
    )
    policies: Annotated[dict[str, FailureAction], NoDecode] = Field(
        {},
        description="What a failed check means, as JSON by check: `reject`, `ask_again`, `flag` or "
        "`pass`; `reject` where nothing is said, but `flag` for `own_words`.",
    )
    mode: Literal["light", "heavy"] = Field(
        default_factory=_mode,
        description="How notes are held against transcripts: `light` compares words, `heavy` "
        "parses sentences too, which takes memory and time; `heavy` if its extra "
        "`heavy-grounding` is installed.",
    )
    personal_data: PersonalData = Field(
        PersonalData.ALLOW,
        description="What becomes of personal data in notes of studies that do not say: `allow`, "
        "`mask` or `reject`.",
    )
    processes: int = Field(
        default_factory=_processes,
        ge=1,
        description="Processes that hold notes against transcripts; as many as cores, at most 4.",
    )
    assess_timeout_s: float = Field(
        60.0,
        gt=0,
        description="How long one draft may take to assess by the clock, in seconds; one that "
        "takes longer is tried again later.",
    )
    assess_cpu_s: float = Field(
        30.0,
        gt=0,
        description="CPU time that assessing one draft may take, in seconds; one that needs more "
        "is a dead letter at once (`too_large`).",
    )
    assess_memory_mib: int = Field(
        512,
        ge=64,
        description="Memory that assessing one draft may take in its process, in MiB; one that "
        "needs more is a dead letter at once (`too_large`).",
    )

    judge: Literal["off", "sampled", "always"] = Field(
        "off",
        description="Whether a second model is asked about notes that the checks leave in doubt: "
        "about none, about GUARDRAIL_JUDGE_SHARE of them, or about all.",
    )
    judge_share: float = Field(
        0.1, ge=0, le=1, description="Of the notes in doubt, how many `sampled` asks about."
    )
    judge_model: str | None = Field(
        None,
        description="The judging model's name at the endpoint of OPENAI_BASE_URL, and the one by "
        "which it is priced.",
    )
    judge_models: Path | None = Field(
        None,
        description="A YAML file with a chain of judging models, as ONRECORD_MODELS has it; in "
        "place of GUARDRAIL_JUDGE_MODEL.",
    )

    @property
    def policy(self) -> CheckPolicy:
        """The policy that these settings define."""
        return CheckPolicy(self.policies, self.max_rejected_share)

    @property
    def assessment_options(self) -> AssessmentOptions:
        """Options for checking drafts."""
        return AssessmentOptions(self.personal_data, heavy=self.mode == "heavy")

    @property
    def limits(self) -> TaskLimits:
        """Limits on the time, CPU and memory for checking one draft."""
        return TaskLimits(self.assess_timeout_s, self.assess_cpu_s, self.assess_memory_mib * MIB)

    @property
    def judged_share(self) -> float:
        """The share of uncertain notes that the judge is asked about, from 0 to 1."""
        return {"off": 0.0, "sampled": self.judge_share, "always": 1.0}[self.judge]

    def build_judge_settings(self) -> ModelSettings:
        """Return the judging models; what is not set for one is as for the drafting model.

        Not its price: what the drafting model is priced as is no price of another one.
        """
        if self.judge_models is not None:
            return ModelSettings(chain_file=self.judge_models)
        return ModelSettings(model=self.judge_model, chain_file=None, priced_as=None)

    @field_validator("policies", mode="before")
    @classmethod
    def _from_json(cls, policies: object) -> object:
        """Read here and not before the model is, where a fault ends in a stack and not a line."""
        if not isinstance(policies, str):
            return policies
        try:
            return json.loads(policies or "{}")
        except ValueError as error:
            raise ValueError('is no JSON, such as {"tense_differs": "flag"}') from error

    @field_validator("policies")
    @classmethod
    def _can_be_meant(cls, policies: dict[str, FailureAction]) -> dict[str, FailureAction]:
        assert CheckPolicy(policies)
        return policies

    @field_validator("judge_model", "judge_models", mode="before")
    @classmethod
    def _is_named(cls, judge: object) -> object:
        """As for the drafting model, an empty variable is as good as none."""
        return judge or None

    @model_validator(mode="after")
    def _has_no_queue_for_processes(self) -> Self:
        # A draft that waits for a process uses up its deadline behind costly ones, and has no turn
        # before those of huge interviews: it is better off among the messages that wait to start.
        if self.judge == "off":
            most = _DRAFTS_A_PROCESS * self.processes
            object.__setattr__(self, "max_in_flight", min(self.max_in_flight, most))
        return self

    @model_validator(mode="after")
    def _has_a_parser(self) -> Self:
        if self.mode == "heavy" and not is_spacy_installed():
            raise ValueError(
                "GUARDRAIL_MODE=heavy takes a parser: install onrecord[heavy-grounding]"
            )
        return self

    @model_validator(mode="after")
    def _knows_whom_to_ask(self) -> Self:
        if self.judge != "off" and self.judge_model is None and self.judge_models is None:
            raise ValueError(
                f"GUARDRAIL_JUDGE={self.judge} asks a second model: name it by "
                "GUARDRAIL_JUDGE_MODEL, or several in the file of GUARDRAIL_JUDGE_MODELS"
            )
        return self
