"""Runs functions in processes that are bounded in CPU time, memory and time, and can be ended."""

from processes.allocation import return_large_blocks
from processes.bounds import Bounds
from processes.errors import TooCostlyError, WorkerLostError, WorkTimedOutError
from processes.pool import WorkerPool

__all__ = [
    "Bounds",
    "TooCostlyError",
    "WorkTimedOutError",
    "WorkerLostError",
    "WorkerPool",
    "return_large_blocks",
]
