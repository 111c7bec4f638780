"""Endpoints of dead letters: list, read, replay and discard."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import TypeAdapter

from contracts.control_api import (
    ColumnText,
    CountReplayableLettersRequest,
    DeadLetter,
    DeadLetterCount,
    DeadLetterFilter,
    DeadLetterPage,
    DeadLetterState,
    DeadLetterWithValue,
    DiscardRequest,
    ListDeadLettersRequest,
    Moment,
    Offset,
    Partition,
    ReplayableLetterCounts,
    ReplayRequest,
    ReplayResult,
)
from contracts.ids import UUID_PATTERN
from contracts.topics import MIB
from control.access.rights import Caller, Right
from control.api.authorization import LetterReader, Operator
from control.api.context import ApiContext, Context, HeavyPlace
from control.api.json_bodies import JsonBody
from control.api.openapi import build_error_responses
from control.api.pagination import ListCursors
from control.api.values import SlicedResponse
from control.domain import (
    CLOCK_SKEW,
    DeadLetterGoneError,
    DeadLetterListPosition,
    DeadLetterNotOpenError,
    IndexedDeadLetter,
    explain_expiry,
)
from read_model.queries import ReadModelQueries

Letter = TypeVar("Letter", bound=DeadLetter)

VALUE_BYTES: Final = MIB
"""What a letter in JSON shows of its value, in bytes."""

_HIDDEN: Final = "to read a letter's value takes the role evidence_reader in all studies"

router: Final = APIRouter(prefix="/letters", tags=["dead letters"])

_CURSORS: Final = ListCursors("letters", TypeAdapter(tuple[Moment, ColumnText, Partition, Offset]))

LetterId = Annotated[
    str, Path(description="The letter's id, or the beginning of it: at least four digits.")
]


@router.get("")
async def list_letters(
    which: Annotated[ListDeadLettersRequest, Query()], context: Context, caller: Operator
) -> DeadLetterPage:
    """List dead letters that match a filter, the latest first."""
    await context.store.require_known(which.model, which.prompt)
    position = _CURSORS.decode(which)
    after = position and DeadLetterListPosition(*position)
    hides_snoozed = which.state is DeadLetterState.OPEN and not which.snoozed
    found = await context.store.letters(
        build_filter(which), limit=which.limit, after=after, with_snoozed=not hides_snoozed
    )
    snoozed = 0
    if hides_snoozed and position is None:
        snoozed = await context.bulk.count_snoozed(build_filter(which))
    is_full = len(found) == which.limit
    last = DeadLetterListPosition.of(found[-1]) if is_full else None
    titled = await _add_titles(context, caller, found)
    return DeadLetterPage(letters=titled, next=_CURSORS.encode(last, which), snoozed=snoozed)


@router.get("/counts")
async def count_letters(context: Context, caller: Operator) -> list[DeadLetterCount]:
    """Count all dead letters by service, state and error code."""
    del caller
    return list(await context.store.counts())


@router.get("/replayable")
async def count_replayable(
    which: Annotated[CountReplayableLettersRequest, Query()], context: Context, caller: Operator
) -> ReplayableLetterCounts:
    """Count the open dead letters that match a filter, and those that a replay would send."""
    del caller
    await context.store.require_known(which.model, which.prompt)
    wanted = build_filter(which)
    selected = await context.store.count_selection(wanted)
    if selected.letters == selected.replayable:
        return selected
    left_out = await context.store.count_left_out(wanted, until=datetime.now(UTC) + CLOCK_SKEW)
    return selected.model_copy(update={"left_out": left_out})


@router.post("/replay", responses=build_error_responses(424), deprecated=True)
async def replay_letters(
    context: Context,
    caller: Operator,
    place: HeavyPlace,
    which: JsonBody[ReplayRequest | None] = None,
) -> ReplayResult:
    """Replay open dead letters that match a filter; `next` in the answer continues.

    They are sent in the order of the DLQs. Make a plan instead (`POST /v1/plans`): its set is
    frozen, it goes at a rate, and it knows what became of its letters.
    """
    del place
    which = which or ReplayRequest()
    wanted = build_filter(which)
    target = wanted.model_dump_json(exclude_none=True)
    await context.trail.record(caller, "letters.replay", target)
    return await context.replayer.replay_many(wanted, limit=which.limit, begin=which.begin)


@router.get("/{letter_id}", responses=build_error_responses(404, 422))
async def read_letter(
    letter_id: LetterId, context: Context, caller: Operator
) -> DeadLetterWithValue:
    """Return one dead letter, with its message's value if the caller may read evidence.

    Of a larger value, the first MiB is returned: `GET .../value` returns the whole.
    """
    (letter,) = await _add_titles(context, caller, [await context.store.letter(letter_id)])
    if not caller.may(Right.READ_EVIDENCE):
        return DeadLetterWithValue(letter=letter, value=None, gone=_HIDDEN)
    await context.trail.record(caller, "letter.read", str(letter.letter_id), letter.study_id)
    try:
        require_within_retention(letter)
        value, gone = (await context.reader.read(letter.place)).value, ""
        value = value and value[:VALUE_BYTES]
    except DeadLetterGoneError as error:  # all else that is known of it is worth an answer
        value, gone = None, str(error)
    return DeadLetterWithValue(letter=letter, value=value, gone=gone)


@router.get(
    "/{letter_id}/value",
    responses={
        200: {"content": {"application/octet-stream": {}}, "description": "The value's bytes."},
        204: {"description": "The message has no value."},
        **build_error_responses(404, 410, 422),
    },
    response_class=Response,
)
async def read_value(
    letter_id: LetterId, context: Context, caller: LetterReader, place: HeavyPlace
) -> Response:
    """Return the message value of a dead letter as raw bytes; 204 if it has none."""
    del place
    letter = await context.store.letter(letter_id)
    await context.trail.record(caller, "letter.read", str(letter.letter_id), letter.study_id)
    require_within_retention(letter)
    value = (await context.reader.read(letter.place)).value
    if value is None:
        return Response(status_code=204)
    return SlicedResponse(value)


@router.post(
    "/{letter_id}/replay",
    responses=build_error_responses(404, 409, 410, 422, 424),
)
async def replay_letter(
    letter_id: LetterId,
    context: Context,
    caller: Operator,
    *,
    force: Annotated[
        bool, Query(description="Whether one goes back that a replay cannot mend as things are.")
    ] = False,
) -> DeadLetter:
    """Replay one dead letter to the service that failed on it.

    One that cannot succeed is refused with the reason (409): its notes are stored already, its
    revision is withdrawn or superseded or in conflict with another one, its study is archived or
    not registered, or a model would be asked and the budget for that is spent.
    """
    letter = await context.store.letter(letter_id)
    await context.trail.record(caller, "letter.replay", str(letter.letter_id), letter.study_id)
    return await context.replayer.replay(letter.letter_id, force=force)


@router.post("/{letter_id}/discard", responses=build_error_responses(404, 409))
async def discard_letter(
    letter_id: LetterId, wanted: JsonBody[DiscardRequest], context: Context, caller: Operator
) -> DeadLetter:
    """Discard one dead letter, with a reason."""
    letter = await context.store.letter(letter_id)
    await context.trail.record(
        caller, "letter.discard", str(letter.letter_id), letter.study_id, wanted.reason
    )
    if not await context.store.discard(letter.letter_id, wanted.reason):
        raise DeadLetterNotOpenError(f"letter {letter.letter_id} is {letter.state.value}")
    return await context.store.letter(letter.letter_id)


def require_within_retention(letter: IndexedDeadLetter) -> None:
    """Raise ``DeadLetterGoneError`` if a dead letter's retention period is over.

    Raises:
        DeadLetterGoneError: it is over.
    """
    if letter.emptied_at is not None:
        raise DeadLetterGoneError(explain_expiry(letter))


async def _add_titles(
    context: ApiContext, caller: Caller, letters: Sequence[Letter]
) -> tuple[Letter, ...]:
    """Return letters with what they are about in words, as far as the caller may read notes."""
    studies = caller.list_studies(Right.READ_NOTES)
    subjects = {UUID(one.subject) for one in letters if _is_uuid(one.subject)}
    if studies == frozenset() or not subjects:
        return tuple(letters)
    titles = await ReadModelQueries(context.database).subjects(tuple(subjects), studies)
    return tuple(
        one.model_copy(update={"title": titles.get(one.subject or "", "")}) for one in letters
    )


def _is_uuid(subject: str | None) -> bool:
    return re.fullmatch(UUID_PATTERN, subject or "") is not None


def build_filter(which: DeadLetterFilter) -> DeadLetterFilter:
    """Build the filter of dead letters from a request, without its other parameters."""
    return DeadLetterFilter(**which.model_dump(include=set(DeadLetterFilter.model_fields)))
