"""What the supervisor tells while it works; ``onrecord.console`` shows it to people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """What happened to a process."""

    STARTING = "starting"
    READY = "ready"
    ALREADY_RUNNING = "already running"
    OUT_OF_DATE = "settings changed, starting again"
    TRYING_AGAIN = "ended at once, trying again"
    STOPPING = "stopping"
    STOPPED = "stopped"
    KILLED = "killed"
    GIVEN_UP = "given up"
    """It was stopped before it was ever ready."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of one process.

    Attributes:
        name: the process.
        step: what happened.
        seconds: how long it took.
        port: where it listens, if it does.
    """

    name: str
    step: Step
    seconds: float = 0.0
    port: int | None = None


Report = Callable[[Progress], None]


def silent(_progress: Progress) -> None:
    """Tell nobody."""
