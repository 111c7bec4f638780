"""What an endpoint's refusal means: HTTP statuses and error bodies as errors of ours."""

from __future__ import annotations

import time
from typing import Any, Final

import openai

from contracts.errors import OnrecordError
from model_client import errors
from model_client.rate_headers import told_wait

DEFAULT_RETRY_AFTER_S: Final = 1.0
"""The wait where a 429 does not tell one, in seconds."""

TOO_MANY_REQUESTS: Final = 429
REQUEST_TIMEOUT: Final = 408
FIRST_SERVER_ERROR: Final = 500
TRY_AGAIN: Final = frozenset({409, 425})
"""Statuses below 500 of which the same request may succeed later (RFC 9110, RFC 8470)."""

BROKEN: Final = {
    401: "check OPENAI_API_KEY",
    403: "check OPENAI_API_KEY",
    404: "check ONRECORD_MODEL and OPENAI_BASE_URL",
    402: "check the account's balance",
}
"""Statuses that concern every request alike until somebody mends the settings."""

OUT_OF_CONTEXT: Final = frozenset({"context_length_exceeded", "exceed_context_size_error"})
"""Codes of a question that is too long: OpenAI's; llama.cpp's."""


def error_of(refused: openai.APIStatusError) -> OnrecordError:
    """The error that a status means for the question.

    A 5xx is the failure of one request; that the endpoint is down for everybody is for the
    circuit breaker to find, which sees all requests.
    """
    status, code = refused.status_code, _code(refused)
    if status == TOO_MANY_REQUESTS:
        return _throttled(refused, code)
    if status in BROKEN:
        return errors.ModelUnavailableError(f"the endpoint answered {status}; {BROKEN[status]}")
    if status == REQUEST_TIMEOUT:
        return errors.ModelTimeoutError("the endpoint gave up waiting")
    if status >= FIRST_SERVER_ERROR or status in TRY_AGAIN:
        return errors.ServerError(f"the endpoint answered {status}")
    return _refused(status, code)


def _throttled(refused: openai.APIStatusError, code: str) -> OnrecordError:
    if code == "insufficient_quota":
        return errors.ModelUnavailableError("the endpoint answered 429; check the account's quota")
    told_s = told_wait(refused.response.headers, time.time())
    return errors.RateLimitedError(
        "the endpoint asked to be called later",
        retry_after=DEFAULT_RETRY_AFTER_S if told_s is None else told_s,
    )


def _refused(status: int, code: str) -> OnrecordError:
    if code in OUT_OF_CONTEXT:
        return errors.ContextTooLongError("the question is too long for the model")
    if code == "content_filter":
        return errors.ContentFilterError("the endpoint's content filter refused the question")
    return errors.RequestRefusedError(f"the endpoint answered {status} ({code or 'no code'})")


def complains_of(refused: openai.APIStatusError, parameter: str) -> bool:
    """Whether a request was refused because of a parameter that the endpoint does not know."""
    if refused.status_code not in (400, 422, 501):
        return False
    body: Any = refused.body
    told = f"{body.get('param')} {body.get('message')}" if isinstance(body, dict) else str(body)
    return parameter in told


def _code(refused: openai.APIStatusError) -> str:
    """The error's own code, which some endpoints tell as its type; short enough for a header."""
    body: Any = refused.body
    kind = body.get("type") if isinstance(body, dict) else None
    told = refused.code or kind
    return told[:40] if isinstance(told, str) else ""
