import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from database.__main__ import main
from database.errors import DatabaseUnavailableError, MigrationError
from database.migrate import apply_migrations, list_pending_migrations
from database.settings import PostgresSettings
from support.postgres import TestServer


@pytest.fixture
async def empty(postgres: TestServer) -> AsyncIterator[PostgresSettings]:
    await postgres.arun("CREATE DATABASE unmigrated")
    yield postgres.settings("unmigrated")
    await postgres.arun("DROP DATABASE unmigrated WITH (FORCE)")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_one.sql").write_text("CREATE TABLE one (id int);")
    (tmp_path / "0002_two.sql").write_text("CREATE TABLE two (id int);")
    return tmp_path


async def tables(settings: PostgresSettings) -> set[str]:
    connection = await asyncpg.connect(settings.dsn.get_secret_value())
    try:
        rows = await connection.fetch(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        )
    finally:
        await connection.close()
    return {row["table_name"] for row in rows}


async def test_applies_each_file_once(empty: PostgresSettings, folder: Path) -> None:
    assert [str(one) for one in await list_pending_migrations(empty, [folder])] == [
        "0001_one",
        "0002_two",
    ]
    assert [str(one) for one in await apply_migrations(empty, [folder])] == ["0001_one", "0002_two"]
    assert await apply_migrations(empty, [folder]) == []
    assert await list_pending_migrations(empty, [folder]) == []
    assert await tables(empty) == {"one", "two", "schema_migrations"}


async def test_listing_what_is_pending_changes_nothing(
    empty: PostgresSettings, folder: Path
) -> None:
    await list_pending_migrations(empty, [folder])
    assert await tables(empty) == set()


async def test_what_a_migration_has_to_say_is_told(empty: PostgresSettings, tmp_path: Path) -> None:
    (tmp_path / "0001_says.sql").write_text("DO $$ BEGIN RAISE NOTICE 'make a role'; END; $$;")
    output: list[str] = []
    await apply_migrations(empty, [tmp_path], notice=output.append)
    assert output == ["make a role"]


async def test_several_at_once_apply_each_file_once(empty: PostgresSettings, folder: Path) -> None:
    applied = await asyncio.gather(*(apply_migrations(empty, [folder]) for _ in range(5)))
    assert sorted(map(len, applied)) == [0, 0, 0, 0, 2]


async def test_refuses_a_file_that_changed_after_it_was_applied(
    empty: PostgresSettings, folder: Path
) -> None:
    await apply_migrations(empty, [folder])
    (folder / "0001_one.sql").write_text("CREATE TABLE one (id bigint);")
    (folder / "0003_three.sql").write_text("CREATE TABLE three (id int);")
    with pytest.raises(MigrationError, match="0001_one was changed after it was applied"):
        await apply_migrations(empty, [folder])
    assert "three" not in await tables(empty)


async def test_takes_a_file_with_other_line_ends_for_the_same(
    empty: PostgresSettings, folder: Path
) -> None:
    (folder / "0001_one.sql").write_bytes(b"CREATE TABLE one (\n  id int\n);\n")
    await apply_migrations(empty, [folder])
    (folder / "0001_one.sql").write_bytes(b"CREATE TABLE one (\r\n  id int\r\n);\r\n")
    assert await apply_migrations(empty, [folder]) == []


async def test_refuses_a_number_below_the_latest_applied(
    empty: PostgresSettings, folder: Path
) -> None:
    (folder / "0002_two.sql").rename(folder / "0003_two.sql")
    await apply_migrations(empty, [folder])
    (folder / "0002_late.sql").write_text("CREATE TABLE late (id int);")
    with pytest.raises(MigrationError, match="0002_late comes before 0003"):
        await apply_migrations(empty, [folder])


async def test_keeps_nothing_of_a_file_that_fails(empty: PostgresSettings, folder: Path) -> None:
    (folder / "0002_two.sql").write_text("CREATE TABLE two (id int); SELECT * FROM nowhere;")
    with pytest.raises(MigrationError, match=r"0002_two failed.*\"nowhere\" does not exist"):
        await apply_migrations(empty, [folder])
    assert await tables(empty) == {"one", "schema_migrations"}
    (folder / "0002_two.sql").write_text("CREATE TABLE two (id int);")
    assert [str(one) for one in await apply_migrations(empty, [folder])] == ["0002_two"]


async def test_leaves_alone_what_a_newer_version_of_the_code_applied(
    empty: PostgresSettings, folder: Path
) -> None:
    await apply_migrations(empty, [folder])
    (folder / "0002_two.sql").unlink()
    assert await apply_migrations(empty, [folder]) == []


async def test_refuses_a_database_that_does_not_count_in_code_points(
    postgres: TestServer, folder: Path
) -> None:
    await postgres.arun(
        "CREATE DATABASE latin TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'",
    )
    try:
        with pytest.raises(MigrationError, match="encoding is SQL_ASCII"):
            await apply_migrations(postgres.settings("latin"), [folder])
    finally:
        await postgres.arun("DROP DATABASE latin")


async def test_says_that_the_server_is_down(tmp_path: Path, folder: Path) -> None:
    nowhere = PostgresSettings(dsn=SecretStr(f"postgresql://postgres@/x?host={tmp_path}"))
    with pytest.raises(DatabaseUnavailableError):
        await apply_migrations(nowhere, [folder])


def test_the_command_tells_what_it_applied(
    postgres: TestServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    postgres.run("CREATE DATABASE by_command")
    dsn = postgres.settings("by_command").dsn.get_secret_value()
    monkeypatch.setenv("POSTGRES_DSN", dsn)
    assert main(["pending"]) == 0
    assert "pending 0001_transcripts_and_notes" in capsys.readouterr().out
    assert main(["migrate"]) == 0
    assert "applied 0002_dead_letters_and_submissions" in capsys.readouterr().out
    assert main(["migrate"]) == 0
    assert capsys.readouterr().out == "the database is up to date\n"
    postgres.run("DROP DATABASE by_command")


def test_the_command_ends_with_2_without_settings_and_3_without_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("POSTGRES_DSN", raising=False)
    assert main(["migrate"]) == 2
    assert capsys.readouterr().err == "POSTGRES_DSN: is not set\n"
    for uri in ("//postgres@127.0.0.1:99999/x", "///x?host=127.0.0.1&port=99999", "//u:a@b:c@h/x"):
        monkeypatch.setenv("POSTGRES_DSN", f"postgresql:{uri}")
        assert main(["migrate"]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("POSTGRES_DSN: is no URI")
    monkeypatch.setenv("POSTGRES_DSN", f"postgresql://postgres@/x?host={tmp_path}")
    assert main(["migrate"]) == 3
    assert "PostgreSQL is unavailable" in capsys.readouterr().err
