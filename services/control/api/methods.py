"""``HEAD`` wherever there is ``GET``, and which methods a path takes (RFC 9110, section 9)."""

from __future__ import annotations

from fastapi import Request
from fastapi.routing import APIRoute
from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send


class HeadMiddleware:
    """ASGI middleware that answers ``HEAD`` as ``GET``; the server leaves the body out.

    FastAPI's routes take no ``HEAD``. Who reads exact words by it is in the trail all the same.

    Args:
        app: what is wrapped.
        without: paths whose ``GET`` has no end, and which take no ``HEAD``.
    """

    def __init__(self, app: ASGIApp, without: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._without = without

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope.get("method") == "HEAD" and scope["path"] not in self._without:
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)


def list_allowed_methods(request: Request) -> list[str]:
    """Return the methods that a request's path takes, sorted; several routes may have one path."""
    path = get_route_path(request.scope)
    routes = (route for router in request.app.state.routers for route in router.routes)
    found = {
        method
        for route in routes
        if isinstance(route, APIRoute) and route.path_regex.match(path)
        for method in route.methods or ()
    }
    if "GET" in found and request.url.path not in request.app.state.endless_paths:
        found.add("HEAD")
    return sorted(found)
