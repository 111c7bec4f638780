"""The API's OpenAPI document: FastAPI's own, with errors as they really are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from asgi_server.problems import MEDIA_TYPE

_PROBLEM: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "Why a request was not served (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string", "description": "The status' phrase."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "One line for people."},
    },
}

_EVERYWHERE: Final = {
    400: "The request is malformed.",
    401: "There is no token, or no valid one.",
    403: "The token lacks a role, or the request comes from a page of another site.",
    421: "The host of the request is not served here.",
    503: "The service is starting, or cannot reach what it needs; `Retry-After` says when.",
}
_WITH_BODY: Final = {
    413: "The body is too large.",
    415: "The body is not sent as `application/json`.",
}
_DESCRIPTIONS: Final = {
    404: "There is no such thing.",
    409: "It is in a state that does not allow this.",
    410: "Its bytes are no longer in the DLQ.",
    422: "What it holds cannot be read.",
    424: "A topic that this takes does not exist.",
}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the error responses of an endpoint, for FastAPI's ``responses`` argument."""
    return {status: {"description": _DESCRIPTIONS[status]} for status in statuses}


def build_document(app: FastAPI) -> dict[str, Any]:
    """Build an application's OpenAPI document, with errors as problem details (RFC 9457)."""
    document: dict[str, Any] = get_openapi(
        title=app.title,
        version=app.version,
        summary="Interview notes, dead letters and rights.",
        routes=app.routes,
        servers=app.servers,
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = _PROBLEM
    for operation in _operations(document):
        _describe_errors(operation)
    return document


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def _describe_errors(operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    own = {int(status) for status in answers if int(status) >= 400}  # noqa: PLR2004 - errors
    validation = answers.get("422", {}).get("description") == "Validation Error"
    errors = dict(_EVERYWHERE)
    if "requestBody" in operation or operation.get("x-changes"):
        errors |= _WITH_BODY
    errors |= {status: _DESCRIPTIONS[status] for status in own - ({422} if validation else set())}
    for status in own:
        del answers[str(status)]
    for status, description in sorted(errors.items()):
        schema = {"$ref": "#/components/schemas/Problem"}
        answers[str(status)] = {
            "description": description,
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
