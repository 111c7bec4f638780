"""The views for BI tools keep their columns, and show nobody another study or masked words."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlsplit

import asyncpg
import pytest
from pydantic import SecretStr

from database.errors import MigrationError
from database.migrate import apply_migrations
from database.pool import Connection, Database
from database.settings import PostgresSettings
from persistence.store import NotesStore
from support.bi_views import (
    FROZEN,
    PAGE,
    find_broken_promises,
    freeze,
    list_columns,
    put_into,
    read_views,
)
from support.interviews import evidence, ingested, note, refused, validated
from support.postgres import TestServer
from support.rights import OF_BI, ON_TABLES, acting_as

READER, OPERATOR = OF_BI
DATABASE: Final = "without_schemas"
OWNER: Final = "landlord"
FROZEN_COLUMNS: Final = json.loads(FROZEN.read_text(encoding="utf-8"))
OF_OPERATORS: Final = frozenset({"spending", "dead_letters"})
EXAMPLES: Final = re.findall(r"```sql\n(SELECT .*?)```", PAGE.read_text("utf-8"), re.DOTALL)


@pytest.fixture
async def connection(
    fresh_database: Database, postgres_settings: PostgresSettings
) -> AsyncIterator[Connection]:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    await store.store_notes(
        validated(note("They pay", evidence(masked_quote="I do not")), rejected=(refused(),))
    )
    await apply_migrations(postgres_settings)  # a copy of a database has not the database's rights
    opened = await asyncpg.connect(postgres_settings.dsn.get_secret_value())
    yield opened
    await opened.close()


async def count(connection: Connection, role: str) -> dict[str, int]:
    """How many rows of each view a role sees; views that are not its own are left out."""
    found = {}
    for view in FROZEN_COLUMNS:
        try:
            async with acting_as(connection, role):
                found[view] = await connection.fetchval(f"SELECT count(*) FROM onrecord_v1.{view}")
        except asyncpg.InsufficientPrivilegeError:
            continue
    return found


async def test_the_columns_are_those_that_were_promised(connection: Connection) -> None:
    now = list_columns(await read_views(connection))
    assert find_broken_promises(FROZEN_COLUMNS, now) == []
    assert freeze(FROZEN_COLUMNS, now) == FROZEN.read_text(encoding="utf-8"), "run `make contracts`"


@pytest.mark.parametrize(
    "change",
    [
        "ALTER VIEW onrecord_v1.standings RENAME COLUMN findings TO shown",
        "DROP VIEW onrecord_v1.earlier_notes",
        "ALTER VIEW onrecord_v1.standings RENAME TO standing_counts",
        """DROP VIEW onrecord_v1.standings;
           CREATE VIEW onrecord_v1.standings AS SELECT ''::text AS study_id, ''::text AS standing,
                  1::bigint AS notes, 1 AS findings, 1 AS interviews""",
        """DROP VIEW onrecord_v1.standings;
           CREATE VIEW onrecord_v1.standings AS SELECT ''::text AS study_id, 1 AS notes,
                  ''::text AS standing, 1 AS findings, 1 AS interviews""",
    ],
)
async def test_a_changed_column_is_noticed_and_not_written_down(
    connection: Connection, change: str
) -> None:
    await connection.execute(change)
    now = list_columns(await read_views(connection))
    assert find_broken_promises(FROZEN_COLUMNS, now)
    with pytest.raises(ValueError, match="never change"):
        freeze(FROZEN_COLUMNS, now)


async def test_columns_and_views_may_be_added(connection: Connection) -> None:
    definition = await connection.fetchval(
        "SELECT pg_get_viewdef('onrecord_v1.standings'::regclass)"
    )
    await connection.execute(
        "CREATE OR REPLACE VIEW onrecord_v1.standings AS SELECT shown.*, 1 AS more FROM"
        f" ({definition.rstrip(';')}) AS shown"
    )
    await connection.execute("CREATE VIEW onrecord_v1.more AS SELECT 1 AS id")
    now = list_columns(await read_views(connection))
    assert '"more"' in freeze(FROZEN_COLUMNS, now)


async def test_the_page_has_each_column_with_its_meaning(connection: Connection) -> None:
    views = await read_views(connection)
    assert all(
        view["meaning"] and all(one[2] for one in view["columns"]) for view in views.values()
    )
    page = PAGE.read_text(encoding="utf-8")
    assert put_into(page, views) == page, "run `make contracts`"
    for role, mine in ((READER, views.keys() - OF_OPERATORS), (OPERATOR, OF_OPERATORS)):
        listed = re.search(rf"\| `{role}` \| (.*?)(:|\|)", page)
        assert listed
        assert set(re.findall(r"`(\w+)`", listed[1])) == set(mine)


@pytest.mark.parametrize("example", EXAMPLES)
async def test_examples_run_with_nothing_but_the_role(connection: Connection, example: str) -> None:
    assert len(EXAMPLES) == 7
    is_operators = any(f"onrecord_v1.{view}" in example for view in OF_OPERATORS)
    async with acting_as(connection, OPERATOR if is_operators else READER):
        await connection.fetch(example)


async def test_every_view_is_a_barrier_and_belongs_to_the_tables_owner(
    connection: Connection,
) -> None:
    rows = await connection.fetch(
        "SELECT relname, reloptions, relowner = (SELECT relowner FROM pg_class"
        " WHERE oid = 'public.notes'::regclass) AS is_owners"
        "  FROM pg_class WHERE relnamespace = 'onrecord_v1'::regnamespace"
    )
    assert {row["relname"] for row in rows} == FROZEN_COLUMNS.keys()
    assert all(row["reloptions"] == ["security_barrier=true"] for row in rows)
    assert all(row["is_owners"] for row in rows)


async def test_a_login_sees_a_study_once_it_is_granted(connection: Connection) -> None:
    # A superuser owns the tables here, whom policies pass by: the views hold readers all the same.
    before = await count(connection, READER)
    assert before.keys() == FROZEN_COLUMNS.keys() - OF_OPERATORS
    assert set(before.values()) == {0}
    assert await count(connection, OPERATOR) == dict.fromkeys(OF_OPERATORS, 0)
    await connection.execute("ALTER TABLE study_grants DISABLE TRIGGER ALL")
    await connection.execute("INSERT INTO study_grants VALUES ($1, 'another')", READER)
    assert set((await count(connection, READER)).values()) == {0}
    await connection.execute("INSERT INTO study_grants VALUES ($1, 'billing')", READER)
    after = await count(connection, READER)
    assert {view for view, rows in after.items() if not rows} == {"earlier_notes"}


async def test_a_condition_of_a_readers_is_not_run_on_other_studies(connection: Connection) -> None:
    for column, view in (
        ("quote", "evidence"),
        ("model_reading", "notes"),
        ("title", "interviews"),
    ):
        async with acting_as(connection, READER):
            # It would quote what is no number.
            await connection.fetch(f"SELECT FROM onrecord_v1.{view} WHERE {column}::int = 0")


@pytest.mark.parametrize("role", [READER, OPERATOR])
async def test_nobody_writes_through_a_view(connection: Connection, role: str) -> None:
    await connection.execute("INSERT INTO study_grants VALUES ($1, NULL)", role)
    for view, columns in FROZEN_COLUMNS.items():
        name = columns[0][0]
        for statement in (
            f"UPDATE onrecord_v1.{view} SET {name} = {name}",
            f"DELETE FROM onrecord_v1.{view}",
        ):
            with pytest.raises(asyncpg.PostgresError, match=r"denied|cannot (update|delete)"):
                async with acting_as(connection, role):
                    await connection.execute(statement)


@pytest.mark.parametrize("role", ON_TABLES)
async def test_other_roles_have_no_view_of_these(connection: Connection, role: str) -> None:
    assert await count(connection, role) == {}


async def test_masked_words_are_in_no_view(connection: Connection) -> None:
    await connection.execute("INSERT INTO study_grants VALUES ($1, NULL)", READER)
    async with acting_as(connection, READER):
        found = [
            row["text"]
            for view in await count_of(connection)
            for row in await connection.fetch(
                f"SELECT one::text AS text FROM onrecord_v1.{view} one"
            )
        ]
    assert any("I do not" in one for one in found)
    assert not [one for one in found if "recommend" in one or "dollars" in one or "Bo" in one]


async def count_of(connection: Connection) -> list[str]:
    """The views that whoever is acting may read."""
    rows = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'onrecord_v1'::regnamespace"
        " AND has_table_privilege(oid, 'SELECT')"
    )
    return [row["relname"] for row in rows]


async def test_an_owner_that_may_make_no_schema_is_told_the_statement(
    postgres: TestServer, postgres_template: str
) -> None:
    del postgres_template  # which has made the groups
    uri = urlsplit(postgres.address(DATABASE))
    place = uri.netloc.rpartition("@")[2]
    owner = PostgresSettings(
        dsn=SecretStr(uri._replace(netloc=f"{OWNER}:throw-away@{place}").geturl())
    )
    await postgres.arun(
        f"CREATE ROLE {OWNER} LOGIN PASSWORD 'throw-away'", f"CREATE DATABASE {DATABASE}"
    )
    try:
        opened = await asyncpg.connect(postgres.address(DATABASE))
        await opened.execute(f"GRANT CREATE ON SCHEMA public TO {OWNER}")
        statement = f"GRANT CREATE ON DATABASE {DATABASE} TO {OWNER}"
        with pytest.raises(MigrationError, match=statement):
            await apply_migrations(owner)
        with pytest.raises(
            MigrationError, match=f"CREATE SCHEMA onrecord_v1 AUTHORIZATION {OWNER}"
        ):
            await apply_migrations(owner)
        # As somebody may who has read of the schema alone.
        await opened.execute(
            f"CREATE SCHEMA onrecord_v1; GRANT ALL ON SCHEMA onrecord_v1 TO {OWNER}"
        )
        with pytest.raises(MigrationError, match=f"ALTER SCHEMA onrecord_v1 OWNER TO {OWNER}"):
            await apply_migrations(owner)
        await opened.execute(f"ALTER SCHEMA onrecord_v1 OWNER TO {OWNER}")
        await opened.close()
        assert await apply_migrations(owner)
    finally:
        await postgres.arun(
            f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)", f"DROP ROLE {OWNER}"
        )
