"""Serves ASGI applications over HTTP, within a program that has its own event loop and signals."""

from asgi_server.application import JsonResponse, create_application
from asgi_server.requests import (
    BodyTooLargeError,
    abort,
    cancel_on_disconnect,
    read_body,
    wait_for_ever,
)
from asgi_server.server import NotStartedError, serve

__all__ = [
    "BodyTooLargeError",
    "JsonResponse",
    "NotStartedError",
    "abort",
    "cancel_on_disconnect",
    "create_application",
    "read_body",
    "serve",
    "wait_for_ever",
]
