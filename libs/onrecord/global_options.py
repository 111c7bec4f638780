"""The options that each command that asks control takes: which system, and why."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, Final, get_type_hints

import typer

from onrecord.contexts import GIVEN_OPTIONS, GlobalOptions

Context = Annotated[
    str | None,
    typer.Option(
        "--context",
        metavar="NAME",
        help="The system to ask, as `onrecord context list` names it.",
        show_default=False,
    ),
]
Reason = Annotated[
    str | None,
    typer.Option("--reason", help="Why you ask; it goes into the trail.", show_default=False),
]

_CONTEXT: Final = "onrecord_context"
_REASON: Final = "reason"
_KEYWORD: Final = inspect.Parameter.KEYWORD_ONLY


def add_global_options(app: typer.Typer) -> None:
    """Add the global options, such as ``--context``, to all commands of a Typer application."""
    for command in app.registered_commands:
        if command.callback is not None:
            command.callback = wrap_with_global_options(command.callback)
    for group in app.registered_groups:
        if group.typer_instance is None:
            continue
        add_global_options(group.typer_instance)
        callback = group.typer_instance.registered_callback
        if callback is not None and callback.callback is not None:
            callback.callback = wrap_with_global_options(callback.callback)


def set_global_options(context: str | None, reason: str | None) -> None:
    """Store the values of the global options; None keeps the value of an outer group.

    A group's function returns before its command runs, so whoever runs the application resets them.
    """
    above = GIVEN_OPTIONS.get()
    GIVEN_OPTIONS.set(GlobalOptions(context or above.context, reason or above.reason))


def wrap_with_global_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a command's function, so that it also accepts and stores the global options.

    A command that has a ``--reason`` of its own keeps it.
    """
    hints = get_type_hints(command, include_extras=True)
    own = list(inspect.signature(command).parameters.values())
    added = {_CONTEXT: Context} | ({} if _REASON in hints else {_REASON: Reason})

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        reason = options.pop(_REASON, None) if _REASON in added else options.get(_REASON)
        set_global_options(options.pop(_CONTEXT, None), reason)
        return command(*arguments, **options)

    parameters = [
        *(one.replace(annotation=hints.get(one.name, one.annotation)) for one in own),
        *(
            inspect.Parameter(name, _KEYWORD, default=None, annotation=kind)
            for name, kind in added.items()
        ),
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {**{n: h for n, h in hints.items() if n != "return"}, **added}
    return run
