"""``onrecord study``, against control's API over a real database."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from database.pool import open_database
from database.settings import PostgresSettings
from onrecord import cli
from persistence.store import NotesStore
from support.interviews import TRANSCRIPT, ingested

SAMPLE = Path(__file__).parents[3] / "samples" / "study.yaml"
FLAGS = ("--id", "churn", "--name", "Why they leave", "--theme", "price=What it [costs]")


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


def editor(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """An editor that does what a shell script says with the file ``$1``."""
    program = folder / "an editor.sh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    monkeypatch.setenv("VISUAL", f"'{program}'")


def test_a_study_is_made_from_its_file(control: None, capsys: pytest.CaptureFixture[str]) -> None:
    made = as_json(
        capsys, "study", "create", str(SAMPLE), "--daily-budget", "7.5", "--personal-data", "mask"
    )
    assert (made["study_id"], made["version"]) == ("small-repair-shops", 1)
    assert (made["daily_budget_usd"], made["personal_data"]) == (7.5, "mask")
    assert as_json(capsys, "study", "show", "small-repair-shops") == made
    assert as_json(capsys, "study", "list") == [made]
    code, _, err = run(capsys, "study", "create", str(SAMPLE))
    assert (code, "there is a study small-repair-shops" in err) == (1, True)


def test_what_show_writes_is_a_file_to_create_and_edit_from(
    control: None, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = as_json(capsys, "study", "create", *FLAGS)
    shown = as_json(capsys, "study", "show", "churn")
    file = tmp_path / "study.json"
    file.write_text(json.dumps(shown | {"statements": "quotes"}))
    edited = as_json(capsys, "study", "edit", "churn", "--file", str(file))
    assert edited["statements"] == "quotes"
    file.write_text(json.dumps(shown | {"study_id": "again"}))
    again = as_json(capsys, "study", "create", str(file))
    changing = {"study_id", "registered_at", "changed_at"}
    assert {name: value for name, value in again.items() if name not in changing} == {
        name: value for name, value in made.items() if name not in changing
    }


def test_a_study_is_made_from_options_and_shown(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "study", "create", *FLAGS, "--question", "why=Why do they leave?")
    assert (code, err) == (0, "registered: churn, version 1\n")
    _, out, _ = run(capsys, "study", "show", "churn")
    assert "price: What it [costs]" in out
    assert "why: Why do they leave?" in out
    _, out, _ = run(capsys, "study", "list")
    assert "1 theme, 1 question" in out
    assert "default" in out


def test_options_change_a_study(control: None, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "study", "create", *FLAGS)
    assert run(capsys, "study", "edit", "churn", "--statements", "quotes")[2] == (
        "changed: churn, version 1\n"
    )
    edited = as_json(capsys, "study", "edit", "churn", "--theme", "fit=Fit", "--producer", "/a")
    assert edited["version"] == 2
    assert [one["id"] for one in edited["themes"]] == ["fit"]
    assert (edited["producers"], edited["statements"]) == (["/a"], "quotes")
    assert run(capsys, "study", "edit", "churn", "--theme", "fit=Fit")[2].startswith("unchanged")


def test_a_file_changes_a_study(
    control: None, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run(capsys, "study", "create", *FLAGS)
    file = tmp_path / "study.yaml"
    file.write_text("study_id: churn\nname: Otherwise\n")
    assert as_json(capsys, "study", "edit", "churn", "--file", str(file))["name"] == "Otherwise"
    for text, words in (
        ("study_id: other\n", "the id of a study cannot be changed"),
        ("colour: red\n", "colour: there is no such field"),
        ("themes: []\n", "themes: at least one is needed"),
        ("- a\n", "not a study"),
        ("name: [\n", "not valid YAML"),
    ):
        file.write_text(text)
        code, _, err = run(capsys, "study", "edit", "churn", "--file", str(file))
        assert (code, words in err) == (2, True), err
    assert as_json(capsys, "study", "show", "churn")["changes"] == 2


def test_an_edit_says_which_themes_and_questions_it_leaves_out(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those that are given replace all: who meant to add one is to see it."""
    run(capsys, "study", "create", *FLAGS, "--question", "why=Why?", "--question", "when=When?")
    code, out, err = run(capsys, "study", "edit", "churn", "--question", "who=Who?")
    assert (code, out) == (0, "")
    assert err.splitlines()[1:] == ["no longer among its questions: why, when"]
    code, out, err = run(capsys, "study", "edit", "churn", "--theme", "new=New", "--json")
    assert (code, json.loads(out)["version"]) == (0, 3)
    assert err.startswith("no longer among its themes: ")
    assert len(run(capsys, "study", "edit", "churn", "--name", "Other")[2].splitlines()) == 1


def test_a_study_is_changed_in_the_editor(
    control: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    run(capsys, "study", "create", *FLAGS, "--daily-budget", "3")
    editor(tmp_path, monkeypatch, "sed -i 's/Why they leave/Why they stay/' \"$1\"")
    edited = as_json(capsys, "study", "edit", "churn")
    assert (edited["name"], edited["version"], edited["daily_budget_usd"]) == (
        "Why they stay",
        2,
        3.0,
    )
    editor(tmp_path, monkeypatch, "sed -i '/daily_budget_usd/d' \"$1\"")
    assert as_json(capsys, "study", "edit", "churn")["daily_budget_usd"] is None
    editor(tmp_path, monkeypatch, "true")
    assert run(capsys, "study", "edit", "churn")[2] == "unchanged: churn, version 2\n"
    editor(tmp_path, monkeypatch, "exit 3")
    code, _, err = run(capsys, "study", "edit", "churn")
    assert (code, "failed with 3" in err) == (1, True)
    monkeypatch.setenv("VISUAL", "/nowhere/editor")
    assert "set EDITOR, or use --file" in run(capsys, "study", "edit", "churn")[2]


def test_a_change_made_meanwhile_is_not_overwritten(
    control: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    run(capsys, "study", "create", *FLAGS)
    other = f"{cli.__name__}"
    editor(
        tmp_path,
        monkeypatch,
        "sed -i 's/Why they leave/Mine/' \"$1\"\n"
        f"{sys.executable} -c 'from {other} import run_command as r; "
        'r(["study", "edit", "churn", "--name", "Theirs"])\'',
    )
    code, _, err = run(capsys, "study", "edit", "churn")
    assert (code, "was changed meanwhile" in err) == (1, True), err
    (kept,) = [line for line in err.splitlines() if line.startswith("what you wrote is in ")]
    assert "name: Mine" in Path(kept.removeprefix("what you wrote is in ")).read_text("utf-8")
    assert as_json(capsys, "study", "show", "churn")["name"] == "Theirs"


def test_a_study_is_archived_and_reopened(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "study", "create", *FLAGS)
    assert as_json(capsys, "study", "archive", "churn")["archived_at"]
    assert "archived" in run(capsys, "study", "list")[1]
    assert as_json(capsys, "study", "archive", "churn", "--undo")["archived_at"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create",), "name the study's file, or give --id, --name and at least one --theme"),
        (("create", "--id", "x"), "not a study: name: is missing; themes: is missing"),
        (("create", *FLAGS, "--theme", "price"), "--theme 'price': write it as ID=NAME"),
        (("create", "--id", "a b", *FLAGS[2:]), "study_id: "),
        (("create", "nowhere.yaml"), "nowhere.yaml: there is no such file"),
        (("show", "nobody"), "the study nobody is not registered"),
        (("show", "../letters"), "'../letters' is no study's id"),
        (("edit", "nobody", "--name", "x"), "the study nobody is not registered"),
        (("archive", "nobody"), "the study nobody is not registered"),
    ],
)
def test_mistakes_are_named_in_a_line(
    control: None, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    code, out, err = run(capsys, "study", *words)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_a_study_is_refreshed(
    control: None, postgres_settings: PostgresSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    async def store() -> None:
        async with open_database(postgres_settings) as database:
            await NotesStore(database).store_transcript(ingested())

    asyncio.run(store())
    run(capsys, "study", "create", "--id", "billing", "--name", "B", "--theme", "price=Price")
    code, out, err = run(capsys, "study", "refresh", "billing", "--dry-run")
    assert (code, out) == (0, "")
    assert "billing, version 1: 0 up to date, 0 in progress, 1 outdated" in err
    assert "2 chunks" in err
    assert "at an unknown price" in err
    code, _, err = run(capsys, "study", "refresh", "billing")
    assert (code, "--yes: say it where nobody can be asked" in err) == (2, True), err
    code, _, err = run(capsys, "study", "refresh", "billing", "--transcript", "x")
    assert (code, "Traceback" in err) == (2, False), err
    named = ("--transcript", str(TRANSCRIPT), "--yes")
    asked = as_json(capsys, "study", "refresh", "billing", *named)
    assert (asked["requested"], asked["in_progress"], asked["outdated"]) == (1, 1, 0)
    code, _, err = run(capsys, "study", "refresh", "billing", "--wait", "--timeout", "1")
    assert (code, "1 interview still on the way" in err) == (1, True), err
    code, _, err = run(capsys, "study", "refresh", "nothing", "--dry-run")
    assert (code, "is not registered" in err) == (2, True), err
