"""The command ``onrecord``: finds the verbs in ``onrecord.commands`` and turns errors into exits.

Exit codes: 0 done, 1 the thing asked about failed, 2 wrong usage or bad input, 3 the system
cannot be reached; 128 + n when ended by signal n.
"""

from __future__ import annotations

import contextlib
import os
import pkgutil
import signal
import sys
from collections.abc import Sequence
from importlib import import_module, metadata
from typing import Annotated, Final

import typer
from typer.exceptions import TyperException

from configuration.command_line import format_usage_error
from contracts.errors import BadMessageError, OnrecordError, OutageError
from evaluation.errors import EvaluationError, InputError
from local_stack.errors import StackError, StackUsageError
from onrecord import commands, global_options
from onrecord.console import err, out, print_error
from onrecord.contexts import GIVEN_OPTIONS, GlobalOptions
from onrecord.errors import CommandError, FailedError, UnreachableError, UsageError
from onrecord.help_texts import format_help_texts

EPILOG: Final = (
    "Exit codes: 0 done, 1 the thing asked about failed, 2 wrong usage or bad input, "
    "3 the system cannot be reached."
)
USAGE_EXIT: Final = 2
ODD_SHOWN: Final = 60
"""Characters shown of a word that is no text."""


def _print_version(asked: bool) -> None:  # noqa: FBT001 - Typer passes an option's value like this
    if asked:
        out.print(f"onrecord {metadata.version('onrecord')}", markup=False)
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
    ),
]


def build_app(arguments: Sequence[str] = ()) -> typer.Typer:
    """Build the Typer application of the ``onrecord`` command line.

    Args:
        arguments: as after ``onrecord`` on the command line. If they begin with a command, only its
            module in ``commands`` is imported, because all of them take a second; else all are.
    """
    app = typer.Typer(
        name="onrecord",
        help="Interview notes that are on the record.",
        epilog=EPILOG,
        invoke_without_command=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def onrecord(
        context: typer.Context,
        *,
        version: Version = False,  # noqa: ARG001 - see its callback
        system: global_options.Context = None,
        reason: global_options.Reason = None,
    ) -> None:
        """Interview notes that carry the transcript's own words, who said them and when."""
        global_options.set_global_options(system, reason)
        if context.invoked_subcommand is None:
            out.print(context.get_help(), markup=False, end="")

    for name in _choose_modules(arguments):
        part = typer.Typer()
        import_module(f"{commands.__name__}.{name}").register(part)
        if name not in commands.WITHOUT_SYSTEM:
            global_options.add_global_options(part)
        app.registered_commands += part.registered_commands
        app.registered_groups += part.registered_groups
    format_help_texts(app)
    return app


def _choose_modules(arguments: Sequence[str]) -> list[str]:
    names = sorted(module.name for module in pkgutil.iter_modules(commands.__path__))
    command = arguments[0] if arguments else ""
    module = commands.MODULES_OF_OTHER_NAMES.get(command, command.replace("-", "_"))
    return [module] if module in names else names


def run_command(arguments: Sequence[str]) -> int:
    """Run the ``onrecord`` command that the arguments name; return its exit code.

    Args:
        arguments: as after ``onrecord`` on the command line.

    Returns:
        The exit code.
    """
    options = GIVEN_OPTIONS.set(GlobalOptions())
    try:
        _refuse_odd(arguments)
        return _exit_code(
            build_app(arguments)(list(arguments), prog_name="onrecord", standalone_mode=False)
        )
    except CommandError as error:
        return _explain(error)
    except (OnrecordError, StackError, EvaluationError) as error:
        return _explain(_as_command_error(error))
    except TyperException as error:  # Typer's own: an unknown option, a missing argument
        return _explain_usage(error)
    except (KeyboardInterrupt, typer.Abort):
        err.print("interrupted")
        return 128 + signal.SIGINT
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    finally:
        GIVEN_OPTIONS.reset(options)


def _refuse_odd(arguments: Sequence[str]) -> None:
    """Refuse words that neither a database nor a file of ours can have.

    Raises:
        UsageError: one is not UTF-8 (Python hands such bytes on as lone surrogates), or has U+0000.
    """
    for argument in arguments:
        shown = argument.encode("utf-8", "backslashreplace").decode()
        if shown != argument or "\0" in argument:
            text = shown[:ODD_SHOWN].replace("\0", "\\x00")
            raise UsageError(f"{text!r} is no text: it is not UTF-8, or has U+0000")


def main() -> None:
    """Run the ``onrecord`` command line with the process's arguments, and exit."""
    sys.exit(run_command(sys.argv[1:]))


def _exit_code(returned: object) -> int:
    """Typer returns the code of ``typer.Exit``, or what the verb returned."""
    return returned if isinstance(returned, int) else 0


def _explain(error: CommandError) -> int:
    with contextlib.suppress(OSError):  # a closed terminal changes nothing about the exit code
        print_error(error)
    return error.exit_code


def _explain_usage(error: TyperException) -> int:
    text = format_usage_error(error, "onrecord")
    return _explain(UsageError(text)) if text else USAGE_EXIT


def _as_command_error(error: OnrecordError | StackError | EvaluationError) -> CommandError:
    """Translate what a library raised into the command line's classes."""
    if isinstance(error, StackUsageError):
        return UsageError(str(error), details=error.details)
    if isinstance(error, InputError):
        return UsageError(str(error))
    if isinstance(error, StackError):
        return FailedError(str(error), details=error.details)
    if isinstance(error, OutageError):
        return UnreachableError(str(error))
    if isinstance(error, BadMessageError):
        return UsageError(str(error))
    return FailedError(str(error))
