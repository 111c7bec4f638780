"""What can go wrong with a model call, by what it means for the message.

HandlerTimedOutError   └── ModelTimeoutError      no answer in time
RetryableError  ├── BadOutputError         not the JSON that was asked for
                ├── RefusalError           the model refused
                │   └── ContentFilterError     the endpoint's content filter stopped the answer
                ├── TruncatedAnswerError   the answer reached its length limit: ask for less
                └── ServerError            the endpoint failed on this request
ThrottledError  └── RateLimitedError       asked to come back later
                    └── RateLimitWaitTooLongError  longer than is waited in place
OutageError     └── ModelUnavailableError  nobody is served: down, wrong key, no such model
ParkedError     ├── PermanentError         asked again, it would fail again until settings change
                │   ├── RequestRefusedError    the endpoint will never accept this request
                │   ├── PromptFilteredError    its content filter will never accept this prompt
                │   └── ContextTooLongError    the prompt alone is too long: ask for less
                ├── ModelNotConfiguredError  the study's models are none of the settings'
                ├── BudgetExceededError    the study's or the day's budget does not allow the call
                └── PriceUnknownError      there is a budget, and the model has no known price
"""

from __future__ import annotations

from typing import Final

from contracts.errors import (
    ErrorCode,
    HandlerTimedOutError,
    OutageError,
    ParkedError,
    RetryableError,
    ThrottledError,
)


class ModelTimeoutError(HandlerTimedOutError):
    """Raised when the language model did not answer in time."""

    code = ErrorCode.LLM_TIMEOUT


class BadOutputError(RetryableError):
    """Raised when the model's answer is not JSON of the requested schema."""

    code = ErrorCode.LLM_BAD_OUTPUT


class RefusalError(RetryableError):
    """Raised when the model refused to answer."""

    code = ErrorCode.LLM_REFUSED


class ContentFilterError(RefusalError):
    """Raised when the endpoint's content filter stopped an answer; a retry may succeed."""

    code = ErrorCode.LLM_CONTENT_FILTERED


class TruncatedAnswerError(RetryableError):
    """Raised when an answer was cut off at the output token limit."""

    code = ErrorCode.LLM_CUT_OFF


class ServerError(RetryableError):
    """Raised when a model call failed on the server, as with HTTP 500.

    Args:
        message: one line for people.
        retry_after: seconds that the endpoint asked to wait; 0 if it did not.
    """

    code = ErrorCode.LLM_SERVER_ERROR

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimitedError(ThrottledError):
    """Raised when the endpoint asked to be called later, as with HTTP 429."""

    code = ErrorCode.LLM_RATE_LIMITED


class RateLimitWaitTooLongError(RateLimitedError):
    """Raised when a call would have to wait longer for a rate limit than it may take."""


class ModelUnavailableError(OutageError):
    """Raised when the endpoint cannot serve any call, or refuses the configuration."""

    code = ErrorCode.LLM_UNAVAILABLE


class PermanentError(ParkedError):
    """Base of the errors that a retry with the same model and settings cannot avoid."""


class RequestRefusedError(PermanentError):
    """Raised when the endpoint refuses a request and would refuse it on every retry."""

    code = ErrorCode.LLM_REQUEST_REFUSED


class PromptFilteredError(PermanentError):
    """Raised when the endpoint's content filter refuses a prompt; a retry cannot succeed."""

    code = ErrorCode.LLM_CONTENT_FILTERED


class ContextTooLongError(PermanentError):
    """Raised when prompt and longest answer exceed the context of the model and its fallbacks."""

    code = ErrorCode.LLM_CONTEXT_TOO_LONG


class ModelNotConfiguredError(ParkedError):
    """Raised when none of the models that a study names is configured."""

    code = ErrorCode.MODEL_NOT_CONFIGURED


class BudgetExceededError(ParkedError):
    """Raised when a study's or a day's budget has too little money left for a call."""

    code = ErrorCode.BUDGET_EXCEEDED


class PriceUnknownError(ParkedError):
    """Raised when a budget is set, but a model's price is unknown."""

    code = ErrorCode.PRICE_UNKNOWN


SPLITTABLE_ERRORS: Final = (TruncatedAnswerError, ContextTooLongError)
"""Failures after which a part of the same request may be answered."""
