"""Serves ASGI applications over HTTP, within a program that has its own event loop and signals."""

from asgi_server.application import JsonResponse, create_application
from asgi_server.requests import (
    BodyTooLargeError,
    abort_connection,
    cancel_on_disconnect,
    read_body,
    wait_forever,
)
from asgi_server.server import StartupFailedError, serve

__all__ = [
    "BodyTooLargeError",
    "JsonResponse",
    "StartupFailedError",
    "abort_connection",
    "cancel_on_disconnect",
    "create_application",
    "read_body",
    "serve",
    "wait_forever",
]
