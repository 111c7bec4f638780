"""``onrecord backup``: the database, and how far services are in Kafka's topics, as a file."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onrecord.backup_reports import (
    describe_manifest,
    print_manifest,
    show_table_progress,
    verify_with_progress,
)
from onrecord.console import Json, out, print_json
from onrecord.errors import CommandError, FailedError, UsageError

if TYPE_CHECKING:
    from backup.errors import BackupError
    from backup.manifest import BackupManifest

Target = Annotated[
    Path,
    typer.Argument(
        metavar="FILE|FOLDER",
        help="The file; in a folder it is named by the time.",
        show_default=False,
    ),
]
Verify = Annotated[
    bool, typer.Option("--verify", help="Read a backup that is there, and compare all its hashes.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")]


def register(app: typer.Typer) -> None:
    """Add the command ``backup`` to the command line."""
    app.command(rich_help_panel="Operating")(backup)


def backup(
    target: Target,
    *,
    verify: Verify = False,
    force: Force = False,
    json_output: Json = False,
) -> None:
    """Back up the database, with services' offsets in Kafka's topics, while everything runs.

    Of the local stack, or with POSTGRES_DSN, a login that owns the tables, and
    KAFKA_BOOTSTRAP_SERVERS of the system that they name. The file has what people said, and hashes
    of tokens: it is readable by you alone. docs/backup.md says what is in it and what is not.

    Examples of use:

        onrecord backup backups/
        onrecord backup before-upgrade.backup
        onrecord backup --verify before-upgrade.backup
    """
    if verify:
        _verify(target, quiet=json_output)
        return
    from backup.backing_up import choose_file  # noqa: PLC0415 - keeps help quick

    file = choose_file(target, datetime.now(UTC))
    if not file.parent.is_dir():
        raise UsageError(f"{file}: there is no such folder")
    if file.exists() and not force:
        raise UsageError(f"{file} exists: --force replaces it")
    manifest = _make(file, force=force, quiet=json_output)
    _report(file, manifest, as_json=json_output)


def _make(file: Path, *, force: bool, quiet: bool) -> BackupManifest:
    from backup.archive import open_new_file  # noqa: PLC0415 - slow to import
    from backup.backing_up import make_backup  # noqa: PLC0415 - slow to import
    from backup.errors import BackupError  # noqa: PLC0415 - slow to import
    from onrecord.administration import open_administered_system  # noqa: PLC0415 - slow to import

    try:
        with (
            open_administered_system(quiet=quiet) as system,
            open_new_file(file, replaces=force) as written,
            show_table_progress(None, quiet=quiet) as progress,
        ):
            return asyncio.run(make_backup(system.postgres, system.kafka, written, progress))
    except FileExistsError as error:
        raise UsageError(f"{file} exists: --force replaces it") from error
    except OSError as error:
        raise FailedError(f"{file} cannot be written: {error.strerror or error}") from error
    except BackupError as error:
        raise as_command_error(error) from error


def _verify(file: Path, *, quiet: bool) -> None:
    from backup.errors import BackupError  # noqa: PLC0415 - slow to import

    try:
        with file.open("rb") as opened:
            manifest = verify_with_progress(opened, file.stat().st_size, quiet=quiet)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}") from error
    except BackupError as error:
        raise as_command_error(error, file) from error
    if quiet:
        print_json({"file": file, "whole": True, **describe_manifest(manifest)})
    else:
        out.print(f"{file} is whole", markup=False)
        print_manifest(manifest)


def _report(file: Path, manifest: BackupManifest, *, as_json: bool) -> None:
    with file.open("rb") as opened:
        digest = file_digest(opened, "sha256").hexdigest()
    size = file.stat().st_size
    if as_json:
        print_json({"file": file, "bytes": size, "sha256": digest, **describe_manifest(manifest)})
        return
    out.print(f"{file} ({size:,} bytes)", markup=False)
    out.print(f"sha256 {digest}", markup=False)
    print_manifest(manifest)


def as_command_error(error: BackupError, file: Path | None = None) -> CommandError:
    """Translate what kept a backup from being made or restored to an exit code.

    Args:
        error: of ``backup``.
        file: the backup, where it is what is wrong.
    """
    from backup.errors import BackupFileError, SchemaUnknownError  # noqa: PLC0415 - slow to import

    shown = f"{file}: {error}" if file and isinstance(error, BackupFileError) else str(error)
    if isinstance(error, BackupFileError | SchemaUnknownError):
        return UsageError(shown, details=error.details)
    return FailedError(shown, details=error.details)
