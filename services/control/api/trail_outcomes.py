"""What became of requests that are in the trail: recorded before they are answered."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

import structlog
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.access import TrailOutcome
from contracts.errors import OnrecordError
from control.api.context import ApiContext

log = structlog.get_logger(__name__)

RECORD_S: Final = 2.0
"""Longest that an answer waits until its outcome is recorded, in seconds: it may be that PostgreSQL
is away, and that the answer says so."""

_SCOPE: Final = "onrecord.trailed"


class TrailOutcomeMiddleware:
    """ASGI middleware that records what became of each request's entries in the trail.

    It does so before the answer is sent, so that clients find the outcome in the trail.
    A request that ends without an answer, as the process does, has none.

    Args:
        app: what is wrapped.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        entries: list[int] = []
        scope[_SCOPE] = entries

        async def send_once_recorded(message: Message) -> None:
            if message["type"] == "http.response.start":
                await _record(scope, entries, message["status"])
            await send(message)

        try:
            await self._app(scope, receive, send_once_recorded)
        except Exception:  # a bug, which is answered farther out
            await _record(scope, entries, HTTPStatus.INTERNAL_SERVER_ERROR)
            raise


def get_trailed_entries(request: Request) -> list[int] | None:
    """Return the list of ids of a request's entries in the trail, to be added to."""
    entries: list[int] | None = request.scope.get(_SCOPE)
    return entries


def classify_status(status: int) -> TrailOutcome:
    """Return what a request's status says about what was asked for."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TrailOutcome.FAILED
    return TrailOutcome.REFUSED if status >= HTTPStatus.BAD_REQUEST else TrailOutcome.DONE


async def _record(scope: Scope, entries: list[int], status: int) -> None:
    context: ApiContext | None = scope["app"].state.get_context()
    if not entries or context is None:
        return
    recorded = list(entries)
    entries.clear()  # those that are added later, such as by a stream, are others
    try:
        async with asyncio.timeout(RECORD_S):
            await context.trail.record_outcome(recorded, classify_status(status), status)
    except (OnrecordError, TimeoutError) as error:  # what was done is done, and is answered
        reason = str(error) or "PostgreSQL did not answer in time"
        log.warning("trail_outcome_not_recorded", entries=recorded, status=status, reason=reason)
