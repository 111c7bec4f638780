"""What can go wrong with a model call, by what it means for the message.

TimedOutError   └── ModelTimeoutError      no answer in time
RetryableError  ├── BadOutputError         not the JSON that was asked for
                ├── RefusalError           the model refused
                │   └── ContentFilterError     the endpoint's content filter did
                ├── CutOffError            the answer reached its length limit: ask for less
                │   └── ContextTooLongError    the question alone is too long for every model
                └── ServerError            the endpoint failed on this request
ThrottledError  └── RateLimitedError       told to come back later
                    └── TurnTooFarError        the turn comes later than is waited for in place
OutageError     └── ModelUnavailableError  nobody is served: down, wrong key, no such model
BadMessageError └── RequestRefusedError    the endpoint will never take this request
ParkedError     └── BudgetExceededError    the study's or the day's budget does not allow the call
"""

from __future__ import annotations

from contracts.errors import (
    BadMessageError,
    ErrorCode,
    OutageError,
    ParkedError,
    RetryableError,
    ThrottledError,
    TimedOutError,
)


class ModelTimeoutError(TimedOutError):
    """The model did not answer in time."""

    code = ErrorCode.LLM_TIMEOUT


class BadOutputError(RetryableError):
    """The answer is not the JSON that was asked for."""

    code = ErrorCode.LLM_BAD_OUTPUT


class RefusalError(RetryableError):
    """The model refused to answer."""

    code = ErrorCode.LLM_REFUSED


class ContentFilterError(RefusalError):
    """The endpoint's content filter stopped the question or the answer."""

    code = ErrorCode.LLM_CONTENT_FILTERED


class CutOffError(RetryableError):
    """The answer reached its length limit before its end."""

    code = ErrorCode.LLM_CUT_OFF


class ContextTooLongError(CutOffError):
    """The question and the longest answer allowed fit into no model's context."""

    code = ErrorCode.LLM_CONTEXT_TOO_LONG


class ServerError(RetryableError):
    """The endpoint failed on this request.

    Args:
        message: one line for people.
        retry_after: seconds that the endpoint asked to wait; 0 if it did not.
    """

    code = ErrorCode.LLM_SERVER_ERROR

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimitedError(ThrottledError):
    """The endpoint asked to be called later."""

    code = ErrorCode.LLM_RATE_LIMITED


class TurnTooFarError(RateLimitedError):
    """The limits leave no turn soon enough: the message waits in a retry topic."""


class ModelUnavailableError(OutageError):
    """The endpoint serves nobody, or not with these settings."""

    code = ErrorCode.LLM_UNAVAILABLE


class RequestRefusedError(BadMessageError):
    """The endpoint will never take this request."""

    code = ErrorCode.LLM_REQUEST_REFUSED


class BudgetExceededError(ParkedError):
    """The budget of the study, or of the day, does not allow the call."""

    code = ErrorCode.BUDGET_EXCEEDED
