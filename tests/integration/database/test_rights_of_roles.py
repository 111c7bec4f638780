"""Each role may do what its queries do, and nothing else: each query and each cell is tried."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import asyncpg
import pytest

from database.migrate import apply_migrations
from database.pool import Connection
from database.queries import load_queries
from database.rights import GROUPS
from database.settings import PostgresSettings
from support.rights import (
    OF_BI,
    ON_TABLES,
    PAGE,
    ROOT,
    acting_as,
    build_table,
    may,
    put_into,
    try_role,
)

LIBS: Final = ROOT / "libs"
SERVICES: Final = ROOT / "services"
MODEL_CALLS: Final = (
    LIBS / "model_client" / "cache" / "cache.sql",
    LIBS / "model_client" / "ledger" / "ledger.sql",
)
STARTS: Final = LIBS / "database" / "service_starts.sql"
SPENDING: Final = (
    LIBS / "read_model" / "sql" / "cache_stats.sql",
    LIBS / "read_model" / "sql" / "spending.sql",
)
FILES: Final = {
    "onrecord_ingestion": (STARTS, *(SERVICES / "ingestion" / "sql").glob("*.sql")),
    "onrecord_persistence": (STARTS, *(SERVICES / "persistence" / "sql").glob("*.sql")),
    "onrecord_control": (
        STARTS,
        *(SERVICES / "control" / "sql").glob("*.sql"),
        LIBS / "audit" / "sql" / "audit.sql",
        LIBS / "read_model" / "sql" / "search.sql",
        *SPENDING,
    ),
    "onrecord_enrichment": (STARTS, *MODEL_CALLS),
    "onrecord_guardrail": (STARTS, *MODEL_CALLS),
    "onrecord_operator": (LIBS / "audit" / "sql" / "audit.sql", *SPENDING),
    "onrecord_reader": (LIBS / "read_model" / "sql" / "queries.sql",),
    "onrecord_evidence_reader": (
        LIBS / "read_model" / "sql" / "queries.sql",
        LIBS / "read_model" / "sql" / "evidence.sql",
        LIBS / "read_model" / "sql" / "corrections.sql",
        LIBS / "read_model" / "sql" / "explanation.sql",
        LIBS / "read_model" / "sql" / "note_decisions.sql",
        LIBS / "read_model" / "sql" / "search_results.sql",
    ),
}
"""The SQL that each role runs."""

BEYOND_QUERIES: Final = {
    # Triggers run with the rights of whoever writes.
    ("onrecord_persistence", "settlement_checks", "INSERT"),
    # EXPLAIN does not see what functions in PL/pgSQL do.
    *(("onrecord_ingestion", "transcript_owners", verb) for verb in ("SELECT", "INSERT", "UPDATE")),
    ("onrecord_ingestion", "transcripts", "SELECT"),
    ("onrecord_ingestion", "withdrawn_revisions", "SELECT"),
    ("onrecord_ingestion", "refreshes", "SELECT"),
    ("onrecord_ingestion", "corrections", "SELECT"),
    *(("onrecord_control", "withdrawn_revisions", verb) for verb in ("INSERT", "DELETE")),
    *(("onrecord_control", table, "UPDATE") for table in ("transcripts", "transcript_owners")),
    *((f"onrecord_{name}", "studies", "SELECT") for name in ("enrichment", "guardrail")),
    *(
        (f"onrecord_{name}", "llm_spending", verb)
        for name in ("enrichment", "guardrail")
        for verb in ("SELECT", "INSERT", "UPDATE")
    ),
    *(
        (f"onrecord_{name}", "llm_plan_spending", verb)
        for name in ("enrichment", "guardrail")
        for verb in ("SELECT", "DELETE")
    ),
    # People read these tables with SQL of their own.
    *((f"onrecord_{name}", "current_notes", "SELECT") for name in ("reader", "evidence_reader")),
}
"""Cells of the table that no query in ``FILES`` needs by itself."""

OF_ALL: Final = ("schema_migrations", "readable_studies")

PEOPLE: Final = ("onrecord_reader", "onrecord_evidence_reader")


@pytest.fixture
async def connection(postgres_settings: PostgresSettings) -> AsyncIterator[Connection]:
    await apply_migrations(postgres_settings)  # a copy of a database has not the database's rights
    opened = await asyncpg.connect(postgres_settings.dsn.get_secret_value())
    yield opened
    await opened.close()


def queries_of(role: str) -> dict[str, str]:
    """The role's queries by name; those that read evidence, once more with the exact words."""
    loaded = load_queries(*FILES[role])
    found = {name: getattr(loaded, name) for name in loaded}
    if role == "onrecord_evidence_reader":
        exact = {f"{name} --exact": sql.replace("shown_", "exact_") for name, sql in found.items()}
        found |= exact
    return {name: sql for name, sql in found.items() if "SET LOCAL" not in sql}


async def refused(connection: Connection, role: str) -> dict[str, str]:
    """The queries of a role that PostgreSQL refuses it; it plans them, and looks at the rights."""
    found = {}
    for name, sql in queries_of(role).items():
        try:
            async with acting_as(connection, role):
                await connection.execute(f"EXPLAIN (GENERIC_PLAN) {sql}")
        except asyncpg.InsufficientPrivilegeError as error:
            found[name] = str(error)
    return found


@pytest.mark.parametrize("role", ON_TABLES)
async def test_a_role_may_run_all_its_queries(connection: Connection, role: str) -> None:
    assert len(queries_of(role)) > (2 if role == "onrecord_ingestion" else 5)
    assert await refused(connection, role) == {}
    assert await may(connection, role, "SELECT * FROM schema_migrations")


@pytest.mark.parametrize("role", [one for one in ON_TABLES if one not in PEOPLE])
async def test_a_role_has_no_right_that_its_queries_do_without(
    connection: Connection, role: str
) -> None:
    needless = []
    for table, verbs in (await try_role(connection, role)).items():
        for verb in verbs:
            if table in OF_ALL or (role, table, verb) in BEYOND_QUERIES:
                continue
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(f"REVOKE {verb} ON {table} FROM {role}")
            if not await refused(connection, role):
                needless.append(f"{verb} ON {table}")
            await transaction.rollback()
    assert needless == []


async def test_the_page_has_what_postgres_lets_each_role_do(connection: Connection) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert put_into(page, await build_table(connection)) == page, "run `make contracts`"


FOR_NOBODY: Final = (
    "CREATE TABLE public.stray (a int)",
    "CREATE TEMPORARY TABLE stray (a int)",
    "CREATE ROLE stray",
    "ALTER TABLE notes DISABLE TRIGGER ALL",
    "DROP TABLE notes",
    "TRUNCATE notes",
    "DELETE FROM transcripts",
    "DELETE FROM notes",
    "DELETE FROM submissions",
    "DELETE FROM access_tokens",
    "UPDATE access_tokens SET grants = '[]'",
    "UPDATE sessions SET grants = '[]'",
    "UPDATE sessions SET expires_at = 'infinity'",
    "DELETE FROM studies",
    "DELETE FROM transcript_owners",
    "UPDATE study_versions SET inputs = '{}'",
    "DELETE FROM trail",
    "UPDATE trail SET actor = ''",
    "TRUNCATE trail",
    "DELETE FROM trail_outcomes",
    "UPDATE trail_outcomes SET outcome = 'done'",
    "TRUNCATE trail_outcomes",
    "UPDATE evidence SET quote = ''",
    "UPDATE segments SET text = ''",
    "UPDATE notes SET statement = ''",
    "INSERT INTO schema_migrations VALUES (9999, '', '')",
    "COPY schema_migrations TO PROGRAM 'true'",
)


@pytest.mark.parametrize("role", GROUPS)
async def test_what_no_role_may(connection: Connection, role: str) -> None:
    assert [one for one in FOR_NOBODY if await may(connection, role, one)] == []


FOREIGN: Final = {
    "onrecord_ingestion": (
        "SELECT title FROM transcripts",
        "SELECT FROM segments",
        "SELECT FROM notes",
        "SELECT FROM llm_calls",
        "UPDATE studies SET statements = 'all'",
        "DELETE FROM studies",
        "DELETE FROM transcript_owners",
        "UPDATE transcript_owners SET study_id = ''",
    ),
    "onrecord_persistence": ("SELECT FROM llm_calls", "SELECT FROM dead_letters"),
    "onrecord_control": (
        "SELECT statement FROM notes",
        "SELECT text FROM segments",
        "SELECT quote FROM evidence",
        "SELECT title FROM transcripts",
        "SELECT draft FROM rejected_notes",
        "SELECT content FROM llm_answers",
    ),
    "onrecord_enrichment": ("SELECT FROM notes", "SELECT FROM transcripts"),
    "onrecord_guardrail": ("SELECT FROM notes", "SELECT FROM segments", "SELECT FROM evidence"),
    "onrecord_operator": (
        "SELECT content FROM llm_answers",
        "SELECT title FROM transcripts",
        "SELECT statement FROM notes",
        "SELECT text FROM segments",
        "SELECT event FROM pending_drafts",
    ),
    "onrecord_reader": (
        "SELECT quote FROM evidence",
        "SELECT event FROM pending_drafts",
        "SELECT FROM segments",
        "SELECT FROM llm_calls",
    ),
    "onrecord_evidence_reader": (
        "SELECT content FROM llm_answers",
        "SELECT headers FROM dead_letters",
        "SELECT FROM llm_calls",
    ),
}


@pytest.mark.parametrize("role", OF_BI)
async def test_bi_tools_may_nothing_with_tables(connection: Connection, role: str) -> None:
    tables = await try_role(connection, role)
    assert {name for name, verbs in tables.items() if verbs} == {"readable_studies"}
    assert not await may(connection, role, "CREATE VIEW onrecord_v1.stray AS SELECT 1")


@pytest.mark.parametrize("role", ON_TABLES)
async def test_what_is_not_a_roles_business(connection: Connection, role: str) -> None:
    assert [one for one in FOREIGN[role] if await may(connection, role, one)] == []
