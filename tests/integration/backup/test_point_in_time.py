"""Recovery to a point in time, as docs/runbook.md has it, and the offsets that belong to it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import asyncpg
import pytest

from backup.archive import verify_archive
from backup.errors import BackupRefusedError
from backup.restoring import RestoreTarget, set_offsets
from database.pool import open_database
from local_stack.postgres import ROLE, find_postgres_programs
from local_stack.supervisor import LocalStack
from messaging import KafkaSettings
from persistence.store import NotesStore
from support.backups import NOW, back_up, commit_offset, read_committed
from support.broker import Bench
from support.many_interviews import interview
from support.stack import as_superuser, embedded_stack
from support.waiting import until

pytestmark = pytest.mark.long

VALIDATED = "notes-validated"


@pytest.fixture
def stack() -> Iterator[LocalStack]:
    with embedded_stack("topics", "migrations") as running:
        yield running


async def run(stack: LocalStack, *statements: str) -> list[object]:
    connection = await asyncpg.connect(as_superuser(stack).dsn.get_secret_value())
    try:
        return [await connection.fetchval(one) for one in statements]
    finally:
        await connection.close()


async def store(stack: LocalStack, number: int) -> None:
    async with open_database(as_superuser(stack)) as database:
        made = interview(number, chunks=2)
        await NotesStore(database).store_transcript(made.ingested)
        for draft in made.drafts:
            await NotesStore(database).store_notes(draft)


def own(folder: Path, like: Path) -> None:
    """Give a folder with all that is in it to whoever the server runs as."""
    owner = like.stat()
    for one in (folder, *folder.rglob("*")):
        os.chown(one, owner.st_uid, owner.st_gid)


def archive_logs(stack: LocalStack, archive: Path) -> None:
    archive.mkdir()
    archive.chmod(0o700)
    own(archive, stack.home.data / "postgres")
    command = f"test ! -f {archive}/%f && cp %p {archive}/%f"
    asyncio.run(
        run(
            stack,
            "ALTER SYSTEM SET archive_mode = on",
            f"ALTER SYSTEM SET archive_command = '{command}'",
        )
    )
    stack.restart("postgres")


def copy_base(stack: LocalStack, base: Path) -> None:
    port = stack.home.load().ports["postgres"]
    program = find_postgres_programs() / "pg_basebackup"
    subprocess.run(
        [program, "-h", "127.0.0.1", "-p", str(port), "-U", ROLE, "-D", base, "-c", "fast"],
        check=True,
        env={**os.environ, "PGPASSWORD": stack.home.secret()},
        capture_output=True,
    )


def recover(stack: LocalStack, base: Path, archive: Path, moment: datetime) -> None:
    cluster = stack.home.data / "postgres"
    like = cluster.with_name("lost")
    stack.stop()
    cluster.rename(like)
    shutil.copytree(base, cluster)
    with (cluster / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
        settings.write(
            f"restore_command = 'cp {archive}/%f %p'\n"
            f"recovery_target_time = '{moment.isoformat()}'\n"
            "recovery_target_action = promote\n"
        )
    (cluster / "recovery.signal").touch()
    own(cluster, like)
    cluster.chmod(0o700)
    stack.start()


def test_a_database_that_was_recovered_to_a_moment_gets_the_offsets_of_a_backup_before_it(
    stack: LocalStack, tmp_path: Path
) -> None:
    archive, base = stack.home.data / "archive", stack.home.data / "base"
    archive_logs(stack, archive)
    asyncio.run(store(stack, 1))
    copy_base(stack, base)
    bench = Bench(KafkaSettings(bootstrap_servers=stack.client_env()["KAFKA_BOOTSTRAP_SERVERS"]))
    moment = asyncio.run(work(stack, bench, tmp_path))
    recover(stack, base, archive, moment)
    asyncio.run(look(stack, bench, tmp_path))


async def work(stack: LocalStack, bench: Bench, folder: Path) -> datetime:
    """Go on after the base backup; return the moment before the accident."""
    await bench.send(VALIDATED, *[b"%d" % number for number in range(40)], key=b"k")
    await commit_offset(bench, "persistence", VALIDATED, 0)
    await back_up(as_superuser(stack), bench.kafka, folder / "before")
    await store(stack, 2)
    await commit_offset(bench, "persistence", VALIDATED, 1)
    (moment,) = await run(stack, "SELECT clock_timestamp()")
    assert isinstance(moment, datetime)
    await run(stack, "DELETE FROM transcripts")
    await back_up(as_superuser(stack), bench.kafka, folder / "after")
    (segment,) = await run(stack, "SELECT pg_walfile_name(pg_switch_wal())")

    async def is_archived() -> bool:
        (last,) = await run(stack, "SELECT last_archived_wal FROM pg_stat_archiver")
        return str(last or "") >= str(segment)

    await until(is_archived)
    return moment


async def look(stack: LocalStack, bench: Bench, folder: Path) -> None:
    async def is_promoted() -> bool:
        return await run(stack, "SELECT pg_is_in_recovery()") == [False]

    await until(is_promoted)
    assert await run(stack, "SELECT count(*) FROM transcripts") == [2]
    target = RestoreTarget(as_superuser(stack), bench.kafka)
    for name, code in (("after", 1), ("before", 0)):
        with (folder / name).open("rb") as file:
            manifest = verify_archive(file)
        if code:
            with pytest.raises(BackupRefusedError, match="an earlier backup"):
                await set_offsets(target, manifest, NOW)
        else:
            await set_offsets(target, manifest, NOW)
    found = await read_committed(bench, "persistence", VALIDATED)
    assert found is not None
    assert found[0] == 0
    assert await run(stack, "SELECT count(*) FROM trail WHERE action = 'database.restore'") == [1]
