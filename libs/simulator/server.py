"""HTTP server of the simulator: OpenAI's endpoints, and its own under ``/simulator``."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

import asgi_server
from asgi_server import (
    JsonResponse,
    RequestGuard,
    RequestPolicy,
    abort_connection,
    build_allowed_hosts,
    cancel_on_disconnect,
    read_body,
    wait_forever,
)
from simulator import replies
from simulator.admin import AdminApi
from simulator.answers import build_model_list
from simulator.chat_service import ChatService
from simulator.journal import RequestJournal, RequestRecord
from simulator.replies import SimulatedReply
from simulator.schedule import SimulatorClock
from simulator.settings import MAX_BODY_BYTES, SimulatorSettings
from simulator.streaming import EventStream

_GRACE_S = 0.0  # a call that hangs would hang on: who is being answered at the end is cut off


class _Completions:
    """The endpoint for chat completions, as an ASGI application."""

    def __init__(self, service: ChatService, journal: RequestJournal) -> None:
        self._service = service
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a chat completion request."""
        entry = RequestRecord("abandoned")
        with suppress(ClientDisconnect), self._journal.track(entry):
            raw = await read_body(Request(scope, receive), MAX_BODY_BYTES)
            async with cancel_on_disconnect(receive), self._service.reply_to(raw) as reply:
                with self._journal.track_for_model(entry, reply):
                    await _Exchange(scope, receive, send, entry).send_reply(reply)


class _ModelList:
    """The endpoint that lists the models, unless there is an outage of all."""

    def __init__(self, service: ChatService) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """List the models."""
        outage = self._service.outages.current(None)
        if outage is None:
            await JsonResponse(build_model_list(self._service.registry.names))(scope, receive, send)
            return
        with suppress(ClientDisconnect):
            async with cancel_on_disconnect(receive):
                exchange = _Exchange(scope, receive, send, RequestRecord(replies.OUTAGE))
                await exchange.send_reply(replies.build_outage_reply(outage))


async def _health(_: Request) -> Response:
    """Report that the process is alive, whatever it simulates."""
    return JsonResponse({"status": "ok"})


@dataclass(frozen=True, slots=True)
class _Exchange:
    """One request that gets a reply: late, in pieces, in part or not at all.

    Attributes:
        scope, receive, send: as ASGI has them; within ``cancel_on_disconnect``.
        entry: record that gets the status and the outcome.
    """

    scope: Scope
    receive: Receive
    send: Send
    entry: RequestRecord

    async def send_reply(self, reply: SimulatedReply) -> None:
        """Send a reply: wait, hang, cut the connection, stream or send it whole."""
        if reply.hangs:
            self.entry.outcome = reply.outcome
            await wait_forever()
        if reply.wait:
            await asyncio.sleep(reply.wait)
        if reply.disconnects:
            self.entry.outcome = reply.outcome
            await abort_connection(self.scope)
        self.entry.status = reply.status
        headers = reply.headers | (reply.model.limit_headers() if reply.model else {})
        if reply.stream:
            await self._send_stream(reply.stream, headers, reply.outcome)
        else:
            self.entry.outcome = reply.outcome
            response = JsonResponse(reply.body, status_code=reply.status, headers=headers)
            await response(self.scope, self.receive, self.send)

    async def _send_stream(
        self, stream: EventStream, headers: dict[str, str], outcome: str
    ) -> None:
        """Send events as they are due; those due at once, in one part."""
        await self.send(_stream_start(headers))
        due: list[bytes] = []
        for place, (event, wait) in enumerate(zip(stream.events, stream.waits, strict=True)):
            breaks = stream.breaks if place == stream.middle else None
            if due and (wait or breaks):
                await self._send_part(b"".join(due))
                due.clear()
            if breaks:
                self.entry.outcome = outcome
                if breaks.disconnects:
                    await abort_connection(self.scope)
                if breaks.pause is None:
                    await wait_forever()
                await asyncio.sleep(breaks.pause)
            if wait:
                await asyncio.sleep(wait)
            due.append(event)
        self.entry.outcome = outcome
        await self._send_part(b"".join(due), ends=True)

    async def _send_part(self, part: bytes, *, ends: bool = False) -> None:
        await self.send({"type": "http.response.body", "body": part, "more_body": not ends})


def _stream_start(headers: dict[str, str]) -> Message:
    headers = {**headers, "cache-control": "no-cache", "content-type": "text/event-stream"}
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": HTTPStatus.OK, "headers": raw}


def create_app(settings: SimulatorSettings, clock: SimulatorClock | None = None) -> Starlette:
    """Create the simulator's ASGI application from its settings.

    Args:
        settings: all but ``host`` and ``port`` count, which are the server's affair.
        clock: what limits, outages and dates go by; the machine's unless given. Answers are late
            by the event loop's clock in any case.
    """
    clock = clock or SimulatorClock()
    service, journal = ChatService(settings, clock), RequestJournal(clock.monotonic)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            service.close()

    return asgi_server.create_application(
        [
            Route("/v1/chat/completions", _Completions(service, journal), methods=["POST"]),
            Route("/v1/models", _ModelList(service), methods=["GET", "HEAD"]),
            Route("/healthz", _health),
            *AdminApi(service, journal).routes(),
        ],
        lifespan=lifespan,
    )


def run_server(
    settings: SimulatorSettings, clock: SimulatorClock | None = None
) -> AbstractAsyncContextManager[int]:
    """Serve the simulator for the duration of the context; yield its port.

    Args:
        settings: where to listen and what to do.
        clock: as for `create_app`.

    Returns:
        A context manager that gives the port listened on.

    Raises:
        OSError: the address cannot be listened on.
    """
    policy = RequestPolicy(
        allowed_hosts=build_allowed_hosts(settings.host, settings.allowed_hosts),
        max_body_bytes=MAX_BODY_BYTES,
        hosts_setting="--allowed-host",
    )
    # What it has been asked has interviews in it: pages of other sites read and change nothing.
    app = RequestGuard(create_app(settings, clock), lambda: policy, frozenset({"/healthz"}))
    return asgi_server.serve(app, host=settings.host, port=settings.port, grace_s=_GRACE_S)


async def serve(settings: SimulatorSettings, announce: Callable[[str], None] | None = None) -> None:
    """Serve the simulator until SIGTERM or SIGINT arrives.

    Args:
        settings: where to listen and what to do.
        announce: called with ``listening on http://HOST:PORT/v1``; prints it unless given.

    Raises:
        OSError: the address cannot be listened on.
    """
    async with run_server(settings) as port:
        stop = _on_signal()
        (announce or _print)(f"listening on http://{settings.host}:{port}/v1")
        await stop.wait()


def _on_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Where signals cannot be handled, as off the main thread, cancelling ends the server.
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, stop.set)
    return stop


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
