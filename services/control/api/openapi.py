"""The API's OpenAPI document: FastAPI's own, with errors as they really are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from asgi_server.problems import MEDIA_TYPE
from control.api.idempotency import CHANGING, HEADER

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
    401: "There is no token or session, or no valid one.",
    403: "A role is lacking, or the request may come from a page of another site.",
    429: "The token makes more requests than it may, or too many large ones run already; "
    "`Retry-After` says when to try again.",
    421: "The host of the request is not served here.",
    503: "The service is starting, or cannot reach what it needs; `Retry-After` says when.",
}
_WITH_BODY: Final = {
    408: "The body came too slowly.",
    413: "The body is too large.",
    415: "The body is not sent as `application/json`.",
}
_DESCRIPTIONS: Final = {
    304: "It is what `If-None-Match` names.",
    404: "There is no such thing.",
    408: "The body came too slowly.",
    409: "It is in a state that does not allow this, or the request with this `Idempotency-Key` "
    "is still being carried out.",
    410: "Its bytes are no longer in the DLQ.",
    412: "It is no longer what `If-Match` names.",
    413: "It is too large.",
    422: "What it holds cannot be read, or its `Idempotency-Key` was sent with another request.",
    428: "`If-Match` is missing.",
    424: "What this takes is missing: a topic, or something in control's settings or its database.",
}


_MODEL: Final = "x-model"
"""Key of a schema that stands for a model until the document is built."""

_MODELS: Final[dict[str, type[BaseModel]]] = {}

_WITHOUT_KEY: Final = ("/session",)
"""Paths at which a key has no effect: a browser's session begins with no token to whom a key could
belong, and what ends it twice has ended it."""

_IDEMPOTENCY_KEY: Final[dict[str, Any]] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": "^[!#-\\[\\]-~]{1,255}$"},
    "description": "The same key with the same request again is answered as before, and nothing "
    "is done twice; kept for 24 hours.",
}


def build_error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Build OpenAPI's descriptions of error responses, for FastAPI's ``responses`` argument."""
    return {status: {"description": _DESCRIPTIONS[status]} for status in statuses}


def build_body_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Build the OpenAPI schema of a request body that FastAPI does not parse itself.

    Its definitions go to the document's components when the document is built.
    """
    _MODELS[model.__name__] = model
    return {_MODEL: model.__name__}


def _describe_own_bodies(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        model = _MODELS.get(content["schema"].get(_MODEL, ""))
        if model is not None:
            # Not the names of FastAPI's: what it shows of the same models may have other defaults.
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}-Submitted")
            definitions = schema.pop("$defs", {})
            schemas |= {f"{name}-Submitted": one for name, one in definitions.items()}
            content["schema"] = schema


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
    for path, method, operation in _operations(document):
        _describe_own_bodies(operation, schemas)
        changes = method.upper() in CHANGING
        if changes and path not in _WITHOUT_KEY:
            operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
        _describe_errors(operation, changes=changes)
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation


def _describe_errors(operation: dict[str, Any], *, changes: bool) -> None:
    answers = operation["responses"]
    own = {int(status) for status in answers if int(status) >= 400}  # noqa: PLR2004 - errors
    validation = answers.get("422", {}).get("description") == "Validation Error"
    if validation:
        own.discard(422)
        del answers["422"]
    errors = dict(_EVERYWHERE)
    if changes:
        errors |= _WITH_BODY | {status: _DESCRIPTIONS[status] for status in (409, 422)}
    errors |= {status: _DESCRIPTIONS[status] for status in own if status not in errors}
    for status in own:
        del answers[str(status)]
    for status, description in sorted(errors.items()):
        schema = {"$ref": "#/components/schemas/Problem"}
        answers[str(status)] = {
            "description": description,
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
