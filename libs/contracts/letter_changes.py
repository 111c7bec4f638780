"""Models of requests that discard, restore and snooze dead letters, one or many at once."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, WithJsonSchema

from contracts.control_api import (
    MOST_LETTERS,
    Asked,
    ControlApiModel,
    DeadLetterFilter,
    Moment,
    Offset,
    Partition,
)

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]


DlqPlace = Annotated[
    tuple[Asked, Partition, Offset],
    WithJsonSchema(
        {
            "type": "array",
            "minItems": 3,
            "maxItems": 3,
            "items": {
                "anyOf": [
                    {"type": "string", "maxLength": 500},
                    {"type": "integer", "minimum": -1, "exclusiveMaximum": 2**63},
                ]
            },
        }
    ),
]
"""A dead letter's DLQ, its partition and the offset there.

In the schema a list of three: items that differ by place (``prefixItems``) are more than many tools
for OpenAPI read.
"""

BEGIN: Final[DlqPlace] = ("", -1, -1)
"""The place before all letters."""


class DiscardLettersRequest(DeadLetterFilter):
    """Request to discard the open dead letters that match a filter.

    A request whose result says that there is more is sent again with its `discard_id`, `until` and
    `after`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Reason = Field(description="Why nobody needs these messages any more.")
    limit: int = Field(MOST_LETTERS, ge=1, le=MOST_LETTERS, description="At most so many.")
    discard_id: UUID | None = Field(
        None,
        description="Discard that this one goes on with: the same caller's, of the same filter.",
    )
    until: Moment | None = Field(
        None, description="Only letters that were set aside by then; now, if not given."
    )
    after: DlqPlace = Field(
        BEGIN,
        description="Only letters behind this DLQ, partition and offset; all if not given. Without "
        "it, each request looks through what those before have changed.",
    )


class DiscardResult(ControlApiModel):
    """Result of a request to discard dead letters: how many, and the id to undo it by."""

    discard_id: UUID = Field(description="Id by which the discard can be undone.")
    until: Moment = Field(description="Letters that were set aside later are not part of it.")
    discarded: int = Field(ge=0, description="How many letters this request discarded.")
    is_more: bool = Field(description="Whether there may be more that match.")
    after: DlqPlace = Field(
        BEGIN, description="DLQ, partition and offset behind which the next request goes on."
    )


class RestoreLettersRequest(ControlApiModel):
    """Request to undo a discard of dead letters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    discard_id: UUID = Field(description="Id of the discard.")
    limit: int = Field(MOST_LETTERS, ge=1, le=MOST_LETTERS, description="At most so many.")


class RestoreResult(ControlApiModel):
    """Result of a request to undo a discard of dead letters."""

    discard_id: UUID
    restored: int = Field(ge=0, description="How many letters this request opened again.")
    left: int = Field(
        ge=0, description="How many of the discard were not discarded any more when it came."
    )
    is_more: bool = Field(description="Whether there may be more of them.")


class SnoozeRequest(ControlApiModel):
    """Request to hide one open dead letter from lists until a time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    snooze_until: Moment | None = Field(description="Until when; null: no longer.")


class SnoozeLettersRequest(DeadLetterFilter):
    """Request to hide the open dead letters that match a filter from lists until a time.

    A request whose result says that there is more is sent again with its `until` and `after`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    snooze_until: Moment | None = Field(description="Until when; null: no longer.")
    limit: int = Field(MOST_LETTERS, ge=1, le=MOST_LETTERS, description="At most so many.")
    until: Moment | None = Field(
        None, description="Only letters that were set aside by then; now, if not given."
    )
    after: DlqPlace = Field(
        BEGIN,
        description="Only letters behind this DLQ, partition and offset; all if not given. Without "
        "it, each request looks through what those before have changed.",
    )


class SnoozeResult(ControlApiModel):
    """Result of a request to snooze dead letters (hide them from lists for a while)."""

    until: Moment = Field(description="Letters that were set aside later are not part of it.")
    snoozed: int = Field(ge=0, description="How many letters this request changed.")
    is_more: bool = Field(description="Whether there may be more that match.")
    after: DlqPlace = Field(
        BEGIN, description="DLQ, partition and offset behind which the next request goes on."
    )
