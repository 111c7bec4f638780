"""Endpoint of messages that wait in retry topics."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request

from asgi_server import cancel_on_disconnect
from audit.broker import open_backlog_scanner
from contracts.waiting import ListWaitingRequest, WaitingPage
from control.api.authorization import Operator
from control.api.context import Context, HeavyPlace
from control.waiting import read_waiting

router: Final = APIRouter(tags=["operations"])


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
    async with (
        cancel_on_disconnect(request.receive),
        open_backlog_scanner(context.reader.kafka) as scanner,
    ):
        return await read_waiting(scanner, which)
