"""Errors of the API as problem details (RFC 9457): one status and one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from asgi_server import ProblemResponse
from contracts.errors import BadMessageError, ErrorCode, OnrecordError, OutageError, RetryableError
from contracts.validation_messages import PATTERNS
from control.access.oidc import IssuerUnavailableError, LoginRefusedError
from control.access.rights import NotAuthenticatedError, NotPermittedError
from control.api.context import NotReadyError
from control.api.idempotency import REPLAYED_HEADER, AlreadyAnsweredError
from control.api.limits import TooBusyError, TooManyRequestsError
from control.api.methods import list_allowed_methods
from control.changes import TooManyFollowersError
from control.domain import (
    BadRequestError,
    ConcurrentChangeError,
    DeadLetterGoneError,
    DeadLetterLookupError,
    DeadLetterNotOpenError,
    InvalidDeadLetterIdError,
    NotConfiguredError,
    NotFoundError,
    PreconditionRequiredError,
    RetryTopicMissingError,
)
from control.erasures.store import OtherInterviewsError, ReceiptNotSignedError
from control.idempotency import KeyReusedError, RequestInProgressError
from control.interviews.corrections import RevisionOnTheWayError
from control.interviews.note_decisions import StatementRefusedError
from control.interviews.studies import StudyArchivedError, StudyChangedError, StudyExistsError
from control.interviews.submitting import (
    RevisionConflictError,
    SubmissionTooLargeError,
    TranscriptOwnedByOtherError,
)
from control.letters.bulk_changes import DiscardParametersChangedError
from control.letters.originals import OriginalGoneError
from control.pipeline.ports import (
    StageNotConfiguredError,
    StageNotConsumingError,
    StageUnreachableError,
)
from control.replays.rules import RuleExistsError

log = structlog.get_logger(__name__)

RETRY_AFTER_S: Final = 5
"""When a request that found a dependency away may be tried again, in seconds."""

_STATUSES: Final[tuple[tuple[tuple[type[OnrecordError], ...], int], ...]] = (
    ((InvalidDeadLetterIdError, BadRequestError), 400),
    ((NotAuthenticatedError,), 401),
    ((NotPermittedError, LoginRefusedError), 403),
    ((DeadLetterLookupError, NotFoundError), 404),
    (
        (
            *(DeadLetterNotOpenError, StudyExistsError, StudyArchivedError),
            *(RevisionConflictError, RequestInProgressError),
            *(RuleExistsError, DiscardParametersChangedError, TranscriptOwnedByOtherError),
            *(StageNotConsumingError, RevisionOnTheWayError),
            *(ReceiptNotSignedError, OtherInterviewsError),
        ),
        409,
    ),
    ((DeadLetterGoneError, OriginalGoneError), 410),
    ((StudyChangedError,), 412),
    ((SubmissionTooLargeError,), 413),
    ((BadMessageError, KeyReusedError, StatementRefusedError), 422),
    ((ConcurrentChangeError,), 412),
    ((RetryTopicMissingError, StageNotConfiguredError, NotConfiguredError), 424),
    ((PreconditionRequiredError,), 428),
    ((TooManyRequestsError, TooBusyError, TooManyFollowersError), 429),
    ((OutageError, RetryableError, NotReadyError, StageUnreachableError), 503),
)
"""The first that fits decides; everything else is a bug, and a 500."""

_HEADERS: Final[Mapping[int, Mapping[str, str]]] = {
    401: {"WWW-Authenticate": "Bearer"},
    503: {"Retry-After": str(RETRY_AFTER_S)},
}

_DEPENDENCIES: Final = {
    ErrorCode.KAFKA_UNAVAILABLE: "Kafka",
    ErrorCode.DATABASE_UNAVAILABLE: "PostgreSQL",
}

_CLIENT_CLOSED_REQUEST: Final = 499
"""Status, as nginx has it, of an answer that nobody reads: the client has left."""

_BUG: Final = "the request failed because of a bug; the log has it"


def add_exception_handlers(app: FastAPI) -> None:
    """Make a FastAPI application answer every exception with problem details (RFC 9457)."""
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(AlreadyAnsweredError, _answer_again)
    app.add_exception_handler(OnrecordError, _answer_error)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(ClientDisconnect, _answer_nobody)
    app.add_exception_handler(Exception, _answer_bug)


def format_validation_error(errors: Sequence[Any]) -> str:
    """Format the first error of an invalid request in one line."""
    first = errors[0]
    # The first part of a place is where it was found: query, path or body.
    place = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    return f"{place}: {_describe_invalid(first)}".replace("\n", " ")


def _describe_invalid(found: Mapping[str, Any]) -> str:
    limits = found.get("ctx", {})
    # Of a text that is checked before its length pydantic says "Value", and counts "items".
    is_text = limits.get("field_type") == "Value"
    match found["type"]:
        case "too_short" if limits["min_length"] == 1:
            return "may not be empty" if is_text else "at least one is needed"
        case "too_long":
            return f"at most {limits['max_length']:,} {'characters ' * is_text}are allowed"
        case "extra_forbidden":
            return "nothing of this name is taken here"
        case "string_pattern_mismatch":
            return PATTERNS.get(limits["pattern"], str(found["msg"]))
    return str(found["msg"]).removeprefix("Value error, ")


async def _answer_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return ProblemResponse(400, format_validation_error(error.errors()))


async def _answer_error(_: Request, error: Exception) -> Response:
    for kinds, status in _STATUSES:
        if isinstance(error, kinds):
            headers = dict(_HEADERS.get(status, {}))
            if isinstance(error, TooManyRequestsError | TooBusyError | TooManyFollowersError):
                headers["Retry-After"] = str(error.retry_after_s)
            return ProblemResponse(status, _describe(error), headers)
    raise error


async def _answer_again(_: Request, error: Exception) -> Response:
    assert isinstance(error, AlreadyAnsweredError)
    answer = error.answer
    headers = {**answer.headers, REPLAYED_HEADER: "true"}
    if answer.media_type:
        headers["Content-Type"] = answer.media_type
    return Response(answer.body, answer.status, headers)


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(list_allowed_methods(request))
    return ProblemResponse(error.status_code, str(error.detail), headers)


async def _answer_nobody(_: Request, __: Exception) -> Response:
    return Response(status_code=_CLIENT_CLOSED_REQUEST)


async def _answer_bug(_: Request, __: Exception) -> Response:
    return ProblemResponse(500, _BUG)


def _describe(error: Exception) -> str:
    if not isinstance(error, OutageError | RetryableError):
        return str(error)
    # Their own texts are a driver's, for our log.
    log.warning("dependency_away", reason=str(error))
    if isinstance(error, IssuerUnavailableError):
        return "the control service cannot reach the identity provider"
    if isinstance(error, RetryableError):
        return "the request took too long or met another one; it can be tried again"
    return f"the control service cannot reach {_DEPENDENCIES.get(error.code, 'a dependency')}"
