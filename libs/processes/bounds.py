"""Resource limits of a task in a worker process, enforced by the operating system."""

from __future__ import annotations

import math
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_STATUS: Final = Path("/proc/self/status")
_KIB: Final = 1024
_MAX_RETAINED_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True)
class TaskLimits:
    """Limits for one task in a worker process: time, CPU time and memory.

    Attributes:
        timeout_s: time by the clock, in seconds.
        cpu_s: CPU time, in seconds; the kernel counts whole seconds, so up to one more passes.
        memory_bytes: memory beyond what the process has before its first task. It is bounded on
            Linux only; development on other systems does without.
    """

    timeout_s: float
    cpu_s: float
    memory_bytes: int


class MemoryLimit:
    """Limit on the memory that this process may use beyond its present use.

    Args:
        memory_bytes: how much more it may take.
    """

    def __init__(self, memory_bytes: int) -> None:
        self._is_bounded = sys.platform == "linux"
        self._base = self._data_bytes()
        self._memory_bytes = memory_bytes

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Bound memory within the context; beyond it, allocating raises MemoryError.

        RLIMIT_DATA rather than RLIMIT_AS: libraries and files that are mapped but never read
        count for the latter, and differ from one machine to the next.
        """
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        if self._is_bounded:
            resource.setrlimit(resource.RLIMIT_DATA, (self._base + self._memory_bytes, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))

    @property
    def is_retained(self) -> bool:
        """Whether a task left so much memory allocated that the next one would have too little."""
        return self._data_bytes() - self._base > _MAX_RETAINED_SHARE * self._memory_bytes

    def _data_bytes(self) -> int:
        if not self._is_bounded:
            return 0
        lines = _STATUS.read_text(encoding="ascii").splitlines()
        (data,) = (line.split()[1] for line in lines if line.startswith("VmData:"))
        return int(data) * _KIB


def limit_cpu_time(cpu_s: float) -> None:
    """Make the kernel kill this process after ``cpu_s`` further seconds of CPU time."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(used.ru_utime + used.ru_stime + cpu_s)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
