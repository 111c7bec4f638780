"""Main loop of a worker process: receives arguments and returns results within its limits.

When CPU time runs out, the kernel ends the process by SIGXCPU, even in the middle of a regular
expression. When memory runs out, Python raises MemoryError, and code in C or Rust ends the
process by SIGABRT. The parent distinguishes them by the tag or the exit code.
"""

from __future__ import annotations

import pickle
import resource
import signal
from collections.abc import Callable
from enum import Enum
from multiprocessing.connection import Connection
from traceback import format_exc
from typing import Any

from contracts.errors import OnrecordError
from processes.allocation import configure_memory_release
from processes.bounds import MemoryLimit, TaskLimits, limit_cpu_time


class AnswerTag(Enum):
    """Tag of a worker process's answer: whether a result or an error follows."""

    RESULT = b"result"
    ERROR = b"error"
    OUT_OF_MEMORY = b"out of memory"


ENDS = b"ends"
"""Follows an answer if the process ends after it."""

STAYS = b"stays"
"""Follows an answer if the process takes the next task."""


def serve_tasks(
    connection: Connection,
    function: Callable[..., Any],
    limits: TaskLimits,
    prepare: Callable[[], object] | None = None,
) -> None:
    """Run tasks in a worker process until the parent process closes the connection.

    Args:
        connection: receives the pickled arguments of a task, and sends a tag, the answer, and
            whether the process stays.
        function: called with the arguments.
        limits: of each task.
        prepare: called before the first task.
    """
    # Ctrl-C in a terminal reaches all processes; the parent ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    configure_memory_release()
    if prepare is not None:
        prepare()
    memory = MemoryLimit(limits.memory_bytes)
    with connection:
        try:
            while True:
                limit_cpu_time(limits.cpu_s)
                tag, answer = _answer(connection, function, memory)
                ends = tag is AnswerTag.OUT_OF_MEMORY or memory.is_retained
                for part in (tag.value, answer, ENDS if ends else STAYS):
                    connection.send_bytes(part)
                if ends:
                    return
        except (EOFError, OSError):  # the parent closed the connection, or is gone
            return


def _answer(
    connection: Connection, function: Callable[..., Any], memory: MemoryLimit
) -> tuple[AnswerTag, bytes]:
    """Receive and run one task; return the tagged answer, pickled within the limits too.

    Raises:
        EOFError, OSError: the connection is closed.
    """
    task = connection.recv_bytes()
    try:
        with memory():
            return AnswerTag.RESULT, _work(function, task)
    except MemoryError:
        return AnswerTag.OUT_OF_MEMORY, b""
    except Exception as error:  # noqa: BLE001 - the parent raises it
        return AnswerTag.ERROR, _pickled(error)


def _work(function: Callable[..., Any], task: bytes) -> bytes:
    args, kwargs = pickle.loads(task)  # noqa: S301 - the parent's own
    return pickle.dumps(function(*args, **kwargs))


def _pickled(error: Exception) -> bytes:
    if not isinstance(error, OnrecordError):
        # The parent's traceback ends where the answer came in.
        error.add_note(f"in the worker process:\n{format_exc()}")
    try:
        pickled = pickle.dumps(error)
        pickle.loads(pickled)  # noqa: S301 - made on the line above
    except Exception:  # noqa: BLE001 - whatever an exception of a library does when copied
        return pickle.dumps(RuntimeError(f"{type(error).__name__}\n{format_exc()}"))
    return pickled
