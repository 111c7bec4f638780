"""``onrecord matrix`` and ``onrecord coverage --transcript`` from what is stored."""

from __future__ import annotations

import csv
import json
from io import StringIO
from uuid import UUID

import pytest

from database.pool import Database
from onrecord import cli
from persistence.store import NotesStore
from support.interviews import TRANSCRIPT, VOUCHED, chunk, evidence, ingested, note, validated

pytestmark = pytest.mark.usefixtures("reading_api", "filled")

SILENT = UUID(int=77)


@pytest.fixture
async def filled(fresh_database: Database) -> None:
    """An interview with notes of one of its chunks, on the second turn, and one without chunks."""
    store = NotesStore(fresh_database)
    read = chunk(index=1).model_copy(update={"first_segment": 2})
    waiting = chunk(index=2).model_copy(update={"last_segment": 1})
    await store.store_transcript(ingested(chunks=(read, waiting)))
    await store.store_transcript(ingested(transcript_id=SILENT, title="=Silence", chunks=()))
    pays = note("They pay", evidence("We pay 40 dollars"), themes=("price", "trust"), **VOUCHED)
    await store.store_notes(validated(pays, note("They doubt it", themes=("trust",))))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.run_command(arguments)
    output = capsys.readouterr()
    return code, output.out, output.err


def test_a_matrix_has_a_line_an_interview_and_a_column_a_theme(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = run(capsys, "matrix")
    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines()[:4]] == [
        ["1", "2"],
        ["=Silence", "·", "·"],
        ["Interview", "1", "1", "1+1?"],
        ["all", "1", "1+1?"],
    ]
    assert "  2  Trust (trust): 1 finding and 1 not proven, in 1 of 2 interviews\n" in out


def test_a_matrix_is_json_and_csv_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(run(capsys, "matrix", "--by", "question", "--json")[1])
    (topic,) = found["topics"]
    assert (topic["id"], topic["findings"], topic["unproven"], topic["interviews"]) == (
        *("churn", 1, 1),
        1,
    )
    rows = [*csv.DictReader(StringIO(run(capsys, "matrix", "--csv")[1], newline=""))]
    assert [one["title"] for one in rows] == ["'=Silence", "Interview 1"]
    assert [one["trust: unproven"] for one in rows] == ["0", "1"]


def test_a_matrix_that_is_cut_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "matrix", "--limit", "1", "--json")
    found = json.loads(out)
    assert (code, len(found["interviews"]), found["has_more"]) == (0, 1, True)
    assert err == "the first 1 interview, and sums of those alone; a higher --limit shows more\n"
    assert run(capsys, "matrix", "--csv", "--json")[0] == 2
    assert run(capsys, "matrix", "--study", "nowhere")[0] == 2


def test_coverage_of_an_interview_is_told_turn_by_turn(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = run(capsys, "coverage", "--transcript", "interview 1")
    assert (code, err) == (0, "")
    share = "of what participants said"
    assert f"  cited      1 turn; 100% {share} is in turns that notes cite\n" in out
    assert f"  not noted  0 turns; 0% {share}\n" in out
    assert f"  unread     1 turn (1 waiting); 0% {share}\n" in out
    assert "2 [00:01] participant 2: cited by 2 notes\n  We pay 40 dollars" in out


def test_coverage_of_turns_is_narrowed_and_cut(capsys: pytest.CaptureFixture[str]) -> None:
    key = str(TRANSCRIPT)[:8]
    found = json.loads(run(capsys, "coverage", "--transcript", key, "--json")[1])
    assert [(one["segment"]["number"], one["status"]) for one in found["turns"]] == [
        (1, "unread"),
        (2, "cited"),
    ]
    narrowed = run(capsys, "coverage", "--transcript", key, "--only", "cited", "--json")[1]
    assert [one["segment"]["number"] for one in json.loads(narrowed)["turns"]] == [2]
    _, out, err = run(capsys, "coverage", "--transcript", key, "--limit", "1", "--json")
    assert (len(json.loads(out)["turns"]), json.loads(out)["has_more"]) == (1, True)
    assert err == "the first 1 turn; a higher --limit shows more\n"
    assert run(capsys, "coverage", "--transcript", key, "--only", "unnoted")[2] == "no such turns\n"


def test_options_of_turns_take_an_interview_that_there_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _, err = run(capsys, "coverage", "--only", "cited")
    assert (code, "--transcript" in err) == (2, True)
    code, _, err = run(capsys, "coverage", "--transcript", "Nobody")
    assert (code, "there is no interview 'Nobody'" in err) == (2, True)


@pytest.fixture
async def opposing(fresh_database: Database) -> None:
    raised = note("The café raised its prices in spring.", **VOUCHED)
    lowered = note("The café lowered its prices in spring.")
    await NotesStore(fresh_database).store_notes(validated(raised, lowered, index=2))


@pytest.mark.usefixtures("opposing")
def test_notes_that_oppose_each_other_stand_side_by_side(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = run(capsys, "disagreements")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:4] == ["Why do people leave? (1 pair)", "", "  opposite words", lines[3]]
    assert lines[3].startswith("  The café raised its prices in spring.")
    assert "“I would not recommend it”" in lines[3]
    assert max(map(len, lines)) <= 80
    (topic,) = json.loads(run(capsys, "disagreements", "--question", "churn", "--json")[1])
    assert (topic["kind"], topic["id"], topic["found"]) == ("question", "churn", 1)


def test_where_nothing_opposes_another_it_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "disagreements", "--theme", "trust")
    assert (code, out) == (0, "")
    assert err == "no statements that oppose each other, as far as code sees it\n"
    code, _, err = run(capsys, "disagreements", "--question", "why")
    assert (code, "there is no question 'why'; known: churn" in err) == (2, True)
    assert run(capsys, "disagreements", "--question", "churn", "--theme", "price")[0] == 2
