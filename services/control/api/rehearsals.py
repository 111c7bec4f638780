"""Endpoints of rehearsals: what a replay of dead letters would end in, without effects."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import TypeAdapter

from contracts.control_api import DeadLetterFilter, DeadLetterState
from contracts.rehearsals import (
    LetterRehearsal,
    ListRehearsedLettersRequest,
    RehearsalMode,
    RehearsalRequest,
    RehearsedLetterPage,
)
from control.api.authorization import Operator
from control.api.context import ApiContext, Context
from control.api.json_bodies import JsonBody
from control.api.openapi import build_error_responses
from control.api.pagination import ListCursors, get_only_element
from control.domain import BadRequestError, DeadLetterNotOpenError

router: Final = APIRouter(prefix="/rehearsals", tags=["dead letters"])

_CURSORS: Final = ListCursors("rehearsed letters", TypeAdapter(tuple[UUID]))

RehearsalId = Annotated[UUID, Path(description="Id of the rehearsal.")]


@router.post("", status_code=202, responses=build_error_responses(404))
async def begin_rehearsal(
    wanted: JsonBody[RehearsalRequest], context: Context, caller: Operator
) -> LetterRehearsal:
    """Begin a rehearsal: a replay of open dead letters that is simulated without effects.

    It goes on in the background; `GET` shows how far it is.
    """
    _refuse_contradictions(wanted)
    await context.store.require_known(wanted.model, wanted.prompt)
    named = await _find_open(context, wanted.letters)
    target = wanted.model_dump_json(exclude_defaults=True)
    await context.trail.record(caller, "letters.rehearse", target)
    begun = await context.rehearsals.begin(wanted, named, by=caller.name)
    context.wake_rehearser()
    return begun


@router.get("/{rehearsal_id}", responses=build_error_responses(404))
async def read_rehearsal(
    rehearsal_id: RehearsalId, context: Context, caller: Operator
) -> LetterRehearsal:
    """Return a rehearsal's progress, predictions, and how many of them replays proved right."""
    del caller
    return await context.rehearsals.rehearsal(rehearsal_id)


@router.get("/{rehearsal_id}/letters", responses=build_error_responses(404))
async def list_rehearsed_letters(
    rehearsal_id: RehearsalId,
    which: Annotated[ListRehearsedLettersRequest, Query()],
    context: Context,
    caller: Operator,
) -> RehearsedLetterPage:
    """List a rehearsal's dead letters by id, each with the predicted and the real result."""
    del caller
    after = get_only_element(_CURSORS.decode(which, rehearsal_id))
    found = await context.rehearsals.letters(rehearsal_id, which, after)
    if not found:
        await context.rehearsals.rehearsal(rehearsal_id)
    last = (found[-1].letter_id,) if len(found) == which.limit else None
    return RehearsedLetterPage(
        letters=tuple(found), next=_CURSORS.encode(last, which, rehearsal_id)
    )


@router.post("/{rehearsal_id}/cancel", responses=build_error_responses(404, 412))
async def cancel_rehearsal(
    rehearsal_id: RehearsalId, context: Context, caller: Operator
) -> LetterRehearsal:
    """Cancel a running rehearsal; its predictions so far are kept."""
    await context.trail.record(caller, "rehearsal.cancel", str(rehearsal_id))
    await context.rehearsals.cancel(rehearsal_id)
    return await context.rehearsals.rehearsal(rehearsal_id)


def _refuse_contradictions(wanted: RehearsalRequest) -> None:
    fields = set(DeadLetterFilter.model_fields) & wanted.model_fields_set - {"state"}
    if wanted.letters and any(getattr(wanted, name) is not None for name in fields):
        raise BadRequestError("letters: name letters or give a filter, not both")
    is_live = wanted.mode is RehearsalMode.LIVE
    if is_live and not wanted.budget_usd:
        raise BadRequestError("budget_usd: a live rehearsal calls models: say what that may cost")
    if wanted.budget_usd and not is_live:
        raise BadRequestError("budget_usd: goes with mode `live`; `recorded` costs nothing")


async def _find_open(context: ApiContext, ids: tuple[str, ...]) -> list[UUID]:
    found = []
    for one in ids:
        letter = await context.store.letter(one)
        if letter.state is not DeadLetterState.OPEN:
            raise DeadLetterNotOpenError(f"letter {letter.letter_id} is {letter.state.value}")
        found.append(letter.letter_id)
    return found
