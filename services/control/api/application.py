"""The API as a FastAPI application, its description, and the object that the service opens."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import version
from typing import Any, Final

from fastapi import Depends, FastAPI
from starlette.routing import BaseRoute, Mount

from control.api import (
    bulk_changes,
    causes,
    corrections,
    dead_letters,
    disagreements,
    drift,
    erasures,
    events,
    interviews,
    letter_edits,
    letter_history,
    letter_retention,
    matrix,
    note_decisions,
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
    study_retention,
    tokens,
    trail,
    transcripts,
    turn_coverage,
    waiting,
)
from control.api.context import ApiContext
from control.api.idempotency import IdempotencyMiddleware
from control.api.malformed import refuse_malformed_request
from control.api.methods import HeadMiddleware
from control.api.no_store import NoStoreMiddleware
from control.api.openapi import build_document
from control.api.problems import add_exception_handlers
from control.api.trail_outcomes import TrailOutcomeMiddleware

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
    study_retention.router,
    refreshing.router,
    interviews.router,
    turn_coverage.router,
    ownership.router,
    corrections.router,
    erasures.router,
    notes.router,
    note_decisions.router,
    matrix.router,
    disagreements.router,
    drift.router,
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
        dependencies=[Depends(refuse_malformed_request)],
    )
    app.state.get_context = get_context
    app.state.routers = ROUTERS
    app.state.endless_paths = frozenset({f"{PREFIX}{events.PATH}"})
    app.add_middleware(TrailOutcomeMiddleware)
    app.add_middleware(HeadMiddleware, without=app.state.endless_paths)
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
