"""A pool of worker processes with limits on CPU time, memory and duration."""

from processes.allocation import return_freed_memory
from processes.bounds import Bounds
from processes.errors import TooCostlyError, WorkerLostError, WorkTimedOutError
from processes.pool import WorkerPool

__all__ = [
    "Bounds",
    "TooCostlyError",
    "WorkTimedOutError",
    "WorkerLostError",
    "WorkerPool",
    "return_freed_memory",
]
