"""Progress reports of the supervisor, which ``onrecord.console`` shows to people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class ProgressStep(StrEnum):
    """Step that a process has reached while the local stack starts or stops, such as ready."""

    STARTING = "starting"
    READY = "ready"
    UNCHANGED = "unchanged"
    """It goes on running, as none of its settings changed."""
    OUT_OF_DATE = "restarted"
    PORT_MOVED = "port moved"
    """Another program listens on the port it had."""
    TRYING_AGAIN = "ended at once, trying again"
    STOPPING = "stopping"
    STOPPED = "stopped"
    KILLED = "killed"
    GIVEN_UP = "given up"
    """It was stopped before it was ever ready."""


@dataclass(frozen=True, slots=True)
class ProcessProgress:
    """Progress report: a process of the stack, and the step that it has reached.

    Attributes:
        name: the process.
        step: what happened.
        seconds: how long it took.
        port: where it listens, if it does.
        why: why it happened, for people; empty where the step explains itself.
    """

    name: str
    step: ProgressStep
    seconds: float = 0.0
    port: int | None = None
    why: str = ""


Report = Callable[[ProcessProgress], None]


def ignore_progress(_progress: ProcessProgress) -> None:
    """Ignore a progress report; the default progress callback."""
