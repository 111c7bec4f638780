"""The token of those who operate a service: what changes something on its port takes it.

A file holds it, so that services without a database can check it too.
"""

from __future__ import annotations

import hmac
import re
import secrets
from http import HTTPStatus
from pathlib import Path
from typing import Final

import structlog
from starlette.requests import Request

from asgi_server import ProblemResponse
from configuration.private_files import read_or_create_private_file

log = structlog.get_logger(__name__)

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{32,200}")
"""What can be sent as a bearer token (RFC 6750, section 2.1), and is no short password."""

_BEARER: Final = re.compile(r"bearer +(\S+) *", re.IGNORECASE)


def create_operator_token_file(file: Path) -> None:
    """Create a file with a new operator token, readable only by its owner, if there is none.

    A file of no use is logged, and no more: a service works without it.
    """
    try:
        _read_token(file)
    except (OSError, ValueError) as error:
        log.warning("operator_token_unusable", file=str(file), reason=str(error))


def refuse_without_operator_token(
    request: Request, file: Path | None, setting: str
) -> ProblemResponse | None:
    """Return an error response if a request lacks the operator token, else None.

    The file is read each time: a token that was replaced is refused at once.

    Args:
        request: of which the header ``Authorization: Bearer TOKEN`` is looked at.
        file: holds the token; without one, every request is refused.
        setting: names the file, for the refusal's text.
    """
    if file is None:
        return ProblemResponse(
            HTTPStatus.FORBIDDEN, f"this takes a token, and {setting} names no file with one"
        )
    try:
        token = _read_token(file)
    except (OSError, ValueError):
        return ProblemResponse(
            HTTPStatus.FORBIDDEN, f"this takes a token, and the file of {setting} holds none"
        )
    sent = request.headers.getlist("authorization")
    found = _BEARER.fullmatch(sent[0]) if len(sent) == 1 else None
    if found is not None and hmac.compare_digest(found[1].encode(), token.encode()):
        return None
    return ProblemResponse(
        HTTPStatus.UNAUTHORIZED,
        f"this takes the token in the file of {setting}, as Authorization: Bearer TOKEN",
        {"WWW-Authenticate": "Bearer"},
    )


def _read_token(file: Path) -> str:
    token = read_or_create_private_file(file, lambda: secrets.token_urlsafe(32))
    if _TOKEN.fullmatch(token) is None:
        raise ValueError(f"{file} holds no token: 32 to 200 letters, digits, - or _")
    return token
