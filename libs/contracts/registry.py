"""Registered studies: versions and policies, and what counts when a submission has its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    model_validator,
)

from contracts.bounds import STORABLE, Number
from contracts.control_api import ControlApiModel
from contracts.study import (
    DoubtfulSpeakers,
    Identifier,
    Models,
    PersonalData,
    Question,
    StatementPolicy,
    Study,
    Text,
    Theme,
    refuse_duplicate_ids,
)

MAX_PRODUCERS: Final = 100
"""Most producers that one study names."""

MAX_PRODUCER_CHARACTERS: Final = 500
"""Characters of a producer's name that are kept."""

MAX_RETENTION_DAYS: Final = 36_500
"""Longest time for which a study says that something of it is kept, in days."""

ProducerName = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_PRODUCER_CHARACTERS), STORABLE
]

Dollars = Annotated[
    Decimal,
    Field(ge=0, le=1_000_000_000, allow_inf_nan=False, max_digits=16, decimal_places=6),
    PlainSerializer(float, return_type=float, when_used="json"),
]

_PERSONAL_DATA: Final = (PersonalData.ALLOW, PersonalData.MASK, PersonalData.REJECT)
_STATEMENTS: Final = (
    *(StatementPolicy.ALL, StatementPolicy.CONFIRMED),
    *(StatementPolicy.PROVEN, StatementPolicy.QUOTES),
)
_DOUBTFUL: Final = (DoubtfulSpeakers.ACCEPT, DoubtfulSpeakers.REFUSE)
"""Policies from the most lenient to the strictest."""


class StudyInputs(ControlApiModel):
    """Numbered version of a study's inputs: name, language, themes and research questions."""

    name: Text = Field(description="What people call the study.")
    language: str = Field("en", pattern=r"^[a-z]{2,3}$", description="ISO 639 code of the notes.")
    themes: tuple[Theme, ...] = Field(min_length=1, max_length=100, description="At least one.")
    questions: tuple[Question, ...] = Field(
        (), max_length=100, description="Research questions; may be empty."
    )

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        refuse_duplicate_ids("themes", [theme.id for theme in self.themes])
        refuse_duplicate_ids("questions", [question.id for question in self.questions])
        return self


class StudyPolicies(ControlApiModel):
    """Policies of a registered study, such as for personal data; they apply to all interviews."""

    personal_data: PersonalData | None = Field(
        None,
        description="What becomes of personal data in notes: `allow`, `mask` or `reject`; what the "
        "guardrail's settings say, if null.",
    )
    doubtful_speakers: DoubtfulSpeakers = Field(
        DoubtfulSpeakers.REFUSE,
        description="What becomes of a transcript in which it is in doubt who speaks.",
    )
    statements: StatementPolicy = Field(
        StatementPolicy.PROVEN,
        description="Which notes are shown with their statement as a finding.",
    )
    retention_days: int | None = Field(
        None,
        ge=1,
        le=MAX_RETENTION_DAYS,
        description="Days for which its dead letters are kept, if shorter than for all studies; "
        "null: as those. The times of the rest are `/studies/{study_id}/retention`.",
    )
    daily_budget_usd: Dollars | None = Field(
        None,
        description="Most that calls of models for it may cost a day (UTC), in US dollars; null: "
        "`ONRECORD_BUDGET_PER_STUDY_DAY_USD`.",
    )
    models: Models = Field(
        (),
        description="Models to ask, by their names in the installation's settings, in this order; "
        "all of the settings if empty.",
    )
    producers: tuple[ProducerName, ...] = Field(
        (),
        max_length=MAX_PRODUCERS,
        description="Producers whose submissions it takes: `token:NAME`, `person:ID` or a "
        "CloudEvents `source`; all if empty.",
    )

    def masks_more_than(self, other: StudyPolicies) -> bool:
        """Whether the policy on personal data is stricter than another one's."""
        strictness = {PersonalData.ALLOW: 0, None: 1, PersonalData.MASK: 2, PersonalData.REJECT: 3}
        return strictness[self.personal_data] > strictness[other.personal_data]


class RegisteredStudy(StudyInputs, StudyPolicies):
    """Registered study: its current version, its policies, and when it was last changed."""

    study_id: Identifier = Field(description="Short name, unique in the installation.")
    version: Number = Field(
        description="Grows with each change of name, language, themes or questions, and with a "
        "stricter policy on personal data."
    )
    changes: Number = Field(description="Grows with each change; the entity tag.")
    registered_by: str = Field(description="Token or producer that registered it.")
    is_self_registered: bool = Field(
        default=False,
        description="Whether it registered itself with a submission, and nobody has edited it: it "
        "shares one daily budget with all that did, and a submission's `accept_doubtful` counts.",
    )
    registered_at: datetime
    changed_at: datetime
    archived_at: datetime | None = Field(
        None, description="Since when it takes no submissions; null: it takes them."
    )

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Self:
        """Return the study of a database row, whose ``inputs`` are JSON."""
        inputs = StudyInputs.model_validate_json(row["inputs"])
        rest = {name: row[name] for name in row.keys() - {"inputs"}}
        return cls(**{name: getattr(inputs, name) for name in StudyInputs.model_fields}, **rest)

    @property
    def inputs(self) -> StudyInputs:
        """What its interviews are asked now."""
        return StudyInputs(**{name: getattr(self, name) for name in StudyInputs.model_fields})

    @property
    def policies(self) -> StudyPolicies:
        """Its policies."""
        return StudyPolicies(**{name: getattr(self, name) for name in StudyPolicies.model_fields})

    @property
    def study(self) -> Study:
        """The study as events carry it."""
        return self.ask(self.inputs, self.version)

    def ask(self, inputs: StudyInputs, version: int | None) -> Study:
        """Return the study as events carry it, with other inputs than its current ones.

        Args:
            inputs: what the interview is asked.
            version: which version that is; None if it is none.
        """
        return Study(
            study_id=self.study_id,
            name=inputs.name,
            language=inputs.language,
            themes=inputs.themes,
            questions=inputs.questions,
            personal_data=self.personal_data,
            doubtful_speakers=self.doubtful_speakers,
            statements=self.statements,
            models=self.models,
            version=version,
        )

    @property
    def lets_submissions_accept_doubts(self) -> bool:
        """Whether a submission's ``accept_doubtful`` counts.

        Where somebody registered the study, its policy on doubtful speakers decides; in one that
        registered itself, each submission does.
        """
        return self.is_self_registered or self.doubtful_speakers is DoubtfulSpeakers.ACCEPT

    def admit(self, inline: Study, *, takes_inputs: bool) -> Study:
        """Return the study of an interview that came with a study of the same id.

        Of each policy the stricter one counts. Budget, models and producers are as registered.

        Args:
            inline: the study in the submission.
            takes_inputs: whether its themes and questions count, or the registered ones.
        """
        given = split_inputs_and_policies(inline)[0]
        is_current = not takes_inputs or given == self.inputs
        asked = self.study if is_current else self.ask(given, None)
        return asked.model_copy(
            update={
                "personal_data": _stricter_personal_data(self.personal_data, inline.personal_data),
                "doubtful_speakers": max(
                    self.doubtful_speakers, inline.doubtful_speakers, key=_DOUBTFUL.index
                ),
                "statements": max(self.statements, inline.statements, key=_STATEMENTS.index),
            }
        )


class CreateStudyRequest(StudyInputs, StudyPolicies):
    """Request to register a study."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study_id: Identifier = Field(description="Short name, unique in the installation.")


class RegisteredStudyPage(ControlApiModel):
    """Page of the registered studies, by id."""

    studies: tuple[RegisteredStudy, ...]
    next: str | None = Field(None, description="`cursor` of the next page; None: there is none.")


class EditStudyRequest(BaseModel):
    """Request to change a registered study; fields that are left out are not changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Text | None = None
    language: str | None = Field(None, pattern=r"^[a-z]{2,3}$")
    themes: tuple[Theme, ...] | None = Field(None, min_length=1, max_length=100)
    questions: tuple[Question, ...] | None = Field(None, max_length=100)
    personal_data: PersonalData | None = None
    doubtful_speakers: DoubtfulSpeakers | None = None
    statements: StatementPolicy | None = None
    retention_days: int | None = Field(None, ge=1, le=MAX_RETENTION_DAYS)
    daily_budget_usd: Dollars | None = None
    models: Models | None = None
    producers: tuple[ProducerName, ...] | None = Field(None, max_length=MAX_PRODUCERS)
    archived: bool | None = Field(
        None, description="Whether it takes no more interviews; what is stored stays."
    )

    @model_validator(mode="after")
    def _nulls_mean_something(self) -> Self:
        may_be_null = {"personal_data", "retention_days", "daily_budget_usd"}
        for name in sorted(self.model_fields_set - may_be_null):
            if getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null")
        return self

    def apply(self, study: RegisteredStudy) -> tuple[StudyInputs, StudyPolicies]:
        """Return the inputs and policies of a study with the changes made.

        Raises:
            pydantic.ValidationError: two themes or questions have the same id.
        """
        changes = {name: getattr(self, name) for name in self.model_fields_set}
        asked = {name: getattr(study, name) for name in StudyInputs.model_fields}
        rules = {name: getattr(study, name) for name in StudyPolicies.model_fields}
        asked |= {name: value for name, value in changes.items() if name in asked}
        rules |= {name: value for name, value in changes.items() if name in rules}
        return StudyInputs(**asked), StudyPolicies(**rules)


def split_inputs_and_policies(study: Study) -> tuple[StudyInputs, StudyPolicies]:
    """Split a study into its inputs (themes, questions) and its policies."""
    inputs = StudyInputs(
        name=study.name, language=study.language, themes=study.themes, questions=study.questions
    )
    policies = StudyPolicies(
        personal_data=study.personal_data,
        doubtful_speakers=study.doubtful_speakers,
        statements=study.statements,
        models=study.models,
    )
    return inputs, policies


def _stricter_personal_data(
    registered: PersonalData | None, inline: PersonalData | None
) -> PersonalData | None:
    """Return the stricter policy; None is what the guardrail's settings say.

    A submission that says nothing asks for nothing, and one that allows all does not loosen the
    settings. What asks for more than the registered study says is given that.
    """
    if inline is None or (registered is None and inline is PersonalData.ALLOW):
        return registered
    if registered is None:
        return inline
    return max(registered, inline, key=_PERSONAL_DATA.index)
