"""`onrecord eval` as people call it: tables, files, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onrecord.cli import run_command
from spacy_models import is_spacy_installed
from support.missing import missing

SAMPLES = Path(__file__).parents[3] / "samples"
INTERVIEWS = Path(__file__).parents[3] / "libs" / "evaluation" / "interviews"
_FIELDS = {"name", "figure", "goal", "better", "holds", "sides", "unit", "stack", "commit", "notes"}


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _summedits(folder: Path) -> Path:
    document = "Ann: Buy butter. . Mike: Ok. . Mike: Do we have milk? . Ann: Yes, in the fridge. "
    samples = [
        {"doc": document, "summary": "Ann asks Mike to buy butter.", "label": 1, "edit_types": []},
        {"doc": document, "summary": "Ann asks Zoe for butter.", "label": 0, "edit_types": ["x"]},
    ]
    file = folder / "small.json"
    file.write_text(json.dumps(samples))
    return file


@pytest.mark.long
def test_metamorphic_holds_on_the_samples_and_writes_its_measures() -> None:
    assert run_command(["eval", "metamorphic", str(SAMPLES)]) == 0
    written = json.loads(Path(".onrecord/eval/metamorphic.json").read_text())
    assert set(written) == _FIELDS
    assert written["holds"]
    assert written["sides"]["number"]["all"] >= 0.99


def test_grounding_prints_its_measures_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run_command(["eval", "grounding", str(_summedits(tmp_path)), "--json"])
    measures = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in measures] == ["grounding-small", "grounding-small-time"]
    assert measures[0]["figure"] == 1.0
    # The second is of time, which a busy machine may not keep.
    assert code == (0 if all(one["holds"] for one in measures) else 1)


def test_paraphrases_measures_what_is_shown_of_the_folders_that_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [str(INTERVIEWS), str(tmp_path / "absent")]
    code = run_command(["eval", "paraphrases", *folders, "--drafts", "1", "--json"])
    printed = capsys.readouterr()
    measures = json.loads(printed.out)
    assert [one["name"] for one in measures] == [
        "paraphrases-shown-false",
        "paraphrases-true-shown",
    ]
    assert measures[0]["sides"]["all"]["pairs"] > 20
    assert code == (0 if all(one["holds"] for one in measures) else 1)
    assert "absent" in printed.err
    assert run_command(["eval", "paraphrases", str(tmp_path / "absent")]) == 2


def test_names_the_file_that_is_no_benchmark(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "other.json"
    file.write_text("{}")
    assert run_command(["eval", "grounding", str(file)]) == 2
    assert "other.json" in capsys.readouterr().err


def test_refuses_a_folder_without_transcripts(tmp_path: Path) -> None:
    assert run_command(["eval", "metamorphic", str(tmp_path)]) == 2


def test_shows_the_heavy_mode_beside_the_light_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not is_spacy_installed():
        missing("the extra heavy-grounding is not installed")
    run_command(["eval", "grounding", str(_summedits(tmp_path)), "--json"])
    accuracy, time = json.loads(capsys.readouterr().out)
    assert {"all", "heavy: all"} <= set(accuracy["sides"])
    assert set(time["sides"]) == {"light", "heavy"}


def test_measures_one_mode_if_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_command(["eval", "grounding", str(_summedits(tmp_path)), "--mode", "light", "--json"])
    _, time = json.loads(capsys.readouterr().out)
    assert set(time["sides"]) == {"light"}
