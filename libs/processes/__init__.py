"""A pool of worker processes with limits on CPU time, memory and duration."""

from processes.allocation import configure_memory_release
from processes.bounds import TaskLimits
from processes.errors import TaskTimedOutError, TooCostlyError, WorkerLostError
from processes.pool import WorkerPool

__all__ = [
    "TaskLimits",
    "TaskTimedOutError",
    "TooCostlyError",
    "WorkerLostError",
    "WorkerPool",
    "configure_memory_release",
]
