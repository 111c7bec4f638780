"""Keeps SIGINT, SIGTERM and SIGHUP from falling between two lines of starting or stopping.

While something is under way that must not be torn, the signals are noted and acted on at the
next safe point; otherwise they raise at once, as Ctrl-C does.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, Self

WATCHED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXIT_BASE: Final = 128  # shells report a death by signal as 128 + its number


class SignalRecorder:
    """Context manager that records SIGINT, SIGTERM and SIGHUP instead of being interrupted.

    Outside the main thread it does nothing: only there can signals be handled.

    Attributes:
        count: how many signals have come.
    """

    def __init__(self) -> None:
        self.count = 0
        self._pending: signal.Signals | None = None
        self._entered = 0
        self._deferring = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._entered += 1
        if self._entered == 1 and threading.current_thread() is threading.main_thread():
            for number in WATCHED:
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        self._entered -= 1
        if self._entered == 0:
            for number, handler in self._before.items():
                signal.signal(number, handler)
            self._before.clear()

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Within, signals are watched, and only raise where ``check`` is called."""
        self._deferring += 1
        try:
            with self:
                yield
        finally:
            self._deferring -= 1

    def check(self) -> None:
        """Raise for a signal that came while deferred: KeyboardInterrupt or SystemExit(128 + n)."""
        pending, self._pending = self._pending, None
        if pending is not None:
            raise _exception(pending)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if not self._deferring:
            raise _exception(signal.Signals(number))
        self._pending = signal.Signals(number)


def _exception(number: signal.Signals) -> BaseException:
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(EXIT_BASE + number)
