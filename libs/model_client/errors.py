"""What can go wrong with a model call, by what it means for the message.

TimedOutError   └── ModelTimeoutError      no answer in time
RetryableError  ├── BadOutputError         not the JSON that was asked for
                ├── RefusalError           the model or a content filter refused
                ├── CutOffError            the answer reached its length limit
                └── ServerError            the endpoint failed on this request
ThrottledError  └── RateLimitedError       told to come back later
OutageError     └── ModelUnavailableError  nobody is served: down, wrong key, no such model
BadMessageError └── RequestRefusedError    the endpoint will never take this request
"""

from __future__ import annotations

from contracts.errors import (
    BadMessageError,
    ErrorCode,
    OutageError,
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
    """The model or a content filter refused to answer."""

    code = ErrorCode.LLM_REFUSED


class CutOffError(RetryableError):
    """The answer reached its length limit before its end."""

    code = ErrorCode.LLM_CUT_OFF


class ServerError(RetryableError):
    """The endpoint failed on this request."""

    code = ErrorCode.LLM_SERVER_ERROR


class RateLimitedError(ThrottledError):
    """The endpoint asked to be called later."""

    code = ErrorCode.LLM_RATE_LIMITED


class ModelUnavailableError(OutageError):
    """The endpoint serves nobody, or not with these settings."""

    code = ErrorCode.LLM_UNAVAILABLE


class RequestRefusedError(BadMessageError):
    """The endpoint will never take this request."""

    code = ErrorCode.LLM_REQUEST_REFUSED
