"""What an endpoint's refusal means: HTTP statuses and error bodies as errors of ours."""

from __future__ import annotations

import re
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
TOO_LARGE: Final = 413
FIRST_SERVER_ERROR: Final = 500
TRY_AGAIN: Final = frozenset({409, 425})
"""Statuses below 500 of which the same request may succeed later (RFC 9110, RFC 8470)."""

BROKEN: Final = {
    401: "check OPENAI_API_KEY",
    403: "check OPENAI_API_KEY",
    404: "check ONRECORD_MODEL and OPENAI_BASE_URL",
    405: "check OPENAI_BASE_URL",
    402: "check the account's balance",
}
"""Statuses that concern every request alike until somebody mends the settings."""

OUT_OF_CONTEXT: Final = frozenset({"context_length_exceeded", "exceed_context_size_error"})
"""Codes of a question that is too long: OpenAI's; llama.cpp's."""

_OUT_OF_CONTEXT: Final = re.compile(r"\bcontext (?:length|window|size)", re.IGNORECASE)
"""How those word it that have no code for it, vLLM among them."""

FILTERED: Final = frozenset({"content_filter", "content_policy_violation"})
"""Codes of a question that a content filter stopped: Azure's; OpenAI's."""

UNPAID: Final = frozenset({"insufficient_quota", "billing_not_active"})
"""Codes of a 429 that no waiting helps (OpenAI, Error codes)."""

LONGEST_READ: Final = 2_000
"""Characters of an endpoint's explanation that are looked at; behind them it may quote us."""


def error_of(refused: openai.APIStatusError) -> OnrecordError:
    """The error that a status means for the question.

    A 5xx is the failure of one request; that the endpoint is down for everybody is for the
    circuit breaker to find, which sees all requests.
    """
    status, code = refused.status_code, _code(refused)
    if status == TOO_MANY_REQUESTS:
        return _throttled(refused, code)
    if status == REQUEST_TIMEOUT:
        return errors.ModelTimeoutError("the endpoint gave up waiting")
    if status >= FIRST_SERVER_ERROR or status in TRY_AGAIN:
        told_s = told_wait(refused.response.headers, time.time()) or 0.0
        return errors.ServerError(f"the endpoint answered {status}", retry_after=told_s)
    if status in BROKEN and not _is_filtered(refused, code):
        return errors.ModelUnavailableError(f"the endpoint answered {status}; {BROKEN[status]}")
    return _refused(refused, code)


def _throttled(refused: openai.APIStatusError, code: str) -> OnrecordError:
    if code in UNPAID:
        return errors.ModelUnavailableError("the endpoint answered 429; check the account's quota")
    return errors.RateLimitedError(
        "the endpoint asked to be called later",
        # "In no time" would be refused again, and again.
        retry_after=told_wait(refused.response.headers, time.time()) or DEFAULT_RETRY_AFTER_S,
    )


def _refused(refused: openai.APIStatusError, code: str) -> OnrecordError:
    status = refused.status_code
    if _is_filtered(refused, code):
        return errors.ContentFilterError("the endpoint's content filter refused the question")
    if status == TOO_LARGE or code in OUT_OF_CONTEXT or _OUT_OF_CONTEXT.search(_told(refused)):
        return errors.ContextTooLongError("the question is too long for the model")
    return errors.RequestRefusedError(f"the endpoint answered {status} ({code or 'no code'})")


def _is_filtered(refused: openai.APIStatusError, code: str) -> bool:
    """Whether this question was stopped, also by OpenRouter, whose 403 is not about the key."""
    metadata = refused.body.get("metadata") if isinstance(refused.body, dict) else None
    return code in FILTERED or (isinstance(metadata, dict) and "flagged_input" in metadata)


def complains_of(refused: openai.APIStatusError, *names: str) -> bool:
    """Whether a request was refused because of a parameter that the endpoint does not know.

    Args:
        refused: the refusal.
        names: what the parameter is called.
    """
    if refused.status_code not in (400, 422, 501):
        return False
    told = _told(refused)
    return any(re.search(rf"\b{re.escape(name)}", told, re.IGNORECASE) for name in names)


def _told(refused: openai.APIStatusError) -> str:
    """What an endpoint says of a refusal: which parameter, what is wrong with it, and where."""
    body: Any = refused.body
    if not isinstance(body, dict):
        return str(body)[:LONGEST_READ]
    detail = body.get("detail")
    if isinstance(detail, list):  # FastAPI's, which also quotes what was sent
        detail = [one.get("loc") for one in detail if isinstance(one, dict)]
    return f"{body.get('param')} {detail} {body.get('message')}"[:LONGEST_READ]


def _code(refused: openai.APIStatusError) -> str:
    """The error's own code, which some endpoints tell as its type; short enough for a header."""
    body: Any = refused.body
    kind = body.get("type") if isinstance(body, dict) else None
    told = refused.code or kind
    return told[:40] if isinstance(told, str) else ""
