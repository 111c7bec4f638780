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
    """A revision was submitted again with other content."""

    code = ErrorCode.REVISION_CONFLICT


class UngroundedWriteError(BadMessageError):
    """A note's evidence is not in the stored transcript, so the database refused the note."""

    code = ErrorCode.UNGROUNDED_WRITE


class UnstorableEventError(BadMessageError):
    """An event has values that the database cannot hold, or contradicts what it holds."""

    code = ErrorCode.INVALID_EVENT
