"""Why the content of a submission was not taken from where it is.

    BadMessageError (contracts.errors)
    ├── MalformedContentError     it is not what `content_form` says
    ├── ContentRefusedError       its URI may not be fetched, or the server refuses it for good
    │   └── UriNotAllowedError        nothing may be fetched from there
    └── ContentNotFoundError      there is nothing at its URI
    RetryableError
    └── ContentUnavailableError   it could not be fetched now
    TimedOutError
    └── ContentTimedOutError      it was not there in time

Messages name the field and never the URI, which may carry a signature.
"""

from __future__ import annotations

from contracts.errors import BadMessageError, ErrorCode, RetryableError, TimedOutError


class MalformedContentError(BadMessageError):
    """Raised when a submission's content is not in the form that it declares, such as gzip."""

    code = ErrorCode.INVALID_EVENT


class ContentRefusedError(BadMessageError):
    """Raised when a URI may not be fetched, or the server denies access to it."""

    code = ErrorCode.CONTENT_REFUSED


class UriNotAllowedError(ContentRefusedError):
    """Raised when the settings do not allow content to be fetched from a URI."""

    def __init__(self) -> None:
        super().__init__(
            "content: the URI is not among those that INGESTION_ALLOWED_CONTENT allows"
        )


class ContentNotFoundError(BadMessageError):
    """Raised when a submission's URI leads to no file."""

    code = ErrorCode.CONTENT_NOT_FOUND


class ContentUnavailableError(RetryableError):
    """Raised when a file could not be fetched, but a retry may succeed."""

    code = ErrorCode.CONTENT_UNAVAILABLE


class ContentTimedOutError(TimedOutError):
    """Raised when a file was not fetched within the time limit."""

    code = ErrorCode.CONTENT_UNAVAILABLE
