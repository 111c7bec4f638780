"""``onrecord retention``, against control's API over a real database."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from contracts.registry import CreateStudyRequest
from control.interviews.studies import StudyStore
from control.retention.runner import RetentionRunner
from database.pool import open_database
from database.settings import PostgresSettings
from onrecord import cli
from persistence.store import NotesStore
from support.interviews import STUDY, TRANSCRIPT, ingested, note, validated

pytestmark = pytest.mark.usefixtures("reading_api")


@pytest.fixture
async def interview(postgres_settings: PostgresSettings) -> None:
    """A registered study with an interview of 100 days, which has a note."""
    created = STUDY.model_dump(exclude={"version"})
    async with open_database(postgres_settings) as database:
        await StudyStore(database).create(CreateStudyRequest(**created), "a test")
        store = NotesStore(database)
        await store.store_transcript(ingested())
        await store.store_notes(validated(note("They would not")))
        await store.store_notes(validated(index=2))
        await database.execute("UPDATE transcripts SET ingested_at = now() - interval '100 days'")


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """The exit code of a command, and what it wrote to stdout and to stderr."""
    capsys.readouterr()
    code = cli.run_command(words)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def as_json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    code, out, err = run(capsys, *words, "--json")
    assert code == 0, err
    return json.loads(out)


def delete_what_is_due(postgres: PostgresSettings) -> None:
    async def delete() -> None:
        async with open_database(postgres) as database:
            assert await RetentionRunner(database).run_due_rounds() == 1

    asyncio.run(delete())


def test_what_would_be_deleted_is_shown_and_asked_before(
    interview: None, postgres_settings: PostgresSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    study = STUDY.study_id
    shown = as_json(capsys, "retention", "show", study)
    assert set(shown["policy"].values()) == {None}
    due = as_json(capsys, "retention", "set", study, "--notes", "60d", "--dry-run")
    assert {one["kind"]: one["due_now"] for one in due["kinds"]}["notes"] == 1
    assert as_json(capsys, "retention", "show", study) == shown, "a dry run sets nothing"

    code, _, err = run(capsys, "retention", "set", study, "--notes", "60d")
    assert (code, "add --yes" in err) == (2, True), err
    assert as_json(capsys, "retention", "show", study) == shown

    code, out, _ = run(capsys, "retention", "set", study, "--notes", "60d", "--yes")
    assert (code, "notes        60 days" in out) == (0, True)
    # What deletes nothing at once is not asked; what is not named stays.
    changed = as_json(capsys, "retention", "set", study, "--transcripts", "52w", "--trail", "90d")
    assert changed["policy"] == {
        "transcripts_days": 364,
        "notes_days": 60,
        "letters_days": None,
        "answers_days": None,
        "trail_days": 90,
    }
    _, out, _ = run(capsys, "retention", "preview", study)
    (notes,) = (line.split() for line in out.splitlines() if line.split()[:1] == ["notes"])
    assert notes[:4] == ["notes", "60", "days", "1"]
    assert notes[5:] == ["1", "0"]

    delete_what_is_due(postgres_settings)
    _, out, _ = run(capsys, "retention", "show", study)
    assert "1 notes" in out
    code, _, err = run(capsys, "notes", "--study", study)
    assert (code, "the notes of 1 interview are gone, as their time is over" in err) == (0, True)
    _, out, _ = run(capsys, "transcript", "list")
    assert "notes gone since" in out
    _, out, _ = run(capsys, "coverage", "--study", study)
    assert "unknown" in out
    assert "2 chunks read, whose notes are gone" in " ".join(out.split())
    _, out, _ = run(capsys, "matrix", "--study", study)
    assert "1 interview has none any more" in " ".join(out.split())
    _, out, _ = run(capsys, "coverage", "--transcript", str(TRANSCRIPT))
    assert "notes gone" in out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "say for how long"),
        (("--notes", "36h"), "not whole days"),
        (("--notes", "soon"), "no span of time"),
        (("--transcripts", "30d", "--notes", "31d"), "go with their interview"),
        (("--notes", "40000d"), "36500"),
    ],
)
def test_a_wrong_time_is_refused(
    interview: None, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], why: str
) -> None:
    code, _, err = run(capsys, "retention", "set", STUDY.study_id, *words)
    assert code == 2, err
    assert why in " ".join(err.split())


def test_a_study_that_there_is_not_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("show", "preview"):
        code, _, err = run(capsys, "retention", verb, "nothing")
        assert (code, "nothing is not registered" in err) == (2, True), err
