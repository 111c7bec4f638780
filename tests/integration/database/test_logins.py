"""Logins of the services: made by a superuser or a managed server's administrator, and used."""

from __future__ import annotations

import stat
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from pydantic import SecretStr

from database import __main__ as command_line
from database.errors import MigrationError
from database.logins import LOGINS, create_logins, hash_password, read_or_create_passwords
from database.migrate import apply_migrations, list_pending_migrations, open_migrated_database
from database.rights import GROUPS
from database.settings import PostgresSettings
from support.postgres import EmbeddedServer, TestServer

ADMINISTRATORS = ("postgres", "administrator")
"""A superuser, and one who may create roles and databases, as managed PostgreSQL has it."""

FORMER = "onrecord_cli_login"


@pytest.fixture(scope="module")
def server() -> Iterator[TestServer]:
    """A server of the tests' own: roles belong to the whole server."""
    made = EmbeddedServer()
    try:
        made.run(
            "CREATE ROLE administrator LOGIN CREATEROLE CREATEDB PASSWORD 'throw-away'",
            "CREATE ROLE tenant LOGIN PASSWORD 'throw-away'",
        )
        yield made
    finally:
        made.destroy()


def as_login(server: TestServer, database: str, name: str, password: str) -> PostgresSettings:
    uri = urlsplit(server.address(database))
    place = uri.netloc.rpartition("@")[2]
    dsn = uri._replace(netloc=f"{name}:{password}@{place}").geturl()
    return PostgresSettings(dsn=SecretStr(dsn))


class Office:
    """A migrated database with its logins."""

    def __init__(self, server: TestServer, administrator: str, folder: Path) -> None:
        self.server, self.administrator, self.folder = server, administrator, folder
        self.database = f"of_{administrator}"

    @property
    def administration(self) -> PostgresSettings:
        return as_login(self.server, self.database, self.administrator, "throw-away")

    def settings(self, login: str) -> PostgresSettings:
        password = (self.folder / login).read_text(encoding="ascii")
        return as_login(self.server, self.database, LOGINS[login].role, password)

    async def create_logins(self) -> None:
        passwords = read_or_create_passwords(self.folder)
        await create_logins(self.administration, passwords, notice=lambda _: None)

    async def refuses(self, login: str, statement: str) -> bool:
        connection = await asyncpg.connect(**self.settings(login).connect_options())
        try:
            await connection.execute(statement)
        except asyncpg.InsufficientPrivilegeError:
            return True
        finally:
            await connection.close()
        return False


@pytest.fixture(params=ADMINISTRATORS)
async def office(
    server: TestServer, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Office]:
    made = Office(server, request.param, tmp_path / "logins")
    await server.arun(f"CREATE DATABASE {made.database} OWNER {made.administrator}")
    # What was there before there were roles: tables of the one login.
    await apply_migrations(made.administration)
    await made.create_logins()
    await apply_migrations(made.settings("migrator"))
    yield made
    await server.arun(
        f"DROP DATABASE {made.database} WITH (FORCE)",
        *(f"DROP ROLE {login.role}" for login in LOGINS.values()),
        *(f"DROP ROLE {group}" for group in ("onrecord_owner", *reversed(GROUPS))),
    )


async def test_every_login_finds_the_database_migrated(office: Office) -> None:
    for login in LOGINS:
        async with open_migrated_database(office.settings(login)) as database:
            assert await database.fetchval("SELECT session_user") == LOGINS[login].role


async def test_the_migrator_migrates_and_the_others_do_not(office: Office, tmp_path: Path) -> None:
    (tmp_path / "9999_more.sql").write_text("CREATE TABLE more (a int);", encoding="utf-8")
    for login in LOGINS.keys() - {"migrator"}:
        assert await office.refuses(login, "CREATE TABLE more (a int)")
        assert await office.refuses(login, "SET ROLE onrecord_owner")
        assert await office.refuses(login, "CREATE TEMPORARY TABLE more (a int)")
    assert await apply_migrations(office.settings("migrator"), (tmp_path,))
    async with open_migrated_database(office.settings("migrator"), ()) as database:
        owners = await database.fetch(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
        )
    assert [one[0] for one in owners] == ["onrecord_owner"]


async def test_an_administrator_may_migrate_and_the_owner_stays(office: Office) -> None:
    await apply_migrations(office.administration)
    assert await list_pending_migrations(office.settings("control")) == []


async def test_large_objects_are_closed_where_a_superuser_closed_them(office: Office) -> None:
    closed = await office.refuses("guardrail", "SELECT lo_from_bytea(0, 'x')")
    assert closed == (office.administrator == "postgres")


async def test_sessions_of_services_have_time_limits(office: Office) -> None:
    options = office.settings("control").connect_options()
    connection = await asyncpg.connect(**options)
    try:
        for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
            assert await connection.fetchval(f"SHOW {name}") == "1min"
    finally:
        await connection.close()


# The migrator owns the tables and makes what it likes.
@pytest.mark.parametrize("login", [name for name in LOGINS if name != "migrator"])
async def test_no_login_makes_temporary_tables_or_large_objects_or_runs_for_ever(
    office: Office, login: str
) -> None:
    assert await office.refuses(login, "SET ROLE NONE; CREATE TEMPORARY TABLE mine (one int)")
    assert await office.refuses(login, "SET ROLE NONE; CREATE TABLE public.mine (one int)")
    for statement in ("SELECT lo_from_bytea(0, 'x')", "SELECT lo_creat(-1)"):
        closed = await office.refuses(login, f"SET ROLE NONE; {statement}")
        assert closed == (office.administrator == "postgres")
    connection = await asyncpg.connect(**office.settings(login).connect_options())
    try:
        limit = await connection.fetchval("SHOW statement_timeout")
    finally:
        await connection.close()
    assert limit == "1min"


async def test_again_changes_no_password(office: Office) -> None:
    before = {file.name: file.read_text() for file in office.folder.iterdir()}
    await office.create_logins()
    assert {file.name: file.read_text() for file in office.folder.iterdir()} == before
    assert set(before) == set(LOGINS)
    assert {stat.S_IMODE(file.stat().st_mode) for file in office.folder.iterdir()} == {0o600}
    async with open_migrated_database(office.settings("control")) as database:
        await database.ping()


def test_a_password_may_lie_in_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "control").mkdir()
    passwords = read_or_create_passwords(tmp_path)
    assert (tmp_path / "control" / "password").read_text() == passwords["control"]
    assert (tmp_path / "guardrail").read_text() == passwords["guardrail"]


async def make_former_login(office: Office) -> None:
    """Make the login that earlier versions made for the command line, as they made it."""
    connection = await asyncpg.connect(**office.administration.connect_options())
    try:
        await connection.execute(f"CREATE ROLE {FORMER} LOGIN PASSWORD 'throw-away'")
        await connection.execute(f"GRANT onrecord_evidence_reader, onrecord_operator TO {FORMER}")
        await connection.execute(f"ALTER ROLE {FORMER} SET statement_timeout = '60s'")
    finally:
        await connection.close()


async def find_former_login(office: Office) -> str | None:
    """Return ``open`` or ``locked``, or None where there is no such role."""
    connection = await asyncpg.connect(office.server.address(office.database))
    try:
        found = await connection.fetchrow(
            "SELECT rolcanlogin, rolpassword IS NULL AS has_no_password, ARRAY("
            "    SELECT roleid FROM pg_auth_members WHERE member = pg_authid.oid) AS groups"
            f"  FROM pg_authid WHERE rolname = '{FORMER}'"
        )
    finally:
        await connection.close()
    if found is None:
        return None
    is_locked = not found["rolcanlogin"] and found["has_no_password"] and not found["groups"]
    return "locked" if is_locked else "open"


async def test_a_former_login_is_dropped(office: Office) -> None:
    await make_former_login(office)
    await office.create_logins()
    assert await find_former_login(office) is None


async def test_a_former_login_that_owns_something_is_locked(office: Office) -> None:
    await make_former_login(office)
    former = as_login(office.server, office.database, FORMER, "throw-away")
    # In another database of the server.
    await office.server.arun(f"CREATE SCHEMA of_their_own AUTHORIZATION {FORMER}")
    notices: list[str] = []
    passwords = read_or_create_passwords(office.folder)
    try:
        await create_logins(office.administration, passwords, notice=notices.append)
        assert await find_former_login(office) == "locked"
        assert [one for one in notices if FORMER in one and "DROP OWNED" in one]
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="log in"):
            await asyncpg.connect(**former.connect_options())
        await create_logins(office.administration, passwords, notice=notices.append)
    finally:
        await office.server.arun("DROP SCHEMA of_their_own")
        await office.create_logins()
    assert await find_former_login(office) is None


async def test_a_former_login_that_somebody_else_made_is_left_and_said(office: Office) -> None:
    await office.server.arun(f"CREATE ROLE {FORMER} LOGIN PASSWORD 'throw-away'")
    notices: list[str] = []
    try:
        passwords = read_or_create_passwords(office.folder)
        await create_logins(office.administration, passwords, notice=notices.append)
        superuser = office.administrator == "postgres"
        assert await find_former_login(office) == (None if superuser else "open")
        assert bool([one for one in notices if FORMER in one]) != superuser
    finally:
        await office.server.arun(f"DROP ROLE IF EXISTS {FORMER}")


async def test_a_password_of_an_operators_own_is_taken(office: Office) -> None:
    (office.folder / "control").write_text("of-their-own\n", encoding="ascii")
    await office.create_logins()
    connection = await asyncpg.connect(office.server.address(office.database))
    try:
        stored = await connection.fetchval(
            "SELECT rolpassword FROM pg_authid WHERE rolname = 'onrecord_control_login'"
        )
    finally:
        await connection.close()
    salt = stored.split(":")[1].split("$")[0]
    assert stored == hash_password("of-their-own", b64decode(salt))


async def test_no_statement_that_is_sent_has_a_password(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers log statements, and keep those of the moment in pg_stat_activity."""
    sent: list[str] = []
    for name in ("execute", "_execute"):
        original = getattr(asyncpg.Connection, name)

        async def record(
            self: Any, query: str, *args: Any, _call: Any = original, **more: Any
        ) -> Any:
            sent.append(f"{query} {args}")
            return await _call(self, query, *args, **more)

        monkeypatch.setattr(asyncpg.Connection, name, record)
    (office.folder / "control").write_text("of-their-own\n", encoding="ascii")
    await office.create_logins()
    assert "SCRAM-SHA-256$" in str(sent)
    passwords = [file.read_text().strip() for file in office.folder.iterdir() if file.is_file()]
    assert len(passwords) >= len(LOGINS)
    assert [one for one in passwords if one in str(sent)] == []


async def test_who_may_create_no_roles_migrates_all_the_same(server: TestServer) -> None:
    await server.arun("CREATE DATABASE rented OWNER tenant")
    notices: list[str] = []
    tenant = as_login(server, "rented", "tenant", "throw-away")
    try:
        await apply_migrations(tenant, notice=notices.append)
        assert [one for one in notices if "onrecord_persistence" in one and "docs" in one]
        async with open_migrated_database(tenant) as database:
            await database.fetchval("SELECT count(*) FROM notes")
        with pytest.raises(MigrationError, match="CREATEROLE"):
            await create_logins(tenant, dict.fromkeys(LOGINS, "throw-away"), notice=notices.append)
        # Somebody creates a role later: the next migration gives it its rights.
        await server.arun("CREATE ROLE onrecord_control NOLOGIN")
        assert await apply_migrations(tenant) == []
        async with open_migrated_database(tenant) as database:
            assert await database.fetchval(
                "SELECT has_table_privilege('onrecord_control', 'dead_letters', 'INSERT')"
            )
    finally:
        await server.arun(
            "DROP DATABASE rented WITH (FORCE)", "DROP ROLE IF EXISTS onrecord_control"
        )


async def test_rights_that_a_role_got_by_hand_are_taken_back(office: Office) -> None:
    migrator = office.settings("migrator")
    async with open_migrated_database(migrator) as database:
        await database.execute("GRANT ALL ON notes TO onrecord_guardrail, PUBLIC")
    assert not await office.refuses("guardrail", "SELECT FROM notes")
    await apply_migrations(migrator)
    assert await office.refuses("guardrail", "SELECT FROM notes")


def test_the_command_says_who_may_log_in(
    server: TestServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.run("CREATE DATABASE commanded")
    monkeypatch.setenv("POSTGRES_DSN", server.address("commanded"))
    try:
        assert command_line.main(["roles", str(tmp_path / "new")]) == 0
    finally:
        server.run(
            "DROP DATABASE commanded WITH (FORCE)",
            *(f"DROP ROLE {login.role}" for login in LOGINS.values()),
            *(f"DROP ROLE {group}" for group in ("onrecord_owner", *reversed(GROUPS))),
        )
    printed = capsys.readouterr().out
    assert "may log in: onrecord_migrator\n" in printed
    assert (tmp_path / "new" / "control").read_text() not in printed
