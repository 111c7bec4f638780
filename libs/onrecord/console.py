"""How commands speak: results on stdout, everything else on stderr, JSON where it is asked for."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.status import Status

from local_stack.progress import Progress, ProgressStep, Report
from onrecord.errors import CommandError

out: Final = Console(highlight=False, soft_wrap=True)
err: Final = Console(stderr=True, highlight=False, soft_wrap=True)

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for programs.")]
"""The option every verb has."""


def print_json(value: Any) -> None:
    """Write one JSON document to stdout; values that JSON lacks are written as their ``str``."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    if any("\ud800" <= character <= "\udfff" for character in text):
        # Half a surrogate pair, as a message may have it, has no UTF-8.
        text = json.dumps(value, indent=2, default=str)
    out.print(text, markup=False)


def print_error(error: CommandError) -> None:
    """Write a failure to stderr: one line, and its details below."""
    err.print(f"[bold red]error:[/] {escape(str(error))}")
    for line in error.details:
        err.print(f"  {line}", style="dim", markup=False)


SIGNS: Final = {
    ProgressStep.READY: "[green]✓[/]",
    ProgressStep.UNCHANGED: "[green]✓[/]",
    ProgressStep.STOPPED: "[green]✓[/]",
    ProgressStep.OUT_OF_DATE: "[yellow]↻[/]",
    ProgressStep.PORT_MOVED: "[yellow]↻[/]",
    ProgressStep.TRYING_AGAIN: "[yellow]↻[/]",
    ProgressStep.KILLED: "[yellow]✗[/]",
    ProgressStep.GIVEN_UP: "[yellow]✗[/]",
}
"""Steps that get a line of their own; the others only show what is being waited for."""


AWAITED: Final = {ProgressStep.STARTING, ProgressStep.TRYING_AGAIN, ProgressStep.STOPPING}
"""Steps after which a process is waited for."""


@contextlib.contextmanager
def stack_progress(doing: str, *, quiet: bool = False) -> Iterator[Report]:
    """Show the progress of the stack: a line for each process that is ready or stopped.

    Args:
        doing: such as ``"starting"``.
        quiet: show nothing.

    Yields:
        The function to give to a ``Stack`` as its ``report``.
    """
    if quiet:
        yield lambda _progress: None
        return
    with err.status(doing) as status:
        yield _Lines(doing, status).show


class _Lines:
    def __init__(self, doing: str, status: Status) -> None:
        self._doing = doing
        self._status = status
        self._awaited: list[str] = []

    def show(self, progress: Progress) -> None:
        if progress.step not in AWAITED:
            self._awaited = [name for name in self._awaited if name != progress.name]
        elif progress.name not in self._awaited:
            self._awaited.append(progress.name)
        if sign := SIGNS.get(progress.step):
            took = f"{progress.seconds:5.1f} s" if progress.seconds else ""
            port = f"  127.0.0.1:{progress.port}" if progress.port else ""
            why = f" {escape(progress.why)}" if progress.why else ""
            err.print(f"{sign} {progress.name:<12} {progress.step.value:<15} {took}{port}{why}")
        self._status.update(f"{self._doing} {', '.join(self._awaited)}")
