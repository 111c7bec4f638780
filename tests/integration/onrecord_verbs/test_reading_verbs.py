import asyncio
import json

import pytest

from contracts import ids
from database.pool import Database, open_database
from database.settings import PostgresSettings
from onrecord import cli
from persistence.store import NotesStore
from read_model.queries import ReadModelQueries
from support.interviews import (
    STUDY,
    TRANSCRIPT,
    VOUCHED,
    chunk,
    evidence,
    ingested,
    note,
    refused,
    validated,
)

pytestmark = pytest.mark.usefixtures("reading_api")

DIE = """
INSERT INTO dead_letters (
    letter_id, service, dlq_topic, dlq_partition, dlq_offset, consumer_group, error_code,
    error_type, error_message, attempts, timeouts, failed_at, fingerprint, subject, headers,
    size_bytes
) VALUES ($1, 'enrichment', 'enrichment-dlq', 0, 0, '', 'llm_timeout', '', '', 1, 1, now(), '',
          $2, '[]', 0)
"""


@pytest.fixture
async def filled(
    fresh_database: Database, postgres_settings: PostgresSettings, monkeypatch: pytest.MonkeyPatch
) -> Database:
    """One interview of two chunks: the first has notes, the second is on its way."""
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    paid = evidence("We pay 40 dollars 🙂")
    both = note("They pay at the café", paid, themes=("price", "trust"), **VOUCHED)
    untimed = evidence("cafe\u0301", start_ms=None, end_ms=None)
    second = note("There is a café", untimed, themes=("trust",), questions=())
    await store.store_notes(validated(both, second, rejected=(refused(),)))
    return fresh_database


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.run_command(arguments) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def execute(settings: PostgresSettings, query: str, *values: object) -> None:
    async def do() -> None:
        async with open_database(settings) as database:
            await database.execute(query, *values)

    asyncio.run(do())


def test_prints_notes_by_theme_proven_ones_by_statement_and_others_by_their_quote(
    filled: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    both, second = (
        str(ids.derive_id("note", output))[:8]
        for output in ("They pay at the café", "There is a café")
    )
    assert run(capsys, "notes") == (
        "Price (1 note)\n"
        "\n"
        f"  • They pay at the café ({both})\n"
        "      Bo [00:01], Interview 1\n"
        "      “We pay 40 dollars 🙂”\n"
        "\n"
        "Trust (2 notes)\n"
        "\n"
        f"  • They pay at the café ({both})\n"
        "      Bo [00:01], Interview 1\n"
        "      “We pay 40 dollars 🙂”\n"
        "\n"
        f"  • “cafe\u0301” ({second})\n"
        "      Bo [--:--], Interview 1\n"
        "      model's reading, not proven: There is a café\n"
        "\n"
    )


def test_gives_programs_ids_and_character_ranges(
    filled: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = json.loads(run(capsys, "notes", "--json"))
    assert first["transcript_id"] == str(TRANSCRIPT)
    assert first["chunk_id"] == str(chunk().chunk_id)
    assert (first["themes"], first["questions"]) == (["price", "trust"], ["churn"])
    assert first["evidence"] == [
        {
            "segment": 2,
            "start": 0,
            "length": 19,
            "quote": "We pay 40 dollars 🙂",
            "is_masked": False,
            "speaker": "Bo",
            "role": "participant",
            "start_ms": 1_000,
            "end_ms": 9_000,
        }
    ]
    assert second["note_id"] == str(ids.derive_id("note", "There is a café"))


@pytest.mark.parametrize(
    ("options", "notes"),
    [
        ("--study billing", 2),
        ("--theme price", 1),
        ("--question churn", 1),
        ("--speaker BO", 2),
        ("--speaker interviewer", 0),
        ("--transcript interv", 2),
        (f"--transcript {str(TRANSCRIPT)[:4]}", 2),
        (f"--transcript {TRANSCRIPT}", 2),
        ("--limit 1", 1),
        ("--since 1h", 2),
        ("--since 2100-01-01", 0),
        ("--since 2100-01-01 --rejected", 0),
        ("--since 1h --rejected", 1),
    ],
)
def test_narrows_notes(
    filled: Database, capsys: pytest.CaptureFixture[str], options: str, notes: int
) -> None:
    assert len(json.loads(run(capsys, "notes", "--json", *options.split()))) == notes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--study biling", "there is no study 'biling'; known: billing"),
        ("--theme cost", "there is no theme 'cost'; known: price; trust"),
        ("--question why", "there is no question 'why'; known: churn"),
        ("--transcript Talk", "there is no interview 'Talk'; known: Interview 1"),
        ("--speaker Bob", "nobody is called 'Bob'; the speakers are Bo; interviewer 1"),
    ],
)
def test_a_misspelt_filter_is_a_mistake_not_a_finding(
    filled: Database, capsys: pytest.CaptureFixture[str], options: str, message: str
) -> None:
    assert cli.run_command(["notes", *options.split()]) == 2
    assert message in capsys.readouterr().err


def test_counts_only_what_was_stored_since(
    filled: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = json.loads(run(capsys, "notes", "--standings", "--since", "1h", "--json"))
    assert (counts["proven"], counts["unproven"], counts["refuted"]) == (1, 1, 1)
    counts = json.loads(run(capsys, "notes", "--standings", "--since", "2100-01-01", "--json"))
    assert not any(counts.values())


def test_shows_quotes_among_the_turns_around_them(
    filled: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    page = run(capsys, "notes", "--theme", "price", "--turns", "1")
    assert "        [--:--] interviewer 1: What do you pay?\n" in page
    assert "      ▸ [00:01] participant 2: We pay 40 dollars" in page
    first, _ = json.loads(run(capsys, "notes", "--turns", "1", "--json"))
    assert [one["number"] for one in first["turns"]] == [1, 2]
    (quoted, _) = json.loads(run(capsys, "notes", "--turns", "0", "--exact", "--json"))
    assert [(one["speaker"], one["is_masked"]) for one in quoted["turns"]] == [("Bo", False)]
    assert "turns" not in json.loads(run(capsys, "notes", "--json"))[0]


@pytest.mark.parametrize("options", ["--rejected --turns 1", "--standings --turns 1"])
def test_turns_are_of_notes_with_quotes(
    filled: Database, capsys: pytest.CaptureFixture[str], options: str
) -> None:
    assert cli.run_command(["notes", *options.split()]) == 2
    assert "--turns" in capsys.readouterr().err


def test_a_heading_counts_all_notes_of_its_theme_whatever_the_limit(
    filled: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command(["notes", "--limit", "1"]) == 0
    printed = capsys.readouterr()
    assert "Price (1 note)\n" in printed.out
    assert "Trust (1 of 2 notes)\n" in printed.out
    assert printed.err == "1 of 2 notes; a higher --limit shows more\n"


@pytest.fixture
async def two_interviews(filled: Database) -> None:
    other = ids.derive_id("another interview")
    chunks = tuple(
        one.model_copy(update={"chunk_id": ids.derive_id("chunk", one.chunk_id)})
        for one in ingested().chunks
    )
    event = ingested(transcript_id=other, title="Interview 1, continued", chunks=chunks)
    await NotesStore(filled).store_transcript(event)


def test_a_whole_title_names_one_interview_and_half_a_title_none_of_two(
    two_interviews: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(json.loads(run(capsys, "notes", "--json", "--transcript", "interview 1"))) == 2
    assert json.loads(run(capsys, "notes", "--json", "--transcript", "Interview 1,")) == []
    assert cli.run_command(["notes", "--transcript", "Interview"]) == 2
    output = capsys.readouterr().err
    assert f"Interview 1 ({str(TRANSCRIPT)[:8]}); Interview 1, continued (" in output


def test_shows_refused_notes_with_the_reasons(
    filled: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    page = run(capsys, "notes", "--rejected")
    reason = "quotes words that the transcript does not have: Nobody says so."
    (one,) = json.loads(run(capsys, "notes", "--rejected", "--json"))
    assert f"  ✗ Everybody loves it ({one['rejected_id'][:8]})\n      {reason}\n" in page
    assert (one["chunk_index"], one["failures"][0]["check"]) == (1, "quote_not_found")


@pytest.fixture
async def corrected(filled: Database) -> None:
    await NotesStore(filled).store_transcript(ingested(2, title="Interview 1, corrected"))


def test_shows_only_the_latest_revision(
    corrected: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert json.loads(run(capsys, "notes", "--json")) == []
    assert json.loads(run(capsys, "notes", "--rejected", "--json")) == []
    assert json.loads(run(capsys, "coverage", "--json"))["interviews"] == 1


def test_coverage_is_unknown_while_a_chunk_waits_or_is_dead(
    filled: Database, postgres_settings: PostgresSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    study = STUDY.model_copy(
        update={
            "themes": (
                *STUDY.themes,
                STUDY.themes[0].model_copy(update={"id": "tools", "name": "Tools"}),
            )
        }
    )
    execute(postgres_settings, "UPDATE transcripts SET study = $1", study.model_dump_json())
    assert _tools(capsys) == ("unknown", 0, 1)
    execute(postgres_settings, DIE, ids.derive_id("letter", 1), str(chunk(index=2).chunk_id))
    assert _tools(capsys) == ("unknown", 1, 0)
    execute(postgres_settings, "UPDATE dead_letters SET state = 'replaying'")
    assert _tools(capsys) == ("unknown", 0, 1)
    execute(postgres_settings, "UPDATE dead_letters SET state = 'replayed'")
    assert _tools(capsys) == ("unknown", 0, 1)


def test_coverage_calls_discarded_what_was_discarded(
    filled: Database, postgres_settings: PostgresSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    execute(postgres_settings, DIE, ids.derive_id("letter", 1), str(chunk(index=2).chunk_id))
    execute(
        postgres_settings, "UPDATE dead_letters SET state = 'discarded', state_reason = 'a test'"
    )
    (question,) = json.loads(run(capsys, "coverage", "--json"))["questions"]
    assert (question["dead"], question["discarded"], question["waiting"]) == (0, 1, 0)
    assert "1 chunk discarded" in run(capsys, "coverage")


async def _read_again(database: Database) -> None:
    """A second revision, read to the end without a note."""
    store = NotesStore(database)
    await store.store_transcript(ingested(revision=2))
    for index in (1, 2):
        await store.store_notes(validated(revision=2, index=index))


def test_where_an_earlier_revision_answered_coverage_says_so(
    complete: Database, postgres_settings: PostgresSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    async def read_again() -> None:
        async with open_database(postgres_settings) as database:
            await _read_again(database)

    asyncio.run(read_again())
    (question,) = json.loads(run(capsys, "coverage", "--json"))["questions"]
    assert (question["finding"], question["notes"]) == ("answered_earlier", 0)
    assert (question["earlier_notes"], question["earlier_interviews"]) == (1, 1)
    page = " ".join(run(capsys, "coverage").split())
    assert "not addressed" not in page
    output = "every chunk was read (2) without a note about it, but there is 1 note from an earlier"
    assert output in page


def _tools(capsys: pytest.CaptureFixture[str]) -> tuple[str, int, int]:
    found = json.loads(run(capsys, "coverage", "--study", "billing", "--json"))
    (question,) = found["questions"]
    assert (question["finding"], question["notes"], question["interviews"]) == ("answered", 1, 1)
    tools = found["themes"][-1]
    return tools["finding"], tools["dead"], tools["waiting"]


@pytest.fixture
async def complete(filled: Database) -> Database:
    await NotesStore(filled).store_notes(validated(index=2))
    return filled


def test_a_question_is_not_addressed_once_every_chunk_is_read(
    complete: Database, postgres_settings: PostgresSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    execute(postgres_settings, "DELETE FROM note_questions")
    (question,) = json.loads(run(capsys, "coverage", "--json"))["questions"]
    assert (question["finding"], question["read"]) == ("not_addressed", 2)
    page = run(capsys, "coverage")
    assert "  not addressed  Why do people leave?\n" in page
    assert "every chunk was read (2)" in page


def test_submissions_that_nobody_could_read_are_told_unless_given_up(
    filled: Database, postgres_settings: PostgresSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    submitted = "INSERT INTO submissions VALUES ('transcripts-submitted', 0, $1, $2, 1, now())"
    execute(postgres_settings, submitted, 0, TRANSCRIPT)
    execute(postgres_settings, submitted, 1, ids.derive_id("lost"))
    assert "1 submission of this or another study" in run(capsys, "coverage")
    for offset in (2, 3):
        execute(postgres_settings, submitted, offset, None)
    page = " ".join(run(capsys, "coverage").split())
    assert "1 submission of this or another study" in page
    assert "2 records on the topic of submissions are no interview" in page
    execute(postgres_settings, "DELETE FROM submissions WHERE transcript_id IS NULL")
    execute(postgres_settings, DIE, ids.derive_id("letter", 1), "lost")
    execute(
        postgres_settings,
        "UPDATE dead_letters SET source_topic = 'transcripts-submitted', source_partition = 0, "
        "source_offset = 1, state = 'discarded', state_reason = 'test'",
    )
    assert "submission" not in run(capsys, "coverage")


async def test_what_a_dead_letter_is_about_has_a_name(filled: Database) -> None:
    second = chunk(index=2).chunk_id
    assert await ReadModelQueries(filled).subjects(
        (second, TRANSCRIPT, ids.derive_id("nobody"))
    ) == {
        str(second): "Interview 1, chunk 2",
        str(TRANSCRIPT): "Interview 1",
    }


@pytest.fixture
async def said_twice(
    fresh_database: Database, postgres_settings: PostgresSettings, monkeypatch: pytest.MonkeyPatch
) -> Database:
    """A note about the price that is said again, of trust and as the answer to a question."""
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    first = note("They pay 40 dollars", themes=("price",), questions=())
    again = note("They pay forty dollars", themes=("trust",), questions=("churn",))
    await store.store_notes(validated(first))
    await store.store_notes(validated(again, index=2))
    return fresh_database


@pytest.mark.parametrize("options", ["--theme trust", "--theme price", "--question churn"])
def test_a_note_is_found_by_the_themes_of_the_one_that_says_the_same(
    said_twice: Database, capsys: pytest.CaptureFixture[str], options: str
) -> None:
    (found,) = json.loads(run(capsys, "notes", "--json", *options.split()))
    assert found["model_reading"] == "They pay 40 dollars"
    assert (found["themes"], found["questions"]) == (["price", "trust"], ["churn"])


def test_a_passage_that_both_cite_is_shown_once(
    said_twice: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    (found,) = json.loads(run(capsys, "notes", "--json"))
    assert [one["quote"] for one in found["evidence"]] == ["I would not recommend it"]


def test_what_only_a_repeated_note_answers_is_answered(
    said_twice: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    output = json.loads(run(capsys, "coverage", "--json"))
    topics = [*output["questions"], *output["themes"]]
    assert [(one["id"], one["finding"], one["notes"]) for one in topics] == [
        ("churn", "answered", 1),
        ("price", "answered", 1),
        ("trust", "answered", 1),
    ]
