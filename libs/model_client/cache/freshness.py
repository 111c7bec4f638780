"""How old a kept answer may be for what runs now: any age, or only from some moment on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

_since: ContextVar[datetime | None] = ContextVar("answers_since", default=None)


def get_oldest_usable_time() -> datetime | None:
    """Return the time before which cached answers are too old to be used; None for no limit."""
    return _since.get()


@contextmanager
def use_only_answers_since(moment: datetime | None) -> Iterator[None]:
    """Use only answers cached since a time, in the context and in tasks started in it.

    What is asked is kept in place of the older answers, and is used when the same is asked again
    with the same moment: a message that is delivered twice is paid for once.

    Args:
        moment: since when kept answers are used; None leaves everything as it is.
    """
    token = _since.set(moment)
    try:
        yield
    finally:
        _since.reset(token)
