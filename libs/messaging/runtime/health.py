"""Liveness and readiness over HTTP, for people, supervisors and orchestrators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from asgi_server import JsonResponse
from telemetry.metrics_page import render_metrics


@dataclass(slots=True)
class ServiceHealth:
    """Health of a service: whether it is ready, and if not, why.

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


def build_health_routes(look: Callable[[], ServiceHealth]) -> list[BaseRoute]:
    """Build the HTTP routes for liveness, readiness and Prometheus metrics.

    The metrics are those of the process, in Prometheus' text format.

    Args:
        look: tells the health at the moment of the request.
    """

    async def live(_: Request) -> Response:
        return JsonResponse({"live": True})

    async def ready(_: Request) -> Response:
        health = look()
        body = {"ready": health.ready, "reason": health.reason, "detail": health.detail}
        return JsonResponse(body, status_code=200 if health.ready else 503)

    async def metrics(_: Request) -> Response:
        return Response(render_metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [Route("/livez", live), Route("/readyz", ready), Route("/metrics", metrics)]
