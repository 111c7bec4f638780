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
    """Raised when content is not in the form that its submission says."""

    code = ErrorCode.INVALID_EVENT


class ContentRefusedError(BadMessageError):
    """Raised when a URI may not be fetched, or its server refuses to give the content."""

    code = ErrorCode.CONTENT_REFUSED


class UriNotAllowedError(ContentRefusedError):
    """Raised when the settings allow no content from where a URI points."""

    def __init__(self) -> None:
        super().__init__(
            "content: the URI is not among those that INGESTION_ALLOWED_CONTENT allows"
        )


class ContentNotFoundError(BadMessageError):
    """Raised when there is no content at a URI."""

    code = ErrorCode.CONTENT_NOT_FOUND


class ContentUnavailableError(RetryableError):
    """Raised when content could not be fetched for a reason that may pass."""

    code = ErrorCode.CONTENT_UNAVAILABLE


class ContentTimedOutError(TimedOutError):
    """Raised when content was not fetched within its time."""

    code = ErrorCode.CONTENT_UNAVAILABLE
