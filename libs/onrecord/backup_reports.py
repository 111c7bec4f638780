"""What ``onrecord backup`` and ``restore`` print."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from onrecord.console import err, out
from onrecord.pages.rendering import format_count

if TYPE_CHECKING:
    from backup.manifest import BackupManifest
    from backup.restoring import RestoreResult
    from backup.tables import Progress as TellProgress


@contextmanager
def show_table_progress(total: int | None, *, quiet: bool) -> Iterator[TellProgress]:
    """Show how much of the tables is copied; yield the function to call with each piece.

    Args:
        total: bytes of all tables; None if they are not known.
        quiet: show nothing.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=quiet) as bars:
        task = bars.add_task("tables", total=total)
        yield lambda table, size: bars.update(task, advance=size, description=table)


def verify_with_progress(file: IO[bytes], size: int, *, quiet: bool) -> BackupManifest:
    """Verify a backup, and show how much of it is read.

    Raises:
        BackupFileError: it is damaged, or none.
    """
    from backup.archive import verify_archive  # noqa: PLC0415 - slow to import

    with Progress(
        TextColumn("verifying"),
        BarColumn(),
        DownloadColumn(),
        console=err,
        transient=True,
        disable=quiet,
    ) as bars:
        task = bars.add_task("verifying", total=size)
        return verify_archive(file, lambda done: bars.update(task, completed=done))


def describe_manifest(manifest: BackupManifest) -> dict[str, Any]:
    """Return what a backup has, as ``--json`` prints it."""
    return {
        "backup_id": manifest.backup_id,
        "onrecord": manifest.onrecord,
        "positions_read_at": manifest.positions_read_at,
        "snapshot_at": manifest.snapshot_at,
        "server_version": manifest.server_version,
        "migration": manifest.migrations[-1].version,
        "rows": sum(table.rows for table in manifest.tables),
        "bytes_of_rows": sum(table.size for table in manifest.tables),
        "tables": {table.name: table.rows for table in manifest.tables},
        "left_out": manifest.left_out,
        "foreign": manifest.foreign,
        "unfinished": count_unfinished(manifest),
    }


def count_unfinished(manifest: BackupManifest) -> int:
    """Return how many records services had not finished when the backup was made."""
    from messaging.consumer.offset_metadata import decode_commit_metadata  # noqa: PLC0415 - slow

    number = 0
    for one in manifest.positions:
        first = max(one.start, one.committed or 0)
        finished = decode_commit_metadata(one.committed or 0, one.metadata).finished
        number += max(0, one.end - first) - sum(len(done) for done in finished)
    return number


def print_manifest(manifest: BackupManifest) -> None:
    """Print what a backup has, in a few lines."""
    rows = sum(table.rows for table in manifest.tables)
    size = sum(table.size for table in manifest.tables)
    out.print(
        f"{format_count(rows, 'row')} of {format_count(len(manifest.tables), 'table')}, "
        f"{size / 1e6:,.1f} MB before compression, as of {manifest.snapshot_at:%Y-%m-%d %H:%M:%S} "
        f"UTC; migration {manifest.migrations[-1].version:04}",
        markup=False,
    )
    out.print(
        f"offsets of {len({one.service for one in manifest.positions})} services; "
        f"{format_count(count_unfinished(manifest), 'record')} unfinished then",
        markup=False,
    )
    if manifest.foreign:
        names = ", ".join(manifest.foreign)
        err.print(f"not in it, as others made them: {names}", markup=False)


def describe_result(result: RestoreResult) -> dict[str, Any]:
    """Return what a restoration did, or would do, as ``--json`` prints it."""
    return {
        "replaced": result.replaced,
        "read_again": result.plan.again,
        "lost": result.plan.lost,
        "losses": result.plan.describe_losses(),
        "carried_over": result.carried,
        "migrated": result.migrated,
    }


def print_result(result: RestoreResult) -> None:
    """Print what a restoration did, or would do."""
    again = format_count(result.plan.again, "record")
    out.print(f"{again} of Kafka will be handled again, once services run", markup=False)
    for name, number in result.carried.items():
        out.print(
            f"carried over from the database that was replaced: {number} {name}", markup=False
        )
    if result.migrated:
        out.print(f"migrated on: {', '.join(result.migrated)}", markup=False)
    for line in result.plan.describe_losses():
        err.print(f"lost: {line}", markup=False)
