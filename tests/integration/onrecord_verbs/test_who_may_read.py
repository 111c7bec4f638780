"""Where a study masks personal data, PostgreSQL shows the exact words to evidence readers only."""

from collections.abc import AsyncIterator
from typing import Protocol
from urllib.parse import urlsplit

import asyncpg
import pytest

from contracts.access import CreateTokenRequest, Role, RoleGrant
from contracts.notes import Evidence
from contracts.study import PersonalData
from control.access.tokens import TokenStore
from database.pool import Database
from database.settings import PostgresSettings
from onrecord import cli
from persistence.store import NotesStore
from read_model.notes import NoteFilter
from read_model.queries import ReadModelQueries
from support.interviews import STUDY, VOUCHED, evidence, ingested, note, refused, validated
from support.postgres import TestServer


class Run(Protocol):
    """Runs a verb with one token; what it printed, on stderr where it is to fail."""

    def __call__(self, login: str, *arguments: str, code: int = 0) -> str: ...


MASKED = evidence("We pay 40 dollars", masked_quote="We pay [AMOUNT]")


@pytest.fixture
async def filled(fresh_database: Database, postgres: TestServer) -> AsyncIterator[Database]:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    await store.store_notes(
        validated(note("They pay [AMOUNT]", MASKED, **VOUCHED), rejected=(refused(),))
    )
    await postgres.arun(
        "CREATE ROLE ann LOGIN PASSWORD 'throw-away' IN ROLE onrecord_reader",
        "CREATE ROLE ben LOGIN PASSWORD 'throw-away' IN ROLE onrecord_evidence_reader",
        "CREATE ROLE cleo LOGIN PASSWORD 'throw-away'",
        "CREATE ROLE dora LOGIN PASSWORD 'throw-away' IN ROLE onrecord_operator",
    )
    yield fresh_database
    await postgres.arun("DROP ROLE ann", "DROP ROLE ben", "DROP ROLE cleo", "DROP ROLE dora")


def as_login(settings: PostgresSettings, name: str) -> str:
    uri = urlsplit(settings.dsn.get_secret_value())
    place = uri.netloc.rpartition("@")[2]
    return uri._replace(netloc=f"{name}:throw-away@{place}").geturl()


ROLES = {
    "ann": Role.READER,
    "ben": Role.EVIDENCE_READER,
    "dora": Role.OPERATOR,
}


@pytest.fixture
async def secrets(filled: Database) -> dict[str, str]:
    """Everybody's token; of Cleo, one for another study."""
    grants = {name: RoleGrant(role=role) for name, role in ROLES.items()}
    grants["cleo"] = RoleGrant(role=Role.READER, study_id="another")
    tokens = TokenStore(filled)
    return {
        name: (await tokens.create(CreateTokenRequest(name=name, grants=(grant,)), "a test")).secret
        for name, grant in grants.items()
    }


@pytest.fixture
def run(
    secrets: dict[str, str],
    reading_api: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    def told(login: str, *arguments: str, code: int = 0) -> str:
        monkeypatch.setenv("ONRECORD_TOKEN", secrets[login])
        ended = cli.run_command(arguments)
        text = capsys.readouterr()
        assert ended == code, text.err
        return text.err if code else text.out

    return told


def test_readers_see_masked_quotes_and_pseudonyms(run: Run) -> None:
    page = run("ann", "notes")
    assert "They pay [AMOUNT]" in page
    assert "participant 2 [00:01], Interview 1\n      “We pay [AMOUNT]”" in page
    assert "Bo" not in page
    assert "40 dollars" not in page


async def test_notes_are_shown_where_older_code_has_stored_no_pseudonyms(filled: Database) -> None:
    await filled.execute("DELETE FROM speakers")
    ((note,), _) = await ReadModelQueries(filled).notes(NoteFilter())
    assert [(one.speaker, one.quote) for one in note.evidence] == [
        ("participant", "We pay [AMOUNT]")
    ]


def test_readers_find_speakers_by_pseudonym_only(run: Run) -> None:
    assert "We pay" in run("ann", "notes", "--speaker", "participant 2")
    assert "participant 2" in run("ann", "notes", "--speaker", "Bo", code=2)


@pytest.mark.parametrize(
    ("policy", "cited", "shown"),
    [
        (None, (), ["interviewer 1", "participant 2"]),
        (PersonalData.MASK, (), ["interviewer 1", "participant 2"]),
        (PersonalData.MASK, (evidence(),), ["interviewer 1", "participant 2"]),
        (None, (MASKED,), ["interviewer 1", "participant 2"]),
        (None, (evidence(),), ["Bo", "interviewer 1"]),
        (PersonalData.REJECT, (), ["interviewer 1", "participant 2"]),
        (PersonalData.REJECT, (evidence(),), ["interviewer 1", "participant 2"]),
        (PersonalData.ALLOW, (), ["Ada", "Bo"]),
        (PersonalData.ALLOW, (MASKED,), ["interviewer 1", "participant 2"]),
    ],
)
async def test_names_are_shown_only_where_it_is_known_that_they_may_be(
    fresh_database: Database,
    policy: PersonalData | None,
    cited: tuple[Evidence, ...],
    shown: list[str],
) -> None:
    store = NotesStore(fresh_database)
    study = STUDY.model_copy(update={"personal_data": policy})
    await store.store_transcript(ingested(study=study))
    if cited:
        await store.store_notes(validated(note("They pay", *cited)))
    assert await ReadModelQueries(fresh_database).speakers(None) == shown


def test_evidence_readers_see_the_exact_words_when_they_ask(run: Run) -> None:
    assert "We pay [AMOUNT]" in run("ben", "notes")
    page = run("ben", "notes", "--exact")
    assert "Bo [00:01], Interview 1\n      “We pay 40 dollars”" in page
    assert "Everybody loves it" in run("ben", "notes", "--rejected")


@pytest.mark.parametrize("verb", [("notes", "--exact"), ("notes", "--rejected")])
def test_others_are_told_which_right_it_takes(run: Run, verb: tuple[str, ...]) -> None:
    told = run("ann", *verb, code=2)
    assert "takes the role evidence_reader or admin in the study billing" in told


@pytest.mark.parametrize("verb", ["costs", "budgets"])
def test_what_no_reader_may_takes_an_operator(run: Run, verb: str) -> None:
    assert "takes the role operator or admin" in run("ben", verb, code=2)


def test_operators_read_costs_and_set_budgets_but_read_no_notes(run: Run) -> None:
    run("dora", "costs")
    run("dora", "budgets")
    run("dora", "budgets", "set", "billing", "5")
    for verb in ("notes", "coverage"):
        assert "an operator reads no notes" in run("dora", verb, code=2)


def test_a_study_that_somebody_may_not_read_is_as_if_it_were_not_there(run: Run) -> None:
    assert run("cleo", "notes") == ""
    for study in ("billing", "nothing"):
        told = run("cleo", "notes", "--study", study, code=2)
        assert f"there is no study '{study}'; known: none yet" in told
    note_id = str(note("They pay [AMOUNT]").note_id)
    assert "takes the role evidence_reader" in run("cleo", "explain", note_id, code=2)


def test_readers_see_coverage(run: Run) -> None:
    assert "Price" in run("ann", "coverage", "--study", "billing")


async def test_readers_find_statements_by_their_standing_in_the_view(
    filled: Database, postgres_settings: PostgresSettings
) -> None:
    await NotesStore(filled).store_notes(validated(note("They leave"), index=2))
    connection = await asyncpg.connect(as_login(postgres_settings, "ann"))
    try:
        rows = await connection.fetch("SELECT * FROM current_notes")
        found = {(row["standing"], row["statement"], row["model_reading"]) for row in rows}
        assert found == {("proven", "They pay [AMOUNT]", None), ("unproven", None, "They leave")}
        assert len(await connection.fetch("SELECT note_id, standing, vouchers FROM notes")) == 2
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT quote FROM evidence",
        "SELECT statement FROM notes",
        "SELECT text FROM segments",
        "SELECT speaker FROM speakers",
        "SELECT draft FROM rejected_notes",
        "SELECT quote FROM exact_evidence",
        "SELECT * FROM dead_letters",
        "SELECT * FROM llm_answers",
        "DELETE FROM notes",
    ],
)
async def test_postgres_refuses_readers_what_is_not_theirs(
    filled: Database, postgres_settings: PostgresSettings, query: str
) -> None:
    connection = await asyncpg.connect(as_login(postgres_settings, "ann"))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(query)
    finally:
        await connection.close()
