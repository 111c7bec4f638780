"""Classification of HTTP statuses and error bodies that endpoints send in place of a completion.

Servers that speak OpenAI's protocol share its statuses, and differ in codes and wording. What is
covered of OpenAI, Azure, Anthropic, Gemini, Mistral, Groq, OpenRouter, vLLM, llama.cpp, Ollama and
LiteLLM stands as cases in ``tests/integration/model_client/refusals.py``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import openai

from contracts.errors import OnrecordError
from model_client import errors
from model_client.transport.rate_limit_headers import parse_retry_after

DEFAULT_RETRY_AFTER_S: Final = 1.0
"""Wait where a 429 has no retry-after, in seconds."""

BAD_REQUEST: Final = 400
REQUEST_TIMEOUT: Final = 408
TOO_LARGE: Final = 413
TOO_MANY_REQUESTS: Final = 429
FIRST_SERVER_ERROR: Final = 500
LAST_STATUS: Final = 599
TRY_AGAIN: Final = frozenset({409, 424, 425, 498})
"""Statuses below 500 of which the same request may succeed later (RFC 9110, 4918, 8470; Groq's 498
for a busy service tier)."""

CHECK_KEY: Final = "check OPENAI_API_KEY"
CHECK_MODEL: Final = "check ONRECORD_MODEL and OPENAI_BASE_URL"
CHECK_BALANCE: Final = "check the account's balance and quota"

BROKEN: Final = {
    401: CHECK_KEY,
    402: CHECK_BALANCE,
    403: CHECK_KEY,
    404: CHECK_MODEL,
    405: "check OPENAI_BASE_URL",
}
"""Remedies by status, for failures that concern every request alike until settings are mended."""

BROKEN_CODES: Final = {
    "invalid_api_key": CHECK_KEY,
    "API_KEY_INVALID": CHECK_KEY,
    "model_not_found": CHECK_MODEL,
    "DeploymentNotFound": CHECK_MODEL,
    "insufficient_quota": CHECK_BALANCE,
    "billing_not_active": CHECK_BALANCE,
    "billing_hard_limit_reached": CHECK_BALANCE,
    "billing_error": CHECK_BALANCE,
    "budget_exceeded": CHECK_BALANCE,
}
"""Remedies by code or type that means the same whatever its status; waiting ends none of these
429s."""

_BROKEN: Final = {
    re.compile(r"api key not valid|invalid api key", re.IGNORECASE): CHECK_KEY,
    re.compile(r"(?:/[\w/]+: )?invalid model name", re.IGNORECASE): CHECK_MODEL,
    re.compile(r"your credit balance is too low|budget has been exceeded", re.IGNORECASE): (
        CHECK_BALANCE
    ),
}
"""The same in words, of a 400 that has no code for it (Gemini, LiteLLM, Anthropic). Only where a
message begins so: behind that it may quote an interview, which is to stop nobody."""

OUT_OF_CONTEXT: Final = frozenset(
    {"context_length_exceeded", "exceed_context_size_error", "request_too_large"}
)
"""Codes of a prompt that is too long: OpenAI's; llama.cpp's; Anthropic's."""

_OUT_OF_CONTEXT: Final = re.compile(
    r"\bcontext (?:length|window|size)|\bContextWindowExceeded|\bmaximum model length"
    r"|\b(?:prompt|input|request) (?:is )?too (?:long|large)\b|\binput token count\b.*\bexceeds\b"
    r"|\bmaximum context\b|\btoo many input tokens",
    re.IGNORECASE,
)
"""How those word it that have no code for it, vLLM among them. A 429 says so where a single request
exceeds what is allowed a minute, which no waiting changes."""

FILTERED: Final = frozenset({"content_filter", "content_policy_violation", "invalid_prompt"})
"""Codes of a prompt that a content filter stopped: Azure's; OpenAI's two."""

_FILTERED: Final = re.compile(r"\bContentPolicyViolation|\bResponsibleAIPolicyViolation")
"""How a gateway (LiteLLM) passes it on, with a code of its own."""

GENERATED_BADLY: Final = frozenset({"json_validate_failed"})
"""Codes that are about the answer, not the prompt: Groq's."""

LONGEST_READ: Final = 2_000
"""Characters of an endpoint's explanation that are read; behind them it may quote the prompt."""

LONGEST_CODE: Final = 40
"""Characters kept of an endpoint's code, which travels in headers."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Error response of an endpoint.

    Attributes:
        status: the HTTP status, or the one within a stream that had begun well.
        body: the error's own part of the body.
        headers: the response's.
    """

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The error's own code, which some endpoints send as its type; empty if it has none."""
        names = (self._field("code"), self._field("type"), self._field("status"))
        return next((one[:LONGEST_CODE] for one in names if isinstance(one, str) and one), "")

    @property
    def codes(self) -> frozenset[str]:
        """Every name the error goes by."""
        names = (self._field("code"), self._field("type"), self._inner_code)
        return frozenset(one for one in names if isinstance(one, str))

    @property
    def text(self) -> str:
        """The refused parameter, what is wrong with it, and where."""
        if not isinstance(self.body, dict):
            return str(self.body)[:LONGEST_READ]
        detail = self.body.get("detail")
        if isinstance(detail, list):  # FastAPI's, which also quotes what was sent
            detail = [one.get("loc") for one in detail if isinstance(one, dict)]
        return f"{self._field('param')} {detail} {self._field('message')}"[:LONGEST_READ]

    @property
    def message(self) -> str:
        """The error's own message; empty if it has none."""
        message = self._field("message")
        return message if isinstance(message, str) else ""

    @property
    def wait_s(self) -> float | None:
        """Seconds that the endpoint asked to wait; None if it did not."""
        return parse_retry_after(self.headers, time.time())

    @property
    def is_filtered(self) -> bool:
        """Whether a filter stopped the prompt; also OpenRouter's 403, not about the key."""
        metadata = self._field("metadata")
        flagged = isinstance(metadata, dict) and "flagged_input" in metadata
        return flagged or bool(FILTERED & self.codes) or bool(_FILTERED.search(self.text))

    @property
    def is_out_of_context(self) -> bool:
        """Whether the prompt is too long for the model, or for what a minute allows."""
        return bool(OUT_OF_CONTEXT & self.codes) or bool(_OUT_OF_CONTEXT.search(self.text))

    @property
    def _inner_code(self) -> Any:
        inner = self._field("innererror")
        return inner.get("code") if isinstance(inner, dict) else None

    def _field(self, name: str) -> Any:
        return self.body.get(name) if isinstance(self.body, dict) else None


def build_status_error(refused: openai.APIStatusError) -> OnrecordError:
    """Convert an HTTP error response of a model endpoint to an error of this library.

    A 5xx is the failure of one request; that the endpoint is down for everybody is for the
    circuit breaker to find, which sees all requests.
    """
    return _meaning(_refusal(refused))


def build_stream_error(body: Any) -> OnrecordError:
    """Convert an error event in a streamed response to an error of this library.

    Args:
        body: the event's ``error``.
    """
    code = body.get("code") if isinstance(body, dict) else None
    is_status = isinstance(code, int) and BAD_REQUEST <= code <= LAST_STATUS
    refusal = _Refusal(code if isinstance(code, int) and is_status else FIRST_SERVER_ERROR, body)
    if not is_status and not refusal.is_out_of_context and not refusal.is_filtered:
        return errors.ServerError("the endpoint sent an error in place of an answer")
    return _meaning(refusal)


def is_parameter_refusal(refused: openai.APIStatusError, *names: str) -> bool:
    """Return whether an endpoint refused a request because of an unsupported parameter.

    Args:
        refused: the refusal.
        names: what the parameter is called.
    """
    if refused.status_code not in (400, 422, 501):
        return False
    text = _refusal(refused).text
    return any(re.search(rf"\b{re.escape(name)}", text, re.IGNORECASE) for name in names)


def _refusal(refused: openai.APIStatusError) -> _Refusal:
    body: Any = refused.body
    if isinstance(body, list) and body and isinstance(body[0], dict):
        body = body[0].get("error", body[0])  # Gemini's
    return _Refusal(refused.status_code, body, refused.response.headers)


def _meaning(refusal: _Refusal) -> OnrecordError:
    if (mend := _mend(refusal)) is not None:
        return errors.ModelUnavailableError(f"the endpoint answered {refusal.status}; {mend}")
    return _fault_of_question(refusal) or _passing(refusal) or _refused(refusal)


def _fault_of_question(refusal: _Refusal) -> OnrecordError | None:
    """Return what is wrong with the prompt, whatever the status; None if nothing is known to be."""
    if refusal.is_filtered:
        return errors.PromptFilteredError("the endpoint's content filter refused the question")
    if refusal.status == TOO_LARGE or refusal.is_out_of_context:
        return errors.ContextTooLongError(
            f"the endpoint answered {refusal.status}: the question is too long for the model; "
            "smaller chunks, or a model with a longer context, help"
        )
    return None


def _passing(refusal: _Refusal) -> OnrecordError | None:
    """Return a failure after which the same request may be answered; None if it is none."""
    status = refusal.status
    if status == TOO_MANY_REQUESTS:
        # "In no time" would be refused again, and again.
        wait_s = refusal.wait_s or DEFAULT_RETRY_AFTER_S
        return errors.RateLimitedError("the endpoint asked to be called later", retry_after=wait_s)
    if status == REQUEST_TIMEOUT:
        return errors.ModelTimeoutError("the endpoint gave up waiting")
    if status >= FIRST_SERVER_ERROR or status in TRY_AGAIN:
        message = f"the endpoint answered {status}"
        return errors.ServerError(message, retry_after=refusal.wait_s or 0.0)
    return None


def _refused(refusal: _Refusal) -> OnrecordError:
    if GENERATED_BADLY & refusal.codes:
        return errors.BadOutputError("the endpoint found the answer not to be the JSON asked for")
    return errors.RequestRefusedError(
        f"the endpoint answered {refusal.status} ({refusal.code or 'no code'})"
    )


def _mend(refusal: _Refusal) -> str | None:
    """Return which setting must change before anybody is served; None if it is no setting."""
    for code, mend in BROKEN_CODES.items():
        if code in refusal.codes:
            return mend
    if refusal.status == BAD_REQUEST:
        for pattern, mend in _BROKEN.items():
            if pattern.match(refusal.message):
                return mend
    return None if refusal.is_filtered else BROKEN.get(refusal.status)
