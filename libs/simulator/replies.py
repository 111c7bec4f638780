"""Replies of the simulator, and those that need no model: refusals, outages, rate limits."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

from simulator.answers import TokenUsage, build_error_body
from simulator.faults import FaultRule
from simulator.limits import ExceededLimit, format_openai_duration
from simulator.models import SimulatedModel
from simulator.outages import Outage, OutageKind
from simulator.paraphrasing import LabelledNote
from simulator.streaming import EventStream

BAD_REQUEST = "bad_request"
TOO_LONG = "context_length_exceeded"
UNKNOWN_MODEL = "model_not_found"
OUTAGE = "outage"


@dataclass(frozen=True, slots=True)
class SimulatedReply:
    """HTTP reply of the simulator: status, headers, body or stream, and when to send it.

    Attributes:
        outcome: how the request ended, for the journal.
        body: the JSON document, unless there is a stream.
        status: of HTTP.
        headers: besides those with what is left of the quota.
        wait: seconds until anything is sent.
        hangs: nothing is ever sent.
        disconnects: the connection is cut instead.
        stream: the events to send.
        model: the model that was asked.
        attempt: how often it was asked this, from 1.
        notes: how many notes the good answer has.
        labelled: the notes of the good answer with their labels, if it paraphrases.
        spent: tokens.
    """

    outcome: str
    body: dict[str, Any] = field(default_factory=dict)
    status: int = HTTPStatus.OK
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    hangs: bool = False
    disconnects: bool = False
    stream: EventStream | None = None
    model: SimulatedModel | None = None
    attempt: int = 0
    notes: int = 0
    labelled: tuple[LabelledNote, ...] = ()
    spent: TokenUsage = field(default_factory=TokenUsage)


def build_bad_request_reply(
    message: str, code: str | None = None, model: SimulatedModel | None = None
) -> SimulatedReply:
    """Build the HTTP 400 reply to an invalid request."""
    body = build_error_body(message, "invalid_request_error", code)
    return SimulatedReply(code or BAD_REQUEST, body, status=HTTPStatus.BAD_REQUEST, model=model)


def build_context_length_reply(
    model: SimulatedModel, asked: int, reserved: int, limit: int
) -> SimulatedReply:
    """Build the HTTP 400 reply to a prompt that exceeds the model's context length."""
    message = (
        f"This model's maximum context length is {limit:,} tokens; the messages have {asked:,} and "
        f"the answer may have {reserved:,}. Please reduce their length."
    )
    return build_bad_request_reply(message, TOO_LONG, model)


def build_unknown_model_reply(name: str) -> SimulatedReply:
    """Build the HTTP 404 reply for a model that does not exist."""
    message = f"The model `{name[:80]}` does not exist or you do not have access to it."
    body = build_error_body(message, "invalid_request_error", UNKNOWN_MODEL)
    return SimulatedReply(UNKNOWN_MODEL, body, status=HTTPStatus.NOT_FOUND)


def build_outage_reply(outage: Outage, model: SimulatedModel | None = None) -> SimulatedReply:
    """Build the reply to a request during a simulated outage."""
    return SimulatedReply(
        OUTAGE,
        build_error_body("The simulated service is unavailable.", "server_error"),
        status=outage.status,
        hangs=outage.kind is OutageKind.HANG,
        disconnects=outage.kind is OutageKind.DISCONNECT,
        model=model,
    )


def build_rate_limited_reply(model: SimulatedModel, excess: ExceededLimit) -> SimulatedReply:
    """Build the HTTP 429 reply to a request that exceeds a rate limit, with the time to wait."""
    limit = f"{excess.per_minute:g} {excess.kind} per minute"
    if excess.wait is None:
        message = f"Request too large for `{model.name}`, which is limited to {limit}."
    else:
        again = format_openai_duration(excess.wait)
        message = f"`{model.name}` is limited to {limit}. Please try again in {again}."
    return SimulatedReply(
        f"over_{excess.kind}_limit",
        build_error_body(message, excess.kind, "rate_limit_exceeded"),
        status=HTTPStatus.TOO_MANY_REQUESTS,
        headers={} if excess.wait is None else _retry_after(excess.wait),
        model=model,
    )


def build_injected_429_reply(rule: FaultRule) -> tuple[dict[str, Any], dict[str, str]]:
    """Build the body and headers of the HTTP 429 reply that a fault rule injects."""
    message = f"Rate limit reached. Please try again in {rule.retry_after:g}s."
    body = build_error_body(message, "requests", "rate_limit_exceeded")
    both = _retry_after(rule.retry_after)
    match rule.retry_after_in:
        case "seconds":
            return body, {"retry-after": both["retry-after"]}
        case "date":
            return body, {"retry-after": _http_date(rule.retry_after)}
        case "nothing":
            return body, {}
    return body, both


def _retry_after(seconds: float) -> dict[str, str]:
    """Return both headers that the `openai` client knows; whole units, and never too short."""
    return {
        "retry-after": str(math.ceil(seconds)),
        "retry-after-ms": str(math.ceil(round(seconds * 1000, 6))),
    }


def _http_date(seconds: float) -> str:
    """Return the time in so many seconds as an HTTP date (RFC 9110); never too early."""
    when = math.ceil(datetime.now(UTC).timestamp() + seconds)
    return format_datetime(datetime.fromtimestamp(when, UTC), usegmt=True)
