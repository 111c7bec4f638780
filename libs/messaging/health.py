"""Liveness and readiness over HTTP, for people, supervisors and orchestrators."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest


@dataclass(slots=True)
class Health:
    """What a service says of itself.

    Attributes:
        ready: whether it works.
        reason: what it waits for while it does not.
        detail: what holds up single messages while it works; may be empty.
    """

    ready: bool = False
    reason: str = "starting"
    detail: str = ""

    def is_ready(self, detail: str = "") -> None:
        """Note that the service works, and what holds up single messages all the same."""
        self.ready, self.reason, self.detail = True, "", detail

    def is_waiting(self, reason: str) -> None:
        """Note that the service cannot work now, and why."""
        self.ready, self.reason, self.detail = False, reason, ""


@asynccontextmanager
async def serve_http(
    look: Callable[[], Health], *, host: str, port: int, routes: Iterable[web.RouteDef] = ()
) -> AsyncIterator[int]:
    """Serve ``/livez``, ``/readyz``, ``/metrics`` and a service's own routes.

    The metrics are those of the process, in Prometheus' text format.

    Args:
        look: tells the health at the moment of the request.
        host: address to listen on.
        port: port to listen on; 0 lets the system choose.
        routes: the service's own API.

    Yields:
        The port listened on.

    Raises:
        OSError: the port is taken.
    """

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def ready(_: web.Request) -> web.Response:
        health = look()
        body = {"ready": health.ready, "reason": health.reason, "detail": health.detail}
        return web.json_response(body, status=200 if health.ready else 503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/livez", live), web.get("/readyz", ready)])
    app.add_routes([web.get("/metrics", metrics), *routes])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
