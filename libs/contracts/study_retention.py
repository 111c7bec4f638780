"""Retention by study, as control's API has it: how long what there is of a study is kept."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from contracts.bounds import Number
from contracts.control_api import ControlApiModel
from contracts.registry import MAX_RETENTION_DAYS


class RetainedKind(StrEnum):
    """Kind of what is kept for a time: interviews, notes, dead letters, answers, trail entries."""

    TRANSCRIPTS = "transcripts"
    NOTES = "notes"
    LETTERS = "letters"
    ANSWERS = "answers"
    TRAIL = "trail"


class StudyRetentionPolicy(ControlApiModel):
    """Policy on how long what there is of a study is kept: days by kind; null: for ever."""

    transcripts_days: int | None = Field(
        None,
        ge=1,
        le=MAX_RETENTION_DAYS,
        description="Days for which an interview is kept after its newest revision was stored; "
        "then all that there is of it is erased, with a receipt.",
    )
    notes_days: int | None = Field(
        None,
        ge=1,
        le=MAX_RETENTION_DAYS,
        description="The same of its notes, their evidence, and what was refused; the interview "
        "stays.",
    )
    letters_days: int | None = Field(
        None,
        ge=1,
        le=MAX_RETENTION_DAYS,
        description="Days for which dead letters are kept, if that is shorter than for all studies;"
        " the registration's `retention_days`.",
    )
    answers_days: int | None = Field(
        None,
        ge=1,
        le=MAX_RETENTION_DAYS,
        description="Days for which the answers of models about its interviews are cached.",
    )
    trail_days: int | None = Field(
        None,
        ge=1,
        le=MAX_RETENTION_DAYS,
        description="Days after which reasons, targets and addresses of the trail's entries about "
        "the study are cleared.",
    )

    @model_validator(mode="after")
    def _nothing_outlives_its_interview(self) -> Self:
        for kind in (RetainedKind.NOTES, RetainedKind.ANSWERS):
            days = self.get_days(kind)
            if days is not None and days > (self.transcripts_days or days):
                raise ValueError(
                    f"{kind} go with their interview: keep them no longer than its "
                    f"{self.transcripts_days} days, or name no time for them"
                )
        return self

    def get_days(self, kind: RetainedKind) -> int | None:
        """Return for how many days a kind is kept; None: for ever."""
        days: int | None = getattr(self, f"{kind}_days")
        return days

    def find_days(self, kind: RetainedKind) -> int | None:
        """Return after how many days a kind goes: answers without an own time when notes do."""
        if kind is RetainedKind.ANSWERS and self.answers_days is None:
            return self.notes_days
        return self.get_days(kind)


class SetStudyRetentionRequest(StudyRetentionPolicy):
    """Request to set how long what there is of a study is kept; what is left out: for ever."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dry_run: bool = Field(default=False, description="Only return what would be deleted.")

    @property
    def policy(self) -> StudyRetentionPolicy:
        """What is to be set."""
        return StudyRetentionPolicy(**self.model_dump(exclude={"dry_run"}))


class RetentionRound(ControlApiModel):
    """Round in which control deleted what was too old of a study."""

    begun_at: datetime = Field(description="When it began.")
    ended_at: datetime | None = Field(description="When it ended; null: it is under way.")
    deleted: dict[str, int] = Field(
        description="How much was deleted, by kind; of `transcripts`, interviews whose erasure was "
        "begun; of `trail`, entries whose texts were cleared."
    )
    failed: dict[str, str] = Field(
        description="What failed, by kind, with the error; the next round tries it again."
    )


class StudyRetention(ControlApiModel):
    """How long what there is of a study is kept, and what the last round deleted."""

    study_id: str = Field(description="The study.")
    changes: Number = Field(description="Grows with each change of the study; the entity tag.")
    policy: StudyRetentionPolicy = Field(description="For how many days, by kind.")
    under_way: RetentionRound | None = Field(
        description="The round under way; null: there is none."
    )
    last: RetentionRound | None = Field(description="The last round that ended; null: none has.")
    next_at: datetime | None = Field(
        description="When the next round begins at the earliest; null: there was none yet."
    )


class RetainedKindPreview(ControlApiModel):
    """What there is of one kind of a study, and how much of it is too old."""

    kind: RetainedKind = Field(description="The kind.")
    days: int | None = Field(description="For how many days it is kept; null: for ever.")
    kept: int = Field(ge=0, description="How much there is.")
    oldest_at: datetime | None = Field(description="From when the oldest is; null: there is none.")
    due_now: int = Field(ge=0, description="How much would be deleted now.")
    due_soon: int = Field(ge=0, description="How much more would be within 30 days.")


class StudyRetentionPreview(ControlApiModel):
    """What would be deleted of a study under a policy; nothing was changed."""

    study_id: str = Field(description="The study.")
    kinds: tuple[RetainedKindPreview, ...] = Field(description="Each of the five kinds.")

    def deletes_more_than(self, other: StudyRetentionPreview) -> bool:
        """Whether more of a kind would be deleted at once than under another policy."""
        before = {one.kind: one.due_now for one in other.kinds}
        return any(one.due_now > before[one.kind] for one in self.kinds)
