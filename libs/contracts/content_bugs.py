"""Conversion of unforeseen errors in pure computations into failures of the one message."""

from __future__ import annotations

from collections import deque
from contextlib import AbstractContextManager
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Final

from contracts.errors import BugTriggeredByMessageError, OnrecordError

MAX_FRAMES: Final = 20
"""Most stack frames that an error carries."""


def convert_bugs_triggered_by_message(doing: str) -> AbstractContextManager[None]:
    """Context manager that converts unexpected exceptions to ``BugTriggeredByMessageError``.

    For code that computes from one message and does no I/O: an unexpected exception is caused by
    that message's content, and is no evidence that the stage is broken. The error carries only the
    exception's class and stack frames, as its text may quote the message.

    The context keeps nothing, so one may be entered any number of times.

    Args:
        doing: the activity, for the error's text, such as "reading the transcript".

    Raises:
        BugTriggeredByMessageError: in place of an unexpected exception. ``MemoryError`` passes
            unchanged, as the limits of the process decide what it means, and so does
            ``ImportError``: a missing module is missing for every message.
    """
    return _ContentBugWrapper(doing)


class _ContentBugWrapper(AbstractContextManager[None]):
    """The context of the function above; a generator would take four times as long."""

    __slots__ = ("_doing",)

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not isinstance(error, Exception) or isinstance(error, _UNCHANGED):
            return
        name, frames = type(error).__name__, _frames(trace)
        place = frames[0].split(" ")[0]
        raise BugTriggeredByMessageError(
            f"{self._doing} failed unexpectedly ({name} at {place})", kind=name, frames=frames
        ) from error


_UNCHANGED: Final = (OnrecordError, TimeoutError, MemoryError, ImportError)


def _frames(trace: TracebackType | None) -> tuple[str, ...]:
    """Return ``file:line function`` of the frames, innermost first."""
    inner = deque(walk_tb(trace), MAX_FRAMES)
    return tuple(
        f"{Path(frame.f_code.co_filename).name}:{line} {frame.f_code.co_name}"
        for frame, line in reversed(inner)
    )
