"""Endpoints of messages that wait in retry topics: listed, released, held and given up."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import TypeAdapter

from asgi_server import cancel_on_disconnect
from audit.broker import open_backlog_scanner
from contracts.control_api import ColumnText, Moment, Offset, Partition
from contracts.waiting import (
    GiveUpWaitingRequest,
    HoldWaitingRequest,
    ListWaitingRequest,
    ReleaseWaitingRequest,
    WaitingDecisionResult,
    WaitingPage,
)
from contracts.waiting_decisions import WaitingAction
from control.access.rights import Caller
from control.api.authorization import Operator
from control.api.context import ApiContext, Context, HeavyPlace
from control.api.json_bodies import JsonBody
from control.api.openapi import build_error_responses
from control.api.pagination import ListCursors
from control.pipeline.waiting import WaitingPosition, read_waiting_messages
from control.pipeline.waiting_decisions import (
    DecisionAuthor,
    choose_hold_end_time,
    decide_about_waiting_messages,
)

router: Final = APIRouter(tags=["operations"])

_CURSORS: Final = ListCursors("waiting", TypeAdapter(tuple[Moment, ColumnText, Partition, Offset]))


@router.get("/waiting")
async def list_waiting(
    which: Annotated[ListWaitingRequest, Query()],
    request: Request,
    context: Context,
    caller: Operator,
    place: HeavyPlace,
) -> WaitingPage:
    """List messages that wait in retry topics, with the reason and the time of the next try."""
    del caller, place
    position = _CURSORS.decode(which)
    async with (
        cancel_on_disconnect(request.receive),
        open_backlog_scanner(context.reader.kafka) as scanner,
    ):
        page, last = await read_waiting_messages(
            scanner, which, position and WaitingPosition(*position)
        )
    return page.model_copy(update={"next": _CURSORS.encode(last, which)})


@router.post("/waiting/release", responses=build_error_responses(424))
async def release_waiting(
    wanted: JsonBody[ReleaseWaitingRequest], context: Context, caller: Operator, place: HeavyPlace
) -> WaitingDecisionResult:
    """Try messages in retry topics now, before their time, also those that are held."""
    del place
    return await _decide(wanted, context, caller, WaitingAction.RELEASE)


@router.post("/waiting/hold", responses=build_error_responses(424))
async def hold_waiting(
    wanted: JsonBody[HoldWaitingRequest], context: Context, caller: Operator, place: HeavyPlace
) -> WaitingDecisionResult:
    """Hold messages in retry topics, so that they are not tried before a time or a release."""
    del place
    until = choose_hold_end_time(wanted, datetime.now(UTC))
    return await _decide(wanted, context, caller, WaitingAction.HOLD, until)


@router.post("/waiting/give-up", responses=build_error_responses(424))
async def give_up_waiting(
    wanted: JsonBody[GiveUpWaitingRequest], context: Context, caller: Operator, place: HeavyPlace
) -> WaitingDecisionResult:
    """Turn messages that wait in retry topics into dead letters of code `given_up`."""
    del place
    return await _decide(wanted, context, caller, WaitingAction.GIVE_UP)


async def _decide(
    wanted: ReleaseWaitingRequest,
    context: ApiContext,
    caller: Caller,
    action: WaitingAction,
    until: datetime | None = None,
) -> WaitingDecisionResult:
    maker = DecisionAuthor(action, caller.name)
    which = wanted.model_dump(mode="json", exclude_defaults=True, exclude={"reason"})
    target = json.dumps(which | {"decision": str(maker.decision_id)})
    await context.trail.record(caller, f"waiting.{action.value}", target, reason=wanted.reason)
    publisher = context.replayer.sender.publisher
    async with open_backlog_scanner(context.reader.kafka) as scanner:
        return await decide_about_waiting_messages(scanner, publisher, wanted, maker, until)
