"""Command lines of single libraries: Typer's verbs, with errors in one line and an exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from typing import Final

import typer
from typer.exceptions import TyperException

WRONG_USAGE: Final = 2
_INTERRUPTED: Final = 128 + signal.SIGINT


def create_typer_app(help_text: str, *, epilog: str | None = None) -> typer.Typer:
    """Build a Typer application with the project's defaults, such as plain help texts.

    Args:
        help_text: what it is for, in a line.
        epilog: what its help ends with, such as an example.
    """
    return typer.Typer(
        help=help_text,
        epilog=epilog,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def run_typer_app(app: typer.Typer, arguments: Sequence[str] | None, *, program: str) -> int:
    """Run a Typer application and return its exit code; a usage error is printed in one line.

    Args:
        app: the command line.
        arguments: without the program's name; those of the process if None.
        program: what its help and its errors call the program.

    Returns:
        The exit code: what the verb returned, 0 if that was nothing, 2 for wrong usage, which is
        one line on stderr.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        returned = app(words, prog_name=program, standalone_mode=False)
    except TyperException as error:  # an unknown option, a missing argument
        if text := format_usage_error(error, program):
            sys.stderr.write(f"{program}: {text}\n")
        return WRONG_USAGE
    except (KeyboardInterrupt, typer.Abort):
        return _INTERRUPTED
    return returned if isinstance(returned, int) else 0


def format_usage_error(error: TyperException, program: str) -> str:
    """Format a usage error in one line: what is wrong, and where to find help.

    Args:
        error: Typer's own.
        program: the program's name, where the error does not name a verb of it.

    Returns:
        The line; "" if the help was printed already.
    """
    message = getattr(error, "format_message", None)
    # Pydantic's word for an error of our own, which is a sentence as it is.
    text = str(message() if message else error).rstrip(".").replace("Value error, ", "")
    if not text:  # a group of verbs that was called without one, and prints its help then
        return ""
    context = getattr(error, "ctx", None)
    called = context.command_path if context else program
    return f"{text} (`{called} --help` tells what there is)"
