"""``onrecord note``: what people decide about notes, and where it is shown."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, Final

import pytest

from contracts.notes import Evidence
from contracts.transcript import Role, Segment
from database.pool import Database
from onrecord import cli
from persistence.store import NotesStore
from support.interviews import VOUCHED, chunk, ingested, note, validated

pytestmark = pytest.mark.usefixtures("reading_api")

TURN: Final = Segment(
    number=1,
    speaker="Bo",
    role=Role.PARTICIPANT,
    text="We pay 40 dollars a month. I would not recommend it.",
)


def cite(quote: str) -> Evidence:
    return Evidence(
        segment=1,
        start=TURN.text.index(quote),
        length=len(quote),
        quote=quote,
        speaker=TURN.speaker,
        role=TURN.role,
    )


PAYS: Final = note("They pay 40 dollars", cite("We pay 40 dollars a month."), **VOUCHED)
DOUBTS: Final = note("Bo has doubts", cite("I would not recommend it."))
SHORT: Final = PAYS.note_id.hex[:8]


@pytest.fixture(autouse=True)
async def filled(fresh_database: Database) -> Database:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested(segments=(TURN,), chunks=(chunk(1, 1),)))
    await store.store_notes(validated(PAYS, DOUBTS))
    return fresh_database


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert cli.run_command(arguments) == code
    output = capsys.readouterr()
    return " ".join((output.err if code else output.out).split())


def read(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert cli.run_command((*arguments, "--json")) == 0
    return json.loads(capsys.readouterr().out)


def test_decisions_stand_below_the_note_and_in_its_history(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(capsys, "note", "accept", SHORT, "--reason", "heard it")
    run(capsys, "note", "comment", SHORT, "Ask for the bill.")
    page = run(capsys, "notes", "--accepted")
    assert "accepted by" in page
    assert ": heard it" in page
    assert "Ask for the bill." in page
    assert "Bo has doubts" not in page
    history = run(capsys, "note", "history", SHORT)
    assert "1. " in history
    assert "accepted heard it 2. " in history
    assert "accepted heard it" in run(capsys, "explain", SHORT)
    (one,) = read(capsys, "note", "decisions")
    assert one["kinds"] == ["accepted", "comment"]
    assert read(capsys, "note", "decisions", "--lost") == []
    run(capsys, "note", "withdraw", SHORT, "1")
    assert read(capsys, "notes", "--accepted") == []


def test_an_edited_statement_is_checked_and_shown_with_whose_it_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    doubts = DOUBTS.note_id.hex
    refused = run(capsys, "note", "edit", SHORT, "They pay 400 dollars a month.", code=1)
    assert "number_not_in_evidence" in refused
    assert "--unproven" in run(capsys, "note", "edit", doubts, "Bo is a sceptic.", code=1)
    run(capsys, "note", "edit", doubts, "Bo is a sceptic.", "--unproven")
    assert "not proven: Bo is a sceptic." in run(capsys, "notes", "--decided")
    # Everywhere as the person's, and nowhere as the model's.
    (shown,) = read(capsys, "notes", "--decided")
    for page in (
        run(capsys, "search", "sceptic"),
        run(capsys, "explain", shown["note_id"].replace("-", "")),
    ):
        assert "statement of" in page
        assert "model's reading" not in page
    run(capsys, "note", "edit", doubts, "I would not recommend it.")
    page = run(capsys, "notes", "--decided")
    assert "the model's statement (unproven): Bo has doubts" in page
    target = tmp_path / "notes.csv"
    run(capsys, "export", str(target), "--decided")
    with target.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["statement"], row["model_statement"]) == (
        "I would not recommend it.",
        "Bo has doubts",
    )
    assert row["edited_by"]


def test_a_hidden_note_is_in_no_list_or_export_until_it_is_asked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run(capsys, "note", "hide", SHORT, "--reason", "small talk")
    assert "They pay" not in run(capsys, "notes")
    assert "small talk" in run(capsys, "notes", "--hidden")
    target = tmp_path / "notes.jsonl"
    run(capsys, "export", str(target))
    assert "They pay" not in target.read_text(encoding="utf-8")
    run(capsys, "export", str(target), "--force", "--hidden")
    assert "They pay" in target.read_text(encoding="utf-8")
    run(capsys, "note", "show", SHORT)
    assert "They pay" in run(capsys, "notes")


def test_a_note_is_refiled_and_wrong_use_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "note", "refile", SHORT, "--theme", "trust", "--no-question")
    (one,) = read(capsys, "notes", "--theme", "trust")
    assert (one["themes"], one["questions"]) == (["trust"], [])
    assert "weather" in run(capsys, "note", "refile", SHORT, "--theme", "weather", code=2)
    assert "no note's id" in run(capsys, "note", "accept", "x", code=2)
    assert "themes or questions" in run(capsys, "note", "refile", SHORT, code=2)
    run(capsys, "note", "accept", "0123456789", code=2)
