"""``onrecord contracts write``, ``check`` and ``release``: the files other languages work from."""

from __future__ import annotations

from os.path import normpath
from pathlib import Path
from typing import Annotated

import typer

from onrecord.console import Json, err, out, print_json
from onrecord.errors import FailedError, UsageError
from onrecord.schema_folder import SchemaFolder

Schemas = Annotated[Path, typer.Option(help="The folder with the schemas.")]
DEFAULT = Path("schemas")


def register(app: typer.Typer) -> None:
    """Add the commands of ``contracts`` to the command line."""
    verbs = typer.Typer(
        help="Schemas of events and topics: write them, check them, release them.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    verbs.command()(write)
    verbs.command()(check)
    verbs.command()(release)
    app.add_typer(verbs, name="contracts", rich_help_panel="Tools")


def write(schemas: Schemas = DEFAULT, json_output: Json = False) -> None:  # noqa: FBT002 - a flag
    """Write the JSON schemas, topic declarations, AsyncAPI document and page of metrics to files.

    Examples of use:

        onrecord contracts write
    """
    changed = SchemaFolder(schemas).write()
    if json_output:
        print_json({"written": changed})
        return
    for name in changed:
        out.print(normpath(schemas / name), markup=False)
    if not changed:
        err.print("nothing to write: the files match the contracts")


def check(schemas: Schemas = DEFAULT, json_output: Json = False) -> None:  # noqa: FBT002 - a flag
    """Check that the schema files match the code and break no released schema; else exit 1.

    Examples of use:

        onrecord contracts check
        onrecord contracts check --json
    """
    folder = _existing(schemas)
    drift, breaking = folder.drift(), [str(one) for one in folder.breaking_changes()]
    if json_output:
        print_json({"drift": drift, "breaking": breaking})
        raise typer.Exit(int(bool(drift or breaking)))
    details = [
        *(f"{normpath(schemas / name)}: {fault}" for name, fault in drift.items()),
        *breaking,
    ]
    if details:
        raise FailedError(_summary(len(drift), len(breaking)), details=details)
    out.print("the files match the contracts, and no released schema is broken")


def release(schemas: Schemas = DEFAULT, json_output: Json = False) -> None:  # noqa: FBT002 - a flag
    """Release the current event schemas, which later changes must stay compatible with.

    To be run when a version is released; refuses while a change breaks what is released.

    Examples of use:

        onrecord contracts release
    """
    folder = _existing(schemas)
    if breaking := [str(one) for one in folder.breaking_changes()]:
        raise FailedError(
            "these changes need a new event on a new topic; nothing was released", details=breaking
        )
    changed = folder.release()
    if json_output:
        print_json({"released": changed})
    else:
        out.print("\n".join(changed) or "nothing has changed since the last release", markup=False)


def _existing(schemas: Path) -> SchemaFolder:
    if not schemas.is_dir():
        raise UsageError(f"there is no folder {schemas}; run this in the project's root")
    return SchemaFolder(schemas)


def _summary(drifted: int, broken: int) -> str:
    problems = []
    if drifted:
        problems.append(
            f"files that differ from the contracts: {drifted} (`onrecord contracts write`)"
        )
    if broken:
        problems.append(f"changes that break what is released: {broken} (they need a new event)")
    return "; ".join(problems)
