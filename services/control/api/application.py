"""The API as a FastAPI application, its description, and the object that the service opens."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import Depends, FastAPI, Request
from starlette.routing import BaseRoute, Mount

from control.api import (
    bulk_changes,
    causes,
    dead_letters,
    events,
    interviews,
    letter_edits,
    letter_history,
    letter_retention,
    notes,
    operations,
    ownership,
    plans,
    refreshing,
    registry,
    rehearsals,
    response_cache,
    rules,
    search,
    sessions,
    spending,
    studies,
    tokens,
    trail,
    transcripts,
    waiting,
)
from control.api.context import ApiContext
from control.api.idempotency import IdempotencyMiddleware
from control.api.no_store import NoStoreMiddleware
from control.api.openapi import build_document
from control.api.problems import add_exception_handlers
from control.domain import BadRequestError

PREFIX: Final = "/v1"
"""Path that everything of this version is under."""

SUBMISSIONS: Final = f"{PREFIX}{transcripts.PATH}"
"""Path whose bodies may be larger than others'."""

NAVIGABLE_PATHS: Final = frozenset({PREFIX + sessions.CALLBACK})
"""Paths to which pages of another site send a browser: the issuer's, after a login."""

ROUTERS: Final = (
    transcripts.router,
    plans.router,
    rehearsals.router,
    letter_retention.router,
    dead_letters.router,
    bulk_changes.router,
    letter_history.router,
    letter_edits.router,
    causes.router,
    sessions.router,
    studies.router,
    registry.router,
    refreshing.router,
    interviews.router,
    ownership.router,
    notes.router,
    search.router,
    spending.router,
    response_cache.router,
    tokens.router,
    trail.router,
    events.router,
    operations.router,
    waiting.router,
    rules.router,
)
"""The endpoints, by what they are about."""


class ControlApi:
    """HTTP API of the control service, as an ASGI application; answers 503 until it is ready."""

    def __init__(self) -> None:
        self.context: ApiContext | None = None
        self.application = create_api(lambda: self.context)

    @property
    def routes(self) -> tuple[BaseRoute, ...]:
        """The API's mount, for the service's HTTP server."""
        return (Mount(PREFIX, app=self.application),)


def create_api(get_context: Callable[[], ApiContext | None]) -> FastAPI:
    """Create the FastAPI application of the control service's HTTP API.

    Args:
        get_context: returns what requests use; None while the service is not ready.
    """
    app = FastAPI(
        title="onrecord",
        version=version("onrecord"),
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        openapi_url="/openapi.json",
        servers=[{"url": PREFIX}],
        root_path_in_servers=False,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        dependencies=[Depends(_refuse_malformed_query)],
    )
    app.state.get_context = get_context
    app.add_middleware(NoStoreMiddleware)
    for router in ROUTERS:
        app.include_router(router)
    add_exception_handlers(app)
    app.add_middleware(IdempotencyMiddleware)
    app.openapi = cache(partial(build_document, app))  # type: ignore[method-assign]
    return app


def build_openapi_document() -> dict[str, Any]:
    """Build the OpenAPI 3.1 document of the control service's HTTP API."""
    return create_api(lambda: None).openapi()


async def _refuse_malformed_query(request: Request) -> None:
    """Refuse a query that is not UTF-8, or gives a parameter twice: it is unclear what is meant.

    Raises:
        BadRequestError: it does.
    """
    seen: set[str] = set()
    raw = request.scope["query_string"].decode(errors="surrogateescape")
    # What is no UTF-8 becomes lone surrogates.
    for name, value in parse_qsl(raw, keep_blank_values=True, errors="surrogateescape"):
        if name in seen:
            raise BadRequestError(f"{_printable(name)}: is given more than once")
        if not _is_text(name + value):
            raise BadRequestError(f"{_printable(name)}: is not UTF-8")
        seen.add(name)


def _is_text(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _printable(name: str) -> str:
    return name[:40].encode(errors="replace").decode()
