"""Output of commands: results on stdout, everything else on stderr, JSON if asked for.

Whatever a command prints goes through ``out`` or ``err``, which escape what would control the
terminal: titles, labels, ids and error texts are other people's.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.status import Status

from contracts.terminal import TERMINAL_CONTROLS, escape_control_characters
from local_stack.progress import ProcessProgress, ProgressStep, Report
from onrecord.errors import CommandError


class EscapingConsole(Console):
    """Rich console that escapes control characters in the text it prints."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the segments of anything printable, with control characters as escapes."""
        for segment in super().render(renderable, options):
            escaped = segment.text if segment.control else escape_control_characters(segment.text)
            yield segment if escaped == segment.text else Segment(escaped, segment.style)


# Without emoji, so that ":warning:" in other people's words stays what they wrote.
out: Final = EscapingConsole(highlight=False, soft_wrap=True, emoji=False)
err: Final = EscapingConsole(stderr=True, highlight=False, soft_wrap=True, emoji=False)

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for programs.")]
"""The option every verb has."""


def print_json(value: Any) -> None:
    """Print data as JSON to stdout; values that JSON cannot represent are converted to text."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    # Beyond ASCII, JSON leaves them as they are; as escapes they are the same to a program.
    escaped = TERMINAL_CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    out.print(escaped, markup=False)


def print_error(error: CommandError) -> None:
    """Print a command's error to stderr: its message in one line, and its details below."""
    err.print(f"[bold red]error:[/] {escape(_as_line(str(error)))}")
    for line in error.details:
        err.print(f"  {_as_line(line)}", style="dim", markup=False)


def _as_line(text: str) -> str:
    """Return a text without line ends, which in other people's words would look like a result."""
    return " ".join(text.splitlines())


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
def show_stack_progress(doing: str, *, quiet: bool = False) -> Iterator[Report]:
    """Print on stderr, line by line, which processes of the local stack are ready or stopped.

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

    def show(self, progress: ProcessProgress) -> None:
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
