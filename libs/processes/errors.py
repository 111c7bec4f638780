"""Errors of work in a worker process, in the branches that decide what happens next.

BadMessageError (contracts.errors)
└── TooCostlyError      it used up its CPU time or memory, as it would every time
HandlerTimedOutError
└── TaskTimedOutError   it took too long by the clock, which a busy machine may be the reason of
RetryableError
└── WorkerLostError     its process was killed from outside, or crashed
"""

from __future__ import annotations

from contracts.errors import BadMessageError, ErrorCode, HandlerTimedOutError, RetryableError


class TooCostlyError(BadMessageError):
    """Raised when a task in a worker process exceeded its CPU time or memory limit.

    Both are counted by the operating system for this work alone, so trying again costs the same
    and ends the same: the message becomes a dead letter at once.
    """

    code = ErrorCode.TOO_LARGE


class TaskTimedOutError(HandlerTimedOutError):
    """Raised when a task in a worker process exceeded its wall-clock time limit."""


class WorkerLostError(RetryableError):
    """Raised when a worker process was killed or crashed during a task."""

    code = ErrorCode.BUG
