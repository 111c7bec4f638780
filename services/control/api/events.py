"""Endpoint of server-sent events: what changes, as far as the caller may know it."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Header, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from asgi_server import wait_for_disconnect
from asgi_server.protocol import ABORT
from contracts.errors import OnrecordError
from control.access.rights import Caller, NotAuthenticatedError, Right
from control.api.authorization import Credentials, Follower, authenticate
from control.api.context import Context
from control.changes import ChangeEvent, ChangeFeed, ChangePosition
from control.domain import BadRequestError

log = structlog.get_logger(__name__)

HEARTBEAT_S: Final = 15.0
"""Seconds between two signs of life, where nothing changes: proxies close what is silent."""

CHECK_S: Final = 2.0
"""Seconds after which a revoked or expired token has ended its stream."""

SEND_S: Final = 10.0
"""Longest that a client may take nothing of what is sent, in seconds; then it is disconnected."""

RETRY_MS: Final = 3_000
"""When clients connect again, in milliseconds."""

_NEEDED_RIGHTS: Final[dict[str, Right]] = {
    "letters": Right.OPERATE,
    "notes": Right.READ_NOTES,
    "transcripts": Right.READ_NOTES,
    "study": Right.READ_NOTES,
    "budget": Right.OPERATE,
    "token": Right.ADMINISTER,
}
"""The right that it takes to know of a change, by how its kind begins."""

PATH: Final = "/events"
"""Path of the stream."""

router: Final = APIRouter(tags=["events"])

_EVENT_ID: Final = re.compile(r"([0-9]{1,19})-([0-9]{1,18})(?:-([0-9]{1,10}))?")
"""Position of a change; or of the end of all of them, at some second since 1970."""

LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", max_length=100, description="Go on behind this event."),
]


class EventStream(Response):
    """Response of server-sent events that ends when the caller's token is no longer valid.

    Args:
        feed: where the changes come from.
        following: the place among the followers, entered already; left at the end.
        position: where to begin.
        check: returns the caller as the token has it now, or raises.
        greeting: what is sent before any change.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        feed: ChangeFeed,
        following: AbstractAsyncContextManager[ChangePosition],
        position: ChangePosition,
        check: Callable[[], Awaitable[Caller]],
        *,
        greeting: str = "",
    ) -> None:
        super().__init__(None, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._feed = feed
        self._following = following
        self._position = position
        self._check = check
        self._greeting = greeting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client leaves, its token ends or the service stops."""
        sending = asyncio.create_task(self._send_all(scope, send))
        leaving = asyncio.create_task(wait_for_disconnect(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            failure, _ = await asyncio.gather(sending, leaving, return_exceptions=True)
            if isinstance(failure, Exception):
                log.error("event_stream_ended", exc_info=failure)
            await self._following.__aexit__(None, None, None)

    async def _send_all(self, scope: Scope, send: Send) -> None:
        head = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(head)
        try:
            async for text in self._events():
                async with asyncio.timeout(SEND_S):
                    body = text.encode()
                    await send({"type": "http.response.body", "body": body, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:  # it takes nothing: what it has not read is given up
            scope["extensions"][ABORT]()

    async def _events(self) -> AsyncIterator[str]:
        yield f"retry: {RETRY_MS}\n\n{self._greeting}"
        try:
            async for text in self._changes():
                yield text
        except NotAuthenticatedError:
            return
        except OnrecordError as error:  # the client connects again, and goes on where it was
            log.warning("event_stream_ended", reason=str(error))

    async def _changes(self) -> AsyncIterator[str]:
        clock = asyncio.get_running_loop().time
        sent_at = checked_at = clock()
        caller: Caller = await self._check()
        while not self._feed.is_closed:
            changes = await self._feed.next(self._position, CHECK_S)
            is_end = not changes
            # None comes last, so that the token is looked up where nothing changes, too.
            for change in (*changes, None):
                # Before each one: a client may take minutes for what was read at once.
                if clock() - checked_at >= CHECK_S:
                    caller, checked_at = await self._check(), clock()
                if change is None:
                    break
                self._position = change.position
                if may_see_change(caller, change):
                    yield format_change_as_sse(change)
                    sent_at = clock()
            if clock() - sent_at >= HEARTBEAT_S:
                yield ": still here\n" + (_format_end(self._position) if is_end else "") + "\n\n"
                sent_at = clock()


@router.get(
    PATH,
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}, "description": "A stream of events."}},
)
async def follow_events(
    request: Request,
    context: Context,
    caller: Follower,
    credentials: Credentials,
    last_event_id: LastEventId = None,
) -> Response:
    """Send changes, such as new dead letters or notes, to the caller as server-sent events.

    `letters.indexed`, `.open`, `.replayed`, `.discarded`, `budget.changed` (operators);
    `transcripts.ingested`, `notes.stored`, `study.registered`, `.changed` (readers of the study);
    `token.revoked` (admins). Events are kept for a day for a client that connects
    again with `Last-Event-ID`; `missed` says that some may be gone: read anew what is shown. Ids
    that stand alone say from where to go on while nothing happens.
    """
    after, at = _read_event_id(last_event_id)
    feed = context.changes
    following = feed.following(caller.token_id)
    position = await following.__aenter__()
    try:
        missed = after is not None and not await _has_all_since(feed, after, at)
    except BaseException:
        await following.__aexit__(None, None, None)
        raise
    begin, greeting = after or position, ""
    if after is None or missed:
        # Without a place to go on from, a client whose stream breaks before its first event would
        # not hear of what happens until it is back, nor that it missed something.
        begin, greeting = position, f"{_format_end(position)}\n\n"
    if missed:
        greeting += "event: missed\ndata: {}\n\n"

    async def check() -> Caller:
        return await authenticate(request, context, credentials)

    return EventStream(feed, following, begin, check, greeting=greeting)


def may_see_change(caller: Caller, change: ChangeEvent) -> bool:
    """Return whether a caller has the right to be sent a change event."""
    right = _NEEDED_RIGHTS.get(change.kind.partition(".")[0], Right.ADMINISTER)
    return caller.may(right, change.study_id)


def format_change_as_sse(change: ChangeEvent) -> str:
    """Format a change event as the text of a server-sent event."""
    data = {"at": change.at.isoformat(), "study_id": change.study_id, **change.data}
    position = f"{change.position.transaction_id}-{change.position.change_id}"
    return f"id: {position}\nevent: {change.kind}\ndata: {json.dumps(data)}\n\n"


def _format_end(position: ChangePosition) -> str:
    """Format a position that is the end of all changes now, as an id without an event."""
    return f"id: {position.transaction_id}-{position.change_id}-{int(time.time())}"


async def _has_all_since(feed: ChangeFeed, position: ChangePosition, at: datetime | None) -> bool:
    if at is None:
        return await feed.has(position)
    return await feed.is_complete_since(position, at)


def _read_event_id(text: str | None) -> tuple[ChangePosition | None, datetime | None]:
    """Read an event's id: a position, and when it was the end if it is no event's own."""
    if not text:
        return None, None
    found = _EVENT_ID.fullmatch(text)
    if found is None:
        raise BadRequestError("Last-Event-ID: is none that was sent")
    at = datetime.fromtimestamp(int(found[3]), UTC) if found[3] else None
    return ChangePosition(int(found[1]), int(found[2])), at
