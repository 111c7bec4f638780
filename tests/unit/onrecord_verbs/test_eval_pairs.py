"""``onrecord eval pairs``: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onrecord import cli

_DOC = "Ann: What do you pay?\nTom: We pay forty dollars a month for the two of us."
_PAIRS = [
    {"doc": _DOC, "summary": "Tom pays fifty dollars a month.", "label": 0, "kind": "number"},
    {"doc": _DOC, "summary": "Tom pays ninety dollars a month.", "label": 1, "kind": "faithful"},
    {"source": "none.json", "first": 1, "last": 2, "summary": "It rains.", "label": 1},
]


@pytest.fixture
def pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ONRECORD_HOME", str(tmp_path / "home"))
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in _PAIRS))
    return file


def _run(pairs: Path, *options: str) -> int:
    words = ("eval", "pairs", str(pairs), "--mode", "light", "--data", str(pairs.parent))
    return cli.run_command([*words, *options])


def test_prints_and_writes_both_measures(
    pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(pairs, "--examples", "2") == 1  # no true note is shown
    printed = capsys.readouterr()
    assert "pairs-shown-false: 0 share" in printed.out
    assert "pairs-true-shown: 0 share" in printed.out
    assert "true, but refused: line 2, faithful, refuted, " in " ".join(printed.out.split())
    assert f"1 pairs left out: {tmp_path} has no none.json" in printed.err.replace("\n", "")
    assert "nothing is shown as a statement" in printed.err
    folder = tmp_path / "home" / "eval"
    assert sorted(file.name for file in folder.iterdir()) == [
        "pairs-shown-false.json",
        "pairs-true-shown.json",
        "veto-odds.json",
    ]


def test_json_holds_the_measures_and_no_examples_unless_asked_for(
    pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(pairs, "--developed", str(pairs), "--json") == 1
    false, true, _ = json.loads(capsys.readouterr().out)
    assert (false["name"], true["name"]) == ("pairs-shown-false", "pairs-true-shown")
    assert false["sides"]["held out"]["pairs"] == false["sides"]["developed on"]["pairs"] == 2
    assert true["notes"] == []


def test_pairs_in_the_speakers_own_words_are_measures_of_their_own(
    pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(pairs, "--extractive", "--json") == 1
    false, true = json.loads(capsys.readouterr().out)
    assert (false["name"], true["name"]) == ("extractive-shown-false", "extractive-true-shown")
    assert true["goal"] == 0.9
    assert len(list((tmp_path / "home" / "eval").iterdir())) == 2


def test_verdicts_are_written_a_line_a_pair(pairs: Path, tmp_path: Path) -> None:
    file = tmp_path / "verdicts.jsonl"
    assert _run(pairs, "--verdicts", str(file)) == 1
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(one["place"], one["label"], one["standing"]) for one in lines] == [
        ("line 1", 0, "refuted"),
        ("line 2", 1, "refuted"),
    ]
    assert "number_not_in_evidence" in lines[0]["failed_checks"]


@pytest.mark.parametrize(
    ("line", "message"),
    [("{", "line 4: not JSON"), ('{"doc": "Ann: Hi", "label": 1}', "line 4: summary is a text")],
)
def test_a_line_that_cannot_be_read_ends_with_2_and_its_number(
    pairs: Path, capsys: pytest.CaptureFixture[str], line: str, message: str
) -> None:
    with pairs.open("a") as opened:
        opened.write(line)
    assert _run(pairs) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err.replace("\n", " ")


@pytest.mark.parametrize("options", [("--examples", "-1"), ("--verdicts", "/nowhere/at/all")])
def test_options_that_cannot_be_followed_end_with_2(pairs: Path, options: tuple[str, str]) -> None:
    assert _run(pairs, *options) == 2
