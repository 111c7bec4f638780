"""What the simulator sends back, and the replies that need no model."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

from simulator.answers import Spent, error_body
from simulator.faults import FaultRule
from simulator.limits import Excess, duration
from simulator.models import Member
from simulator.outages import Outage, OutageKind
from simulator.streaming import Stream

BAD_REQUEST = "bad_request"
TOO_LONG = "context_length_exceeded"
UNKNOWN_MODEL = "model_not_found"
OUTAGE = "outage"


@dataclass(frozen=True, slots=True)
class Reply:
    """What to send and when.

    Attributes:
        outcome: how the request ended, for the journal.
        body: the JSON document, unless there is a stream.
        status: of HTTP.
        headers: besides those that tell what is left of the quota.
        wait: seconds until anything is sent.
        hangs: nothing is ever sent.
        disconnects: the connection is cut instead.
        stream: the events to send.
        member: the model that was asked.
        attempt: how often it was asked this, from 1.
        notes: how many notes the good answer has.
        spent: tokens.
    """

    outcome: str
    body: dict[str, Any] = field(default_factory=dict)
    status: int = HTTPStatus.OK
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    hangs: bool = False
    disconnects: bool = False
    stream: Stream | None = None
    member: Member | None = None
    attempt: int = 0
    notes: int = 0
    spent: Spent = field(default_factory=Spent)


def bad_request(message: str, code: str | None = None, member: Member | None = None) -> Reply:
    """Refuse a request as it is; ``code`` is the journal's outcome too."""
    body = error_body(message, "invalid_request_error", code)
    return Reply(code or BAD_REQUEST, body, status=HTTPStatus.BAD_REQUEST, member=member)


def too_long(member: Member, asked: int, reserved: int, limit: int) -> Reply:
    """Refuse as OpenAI's endpoint does: it will never take this request."""
    message = (
        f"This model's maximum context length is {limit:,} tokens; the messages have {asked:,} and "
        f"the answer may have {reserved:,}. Please reduce their length."
    )
    return bad_request(message, TOO_LONG, member)


def unknown_model(name: str) -> Reply:
    """There is no such model."""
    message = f"The model `{name[:80]}` does not exist or you do not have access to it."
    body = error_body(message, "invalid_request_error", UNKNOWN_MODEL)
    return Reply(UNKNOWN_MODEL, body, status=HTTPStatus.NOT_FOUND)


def out_of_service(outage: Outage, member: Member | None = None) -> Reply:
    """What an outage looks like."""
    return Reply(
        OUTAGE,
        error_body("The simulated service is unavailable.", "server_error"),
        status=outage.status,
        hangs=outage.kind is OutageKind.HANG,
        disconnects=outage.kind is OutageKind.DISCONNECT,
        member=member,
    )


def over_limit(member: Member, excess: Excess) -> Reply:
    """The 429 of a bucket that does not hold enough, with the wait until it does."""
    limit = f"{excess.per_minute:g} {excess.kind} per minute"
    if excess.wait is None:
        message = f"Request too large for `{member.name}`, which is limited to {limit}."
    else:
        again = duration(excess.wait)
        message = f"`{member.name}` is limited to {limit}. Please try again in {again}."
    return Reply(
        f"over_{excess.kind}_limit",
        error_body(message, excess.kind, "rate_limit_exceeded"),
        status=HTTPStatus.TOO_MANY_REQUESTS,
        headers={} if excess.wait is None else _retry_after(excess.wait),
        member=member,
    )


def told_to_wait(rule: FaultRule) -> tuple[dict[str, Any], dict[str, str]]:
    """Body and headers of a 429 that a rule asks for, whatever the buckets hold."""
    message = f"Rate limit reached. Please try again in {rule.retry_after:g}s."
    body = error_body(message, "requests", "rate_limit_exceeded")
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
    """Both headers the `openai` client knows; whole units, and never too short."""
    return {
        "retry-after": str(math.ceil(seconds)),
        "retry-after-ms": str(math.ceil(round(seconds * 1000, 6))),
    }


def _http_date(seconds: float) -> str:
    """The time in so many seconds, as RFC 9110 writes dates; whole seconds, never too early."""
    when = math.ceil(datetime.now(UTC).timestamp() + seconds)
    return format_datetime(datetime.fromtimestamp(when, UTC), usegmt=True)
