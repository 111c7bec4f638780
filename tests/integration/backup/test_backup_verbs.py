"""``onrecord backup`` and ``restore`` as processes: exit codes, JSON, and ``kill -9``."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import stat
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from database.settings import PostgresSettings
from support.backups import dump_schema, read_contents
from support.broker import Bench
from support.postgres import MAINTENANCE, TestServer
from support.waiting import until


class Operator:
    """Somebody who has the database's admin login, and the brokers' address."""

    def __init__(self, bench: Bench, postgres: PostgresSettings, folder: Path) -> None:
        self.postgres = postgres
        self._env = {
            **os.environ,
            "POSTGRES_DSN": postgres.dsn.get_secret_value(),
            "KAFKA_BOOTSTRAP_SERVERS": bench.kafka.bootstrap_servers,
            "KAFKA_TOPIC_PREFIX": bench.kafka.topic_prefix,
        }
        self._folder = folder

    async def start(self, *words: str, **changes: str) -> Process:
        return await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("onrecord"),
            *words,
            env=self._env | changes,
            cwd=self._folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )

    async def run(self, *words: str, code: int = 0, **changes: str) -> tuple[str, str]:
        process = await self.start(*words, **changes)
        printed, errors = await process.communicate()
        assert process.returncode == code, (printed, errors)
        return printed.decode(), errors.decode()

    async def ask(self, *words: str) -> Any:
        return json.loads((await self.run(*words, "--json"))[0])


def cut_in_half(whole: Path, half: Path) -> None:
    content = whole.read_bytes()
    half.write_bytes(content[: len(content) // 2])


def read_mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def list_names(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir()}


@pytest.fixture
def operator(bench: Bench, filled: PostgresSettings, tmp_path: Path) -> Operator:
    return Operator(bench, filled, tmp_path)


async def test_a_backup_is_made_verified_and_restored(operator: Operator, tmp_path: Path) -> None:
    before = await read_contents(operator.postgres)
    made = await operator.ask("backup", ".")
    file = tmp_path / made["file"]
    assert re.fullmatch(r"onrecord-\d{8}T\d{6}Z\.backup", file.name)
    assert read_mode(file) == 0o600
    rows = {name: rows + (name == "trail") for name, (rows, _) in before.items()}
    assert made["tables"] == rows
    verified = await operator.ask("backup", "--verify", file.name)
    assert verified["whole"]
    assert verified["backup_id"] == made["backup_id"]
    _, refused = await operator.run("restore", file.name, code=1)
    assert "--replace drops all" in refused
    checked = await operator.ask("restore", "--check", "--replace", file.name)
    assert not checked["restored"]
    restored = await operator.ask("restore", "--replace", file.name)
    assert (restored["restored"], restored["lost"], restored["replaced"]) == (True, 0, True)
    after = await read_contents(operator.postgres)
    assert after["notes"] == before["notes"]
    printed, _ = await operator.run("restore", "--replace", file.name)
    assert "restored; start the services" in printed


@pytest.mark.long
async def test_usage_and_damage_have_their_exit_codes(operator: Operator, tmp_path: Path) -> None:
    await operator.run("backup", "b")
    _, refused = await operator.run("backup", "b", code=2)
    assert "--force replaces it" in refused
    await operator.run("backup", "--force", "b")
    await operator.run("backup", "no/such/folder/b", code=2)
    await operator.run("restore", "no-such-file", code=2)
    cut_in_half(tmp_path / "b", tmp_path / "damaged")
    before = await read_contents(operator.postgres)
    for words in (("backup", "--verify", "damaged"), ("restore", "--replace", "damaged")):
        _, refused = await operator.run(*words, code=2)
        assert "cut off" in refused
        assert "Traceback" not in refused
    assert await read_contents(operator.postgres) == before
    _, refused = await operator.run("backup", "c", code=2, KAFKA_BOOTSTRAP_SERVERS="")
    assert "a backup is of both" in refused
    await operator.run("backup", "c", code=3, POSTGRES_DSN="postgresql://x@127.0.0.1:1/x")
    await operator.run("backup", "c", code=3, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    await operator.run("restore", "--replace", "b", code=3, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert list_names(tmp_path) == {"b", "damaged"}


@pytest.mark.long
@pytest.mark.parametrize("later_s", [0.0, 0.4, 0.8])
async def test_a_kill_in_the_middle_of_a_restoration_leaves_the_database_as_it_was(
    operator: Operator, postgres: TestServer, later_s: float
) -> None:
    await operator.run("backup", "b")
    connection = await asyncpg.connect(operator.postgres.dsn.get_secret_value())
    await connection.execute("UPDATE transcripts SET title = 'later'")
    await connection.close()
    before, schema = await read_contents(operator.postgres), dump_schema(operator.postgres)
    process = await operator.start("restore", "--replace", "b")
    watching = await asyncpg.connect(postgres.address(MAINTENANCE))
    try:

        async def look(condition: str) -> bool:
            return bool(
                await watching.fetchval(
                    "SELECT count(*) FROM pg_stat_activity"
                    f" WHERE application_name = 'onrecord migrate' AND {condition}"
                )
            )

        await until(lambda: look("backend_xid IS NOT NULL"))
        await asyncio.sleep(later_s)
        is_within = await look("backend_xid IS NOT NULL")
        process.send_signal(signal.SIGKILL)
        await process.communicate()

        async def is_over() -> bool:
            return not await look("true")

        await until(is_over)
    finally:
        await watching.close()
    assert is_within or later_s, "it is killed within the transaction at least once"
    if is_within:
        assert await read_contents(operator.postgres) == before
        assert dump_schema(operator.postgres) == schema
    restored = await operator.ask("restore", "--replace", "b")
    assert restored["restored"]
    after = await read_contents(operator.postgres)
    assert after["transcripts"] != before["transcripts"]
    assert after["notes"] == before["notes"]
