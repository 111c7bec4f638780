"""Errors over HTTP as problem details (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response

from contracts.terminal import escape_control_characters

MEDIA_TYPE: Final = "application/problem+json"


class ProblemResponse(Response):
    """HTTP error response as problem details (RFC 9457), with one sentence for people.

    The body's ``type`` is ``about:blank``: the status says what kind of problem it is, and
    ``title`` is the status' phrase.

    Args:
        status: the HTTP status, 400 or above.
        detail: one line for people; shown to whoever asked, so it must hold no secret.
        headers: of the response, beside the content type.
    """

    media_type = MEDIA_TYPE

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        problem = build_problem_details(status, detail)
        super().__init__(problem, status_code=status, headers=headers)

    def render(self, content: Any) -> bytes:
        """Return the body's bytes, in ASCII."""
        return json.dumps(content).encode("ascii")


def build_problem_details(status: int, detail: str) -> dict[str, Any]:
    """Build problem details (RFC 9457), as a dict, from an HTTP status and one sentence.

    What the sentence quotes of a request controls no terminal: such characters are escaped.
    """
    title = HTTPStatus(status).phrase
    detail = escape_control_characters(detail)
    return {"type": "about:blank", "title": title, "status": int(status), "detail": detail}
