"""Waiting for something to become true, without guessing how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], *, within_s: float = 20.0) -> T:
    """Look again and again until there is something other than None or False.

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
