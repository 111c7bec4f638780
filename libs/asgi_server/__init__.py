"""Serves ASGI applications over HTTP, within a program that has its own event loop and signals."""

from asgi_server.application import JsonResponse, create_application
from asgi_server.problems import ProblemResponse
from asgi_server.request_guard import (
    RequestGuard,
    RequestPolicy,
    build_allowed_hosts,
    normalize_host,
)
from asgi_server.requests import (
    BodyTooLargeError,
    BodyTooSlowError,
    abort_connection,
    cancel_on_disconnect,
    read_body,
    wait_for_disconnect,
    wait_forever,
)
from asgi_server.server import StartupFailedError, serve

__all__ = [
    "BodyTooLargeError",
    "BodyTooSlowError",
    "JsonResponse",
    "ProblemResponse",
    "RequestGuard",
    "RequestPolicy",
    "StartupFailedError",
    "abort_connection",
    "build_allowed_hosts",
    "cancel_on_disconnect",
    "create_application",
    "normalize_host",
    "read_body",
    "serve",
    "wait_for_disconnect",
    "wait_forever",
]
