"""Tells a computation over one message, whose unforeseen failures are that message's own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Final

from contracts.errors import ContentBugError, OnrecordError

MOST_FRAMES: Final = 20
"""Stack frames that are told of a failure."""


@contextmanager
def blaming_content(doing: str) -> Iterator[None]:
    """Turn what nobody foresaw into a failure of the message that is worked on.

    For code that computes from one message and asks nobody else: whatever it stumbles over is in
    the message, so that it says nothing of the stage. Only the exception's class and its places in
    the code are told, as its text may quote the message.

    Args:
        doing: what is done, such as "reading the transcript".

    Raises:
        ContentBugError: an exception that nobody foresaw. ``MemoryError`` passes, as the bounds
            of the process give it its meaning, and so does ``ImportError``: what is not installed
            is missing for every message.
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
    inner = deque(walk_tb(trace and trace.tb_next), MOST_FRAMES)
    return tuple(
        f"{Path(frame.f_code.co_filename).name}:{line} {frame.f_code.co_name}"
        for frame, line in reversed(inner)
    )
