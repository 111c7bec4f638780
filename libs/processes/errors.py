"""Why work in a process came to no result, in the classes that decide what happens next.

BadMessageError (contracts.errors)
└── TooCostlyError      it used up its CPU time or memory, as it would every time
TimedOutError
└── WorkTimedOutError   it took too long by the clock, which a busy machine may be the reason of
RetryableError
└── WorkerLostError     its process was killed from outside, or crashed
"""

from __future__ import annotations

from contracts.errors import BadMessageError, ErrorCode, RetryableError, TimedOutError


class TooCostlyError(BadMessageError):
    """The work used up the CPU time or the memory that one message may take.

    Both are counted by the operating system for this work alone, so trying again costs the same
    and ends the same: the message becomes a dead letter at once.
    """

    code = ErrorCode.TOO_LARGE


class WorkTimedOutError(TimedOutError):
    """The work took longer than it may by the clock, though not by its own CPU time."""


class WorkerLostError(RetryableError):
    """The process ended before the work was done; something else may have killed it."""

    code = ErrorCode.BUG
