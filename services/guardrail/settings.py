"""Settings of guardrail (``GUARDRAIL_*``)."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from contracts.study import PersonalData
from contracts.topics import MIB
from entailment import validate_calibrated_model
from guardrail.domain import AssessmentOptions
from guardrail.judge_votes import VoteRule
from guardrail.policy import CheckPolicy, FailedCheckAction
from judging.judges import DEFAULT_LIMITS, BatchLimits
from judging.settings import JudgeSettings, JudgingModel
from messaging import StageSettings
from model_client import ModelSettings
from processes import TaskLimits
from prompts.fact_checking import FORMATS, FactCheckPromptFormat, validate_format_name
from spacy_models import is_spacy_installed

_MAX_PROCESSES: Final = 4
"""Processes that hold notes against transcripts, where more cores are there and none are set."""

_DRAFTS_A_PROCESS: Final = 2
"""One that is assessed, and the next one, so that no process has nothing to do."""


def _processes() -> int:
    return min(os.cpu_count() or 1, _MAX_PROCESSES)


_REAL_MODELS: Final = (
    *("OPENAI_API_KEY", "OPENAI_BASE_URL", "ONRECORD_MODELS", "GUARDRAIL_JUDGE_MODELS"),
)
"""Settings of which one is set where there is a model to ask."""
_EARLIER_NAMES: Final = {"always": "doubtful"}


def _judge() -> Literal["off", "doubtful"]:
    return "doubtful" if any(os.environ.get(name) for name in _REAL_MODELS) else "off"


def _mode() -> Literal["light", "heavy"]:
    return "heavy" if is_spacy_installed() else "light"


class GuardrailSettings(StageSettings):
    """Settings of the guardrail service: its checks, its judge, and actions on failed checks."""

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
    policies: Annotated[dict[str, FailedCheckAction], NoDecode] = Field(
        {},
        description="What a failed check means, as JSON by check: `reject`, `ask_again`, `flag` or "
        "`pass`; where nothing is said `reject`, but `flag` for checks that only doubt and for "
        "`own_words`.",
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

    entailment: Path | None = Field(
        None,
        description="The folder of an entailment model (`model.onnx`, `tokenizer.json`, "
        "`config.json`, `thresholds.json`) that confirms or refutes notes that the checks leave "
        "undecided; takes the extra `entailment`. Each process loads it.",
    )

    judge: Literal["off", "doubtful", "sampled"] = Field(
        default_factory=_judge,
        description="Which notes a model is asked about that no rule vouches for and no precise "
        "check refuses: `off` (none), `doubtful` (all of them, in one call a chunk mostly) or "
        "`sampled` (GUARDRAIL_JUDGE_SHARE of them). `doubtful` where a model is configured "
        "(OPENAI_API_KEY, OPENAI_BASE_URL, ONRECORD_MODELS or GUARDRAIL_JUDGE_MODELS), else `off`.",
    )
    judge_share: float = Field(
        0.1, ge=0, le=1, description="Of the notes in doubt, how many `sampled` asks about."
    )
    judge_asks: int = Field(
        1,
        ge=1,
        le=9,
        description="How often each judging model is asked the same, with another seed each time; "
        "each answer is a vote. At a temperature of 0 they hardly differ.",
    )
    judge_max_notes: int = Field(
        DEFAULT_LIMITS.notes,
        ge=1,
        description="Most notes that a judge is asked about in one call; fact-checking models are "
        "asked about one a call.",
    )
    judge_max_characters: int = Field(
        DEFAULT_LIMITS.characters,
        ge=1_000,
        description="Most characters of notes and of what was said in one call of a judge; a "
        "single note may have more.",
    )
    judge_panel: bool = Field(
        default=False,
        description="Whether all models of GUARDRAIL_JUDGE_MODELS are asked and each has a vote, "
        "rather than the next one only where one fails.",
    )
    judge_agree: int | None = Field(
        None,
        ge=1,
        description="How many votes have to say the same to confirm or refute a note; all of them "
        "if not set. Where they disagree it stays unproven.",
    )
    judge_model: str | None = Field(
        None,
        description="The judging model's name at the endpoint of OPENAI_BASE_URL, and the one by "
        "which it is priced; the drafting models if not set.",
    )
    judge_models: Path | None = Field(
        None,
        description="A YAML file with a chain of judging models, as ONRECORD_MODELS has it; in "
        "place of GUARDRAIL_JUDGE_MODEL.",
    )
    judge_format: str | None = Field(
        None,
        description="Of a judging model that was trained to check facts, its prompt format: "
        f"{', '.join(f'`{name}`' for name in FORMATS)}; in the file of GUARDRAIL_JUDGE_MODELS, "
        "`judge_format` says it. Others are asked in the project's own words.",
    )

    @property
    def policy(self) -> CheckPolicy:
        """The policy that these settings define."""
        return CheckPolicy(self.policies, self.max_rejected_share, self.personal_data)

    @property
    def assessment_options(self) -> AssessmentOptions:
        """Options for checking drafts."""
        return AssessmentOptions(
            self.personal_data, heavy=self.mode == "heavy", entailment=self.entailment
        )

    @property
    def limits(self) -> TaskLimits:
        """Limits on the time, CPU and memory for checking one draft."""
        return TaskLimits(self.assess_timeout_s, self.assess_cpu_s, self.assess_memory_mib * MIB)

    @property
    def judged_share(self) -> float:
        """The share of uncertain notes that the judge is asked about, from 0 to 1."""
        return {"off": 0.0, "sampled": self.judge_share, "doubtful": 1.0}[self.judge]

    @property
    def batch_limits(self) -> BatchLimits:
        """Limits on what a judge is asked about in one call."""
        return BatchLimits(self.judge_max_notes, self.judge_max_characters)

    @property
    def vote_rule(self) -> VoteRule:
        """How many votes there are on a note, and how many have to agree."""
        models = len(self.list_judging_models()) if self.judge_panel else 1
        votes = models * self.judge_asks
        return VoteRule(votes, votes if self.judge_agree is None else self.judge_agree)

    def list_judging_models(self) -> Sequence[JudgingModel]:
        """Return the judging models in order; none if the drafting models judge."""
        return self._judges.list_models()

    def build_judge_settings(self) -> ModelSettings:
        """Return the judging models; what is not set for one is as for the drafting model.

        Not its price: what the drafting model is priced as is no price of another one.
        """
        return self._judges.model_settings

    def find_judge_format(self) -> FactCheckPromptFormat | None:
        """Return the format in which the judging models are asked; None for the project's own.

        Raises:
            ValueError: the models of the chain have different ones.
        """
        return self._judges.find_common_format()

    @property
    def _judges(self) -> JudgeSettings:
        return JudgeSettings(
            judge_model=self.judge_model,
            judge_models=self.judge_models,
            judge_format=self.judge_format,
        )

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
    def _can_be_meant(cls, policies: dict[str, FailedCheckAction]) -> dict[str, FailedCheckAction]:
        assert CheckPolicy(policies)
        return policies

    @field_validator("judge_model", "judge_models", "judge_format", "entailment", mode="before")
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

    @field_validator("entailment")
    @classmethod
    def _can_score(cls, folder: Path | None) -> Path | None:
        if folder is not None:
            validate_calibrated_model(folder)
        return folder

    @field_validator("judge_format")
    @classmethod
    def _is_a_format(cls, name: str | None) -> str | None:
        return validate_format_name(name)

    @field_validator("judge", mode="before")
    @classmethod
    def _has_its_present_name(cls, judge: object) -> object:
        if judge == "":  # as Compose passes on what is set to nothing
            return _judge()
        return _EARLIER_NAMES.get(judge, judge) if isinstance(judge, str) else judge

    @model_validator(mode="after")
    def _can_be_decided(self) -> Self:
        if self.judge == "off":
            return self
        if not any(os.environ.get(name) for name in _REAL_MODELS) and self.judge_models is None:
            raise ValueError(
                f"GUARDRAIL_JUDGE={self.judge} asks a model, and none is configured: set "
                "OPENAI_BASE_URL or OPENAI_API_KEY, or name a file by GUARDRAIL_JUDGE_MODELS"
            )
        if self.judge_format and self.judge_model is None and self.judge_models is None:
            raise ValueError(
                "GUARDRAIL_JUDGE_FORMAT is that of a judging model: name it by "
                "GUARDRAIL_JUDGE_MODEL or GUARDRAIL_JUDGE_MODELS"
            )
        if self.judge_panel and self.judge_models is None:
            raise ValueError(
                "GUARDRAIL_JUDGE_PANEL asks several models: name their file by "
                "GUARDRAIL_JUDGE_MODELS"
            )
        names = [one.config.model for one in self.list_judging_models()]
        if self.judge_panel and len(set(names)) < len(names):
            raise ValueError(
                f"{self.judge_models} names a model twice: one answer would have two votes; "
                "GUARDRAIL_JUDGE_ASKS asks each model several times"
            )
        if not self.judge_panel:
            self.find_judge_format()
        rule = self.vote_rule
        if rule.needed > rule.votes:
            raise ValueError(
                f"GUARDRAIL_JUDGE_AGREE={rule.needed} is more than there are votes: "
                f"{rule.votes}, by GUARDRAIL_JUDGE_ASKS and GUARDRAIL_JUDGE_PANEL"
            )
        if 2 * rule.needed <= rule.votes:
            raise ValueError(
                f"GUARDRAIL_JUDGE_AGREE={rule.needed} is no majority of {rule.votes} votes"
            )
        return self
