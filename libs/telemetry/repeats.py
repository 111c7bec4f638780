"""A logging filter that limits repeated lines of third-party libraries."""

from __future__ import annotations

import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

INTERVAL_S: Final = 30.0
_REMEMBERED: Final = 1_000
"""Distinct lines that are remembered; beyond, the one that passed longest ago is forgotten."""

_PLACEHOLDER = re.compile(r"%[^a-zA-Z%]*[a-zA-Z]")
_WORD = re.compile(r"[^\W\d_]{2}")

_Key = tuple[str, int, str]


@dataclass(slots=True)
class _LastPassed:
    """The time a line last passed, and the number suppressed since."""

    at: float
    suppressed: int = 0


class RepeatedLogFilter(logging.Filter):
    """Logging filter that suppresses repeats of a line within an interval, and counts them.

    Lines are equal when logger, level and message template are, whatever the arguments; a template
    without words, such as ``%s``, is compared with its arguments filled in. Lines logged through
    structlog are our own, have a mapping for a message, and always pass. The count of suppressed
    lines goes with the next equal line that passes, if one comes.

    Args:
        interval_s: the shortest time between two equal lines, in seconds.
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self, interval_s: float = INTERVAL_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._interval_s = interval_s
        self._clock = clock
        self._last_passed: OrderedDict[_Key, _LastPassed] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line passes; one that follows suppressed lines gets their count."""
        if not isinstance(record.msg, str):
            return True
        key = (record.name, record.levelno, _template(record))
        now = self._clock()
        before = self._last_passed.get(key)
        if before is not None and now - before.at < self._interval_s:
            before.suppressed += 1
            return False
        if before is not None and before.suppressed:
            since = round(now - before.at)
            record.msg = f"{record.getMessage()} ({before.suppressed} more like it in {since} s)"
            record.args = ()
        self._remember(key, _LastPassed(now))
        return True

    def _remember(self, key: _Key, passed: _LastPassed) -> None:
        self._last_passed[key] = passed
        self._last_passed.move_to_end(key)
        if len(self._last_passed) > _REMEMBERED:
            self._last_passed.popitem(last=False)


def _template(record: logging.LogRecord) -> str:
    bare = _PLACEHOLDER.sub("", str(record.msg))
    return str(record.msg) if _WORD.search(bare) else record.getMessage()
