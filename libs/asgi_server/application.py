"""A Starlette application with the errors (RFC 9457) and JSON bodies that all our servers use."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Any, TypeAlias

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from asgi_server.problems import ProblemResponse

Lifespan: TypeAlias = Callable[[Starlette], AbstractAsyncContextManager[None]]


class JsonResponse(Response):
    """JSON response that escapes all non-ASCII characters, so that any string can be sent."""

    media_type = "application/json; charset=utf-8"

    def render(self, content: Any) -> bytes:
        """Return the body's bytes."""
        return json.dumps(content).encode("ascii")


def create_application(
    routes: Sequence[BaseRoute], *, lifespan: Lifespan | None = None
) -> Starlette:
    """Create an ASGI application from routes; unknown paths get a plain-text 404.

    Args:
        routes: the first that fits decides.
        lifespan: is entered before the first request, and left after the last.
    """
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers={
            HTTPException: _describe,
            ClientDisconnect: _unread,
            Exception: _failed,
        },
    )
    app.router.redirect_slashes = False
    return app


async def _describe(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods_of(request)))
    return ProblemResponse(error.status_code, error.detail, headers)


def _methods_of(request: Request) -> set[str]:
    """Return the methods that a path takes; Starlette knows those of its first route only."""
    routes = [one for one in request.app.routes if isinstance(one, Route)]
    return {
        method
        for route in routes
        if route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }


async def _failed(_: Request, __: Exception) -> Response:
    return ProblemResponse(500, "the request failed because of a bug; the log has it")


async def _unread(_: Request, __: Exception) -> Response:
    return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is there to get it
