"""Waiting for conditions by polling, with a time limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, TypeVar

T = TypeVar("T")

WITHIN_S: Final = 60.0
"""How long is waited for what takes moments on a machine that does nothing else, in seconds."""

_FIRST_PAUSE_S: Final = 0.01
_LONGEST_PAUSE_S: Final = 0.05
_GROWTH: Final = 1.3


def eventually(
    look: Callable[[], T], *, within_s: float = WITHIN_S, pause_s: float = _FIRST_PAUSE_S
) -> T:
    """Poll until ``look`` returns something other than None or False, and return that.

    Args:
        look: what is polled.
        within_s: limit, in seconds.
        pause_s: seconds between the first two looks; later ones grow to 0.05 s. A look that starts
            processes takes a longer one, or it slows down what is waited for.

    Raises:
        AssertionError: there was nothing in time.
    """
    deadline = time.monotonic() + within_s
    for pause in _pauses(pause_s):
        found = look()
        if found is not None and found is not False:
            return found
        if time.monotonic() + pause > deadline:
            break
        time.sleep(pause)
    raise AssertionError(f"nothing within {within_s:g} s")


async def until(look: Callable[[], Any], *, within_s: float = WITHIN_S) -> Any:
    """Poll as ``eventually`` does, in an event loop; ``look`` may be a coroutine function.

    Raises:
        AssertionError: there was nothing in time.
    """
    deadline = time.monotonic() + within_s
    for pause in _pauses(_FIRST_PAUSE_S):
        found = look()
        value = await found if isinstance(found, Awaitable) else found
        if value is not None and value is not False:
            return value
        if time.monotonic() + pause > deadline:
            break
        await asyncio.sleep(pause)
    raise AssertionError(f"nothing within {within_s:g} s")


def _pauses(first_s: float) -> Iterator[float]:
    pause = first_s
    while True:
        yield pause
        pause = max(pause, min(pause * _GROWTH, _LONGEST_PAUSE_S))
