"""The HTTP client of tests, and a server of a service's routes."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from functools import cache

import httpx2
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

import asgi_server
from asgi_server import RequestGuard, RequestPolicy
from messaging.runtime.health import ServiceHealth, build_health_routes


def http_client(timeout_s: float = 60.0) -> httpx2.AsyncClient:
    """Return a client that asks what the test started, whatever proxy the environment names."""
    return httpx2.AsyncClient(trust_env=False, timeout=timeout_s, verify=_tls())


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()  # reading the authorities takes 50 ms


def serve_routes(
    routes: Iterable[BaseRoute] = (),
    policy: RequestPolicy | None = None,
    wrap: Callable[[ASGIApp], ASGIApp] | None = None,
) -> AbstractAsyncContextManager[int]:
    """Serve routes beside those of health and metrics, as a service does; yields the port."""
    app = asgi_server.create_application([*build_health_routes(ServiceHealth), *routes])
    guard: ASGIApp = RequestGuard(app, lambda: policy or RequestPolicy())
    return asgi_server.serve(wrap(guard) if wrap else guard, host="127.0.0.1", port=0)
