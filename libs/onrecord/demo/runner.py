"""Parts of a demo: a new stack that is deleted at the end, headings, and verbs run as typed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from local_stack.progress import ProcessProgress, Report, ignore_progress
from local_stack.supervisor import LocalStack
from onrecord.cli import run_command
from onrecord.commands.stack import describe_model
from onrecord.console import err, out, show_stack_progress
from onrecord.errors import FailedError
from onrecord.settings import HOME_SETTING, find_stack_folder

PROJECT: Final = Path(__file__).resolve().parents[3]
SAMPLES: Final = PROJECT / "samples"

INTERRUPTED: Final = 128 + signal.SIGINT


class _Reporter:
    """Passes a stack's steps on to whoever shows them at the moment."""

    target: Report = staticmethod(ignore_progress)

    def __call__(self, progress: ProcessProgress) -> None:
        self.target(progress)

    @contextmanager
    def showing(self, doing: str) -> Iterator[None]:
        with show_stack_progress(doing) as self.target:
            yield
        self.target = ignore_progress


@contextmanager
def run_demo_stack(env: Mapping[str, str]) -> Iterator[LocalStack]:
    """Run a new local stack in the demo's folder for the duration of the context.

    Args:
        env: settings for all its processes.

    Raises:
        StackFailedError: it does not start.
    """
    home = find_stack_folder() / "demo"
    reporter = _Reporter()
    LocalStack(home, attached=False).stop(purge=True)
    stack = LocalStack(home, env=env, report=reporter)
    with reporter.showing("starting"):
        stack.__enter__()
    try:
        if model := stack.model():
            out.print(describe_model(model), markup=False)
        with _environment(HOME_SETTING, str(home)):
            yield stack
    finally:
        with reporter.showing("stopping"):
            stack.__exit__(None, None, None)
    out.print("the stack is stopped; `make up` starts one that stays")


def print_heading(title: str) -> None:
    """Print the heading of the next part of the demo."""
    out.print()
    out.rule(f"[bold]{title}[/]", align="left")


def print_and_run_command(*arguments: str, may_fail: bool = False) -> bool:
    """Run an ``onrecord`` command, after printing it; return True if it failed and may fail.

    Raises:
        FailedError: it failed, and may not.
    """
    err.print(f"[dim]$ onrecord {' '.join(_short(arguments))}[/]")
    code = run_command(arguments)
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code and not (may_fail and code == 1):
        raise FailedError(f"`onrecord {' '.join(arguments)}` ended with exit code {code}")
    return code != 0


def _short(arguments: Sequence[str]) -> list[str]:
    return [one.removeprefix(f"{PROJECT}/") for one in arguments]


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
