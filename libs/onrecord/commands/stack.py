"""``onrecord up``, ``down`` and ``status``: the local stack of this folder."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from local_stack.state import ModelInUse
from local_stack.supervisor import LocalStack, ProcessStatus
from onrecord.console import Json, err, out, print_json, show_stack_progress
from onrecord.contexts import (
    LOCAL,
    ContextFile,
    get_context_file_path,
    load_contexts,
    save_contexts,
)
from onrecord.errors import UsageError
from onrecord.settings import find_stack_folder

NOT_RUNNING = 3

Only = Annotated[
    str | None,
    typer.Option(help="Start only these processes and what they need, separated by commas."),
]
Purge = Annotated[bool, typer.Option("--purge", help="Delete data and logs afterwards.")]


def register(app: typer.Typer) -> None:
    """Add the commands ``up``, ``down`` and ``status`` to the command line."""
    panel = "Local stack"
    app.command(rich_help_panel=panel)(up)
    app.command(rich_help_panel=panel)(down)
    app.command(rich_help_panel=panel)(status)


def up(only: Only = None, json_output: Json = False) -> None:  # noqa: FBT002 - a flag
    """Start the processes of the local stack that are not running; wait until all are ready.

    What runs already is left alone; what reads a setting that has changed is started again, with
    the setting's name. With OPENAI_API_KEY or OPENAI_BASE_URL set, that model is asked instead of
    the simulator; ONRECORD_MODEL names it.

    Examples of use:

        onrecord up
        onrecord up --only broker,postgres
        OPENAI_API_KEY=... ONRECORD_MODEL=... onrecord up
    """
    names = [name.strip() for name in only.split(",")] if only else None
    with show_stack_progress("starting", quiet=json_output) as report:
        stack = LocalStack(find_stack_folder(), services=names, attached=False, report=report)
        stack.start()
    _use_local_context()
    if json_output:
        print_json(_overview(stack))
    else:
        if model := stack.model():
            out.print(describe_model(model), markup=False)
        out.print(f"logs: {stack.home.logs}", markup=False)


def _use_local_context() -> None:
    """Make commands ask the stack that was started, whichever system they asked before."""
    try:
        file = get_context_file_path()
        contexts = ContextFile() if file is None else load_contexts(file)
        if file is None or contexts.current is None:
            return
        save_contexts(file, contexts.use(LOCAL))
    except UsageError as error:  # the stack runs all the same
        err.print(f"the context is left as it is: {error}", markup=False)
        return
    err.print(
        f"commands ask this stack now; `onrecord context use {contexts.current}` goes back",
        markup=False,
    )


def down(purge: Purge = False, json_output: Json = False) -> None:  # noqa: FBT002 - flags
    """Stop the local stack and keep its data; Ctrl-C while it stops kills its processes.

    Examples of use:

        onrecord down
        onrecord down --purge
    """
    with show_stack_progress("stopping", quiet=json_output) as report:
        stack = LocalStack(find_stack_folder(), attached=False, report=report)
        stopped = [one.name for one in stack.status() if one.running]
        stack.stop(purge=purge)
    if json_output:
        print_json({"stopped": stopped, "purged": purge})
    elif not stopped:
        err.print("nothing was running")


def status(json_output: Json = False) -> None:  # noqa: FBT002 - a flag
    """Show the local stack's processes; exit code 0 if all are ready, 1 if not, 3 if none runs.

    "yes, but" is a process that works, and says what slows it down: such as a model's endpoint that
    asked to be called later. --json has the settings with which your own programs reach the stack
    (client_env): addresses, and the file that has the token, which only you may read.

    Examples of use:

        onrecord status
        onrecord status --json
    """
    stack = LocalStack(find_stack_folder(), attached=False)
    found = stack.status()
    if json_output:
        print_json(_overview(stack))
    elif not any(one.running for one in found):
        err.print("no stack runs here: `onrecord up` starts one")
    else:
        out.print(format_processes(found))
    if not any(one.running for one in found):
        raise typer.Exit(NOT_RUNNING)
    raise typer.Exit(0 if all(one.ready for one in found) else 1)


def describe_model(model: ModelInUse) -> str:
    """Return one sentence that says which language model the local stack calls."""
    if model.simulated:
        return (
            f"model: the simulator at {model.base_url}, as {model.name}; no real model is asked: "
            "OPENAI_API_KEY or OPENAI_BASE_URL names one"
        )
    from model_client.settings import ModelSettings  # noqa: PLC0415 - slow to import

    defaults = ModelSettings.model_fields
    name = model.name or f"{defaults['model'].default} (ONRECORD_MODEL names another)"
    return f"model: {name} at {model.base_url or defaults['base_url'].default}"


def _overview(stack: LocalStack) -> dict[str, Any]:
    model = stack.model()
    return {
        "home": stack.home.path,
        "processes": [asdict(one) for one in stack.status()],
        "model": model and model.model_dump(),
        "client_env": stack.client_env(),
    }


def format_processes(found: list[ProcessStatus]) -> Table:
    """Format a table of the local stack's processes: ready, or the reason why not."""
    table = Table("process", "ready", "pid", "address", "up for", "reason", box=None)
    for one in found:
        slowed = "[yellow]yes, but[/]" if one.reason else "[green]yes[/]"
        ready = slowed if one.ready else "[red]no[/]"
        address = f"127.0.0.1:{one.port}" if one.port else ""
        uptime = "" if one.uptime_s is None else _duration(one.uptime_s)
        table.add_row(one.name, ready, str(one.pid or ""), address, uptime, escape(one.reason))
    return table


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
