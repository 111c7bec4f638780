"""Corrections of stored interviews by people: requests and responses of control's API."""

from __future__ import annotations

from typing import Final, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.bounds import MAX_CHUNK_ENTRIES, Number, Title
from contracts.control_api import ControlApiModel
from contracts.ownership import Reason
from contracts.study import Identifier
from contracts.transcript import Role, SpeakerLabel

MAX_CORRECTED_TURNS: Final = 1_000
"""Turns, or ranges of them, that one correction gives to another speaker by their numbers."""


class CorrectSpeaker(BaseModel):
    """Correction of a speaker: another name, another role, or both, in all of their turns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: SpeakerLabel = Field(
        description="The name as the interview has it, or the pseudonym where names are masked."
    )
    name: SpeakerLabel | None = Field(
        None,
        description="The right name; that of another speaker makes the two one. Null: as it is.",
    )
    role: Role | None = Field(None, description="The right role; null: as it is.")

    @model_validator(mode="after")
    def _corrects_something(self) -> Self:
        if self.name is None and self.role is None:
            raise ValueError("name or role: one of them has to be given")
        return self


class CorrectTurns(BaseModel):
    """Correction of who speaks in some turns, by their numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: Number = Field(description="Number of the first turn.")
    last: Number | None = Field(None, description="Number of the last one; null: the first.")
    speaker: SpeakerLabel = Field(
        description="Who speaks: the name of another speaker, after what `speakers` corrects."
    )

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if self.last is not None and self.last < self.first:
            raise ValueError("last: comes before first")
        return self


class CorrectTranscriptRequest(BaseModel):
    """Request to correct the speakers, roles or title of an interview's current revision."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Title | None = Field(None, min_length=1, description="The right title; null: as it is.")
    speakers: tuple[CorrectSpeaker, ...] = Field(
        (), max_length=MAX_CHUNK_ENTRIES, description="Names and roles of speakers."
    )
    turns: tuple[CorrectTurns, ...] = Field(
        (), max_length=MAX_CORRECTED_TURNS, description="Turns that another speaker said."
    )
    reason: Reason | None = Field(None, description="Why; it goes into the trail.")
    dry_run: bool = Field(
        default=False, description="Change nothing, and say what would be changed and asked again."
    )

    @model_validator(mode="after")
    def _corrects_something(self) -> Self:
        if self.title is None and not self.speakers and not self.turns:
            raise ValueError("title, speakers or turns: one of them has to be given")
        labels = [one.label for one in self.speakers]
        if len(labels) > len(set(labels)):
            raise ValueError("speakers: a label stands there twice")
        return self


class TranscriptCorrection(ControlApiModel):
    """Correction of an interview, with what it changes and which chunks are asked again."""

    transcript_id: UUID = Field(description="Id of the interview.")
    study_id: Identifier = Field(description="Its study.")
    corrects: int = Field(description="The revision that is corrected, the current one.")
    revision: int | None = Field(
        None, description="The new revision; null: nothing was changed (`dry_run`)."
    )
    changes_title: bool = Field(description="Whether it has another title.")
    turns: int = Field(description="Turns that have another speaker or role.")
    quotes: int = Field(
        description="Quotes of current notes in these turns: their words and places stay."
    )
    chunks: int = Field(description="Chunks of the new revision.")
    asked_again: tuple[int, ...] = Field(
        description="Numbers of the chunks whose text for the model changes, so that it is asked "
        "again; the others have their answers in the cache, unless that was cleared, or the study's"
        " models or the prompt are others since."
    )
    notes: int = Field(description="Current notes of the interview.")
    notes_asked_again: int = Field(
        description="How many of them are of turns in those chunks: the model may word them "
        "otherwise."
    )
    is_estimate: bool = Field(
        default=False,
        description="Whether the interview was cut into other chunks than those of the default "
        "sizes, so that a chunk is asked again if a turn in it or before it changes.",
    )
