"""Errors of events that cannot be stored.

::

    BadMessageError
    ├── RevisionConflictError   other content under a revision that is taken
    ├── UngroundedWriteError    PostgreSQL found that evidence is not in the transcript
    └── UnstorableEventError    values the database cannot or may not hold

Notes that come before their transcript are no error: they are kept until it comes.
"""

from __future__ import annotations

from contracts.errors import BadMessageError, ErrorCode


class RevisionConflictError(BadMessageError):
    """Raised when an interview's revision is already stored with different content."""

    code = ErrorCode.REVISION_CONFLICT


class UngroundedWriteError(BadMessageError):
    """Raised when the database refuses a note whose quote is not in its transcript."""

    code = ErrorCode.UNGROUNDED_WRITE


class UnstorableEventError(BadMessageError):
    """Raised when PostgreSQL cannot store an event: invalid values, or a conflict."""

    code = ErrorCode.INVALID_EVENT
