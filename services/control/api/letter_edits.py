"""Endpoints of the edits of a dead letter."""

from __future__ import annotations

import hashlib
import json
from typing import Final

from fastapi import APIRouter, Response

from contracts.letter_edits import EditLetterRequest, LetterEdits
from control.access.rights import Caller
from control.api.authorization import LetterReader
from control.api.context import ApiContext, Context, HeavyPlace
from control.api.dead_letters import LetterId, require_within_retention
from control.api.etags import IfMatch, parse_if_match_version, set_version_etag
from control.api.json_bodies import JsonBody
from control.api.openapi import build_error_responses
from control.domain import IndexedDeadLetter
from control.letters.edits import (
    find_event_class,
    list_editable_fields,
    list_edited_fields,
    parse_json_value_or_none,
    validate_edit,
)
from control.letters.reader import DeadLetterRecord

router: Final = APIRouter(prefix="/letters/{letter_id}/edit", tags=["dead letters"])


@router.get("", responses=build_error_responses(404, 410, 422))
async def read_edits(
    letter_id: LetterId,
    context: Context,
    caller: LetterReader,
    place: HeavyPlace,
    response: Response,
) -> LetterEdits:
    """Return a dead letter's edits, what a replay sends, and what may be edited; with an `ETag`."""
    del place
    letter = await context.store.letter(letter_id)
    found = await _read(context, caller, letter)
    return await _describe(context, letter, found, response)


@router.put("", responses=build_error_responses(404, 409, 410, 412, 422, 428))
async def edit_letter(  # noqa: PLR0913, PLR0917 - FastAPI names them
    letter_id: LetterId,
    wanted: JsonBody[EditLetterRequest],
    context: Context,
    caller: LetterReader,
    place: HeavyPlace,
    response: Response,
    if_match: IfMatch = None,
) -> LetterEdits:
    """Store an edited value, which replays of an open dead letter send from now on.

    The value is checked as the service would check it. The message stays in its DLQ as it was, and
    `DELETE` has replays send it again. What was said, by whom, and all ids are locked.
    """
    del place
    version = parse_if_match_version(if_match)
    letter = await context.store.letter(letter_id)
    found = await _read(context, caller, letter)
    body, changes = validate_edit(found, find_event_class(found, letter.source_topic), wanted.value)
    if not wanted.dry_run:
        target = {
            "letter": str(letter.letter_id),
            "changes": list_edited_fields(changes),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
        await context.trail.record(
            caller, "letter.edit", json.dumps(target), letter.study_id, wanted.reason
        )
        await context.editor.choose(
            letter.letter_id, version, (body, changes), caller, wanted.reason
        )
    letter = await context.store.letter(letter.letter_id)
    return await _describe(context, letter, found, response)


@router.delete("", responses=build_error_responses(404, 409, 410, 412, 422, 428))
async def undo_edit(  # noqa: PLR0913, PLR0917 - FastAPI names them
    letter_id: LetterId,
    context: Context,
    caller: LetterReader,
    place: HeavyPlace,
    response: Response,
    if_match: IfMatch = None,
) -> LetterEdits:
    """Undo the edit of an open dead letter, so that replays send its message unchanged."""
    del place
    version = parse_if_match_version(if_match)
    letter = await context.store.letter(letter_id)
    found = await _read(context, caller, letter)
    await context.trail.record(caller, "letter.edit.undo", str(letter.letter_id), letter.study_id)
    await context.editor.choose(letter.letter_id, version, None, caller, "")
    letter = await context.store.letter(letter.letter_id)
    return await _describe(context, letter, found, response)


async def _read(context: ApiContext, caller: Caller, letter: IndexedDeadLetter) -> DeadLetterRecord:
    """Read a letter's message; the trail says so, as each of the answers shows it."""
    await context.trail.record(caller, "letter.read", str(letter.letter_id))
    require_within_retention(letter)
    return await context.reader.whole(await context.reader.read(letter.place))


async def _describe(
    context: ApiContext, letter: IndexedDeadLetter, found: DeadLetterRecord, response: Response
) -> LetterEdits:
    event = find_event_class(found, letter.source_topic)
    editable, why = list_editable_fields(found, event)
    edited = letter.edit and await context.editor.value(letter.letter_id, letter.edit)
    set_version_etag(response, letter.edit or 0)
    return LetterEdits(
        letter_id=letter.letter_id,
        current=letter.edit,
        event=event.ce_type if event else "",
        editable=editable,
        why_locked=why,
        value=parse_json_value_or_none(edited or found.value),
        edits=await context.editor.edits(letter.letter_id),
    )
