"""Entity tags (RFC 9110): what a client has already is not sent again, nor changed unseen.

What counts its changes has that count as its tag, such as a study; all else, the hash of its body.
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any, Final

from fastapi import Header, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from control.domain import BadRequestError, ConcurrentChangeError, PreconditionRequiredError

_HEADERS: Final = {"Cache-Control": "private, no-cache"}
"""Kept by the client alone, which asks each time whether it still holds."""


IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=100,
        description="`ETag` of it as it was read, or `*`: whatever it is now.",
    ),
]

_VERSION: Final = re.compile(r'"([0-9]{1,10})"')
_STATE: Final = re.compile(r'"([0-9]{1,10})-([0-9a-f]{16})"')


def compute_etag(body: bytes) -> str:
    """Compute the strong entity tag of a response body."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def respond_with_etag(request: Request, kind: TypeAdapter[Any], value: Any) -> Response:
    """Return a value as a JSON response with an ETag; 304 if ``If-None-Match`` has that ETag.

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


def require_matching_etag(request: Request, kind: TypeAdapter[Any], value: Any) -> None:
    """Raise an error if a request's ``If-Match`` header is not the ETag of the current value.

    Raises:
        ConcurrentChangeError: it names another one.
    """
    wanted = request.headers.get("If-Match")
    if wanted is not None and not _names(wanted, compute_etag(kind.dump_json(value))):
        raise ConcurrentChangeError("it was changed since it was read: read it again")


def set_version_etag(response: Response, version: int) -> None:
    """Set a response's ``ETag`` header to a version number."""
    response.headers["ETag"] = f'"{version}"'


def parse_if_match_version(text: str | None) -> int | None:
    """Parse an ``If-Match`` header as a version number; None for ``*``.

    Raises:
        PreconditionRequiredError: there is none.
        BadRequestError: it is no entity tag of this API (RFC 9110, section 13.1.1).
    """
    if text is None:
        raise PreconditionRequiredError(
            "send If-Match with the ETag of what you have read, so that nobody's change is lost"
        )
    if text.strip() == "*":
        return None
    found = _VERSION.fullmatch(text.strip())
    if found is None:
        raise BadRequestError('If-Match: is no ETag of this API, such as "3"')
    return int(found[1])


def parse_if_match_state(text: str | None) -> tuple[int, str] | None:
    """Parse an ``If-Match`` header as the tag of a note's decisions; None for ``*``.

    Returns:
        The number of the latest decision and the note's state, which is empty if it is not shown.

    Raises:
        PreconditionRequiredError: there is none.
        BadRequestError: it is no entity tag of this API (RFC 9110, section 13.1.1).
    """
    found = _STATE.fullmatch((text or "").strip())
    if found is not None:
        return int(found[1]), found[2]
    version = parse_if_match_version(text)
    return None if version is None else (version, "")


def _names(header: str | None, etag: str) -> bool:
    if header is None:
        return False
    # If-None-Match compares weakly; no weak tag is ever given out, so none is named by If-Match.
    tags = [one.strip().removeprefix("W/") for one in header.split(",")]
    return etag in tags or tags == ["*"]
