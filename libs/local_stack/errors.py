"""What can go wrong with the local stack.

StackError
├── StackFailedError   a process did not start, another command is at work, nothing runs
└── StackUsageError    stack.yaml cannot be read, or a name isn't in it
"""

from __future__ import annotations

from collections.abc import Sequence


class StackError(Exception):
    """Base of all errors of the local stack.

    Args:
        message: one line for people.
        details: further lines below it, such as the end of a log.
    """

    def __init__(self, message: str, *, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


class StackFailedError(StackError):
    """Raised when a process of the local stack failed or is not running."""


class StackUsageError(StackError):
    """Raised when ``stack.yaml`` is invalid, or a named process does not exist."""
