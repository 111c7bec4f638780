"""Waiting for conditions by polling, with a time limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], *, within_s: float = 20.0) -> T:
    """Poll until ``look`` returns something other than None or False, and return that.

    Raises:
        AssertionError: there was nothing in time.
    """
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = look()
        if found is not None and found is not False:
            return found
        time.sleep(0.01)
    raise AssertionError(f"nothing within {within_s:g} s")


async def until(look: Callable[[], Any], *, within_s: float = 20.0) -> Any:
    """Poll as ``eventually`` does, in an event loop; ``look`` may be a coroutine function.

    Raises:
        AssertionError: there was nothing in time.
    """
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = look()
        value = await found if isinstance(found, Awaitable) else found
        if value is not None and value is not False:
            return value
        await asyncio.sleep(0.01)
    raise AssertionError(f"nothing within {within_s:g} s")
