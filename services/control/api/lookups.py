"""Finds things by their ids, in the studies that the caller may read and in no others."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from control.access.rights import Caller, Right
from control.api.context import ApiContext
from control.domain import BadRequestError, NotFoundError
from read_model.explanation import ExplanationQueries, NoteMatch
from read_model.notes import StoredNote
from read_model.queries import ReadModelQueries
from read_model.transcripts import TranscriptQueries, TranscriptRevision, TranscriptSummary

MIN_ID_DIGITS: Final = 4
"""Fewest digits that a note is looked for by; fewer are how most notes begin."""

MAX_ID_DIGITS: Final = 32
"""Hexadecimal digits of a UUID."""


async def find_transcript(
    context: ApiContext, caller: Caller, transcript_id: UUID
) -> TranscriptSummary:
    """Find the latest revision of an interview that the caller may read.

    Raises:
        NotFoundError: there is none, or it is of a study that the caller may not read.
    """
    found = await TranscriptQueries(context.database).transcript(transcript_id)
    if found is None or not caller.may(Right.READ_NOTES, found.study_id):
        raise _no_transcript(transcript_id)
    return found


async def find_revision(
    context: ApiContext, caller: Caller, transcript_id: UUID, number: int | None
) -> TranscriptRevision:
    """Find a revision of an interview by number; the latest one if no number is given.

    The study of this very revision counts: an earlier one may have been submitted for another.

    Raises:
        NotFoundError: there is none, or it is of a study that the caller may not read.
    """
    found = await TranscriptQueries(context.database).revision(transcript_id, number)
    if found is None or not caller.may(Right.READ_NOTES, found.study_id):
        raise _no_transcript(transcript_id)
    return found


async def find_note(
    context: ApiContext, caller: Caller, note_id: UUID, *, exact: bool = False
) -> StoredNote:
    """Find a note by its id; exact quotes are included only if the caller may read evidence.

    Raises:
        NotFoundError: there is none, or it is of a study that the caller may not read.
        NotPermittedError: exact quotes are asked for without the right in its study.
    """
    found = await ReadModelQueries(context.database).note(note_id)
    if found is None or not caller.may(Right.READ_NOTES, found.study_id):
        raise NotFoundError(f"there is no note {note_id}")
    if not exact:
        return found
    caller.require([Right.READ_EVIDENCE], found.study_id)
    await context.trail.record(caller, "note.read_exact", str(note_id), found.study_id)
    exactly = await ReadModelQueries(context.database, exact=True).note(note_id)
    return exactly or found


async def find_note_id(context: ApiContext, caller: Caller, beginning: str) -> UUID:
    """Find the id of an accepted note by the first digits of it.

    Raises:
        BadRequestError: there are too few digits, or too many.
        NotFoundError: none or several begin so, in the studies that the caller may read.
    """
    digits = beginning.replace("-", "")
    if not MIN_ID_DIGITS <= len(digits) <= MAX_ID_DIGITS:
        raise BadRequestError(
            f"note_id: {MIN_ID_DIGITS} to {MAX_ID_DIGITS} hexadecimal digits, dashes not counted"
        )
    if len(digits) == MAX_ID_DIGITS:
        return UUID(digits)
    allowed = caller.list_studies(Right.READ_NOTES)
    matches = await ExplanationQueries(context.database).find(digits, allowed)
    found = [one for one in matches if one.kind == "note"]
    if not found:
        raise NotFoundError(
            f"no note's id begins with {digits}: `onrecord notes` prints those there are"
        )
    if len(found) > 1:
        several = "; ".join(f"{str(one.id)[:13]} ({one.standing})" for one in found)
        raise NotFoundError(f"{digits} is how several notes begin: {several}")
    return found[0].id


async def find_note_by_id_prefix(context: ApiContext, caller: Caller, digits: str) -> NoteMatch:
    """Find an accepted or refused note by the first digits of its id.

    Raises:
        NotFoundError: none or several begin so, in the studies that the caller may read.
        NotPermittedError: the caller may not read evidence in its study.
    """
    allowed = caller.list_studies(Right.READ_NOTES)
    found = await ExplanationQueries(context.database).find(digits, allowed)
    if not found:
        raise NotFoundError(
            f"no note's id begins with {digits}: `onrecord notes` and `onrecord notes --rejected` "
            "print those there are"
        )
    if len(found) > 1:
        several = "; ".join(f"{str(one.id)[:8]} ({one.kind}, {one.standing})" for one in found)
        raise NotFoundError(f"{digits} is how several notes begin: {several}")
    (one,) = found
    caller.require([Right.READ_EVIDENCE], one.study_id)
    return one


def _no_transcript(transcript_id: UUID) -> NotFoundError:
    return NotFoundError(f"there is no interview {transcript_id}")
