"""Conversion of unforeseen errors in pure computations into failures of the one message."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Final

from contracts.errors import ContentBugError, OnrecordError

MAX_FRAMES: Final = 20
"""Most stack frames that an error carries."""


@contextmanager
def wrap_content_bugs(doing: str) -> Iterator[None]:
    """Convert any unexpected exception in the ``with`` block into ``ContentBugError``.

    For code that computes from one message and does no I/O: an unexpected exception is caused by
    that message's content, and is no evidence that the stage is broken. The error carries only the
    exception's class and stack frames, as its text may quote the message.

    Args:
        doing: the activity, for the error's text, such as "reading the transcript".

    Raises:
        ContentBugError: in place of an unexpected exception. ``MemoryError`` passes unchanged, as
            the limits of the process decide what it means, and so does ``ImportError``: a missing
            module is missing for every message.
    """
    try:
        yield
    except (OnrecordError, TimeoutError, MemoryError, ImportError):
        raise
    except Exception as error:
        kind, frames = type(error).__name__, _frames(error.__traceback__)
        place = frames[0].split(" ")[0]
        raise ContentBugError(
            f"{doing} failed unexpectedly ({kind} at {place})", kind=kind, frames=frames
        ) from error


def _frames(trace: TracebackType | None) -> tuple[str, ...]:
    """Return ``file:line function`` of the frames, innermost first, without this module's own."""
    inner = deque(walk_tb(trace and trace.tb_next), MAX_FRAMES)
    return tuple(
        f"{Path(frame.f_code.co_filename).name}:{line} {frame.f_code.co_name}"
        for frame, line in reversed(inner)
    )
