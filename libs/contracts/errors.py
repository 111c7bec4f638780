"""Error classes of message processing; the branch decides between retry, wait and dead letter.

    OnrecordError
    ├── BadMessageError   no retry can help: dead letter at once
    ├── RetryableError    may succeed later: tries in place, retry topics, then dead letter
    │   └── HandlerTimedOutError    counted apart from other failures
    ├── ThrottledError    asked to call again later: waits as asked, not counted as an attempt
    ├── OutageError       a dependency is down for every message: the stage waits, no dead letter
    ├── ParkedError       not allowed now: dead letter, replayable when the reason is gone
    ├── RejectedError     the guardrail's verdict after the model's last try: dead letter
    └── BugTriggeredByMessageError   our bug, set off by one message: dead letter at once

A handler only raises; ``messaging`` looks at the branch. Libraries derive their own errors from
these branches, so no handler translates between trees.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from contracts.events import Event


class ErrorCode(StrEnum):
    """Code of an error's cause, such as ``llm_timeout``, as written to dead letter headers."""

    # BadMessageError
    UNDECODABLE = "undecodable"
    INVALID_EVENT = "invalid_event"
    UNKNOWN_FORMAT = "unknown_format"
    MALFORMED_TRANSCRIPT = "malformed_transcript"
    EMPTY_TRANSCRIPT = "empty_transcript"
    DOUBTFUL_READING = "doubtful_reading"
    TOO_LARGE = "too_large"
    CONTENT_REFUSED = "content_refused"
    CONTENT_NOT_FOUND = "content_not_found"
    REVISION_CONFLICT = "revision_conflict"
    NOT_YOURS = "not_yours"
    UNGROUNDED_WRITE = "ungrounded_write"
    # RetryableError
    TIMEOUT = "timeout"
    LLM_TIMEOUT = "llm_timeout"
    LLM_BAD_OUTPUT = "llm_bad_output"
    LLM_REFUSED = "llm_refused"
    LLM_CONTENT_FILTERED = "llm_content_filtered"
    LLM_CUT_OFF = "llm_cut_off"
    LLM_SERVER_ERROR = "llm_server_error"
    NOT_YET_INGESTED = "not_yet_ingested"  # of letters by older versions; nothing raises it now
    CONFLICT = "conflict"
    CONTENT_UNAVAILABLE = "content_unavailable"
    OUT_OF_MEMORY = "out_of_memory"
    NACKED = "nacked"
    # ThrottledError
    LLM_RATE_LIMITED = "llm_rate_limited"
    # OutageError
    LLM_UNAVAILABLE = "llm_unavailable"
    DATABASE_UNAVAILABLE = "database_unavailable"
    KAFKA_UNAVAILABLE = "kafka_unavailable"
    # ParkedError
    BUDGET_EXCEEDED = "budget_exceeded"
    PRICE_UNKNOWN = "price_unknown"
    LLM_CONTEXT_TOO_LONG = "llm_context_too_long"
    LLM_REQUEST_REFUSED = "llm_request_refused"
    MODEL_NOT_CONFIGURED = "model_not_configured"
    UNKNOWN_STUDY = "unknown_study"
    STUDY_ARCHIVED = "study_archived"
    PRODUCER_NOT_ALLOWED = "producer_not_allowed"
    REVISION_GAP = "revision_gap"
    REVISION_WITHDRAWN = "revision_withdrawn"
    GIVEN_UP = "given_up"
    # RejectedError
    UNGROUNDED = "ungrounded"
    PII = "pii"
    INJECTION = "injection"
    REJECTED = "rejected"
    # anything else
    BUG = "bug"


UNMENDABLE: Final = frozenset(
    {
        ErrorCode.UNDECODABLE,
        ErrorCode.INVALID_EVENT,
        ErrorCode.UNKNOWN_FORMAT,
        ErrorCode.MALFORMED_TRANSCRIPT,
        ErrorCode.EMPTY_TRANSCRIPT,
        ErrorCode.DOUBTFUL_READING,
        ErrorCode.TOO_LARGE,
        ErrorCode.CONTENT_REFUSED,
        ErrorCode.CONTENT_NOT_FOUND,
        ErrorCode.REVISION_CONFLICT,
        ErrorCode.NOT_YOURS,
        ErrorCode.UNGROUNDED_WRITE,
    }
)
"""Codes of ``BadMessageError`` and what derives from it: the same message fails again, so a replay
of many leaves such letters out. A test holds this set against the classes of all libraries."""


class OnrecordError(Exception):
    """Base of all errors after which a message is retried, waits or becomes a dead letter.

    Args:
        message: one line for people; must not quote the payload, since it travels in headers.
        code: the cause; defaults to the class's own.
    """

    code: ErrorCode

    def __init__(self, message: str, *, code: ErrorCode | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class BadMessageError(OnrecordError):
    """Raised when a message itself is invalid, so that a retry cannot succeed."""

    code = ErrorCode.INVALID_EVENT


class RetryableError(OnrecordError):
    """Raised when handling a message failed, but a later retry may succeed."""

    code = ErrorCode.CONFLICT


class HandlerTimedOutError(RetryableError):
    """Raised when a message's handler exceeded its time limit.

    Attributes:
        dependency_answers: whether what the handler waited for is known to answer others, so that
            the message alone is to blame.
    """

    code = ErrorCode.TIMEOUT
    dependency_answers: bool = False


class ThrottledError(OnrecordError):
    """Raised when a dependency asked to be called later, as with HTTP 429 ``Retry-After``.

    Args:
        message: one line for people.
        retry_after: seconds to wait before the next call.
        code: the cause.
    """

    code = ErrorCode.LLM_RATE_LIMITED

    def __init__(self, message: str, *, retry_after: float, code: ErrorCode | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class OutageError(OnrecordError):
    """Raised when a dependency is unavailable, so that every message would fail."""

    code = ErrorCode.KAFKA_UNAVAILABLE


class ParkedError(OnrecordError):
    """Raised when a message must wait for an operator, as when a budget is used up."""

    code = ErrorCode.BUDGET_EXCEEDED


class RejectedError(OnrecordError):
    """Raised when a message's content was checked and refused, as by the guardrail.

    Args:
        message: one line for people.
        code: the cause.
        salvaged: events of what is good in it; they are published before the dead letter.
    """

    code = ErrorCode.UNGROUNDED

    def __init__(
        self, message: str, *, code: ErrorCode | None = None, salvaged: tuple[Event, ...] = ()
    ) -> None:
        super().__init__(message, code=code)
        self.salvaged = salvaged


class BugTriggeredByMessageError(OnrecordError):
    """Raised in place of an unexpected exception that the content of one message caused.

    Unlike a bad message, it may be replayed once the bug is mended.

    Args:
        message: one line for people.
        kind: the class of the unexpected exception.
        frames: ``file:line function`` of each of its frames, innermost first.
    """

    code = ErrorCode.BUG

    def __init__(self, message: str, *, kind: str = "", frames: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.frames = frames
