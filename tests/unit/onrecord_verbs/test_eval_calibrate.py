"""``onrecord eval calibrate``, and ``pairs`` with the model that it calibrated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from entailment.thresholds import THRESHOLDS_FILE
from onrecord import cli
from support.entailment_models import write_constant_model, write_word_model
from support.stove_talk import list_examples, write_pairs


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ONRECORD_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return write_pairs(tmp_path / "pairs.jsonl")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_word_model(tmp_path / "model", list_examples())


def run(verb: str, pairs: Path, *options: str) -> int:
    return cli.run_command(["eval", verb, str(pairs), "--mode", "light", *options])


def test_thresholds_are_written_and_what_the_model_confirms_is_shown(
    pairs: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("pairs", pairs, "--json") == 1  # nothing is shown
    before = json.loads(capsys.readouterr().out)
    assert run("calibrate", pairs, "--model", str(model)) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "confirmed from 0." in printed
    assert "40 0 0.000 0.000 to 0.088" in printed
    assert "40 true and 40 false notes were scored" in printed
    assert run("pairs", pairs, "--entailment", str(model), "--json") == 0
    after = json.loads(capsys.readouterr().out)
    shown = {one["name"]: one["figure"] for one in after}
    assert {one["name"]: one["figure"] for one in before}["pairs-true-shown"] == 0
    assert (shown["pairs-true-shown"], shown["pairs-shown-false"]) == (1, 0)


def test_json_has_the_thresholds_and_the_hashes(
    pairs: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("calibrate", pairs, "--model", str(model), "--false-rate", "0.2", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    written = json.loads((model / THRESHOLDS_FILE).read_text())
    assert written.items() <= printed.items()
    assert printed["false_rate"] == 0.2
    assert printed["pairs"] == 80
    assert set(printed["files"]) == {"model.onnx", "tokenizer.json", "config.json"}
    assert printed["notes_per_s"] > 0


def test_a_model_that_tells_nothing_apart_gets_no_thresholds(
    pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_constant_model(tmp_path / "constant", [[0.3]])
    assert run("calibrate", pairs, "--model", str(folder)) == 1
    assert "no threshold keeps a false rate of 0.01" in " ".join(capsys.readouterr().err.split())
    assert not (folder / THRESHOLDS_FILE).exists()


def test_pairs_that_code_decides_leave_nothing_to_calibrate_on(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "decided.jsonl"
    pair = {"doc": "Tom: We pay forty dollars.", "summary": "Tom pays ninety dollars.", "label": 0}
    file.write_text(json.dumps(pair))
    assert run("calibrate", file, "--model", str(model)) == 1
    assert "no true pair is left for the model" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("verb", ["calibrate", "pairs"])
def test_a_folder_without_a_model_is_bad_input(
    verb: str, pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    option = {"calibrate": "--model", "pairs": "--entailment"}[verb]
    assert run(verb, pairs, option, str(tmp_path / "nowhere")) == 2
    assert "there is no such folder" in " ".join(capsys.readouterr().err.split())


def test_pairs_are_not_measured_by_a_model_without_thresholds(
    pairs: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("pairs", pairs, "--entailment", str(model)) == 2
    assert "onrecord eval calibrate" in " ".join(capsys.readouterr().err.split())
