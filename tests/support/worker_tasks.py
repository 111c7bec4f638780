"""Functions for worker processes to run in tests: some end, some hang, some exceed a limit."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, Final, NoReturn

from contracts.errors import BadMessageError, ErrorCode
from contracts.events import NotesDrafted
from grounding import CheckedNote
from guardrail.domain import assess_draft

MIB: Final = 1024 * 1024


class UnpicklableError(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def run(what: str, argument: Any = None) -> Any:
    """Do one of the things below."""
    return TASKS[what](argument)


def _keep(size: int) -> int:
    _KEPT.append(bytearray(size))
    return os.getpid()


def _spin(_: None) -> NoReturn:
    while True:
        pass


def _backtrack(_: None) -> None:
    # In C, where no signal handler of Python runs.
    re.match(r"(a+)+$", "a" * 64 + "b")


def _allocate(mebibytes: int) -> int:
    return len([bytearray(MIB) for _ in range(mebibytes)])


def _refuse(_: None) -> NoReturn:
    raise BadMessageError("refused", code=ErrorCode.UNKNOWN_FORMAT)


def _unpicklable(_: None) -> NoReturn:
    raise UnpicklableError(1, 2)


_KEPT: list[bytearray] = []

TASKS: Final[dict[str, Callable[[Any], Any]]] = {
    "echo": lambda argument: argument,
    "pid": lambda _: os.getpid(),
    "has module": lambda name: name in sys.modules,
    "keep": _keep,
    "spin": _spin,
    "backtrack": _backtrack,
    "sleep": time.sleep,
    "allocate": _allocate,
    "abort": lambda _: os.abort(),
    "die": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "refuse": _refuse,
    "unpicklable": _unpicklable,
    "bug": lambda _: 1 // 0,
}


def assess_slowly(draft: NotesDrafted, takes_s: float) -> tuple[CheckedNote, ...]:
    """Assess a draft whose checks take so many seconds."""
    time.sleep(takes_s)
    return assess_draft(draft)
