"""Keeps libraries that say the same thing again and again from flooding the log."""

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
"""Lines that are told apart; of the one that was let through longest ago the count is forgotten."""

_PLACEHOLDER = re.compile(r"%[^a-zA-Z%]*[a-zA-Z]")
_WORD = re.compile(r"[^\W\d_]{2}")

_Key = tuple[str, int, str]


@dataclass(slots=True)
class _Told:
    """When a line was last let through, and how many were held back since."""

    at: float
    held_back: int = 0


class RepeatFilter(logging.Filter):
    """Lets a library's line through once, and then at most once per interval, with a count.

    Lines are the same when logger, level and message template are, whatever was filled in; a
    template without words, such as ``%s``, is told apart by what was filled in. What structlog
    logs is ours, has a mapping for a message, and always goes through. Lines held back last are
    counted by the next one, if one comes.

    Args:
        interval_s: the least time between two lines that are the same, in seconds.
        clock: the time in seconds, from any beginning.
    """

    def __init__(
        self, interval_s: float = INTERVAL_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._interval_s = interval_s
        self._clock = clock
        self._told: OrderedDict[_Key, _Told] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is let through; one that stands for others then says for how many."""
        if not isinstance(record.msg, str):
            return True
        key = (record.name, record.levelno, _template(record))
        now = self._clock()
        before = self._told.get(key)
        if before is not None and now - before.at < self._interval_s:
            before.held_back += 1
            return False
        if before is not None and before.held_back:
            since = round(now - before.at)
            record.msg = f"{record.getMessage()} ({before.held_back} more like it in {since} s)"
            record.args = ()
        self._remember(key, _Told(now))
        return True

    def _remember(self, key: _Key, told: _Told) -> None:
        self._told[key] = told
        self._told.move_to_end(key)
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)


def _template(record: logging.LogRecord) -> str:
    bare = _PLACEHOLDER.sub("", str(record.msg))
    return str(record.msg) if _WORD.search(bare) else record.getMessage()
