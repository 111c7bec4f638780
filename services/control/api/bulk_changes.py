"""Endpoints that discard, restore and snooze dead letters, one or many at once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from fastapi import APIRouter

from contracts.control_api import DeadLetter, DeadLetterFilter
from contracts.letter_changes import (
    DiscardLettersRequest,
    DiscardResult,
    RestoreLettersRequest,
    RestoreResult,
    SnoozeLettersRequest,
    SnoozeRequest,
    SnoozeResult,
)
from control.api.authorization import Operator
from control.api.context import Context, HeavyPlace
from control.api.dead_letters import LetterId, build_filter
from control.api.json_bodies import JsonBody
from control.api.openapi import build_error_responses
from control.domain import DeadLetterNotOpenError
from control.letters.bulk_changes import BulkChangePart

router: Final = APIRouter(prefix="/letters", tags=["dead letters"])


@router.post("/{letter_id}/restore", responses=build_error_responses(404, 409))
async def restore_letter(letter_id: LetterId, context: Context, caller: Operator) -> DeadLetter:
    """Open a discarded dead letter again, if its message still exists."""
    letter = await context.store.letter(letter_id)
    await context.trail.record(caller, "letter.restore", str(letter.letter_id), letter.study_id)
    if not await context.bulk.restore_letter(letter.letter_id):
        letter = await context.store.letter(letter.letter_id)
        why = (
            "not discarded" if letter.emptied_at is None else "and its message is not kept any more"
        )
        raise DeadLetterNotOpenError(f"letter {letter.letter_id} is {letter.state.value}, {why}")
    return await context.store.letter(letter.letter_id)


@router.post("/{letter_id}/snooze", responses=build_error_responses(404, 409))
async def snooze_letter(
    letter_id: LetterId, wanted: JsonBody[SnoozeRequest], context: Context, caller: Operator
) -> DeadLetter:
    """Hide one open dead letter from lists, causes and bulk replays until a time."""
    letter = await context.store.letter(letter_id)
    await context.trail.record(caller, "letter.snooze", str(letter.letter_id), letter.study_id)
    if not await context.bulk.snooze_letter(letter.letter_id, wanted.snooze_until):
        raise DeadLetterNotOpenError(f"letter {letter.letter_id} is {letter.state.value}")
    return await context.store.letter(letter.letter_id)


@router.post("/snooze")
async def snooze_letters(
    wanted: JsonBody[SnoozeLettersRequest], context: Context, caller: Operator, place: HeavyPlace
) -> SnoozeResult:
    """Hide open dead letters that match a filter from lists, causes and bulk replays."""
    del place
    await context.store.require_known(wanted.model, wanted.prompt)
    until = wanted.snooze_until.isoformat() if wanted.snooze_until else None
    await context.trail.record(caller, "letters.snooze", _target(wanted, snooze_until=until))
    return await context.bulk.snooze(
        build_filter(wanted),
        snooze_until=wanted.snooze_until,
        part=_part(wanted),
    )


@router.post("/discard", responses=build_error_responses(409))
async def discard_letters(
    wanted: JsonBody[DiscardLettersRequest], context: Context, caller: Operator, place: HeavyPlace
) -> DiscardResult:
    """Discard open dead letters that match a filter, with a reason; not those that are snoozed."""
    del place
    await context.store.require_known(wanted.model, wanted.prompt)
    discard_id = wanted.discard_id or uuid4()
    target = _target(wanted, discard_id=str(discard_id))
    await context.trail.record(caller, "letters.discard", target, reason=wanted.reason)
    await context.bulk.begin_discard(discard_id, build_filter(wanted), caller.token_id)
    return await context.bulk.discard(
        build_filter(wanted),
        reason=wanted.reason,
        discard_id=discard_id,
        part=_part(wanted),
    )


@router.post("/restore", responses=build_error_responses(404))
async def restore_letters(
    wanted: JsonBody[RestoreLettersRequest], context: Context, caller: Operator, place: HeavyPlace
) -> RestoreResult:
    """Undo a discard: its dead letters that are still discarded are open again."""
    del place
    target = json.dumps({"discard_id": str(wanted.discard_id)})
    await context.trail.record(caller, "letters.restore", target)
    return await context.bulk.restore(wanted.discard_id, limit=wanted.limit)


def _part(wanted: DiscardLettersRequest | SnoozeLettersRequest) -> BulkChangePart:
    return BulkChangePart(wanted.until or datetime.now(UTC), wanted.limit, wanted.after)


def _target(which: DeadLetterFilter, **more: str | None) -> str:
    """What a request is about, for the trail: its filter, and what else identifies it."""
    fields = build_filter(which).model_dump(mode="json", exclude_none=True)
    return json.dumps(fields | more)
