"""Endpoint of messages that wait in retry topics."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import TypeAdapter

from asgi_server import cancel_on_disconnect
from audit.broker import open_backlog_scanner
from contracts.control_api import ColumnText, Moment, Offset, Partition
from contracts.waiting import ListWaitingRequest, WaitingPage
from control.api.authorization import Operator
from control.api.context import Context, HeavyPlace
from control.api.pagination import ListCursors
from control.waiting import WaitingPosition, read_waiting

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
    """List messages that wait in retry topics: why, until when, and what they are about."""
    del caller, place
    position = _CURSORS.decode(which)
    async with (
        cancel_on_disconnect(request.receive),
        open_backlog_scanner(context.reader.kafka) as scanner,
    ):
        page, last = await read_waiting(scanner, which, position and WaitingPosition(*position))
    return page.model_copy(update={"next": _CURSORS.encode(last, which)})
