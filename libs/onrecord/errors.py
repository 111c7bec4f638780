"""Errors of the command line, in the classes that decide the exit code.

    CommandError
    ├── FailedError        1: the thing asked about failed
    ├── UsageError         2: wrong usage or bad input
    └── UnreachableError   3: the system cannot be reached

These end a command; a message's failures are ``contracts.errors``.
"""

from __future__ import annotations

from collections.abc import Sequence


class CommandError(Exception):
    """Base of all errors that a command prints in one line before it exits.

    Args:
        message: one line for people, on stderr.
        details: further lines below it, such as the end of a log.
    """

    exit_code = 1

    def __init__(self, message: str, *, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


class FailedError(CommandError):
    """Raised when a command has failed: exit code 1."""


class UsageError(CommandError):
    """Raised when a command is used wrongly or its input is invalid: exit code 2."""

    exit_code = 2


class UnreachableError(CommandError):
    """Raised when the broker, the database or a service does not answer: exit code 3."""

    exit_code = 3
