"""Errors of the database library, in the branches that decide what happens to a message.

    OutageError
    └── DatabaseUnavailableError   down for everybody: the stage waits
        ├── DatabaseAccessDeniedError       it is there, but refuses us, or is not the one we trust
        └── MigrationsMissingError        it lacks migrations
    RetryableError
    ├── DatabaseConflictError      another transaction was in the way: the same may work later
    ├── DatabaseMemoryError        the server had no memory for a statement: later it may
    └── HandlerTimedOutError
        └── DatabaseTimeoutError   the server gave up on a statement that took too long
    BadMessageError
    └── DatabaseLimitError         a value or a statement is larger than PostgreSQL can take
    Exception
    ├── MigrationError             for people: a migration cannot be applied
    └── QueryFileError             for developers: a file of named queries is wrong

Every other error of the driver passes through unchanged: it is a bug, or the store that sent the
statement knows what it means.
"""

from __future__ import annotations

import asyncpg

from contracts.errors import (
    BadMessageError,
    ErrorCode,
    HandlerTimedOutError,
    OnrecordError,
    OutageError,
    RetryableError,
)


class DatabaseUnavailableError(OutageError):
    """Raised when PostgreSQL cannot be reached, is shutting down, or has no connections left."""

    code = ErrorCode.DATABASE_UNAVAILABLE


class DatabaseAccessDeniedError(DatabaseUnavailableError):
    """Raised when PostgreSQL refuses the login, or its TLS certificate is not trusted."""


class MigrationsMissingError(DatabaseUnavailableError):
    """Raised when migrations that this code needs are not applied to the database."""


class DatabaseConflictError(RetryableError):
    """Raised when a transaction conflicted with a concurrent one."""

    code = ErrorCode.CONFLICT


class DatabaseMemoryError(RetryableError):
    """Raised when PostgreSQL ran out of memory for an SQL statement."""

    code = ErrorCode.OUT_OF_MEMORY


class DatabaseLimitError(BadMessageError):
    """Raised when a row, index entry or statement exceeds one of PostgreSQL's limits."""

    code = ErrorCode.TOO_LARGE


class DatabaseTimeoutError(HandlerTimedOutError):
    """Raised when an SQL statement exceeded its time limit."""

    code = ErrorCode.TIMEOUT


class MigrationError(Exception):
    """Raised when a migration cannot be applied; the message says what to do."""


class QueryFileError(Exception):
    """Raised when an SQL file of named queries is malformed, or lacks a query."""


UNAVAILABLE = (
    ConnectionError,
    # The driver's own timer: the server did not even answer within its own, shorter limit.
    TimeoutError,
    # The driver lost track of a connection that broke in the middle of a statement: "cannot switch
    # to state …; another operation is in progress".
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.DatabaseDroppedError,
    # Disk full, too many connections: no message fares better. Out of memory is another matter.
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    # After a failover the old primary answers as a read-only standby.
    asyncpg.ReadOnlySQLTransactionError,
)

CONFLICTS = (
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.UniqueViolationError,
    # A migration ran meanwhile; the driver has dropped its cached plans by now.
    asyncpg.InvalidCachedStatementError,
    asyncpg.OutdatedSchemaCacheError,
)

ALLOCATION_REFUSED = "invalid memory alloc request size"
"""PostgreSQL's message, an internal error, where a value would need more than a gigabyte."""

TIMEOUTS = (asyncpg.QueryCanceledError, asyncpg.IdleInTransactionSessionTimeoutError)


def translate_driver_error(
    error: Exception, *, connection_lost: bool = False
) -> OnrecordError | None:
    """Convert an asyncpg exception to an error of this library; None if none corresponds.

    Args:
        error: what was raised while the database was used.
        connection_lost: the connection it was raised on is closed. The driver then raises
            ``InterfaceError``, which otherwise means that we used it wrongly.

    Returns:
        The error to raise in its place; None if it is not ours to name.
    """
    if isinstance(error, asyncpg.OutOfMemoryError):
        return DatabaseMemoryError(
            f"PostgreSQL has no memory for a statement ({format_error_headline(error)})"
        )
    if _is_beyond_limits(error):
        return DatabaseLimitError(f"too much for PostgreSQL ({format_error_headline(error)})")
    if isinstance(error, CONFLICTS):
        return DatabaseConflictError(
            f"another transaction was in the way ({format_error_headline(error)})"
        )
    if isinstance(error, TIMEOUTS):
        return DatabaseTimeoutError(
            f"PostgreSQL gave up on a statement ({format_error_headline(error)})"
        )
    lost = connection_lost and isinstance(error, asyncpg.InterfaceError)
    if lost or isinstance(error, UNAVAILABLE):
        return build_unavailable_error(error)
    return None


def _is_beyond_limits(error: Exception) -> bool:
    if isinstance(error, asyncpg.InternalServerError):
        return str(error).startswith(ALLOCATION_REFUSED)
    return isinstance(error, asyncpg.ProgramLimitExceededError)


def build_unavailable_error(error: Exception) -> DatabaseUnavailableError:
    """Convert an asyncpg connection failure to ``DatabaseUnavailableError``."""
    return DatabaseUnavailableError(f"PostgreSQL is unavailable ({format_error_headline(error)})")


def format_error_headline(error: Exception) -> str:
    """Format an asyncpg exception in one line, without details that may quote stored values."""
    text = str(getattr(error, "message", None) or error).strip()
    first = text.splitlines()[0] if text else "no answer in time"
    return f"{type(error).__name__}: {first}"
