"""``onrecord restore``: a backup's database, and services' offsets set back to it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from onrecord.backup_reports import (
    describe_manifest,
    describe_result,
    print_manifest,
    print_result,
    show_table_progress,
    verify_with_progress,
)
from onrecord.commands.backup import as_command_error
from onrecord.console import Json, err, out, print_json
from onrecord.errors import FailedError, UsageError

if TYPE_CHECKING:
    from backup.manifest import BackupManifest
    from backup.restoring import RestoreOptions, RestoreResult

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="A file of `onrecord backup`.", show_default=False)
]
Check = Annotated[
    bool,
    typer.Option("--check", help="Verify the file, and that it could be restored now; no more."),
]
Replace = Annotated[
    bool, typer.Option("--replace", help="Drop the interviews and notes that the database has.")
]
Offsets = Annotated[
    bool,
    typer.Option(
        "--offsets",
        help="Set offsets alone: the database was recovered in another way, to a later moment.",
    ),
]
AcceptLoss = Annotated[
    bool,
    typer.Option(
        "--accept-loss", help="Go on although records are gone that would have to be read again."
    ),
]


_Work = Literal["check", "offsets", "restore"]


def register(app: typer.Typer) -> None:
    """Add the command ``restore`` to the command line."""
    app.command(rich_help_panel="Operating")(restore)


def restore(  # noqa: PLR0913 - one parameter an option
    file: File,
    *,
    check: Check = False,
    replace: Replace = False,
    offsets: Offsets = False,
    accept_loss: AcceptLoss = False,
    json_output: Json = False,
) -> None:
    """Restore a backup, and set services back in Kafka's topics, so that nothing is lost.

    Services have to be stopped. The file is verified first, and then all of it is restored or
    nothing. What came after the backup is handled again from Kafka when services start; `onrecord
    audit` balances then. Exit code 1 if it cannot be restored as things are, 2 if the file is
    damaged. After a recovery to a point in time (docs/runbook.md), --offsets and a backup of before
    that moment set services back.

    Examples of use:

        onrecord restore --check backups/onrecord-20261130T083000Z.backup
        onrecord down; onrecord restore last.backup; onrecord up; onrecord audit --wait
        onrecord restore --replace last.backup
        onrecord restore --offsets last.backup
    """
    from backup.errors import BackupError  # noqa: PLC0415 - keeps help quick
    from backup.restoring import RestoreOptions  # noqa: PLC0415 - slow to import

    if offsets and (replace or check):
        raise UsageError(
            "--offsets changes no database: it goes with neither --replace nor --check"
        )
    work: _Work = "offsets" if offsets else "check" if check else "restore"
    options = RestoreOptions(replaces=replace, accepts_losses=accept_loss)
    try:
        manifest, result = _restore(file, options, work, quiet=json_output)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}") from error
    except BackupError as error:
        raise as_command_error(error, file) from error
    if json_output:
        document = {"file": file, "restored": work == "restore", **describe_manifest(manifest)}
        print_json(document | describe_result(result))
        return
    print_manifest(manifest)
    print_result(result)
    if check:
        out.print("the file is whole, and could be restored now", markup=False)
    elif offsets:
        out.print("offsets are set; start the services, then `onrecord audit --wait`", markup=False)
    else:
        out.print("restored; start the services, then `onrecord audit --wait`", markup=False)
        _print_what_may_be_back(result)


def _restore(
    file: Path, options: RestoreOptions, kind: _Work, *, quiet: bool
) -> tuple[BackupManifest, RestoreResult]:
    from backup.restoring import (  # noqa: PLC0415 - slow to import
        RestoreTarget,
        check_restore,
        choose_migrations,
        restore_backup,
        set_offsets,
    )
    from database.errors import MigrationError  # noqa: PLC0415 - slow to import
    from onrecord.administration import open_administered_system  # noqa: PLC0415 - slow to import

    def notice(line: str) -> None:
        if not quiet:
            err.print(line, markup=False)

    with file.open("rb") as opened:
        manifest = verify_with_progress(opened, file.stat().st_size, quiet=quiet)
        choose_migrations(manifest.migrations)
        with open_administered_system(stopped=True, quiet=quiet) as system:
            target = RestoreTarget(system.postgres, system.kafka, notice)
            total = sum(table.size for table in manifest.tables)
            with show_table_progress(total, quiet=quiet) as progress:
                if kind == "check":
                    work = check_restore(target, manifest, options)
                elif kind == "offsets":
                    work = set_offsets(target, manifest, options)
                else:
                    work = restore_backup(target, manifest, opened, options, progress)
                try:
                    return manifest, asyncio.run(work)
                except MigrationError as error:
                    raise FailedError(str(error)) from error


def _print_what_may_be_back(result: RestoreResult) -> None:
    if not result.replaced:
        err.print(
            "tokens that were revoked, interviews that were withdrawn or erased, and studies that "
            "were changed after the backup are as they were then: look at `onrecord token list`, "
            "and do it again",
            markup=False,
        )
