"""What commands ask control about people's decisions on notes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Final
from uuid import uuid4

from contracts.note_decisions import (
    DecidedNotePage,
    DecidedNoteStatus,
    DecidedNoteSummary,
    DecideNoteRequest,
    NoteDecisions,
)
from onrecord.control_client import ControlClient
from onrecord.errors import UsageError

NOT_HELD: Final = (
    DecidedNoteStatus.LOST,
    DecidedNoteStatus.UNNOTED,
    DecidedNoteStatus.REWORDED,
    DecidedNoteStatus.WITHHELD,
    DecidedNoteStatus.FAILED,
)
"""Statuses of notes whose decisions do not hold in the current revision."""

PAGE: Final = 500
"""Notes of one request."""

_ID: Final = re.compile(r"[0-9a-f]{4,32}")


def parse_note_id(text: str) -> str:
    """Return the digits of a note's id, or of how it begins.

    Raises:
        UsageError: it is none.
    """
    digits = text.strip().lower().replace("-", "")
    if not _ID.fullmatch(digits):
        raise UsageError(
            f"{text!r} is no note's id: `onrecord notes` prints them in brackets; give 4 "
            "characters or more"
        )
    return digits


async def read_decisions(control: ControlClient, digits: str) -> NoteDecisions:
    """Return all decisions about a note."""
    return await control.get(f"/v1/notes/{digits}/decisions", NoteDecisions)


async def decide(control: ControlClient, digits: str, wanted: DecideNoteRequest) -> NoteDecisions:
    """Decide about a note, unless somebody does so at the same moment."""
    read = await read_decisions(control, digits)
    named = read.note_id or read.origin_id
    return await control.send(
        "POST",
        f"/v1/notes/{named}/decisions",
        NoteDecisions,
        json=wanted.model_dump(mode="json"),
        headers={"If-Match": read.etag, "Idempotency-Key": str(uuid4())},
    )


async def list_decided_notes(
    control: ControlClient, study_id: str, statuses: tuple[DecidedNoteStatus | None, ...]
) -> AsyncIterator[DecidedNoteSummary]:
    """Yield a study's notes that people decided about, status by status; None: of all."""
    for status in statuses:
        which = {"status": status and status.value}
        async for page in control.pages(
            f"/v1/studies/{study_id}/decisions", DecidedNotePage, which, limit=PAGE
        ):
            for one in page.notes:
                yield one
