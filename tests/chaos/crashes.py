"""Crash points of a chaos worker, and the crash itself, once a round."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path


class Point(StrEnum):
    """The points in a message's life at which a worker can crash."""

    AFTER_FETCH = "after-fetch"
    IN_HANDLER = "in-handler"
    AFTER_HANDLER = "after-handler"
    AFTER_RESULT = "after-result"
    AFTER_RETRY_WRITE = "after-retry-write"
    AFTER_DLQ_WRITE = "after-dlq-write"
    BEFORE_COMMIT = "before-commit"
    AFTER_COMMIT = "after-commit"


class Crashes:
    """A counter of passes that kills this process, as ``kill -9`` would, at the n-th of a point.

    Args:
        due: the points, and at which pass of a process each is due.
        folder: where it is noted that a point has fired; shared by a round's replicas.
    """

    def __init__(self, due: Mapping[Point, int], folder: Path) -> None:
        self._due = due
        self._folder = folder
        self._passes: Counter[Point] = Counter()

    def passing(self, point: Point) -> None:
        """Pass a point; return unless it is due and no replica has died of it yet."""
        self._passes[point] += 1
        if self._passes[point] >= self._due.get(point, self._passes[point] + 1):
            try:
                os.close(os.open(self._folder / point, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return
            os.kill(os.getpid(), signal.SIGKILL)


def due_to_text(due: Mapping[Point, int]) -> str:
    """Serialize crash points for an environment variable."""
    return ",".join(f"{point}:{number}" for point, number in due.items())


def due_from_text(text: str) -> dict[Point, int]:
    """Parse what ``due_to_text`` returned."""
    pairs = (part.split(":") for part in text.split(",") if part)
    return {Point(point): int(number) for point, number in pairs}
