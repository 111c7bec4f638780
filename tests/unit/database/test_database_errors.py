import asyncpg
import pytest

from contracts.errors import (
    BadMessageError,
    ErrorCode,
    HandlerTimedOutError,
    OutageError,
    RetryableError,
)
from database.errors import format_error_headline, translate_driver_error
from database.text import make_storable_text, replace_nul


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "refused"),
        TimeoutError(),
        asyncpg.ConnectionDoesNotExistError("closed in the middle of operation"),
        asyncpg.AdminShutdownError("terminating connection"),
        asyncpg.InternalClientError("cannot switch to state 12; another operation is in progress"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.DiskFullError("could not extend file"),
        asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_calls_it_an_outage_when_no_message_could_fare_better(error: Exception) -> None:
    named = translate_driver_error(error)
    assert isinstance(named, OutageError)
    assert named.code is ErrorCode.DATABASE_UNAVAILABLE


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.SerializationError("could not serialize access"),
        asyncpg.DeadlockDetectedError("deadlock detected"),
        asyncpg.LockNotAvailableError("canceling statement due to lock timeout"),
        asyncpg.UniqueViolationError("duplicate key value"),
        asyncpg.InvalidCachedStatementError("cached plan must not change result type"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_calls_it_a_conflict_when_another_transaction_was_in_the_way(error: Exception) -> None:
    named = translate_driver_error(error)
    assert isinstance(named, RetryableError)
    assert named.code is ErrorCode.CONFLICT


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.ProgramLimitExceededError("row is too big: size 9000, maximum size 8160"),
        asyncpg.ProgramLimitExceededError("index row size 9000 exceeds btree maximum 2704"),
        asyncpg.StatementTooComplexError("stack depth limit exceeded"),
        asyncpg.TooManyColumnsError("target lists can have at most 1664 entries"),
        asyncpg.InternalServerError("invalid memory alloc request size 1073741824"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_blames_the_message_for_what_is_too_large_for_postgres(error: Exception) -> None:
    named = translate_driver_error(error)
    assert isinstance(named, BadMessageError)
    assert named.code is ErrorCode.TOO_LARGE


def test_takes_no_memory_for_one_statement_for_no_outage_of_all() -> None:
    named = translate_driver_error(asyncpg.OutOfMemoryError("out of memory"))
    assert isinstance(named, RetryableError)
    assert named.code is ErrorCode.OUT_OF_MEMORY


def test_counts_a_cancelled_statement_as_a_timeout() -> None:
    named = translate_driver_error(
        asyncpg.QueryCanceledError("canceling statement due to statement timeout")
    )
    assert isinstance(named, HandlerTimedOutError)
    assert named.code is ErrorCode.TIMEOUT


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.CheckViolationError("refused"),
        asyncpg.UndefinedTableError("no such table"),
        asyncpg.InternalServerError("cache lookup failed for type 0"),
        asyncpg.InterfaceError("another operation is in progress"),
        ValueError("ours"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_lets_every_other_error_through(error: Exception) -> None:
    assert translate_driver_error(error) is None


def test_takes_a_misuse_of_a_connection_for_an_outage_only_if_it_is_lost() -> None:
    error = asyncpg.InterfaceError("connection is closed")
    assert isinstance(translate_driver_error(error, connection_lost=True), OutageError)


def test_keeps_the_values_that_postgres_quotes_out_of_the_headline() -> None:
    error = asyncpg.UniqueViolationError("duplicate key value violates unique constraint")
    error.detail = "Key (quote)=(I cried) already exists."
    assert "cried" not in format_error_headline(error)


def test_replaces_what_postgres_cannot_store_at_any_depth() -> None:
    assert replace_nul({"a\0": ["b\0", 1, None, {"c": "\0"}]}) == {
        "a\ufffd": ["b\ufffd", 1, None, {"c": "\ufffd"}]
    }


def test_makes_a_text_storable_that_holds_nul_and_half_a_surrogate_pair() -> None:
    assert make_storable_text("a\0b\ud800c") == "a\ufffdb?c"
    assert make_storable_text("a\0bc", max_length=3) == "a\ufffdb"
