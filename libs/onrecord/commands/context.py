"""``onrecord context``: the systems that commands are for, by name."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from onrecord.console import Json, err, out, print_json
from onrecord.contexts import (
    LOCAL,
    ContextFile,
    NamedContext,
    choose_context,
    load_contexts,
    require_context_file_path,
    save_contexts,
    validate_context_name,
)
from onrecord.errors import UsageError
from onrecord.settings import (
    CONTROL_SETTING,
    URL_SETTING,
    ClientSettings,
    require_header_safe_token,
    require_http_url,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The context's name.")]
Url = Annotated[str, typer.Argument(metavar="URL", help="Where its control answers.")]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        help="A file with the token, read anew by each command; else the token is read from the "
        "terminal or standard input, and kept.",
        show_default=False,
    ),
]
Use = Annotated[bool, typer.Option("--use", help="Use it from now on.")]


def register(app: typer.Typer) -> None:
    """Add the command group ``context`` to the command line."""
    context = typer.Typer(
        help="Systems that commands are for, each with its address and a token.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    context.command("list")(list_)
    for verb in (use, add, remove, show):
        context.command()(verb)
    app.add_typer(context, name="context", rich_help_panel="Operating")


def list_(*, json_output: Json = False) -> None:
    """List the saved contexts (systems that commands can be sent to); the current one is marked.

    `local` is the local stack of the folder, or Docker Compose's. ONRECORD_URL, where it is set,
    wins over all of them.

    Examples of use:

        onrecord context list
    """
    contexts = load_contexts(require_context_file_path())
    current, _ = choose_context(os.environ)
    found = [
        {"name": LOCAL, "url": "", "token": ""},
        *(_describe(name, contexts.contexts[name]) for name in sorted(contexts.contexts)),
    ]
    if json_output:
        print_json([{**one, "current": one["name"] == current} for one in found])
        return
    table = Table("", "context", "address", "token", box=None)
    for one in found:
        mark = "*" if one["name"] == current else ""
        table.add_row(mark, one["name"], escape(one["url"]), escape(one["token"]))
    out.print(table)
    _warn_of_environment()


def use(name: Name, *, json_output: Json = False) -> None:
    """Make a saved context the current one, to which commands are sent; `local` is the local stack.

    `onrecord up` goes back to `local`.

    Examples of use:

        onrecord context use production
        onrecord context use local
    """
    contexts = _change(lambda file: file.use(name))
    if json_output:
        print_json({"current": contexts.current or LOCAL})
    else:
        out.print(f"commands ask {name} now", markup=False)
    _warn_of_environment()


def add(
    name: Name,
    url: Url,
    *,
    token_file: TokenFile = None,
    use_it: Use = False,
    json_output: Json = False,
) -> None:
    """Save a context: the URL of a system and the token for it; replaces one of the same name.

    The token is never an argument, which other programs of the machine could read.

    Examples of use:

        onrecord context add production https://onrecord.example --use
        onrecord context add staging https://staging.example --token-file ~/.secrets/staging
        pass show onrecord | onrecord context add production https://onrecord.example
    """
    validate_context_name(name)
    require_http_url(url, "URL")
    if token_file is None:
        context = NamedContext(url=url, token=_read_token())
    else:
        context = NamedContext(url=url, token_file=str(token_file.expanduser().absolute()))
    contexts = _change(
        lambda file: file.put(name, context).use(name) if use_it else file.put(name, context)
    )
    if json_output:
        print_json({**_describe(name, context), "current": contexts.current == name})
    else:
        out.print(f"{name}: {url}", markup=False)


def remove(name: Name, *, json_output: Json = False) -> None:
    """Remove a saved context, and the token in it.

    Examples of use:

        onrecord context remove staging
    """
    contexts = _change(lambda file: file.remove(name))
    if json_output:
        print_json({"removed": name, "current": contexts.current or LOCAL})
    else:
        out.print(f"removed {name}", markup=False)


def show(*, json_output: Json = False) -> None:
    """Show to which system commands are sent now, and which setting decides that.

    Examples of use:

        onrecord context show
    """
    settings = ClientSettings.load()
    if CONTROL_SETTING in settings.named and (named := _named_by_environment()):
        name, said_by = "", named
    else:
        name, context = choose_context(os.environ)
        said_by = f"the context {name}"
        if context is None and not settings.env.get(CONTROL_SETTING):
            said_by += ", whose control is not known"
    url = settings.env.get(CONTROL_SETTING, "")
    if json_output:
        print_json({"context": name or None, "url": url or None, "said_by": said_by})
    else:
        out.print(f"{url or 'nothing'} (said by {said_by})", markup=False)


def _change(change: Callable[[ContextFile], ContextFile]) -> ContextFile:
    file = require_context_file_path()
    contexts = change(load_contexts(file))
    save_contexts(file, contexts)
    return contexts


def _describe(name: str, context: NamedContext) -> dict[str, str]:
    token = context.token_file or ("kept" if context.token else "none")
    return {"name": name, "url": context.url, "token": token}


def _read_token() -> str:
    """Read a token from the terminal, without showing it, or from standard input.

    Raises:
        UsageError: there is none, or it is no token.
    """
    if sys.stdin.isatty():
        text = typer.prompt("token", hide_input=True, err=True)
    else:
        text = sys.stdin.read()
    if not (token := text.strip()):
        raise UsageError("no token was given: type it, pipe it in, or name a --token-file")
    return require_header_safe_token(token, "what was given")


def _named_by_environment() -> str:
    return next((one for one in (URL_SETTING, CONTROL_SETTING) if os.environ.get(one)), "")


def _warn_of_environment() -> None:
    if named := _named_by_environment():
        err.print(f"{named} is set in the environment, and wins over contexts", markup=False)
