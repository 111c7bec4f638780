"""``onrecord transcript fix``, against control's API over a real database and broker."""

from __future__ import annotations

import asyncio
import json

import pytest

from contracts.registry import CreateStudyRequest
from control.interviews.studies import StudyStore
from database.pool import open_database
from database.settings import PostgresSettings
from onrecord import cli
from persistence.store import NotesStore
from support.interviews import STUDY, TRANSCRIPT, ingested, note, validated

FIX = ("fix", str(TRANSCRIPT))


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """The exit code of a command, and what it wrote to stdout and to stderr."""
    capsys.readouterr()
    code = cli.run_command(("transcript", *words))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def interview(control: None, postgres_settings: PostgresSettings) -> None:
    async def store() -> None:
        async with open_database(postgres_settings) as database:
            wanted = CreateStudyRequest.model_validate(STUDY.model_dump(exclude_none=True))
            await StudyStore(database).create(wanted, "a test")
            notes = NotesStore(database)
            await notes.store_transcript(ingested())
            await notes.store_notes(validated(note("They would not recommend it")))

    asyncio.run(store())


@pytest.mark.usefixtures("interview")
def test_a_dry_run_shows_what_would_change(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *FIX, "--rename", "Bo=Amara Okafor", "--dry-run")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"would correct revision 1 of {TRANSCRIPT} (nothing was changed)",
        "changes: 1 turn",
        "chunks that the model is asked about again: about 2 of 2 (1, 2)",
        "notes: 0 of 1 stay as they are; the others may be worded otherwise",
        "quotes: all keep their words and places; another speaker or role: 1",
    ]
    code, out, err = run(capsys, *FIX, "--title", "Bo, May", "--dry-run", "--json")
    planned = json.loads(out)
    assert (code, planned["changes_title"], planned["asked_again"]) == (0, True, []), err


@pytest.mark.usefixtures("interview")
def test_a_correction_is_made_once(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--rename", "Bo=Amara", "--role", "Amara=unknown", "--title", "Amara = Bo")
    code, out, err = run(capsys, *FIX, *options, "--reason", "she said so")
    assert (code, out) == (0, ""), err
    assert err.splitlines()[:2] == [
        f"corrected: revision 1 of {TRANSCRIPT}, as revision 2",
        "changes: the title and 1 turn",
    ]
    code, _, err = run(capsys, *FIX, "--title", "Another")
    assert (code, "revision 2 of this interview is on its way" in err) == (1, True), err
    code, _, err = run(capsys, "show", str(TRANSCRIPT))
    assert code == 0, err


@pytest.mark.usefixtures("interview")
def test_a_correction_that_does_not_come_in_time_is_a_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _, err = run(capsys, *FIX, "--title", "Another", "--wait", "--timeout", "1")
    assert (code, "revision 2 is on its way still: readers have revision 1" in err) == (1, True)


@pytest.mark.usefixtures("interview")
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ((), "title, speakers or turns: one of them has to be given"),
        (("--rename", "Bo"), "--rename: has to be OLD=NEW, not 'Bo'"),
        (("--rename", "Bo=A", "--rename", "Bo=B"), "--rename: 'Bo' is given twice"),
        (("--role", "Bo=guest"), "--role: a role is one of participant, interviewer, unknown"),
        (("--turn", "x=Bo"), "--turn: 'x' is no number, and no range such as 14-16"),
        (("--turn", "2-1=Bo"), "comes before first"),
        (("--rename", "Zoe=Zoë"), "nobody is called 'Zoe' in this interview: 'Ada', 'Bo'"),
        (("--turn", "9=Bo"), "the last turn of this interview is 2"),
    ],
)
def test_what_cannot_be_meant_is_an_error_that_says_why(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], reason: str
) -> None:
    code, out, err = run(capsys, *FIX, *options, "--dry-run")
    assert (code, out, reason in err) == (2, "", True), err


def test_an_id_that_is_none_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "fix", "bo", "--title", "x")
    assert (code, "'bo' is no interview's id" in err) == (2, True), err
