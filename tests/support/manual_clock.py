"""A clock that is set by hand."""

from __future__ import annotations


class ManualClock:
    """Clock in seconds, which stands still until a test sets it."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s
