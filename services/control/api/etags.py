"""Entity tags (RFC 9110): what a client has already is not sent again, nor changed unseen."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from fastapi import Request
from pydantic import TypeAdapter
from starlette.responses import Response

from control.domain import ChangedMeanwhileError

_HEADERS: Final = {"Cache-Control": "private, no-cache"}
"""Kept by the client alone, which asks each time whether it still holds."""


def compute_etag(body: bytes) -> str:
    """Compute the strong entity tag of a response body."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def respond_with_etag(request: Request, kind: TypeAdapter[Any], value: Any) -> Response:
    """Return a value as JSON with its entity tag; 304 if the request's ``If-None-Match`` has it.

    Args:
        request: whose headers are looked at.
        kind: serializes the value.
        value: what is asked for.
    """
    body = kind.dump_json(value)
    etag = compute_etag(body)
    headers = {**_HEADERS, "ETag": etag}
    if _names(request.headers.get("If-None-Match"), etag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def require_match(request: Request, kind: TypeAdapter[Any], value: Any) -> None:
    """Require that the request's ``If-Match``, if there is one, names a value as it is now.

    Raises:
        ChangedMeanwhileError: it names another one.
    """
    wanted = request.headers.get("If-Match")
    if wanted is not None and not _names(wanted, compute_etag(kind.dump_json(value))):
        raise ChangedMeanwhileError("it was changed since it was read: read it again")


def _names(header: str | None, etag: str) -> bool:
    if header is None:
        return False
    # If-None-Match compares weakly; no weak tag is ever given out, so none is named by If-Match.
    tags = [one.strip().removeprefix("W/") for one in header.split(",")]
    return etag in tags or tags == ["*"]
