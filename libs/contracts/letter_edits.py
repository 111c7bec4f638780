"""Edits of dead letters, as control's API has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import Field, JsonValue

from contracts.control_api import ColumnText, ControlApiModel

MAX_EDIT_BYTES: Final = 8 * 1024 * 1024
"""Longest value that an edit may have, in bytes of JSON: as much as topics take of a message."""


class LetterChange(ControlApiModel):
    """Field of a message that an edit changes."""

    path: str = Field(description="JSON Pointer (RFC 6901) of the field; empty: the whole value.")
    before: JsonValue = Field(
        None, description="What the message has there; null if it has nothing there."
    )
    after: JsonValue = Field(None, description="What the edit has there; null if it removes it.")


class LetterEdit(ControlApiModel):
    """Edit of a dead letter: the new value that a replay sends in place of the message."""

    number: int = Field(ge=1, description="Counts the letter's edits, from 1.")
    edited_at: datetime = Field(description="When.")
    edited_by: str = Field(description="Whose token.")
    reason: str = Field(description="Why.")
    size_bytes: int = Field(description="Size of the value, in bytes.")
    changes: tuple[LetterChange, ...] = Field(description="How it differs from the message.")


class LetterEdits(ControlApiModel):
    """Edits of a dead letter: the value that a replay sends, its editable fields, all edits."""

    letter_id: UUID = Field(description="Id of the letter.")
    current: int | None = Field(
        None, description="Number of the edit that a replay sends; null: the message as it is."
    )
    event: str = Field(description="What the message is, as CloudEvents `type`; empty: unknown.")
    editable: tuple[str, ...] = Field(
        description="JSON Pointers of what may be edited; `` (empty): all but ids. All else is "
        "locked: who said what, who wrote it, and what it is about."
    )
    why_locked: str = Field("", description="Why nothing may be edited; empty if something may.")
    value: Any = Field(
        None, description="What a replay sends, as JSON; null if it is no JSON, or nothing."
    )
    edits: tuple[LetterEdit, ...] = Field(description="The latest first.")


class EditLetterRequest(ControlApiModel):
    """Request to send another value in place of a dead letter's message."""

    value: dict[str, JsonValue] = Field(description="The whole event, as JSON.")
    reason: ColumnText = Field(min_length=1, description="Why; it goes into the trail.")
    dry_run: bool = Field(default=False, description="Only check it; nothing is kept.")
