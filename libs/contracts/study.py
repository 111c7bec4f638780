"""The customer's inputs: a study with its themes and research questions."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from contracts.bounds import STORABLE, Number

Identifier = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)
]
"""A short name people choose: letters, digits, ``.``, ``_`` and ``-``."""

Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000), STORABLE
]

Description = Annotated[str, Field(max_length=2_000), STORABLE]

ModelName = Annotated[str, StringConstraints(min_length=1, max_length=200), STORABLE]

Models = Annotated[tuple[ModelName, ...], Field(max_length=20)]


class ContractModel(BaseModel):
    """Base of all models in events: immutable, and tolerant of unknown fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Theme(ContractModel):
    """Theme of a study, by which its notes are grouped."""

    id: Identifier = Field(description="Short name, unique within the study.")
    name: Text = Field(description="What people call the theme.")
    description: Description = Field("", description="What belongs under it.")


class Question(ContractModel):
    """Research question of a study."""

    id: Identifier = Field(description="Short name, unique within the study.")
    text: Text = Field(description="The question as the customer asks it.")


class PersonalData(StrEnum):
    """Policy of a study on personal data in its notes: allow, mask or reject."""

    ALLOW = "allow"
    MASK = "mask"
    REJECT = "reject"


class DoubtfulSpeakers(StrEnum):
    """Policy of a study on transcripts with unclear speakers: refuse or accept them."""

    REFUSE = "refuse"
    ACCEPT = "accept"


class StatementPolicy(StrEnum):
    """Policy of a study on which statements are shown as findings: only proven ones, or more."""

    PROVEN = "proven"
    CONFIRMED = "confirmed"
    ALL = "all"
    QUOTES = "quotes"


class Study(ContractModel):
    """Research project of a customer: its themes, research questions and policies for notes."""

    study_id: Identifier = Field(description="Short name, unique among the customer's studies.")
    name: Text = Field(description="What people call the study.")
    language: str = Field("en", pattern=r"^[a-z]{2,3}$", description="ISO 639 code of the notes.")
    themes: tuple[Theme, ...] = Field(min_length=1, max_length=100, description="At least one.")
    questions: tuple[Question, ...] = Field(
        (), max_length=100, description="Research questions; may be empty."
    )
    personal_data: PersonalData | None = Field(
        None,
        description="What becomes of personal data in notes: `allow` leaves it, `mask` puts a "
        "placeholder in its place and keeps the exact quote for those who may read evidence, "
        "`reject` refuses the note. What the guardrail's settings say, if not given.",
    )
    doubtful_speakers: DoubtfulSpeakers = Field(
        DoubtfulSpeakers.REFUSE,
        description="What becomes of a transcript in which it is in doubt who speaks: `refuse` "
        "leaves it to a person to accept it, `accept` takes it, with the roles in doubt unknown.",
    )
    statements: StatementPolicy = Field(
        StatementPolicy.PROVEN,
        description="Which notes are shown with their statement as a finding; of the others, "
        "readers see the quote, with the statement as the model's reading. `proven`: those that "
        "code or a model vouches for; `confirmed`: the same, and judging models are asked about "
        "the others; `all`: every accepted note; `quotes`: none, the quotes stand alone.",
    )
    models: Models = Field(
        (),
        description="Models to ask, by their names in the installation's settings, in this order; "
        "all of the settings if empty. Of a registered study, what is registered counts.",
    )
    version: Number | None = Field(
        None,
        description="Version of the registered study that the interview is asked with; null where "
        "its themes and questions came with it. Written by ingestion.",
    )

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        refuse_duplicate_ids("themes", [theme.id for theme in self.themes])
        refuse_duplicate_ids("questions", [question.id for question in self.questions])
        return self


def refuse_duplicate_ids(what: str, ids: Sequence[str]) -> None:
    """Raise ``ValueError`` if the same id occurs twice in a list of themes or questions."""
    # Positions, not ids: error texts travel in headers and may not quote the payload.
    for position, one in enumerate(ids):
        first = ids.index(one)
        if first < position:
            raise ValueError(f"{what} {first + 1} and {position + 1} have the same id")


def require_study_or_id(study: Study | None, study_id: str | None) -> None:
    """Raise ``ValueError`` if a study and a study id are both missing, or contradict each other."""
    if study is None and study_id is None:
        raise ValueError("a submission has a study or a study_id")
    if study is not None and study_id not in {None, study.study_id}:
        raise ValueError("study and study_id are not the same study")
