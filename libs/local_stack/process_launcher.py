"""Becomes a process of the stack, once the supervisor has written its pid down.

Run by path (``python -I -S process_launcher.py SIGNAL COMMAND…``), so that it starts in
milliseconds. It waits for a byte on stdin before it turns into the command: a process is recorded
before it runs, and when the supervisor dies in between, end of file says so and nothing is started.
With SIGNAL other than 0, Linux sends that signal to the process when the supervisor dies, even of
kill -9.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from typing import Final

DIE_WITH: Final = "ONRECORD_DIE_WITH"
"""``SIGNAL:PARENT``, for a command that changes its user, which makes Linux forget the wish."""

PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
PRIVATE_UMASK: Final = 0o077
"""What the stack writes is its user's alone: the broker's files have interviews in them."""

NOT_STARTED: Final = 127  # as shells say that a command could not be run


def request_parent_death_signal(signal_number: int) -> None:
    """Make Linux send this process a signal when its parent process ends; else do nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def renew_parent_death_signal(wish: str | None) -> None:
    """Request the parent-death signal again, after a change of user has reset it.

    Args:
        wish: the value of ``ONRECORD_DIE_WITH``; None or empty where none was expressed.

    Raises:
        SystemExit: the parent ended meanwhile.
    """
    if not wish:
        return
    signal_number, parent = map(int, wish.split(":"))
    request_parent_death_signal(signal_number)
    if os.getppid() != parent:
        raise SystemExit(NOT_STARTED)


def main(arguments: Sequence[str]) -> int:
    """Wait for the supervisor's byte on stdin, then replace this process by a stack's command."""
    signal_number, command = int(arguments[0]), list(arguments[1:])
    if signal_number:
        request_parent_death_signal(signal_number)
        os.environ[DIE_WITH] = f"{signal_number}:{os.getppid()}"
    if not os.read(0, 1):
        return NOT_STARTED
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.umask(PRIVATE_UMASK)
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.stderr.write(f"cannot run {command[0]}: {error.strerror}\n")
    return NOT_STARTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
