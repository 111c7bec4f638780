"""`onrecord eval pii` as people call it: tables, files, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onrecord.cli import run_command
from personal_data.evaluation import Marked
from support.made_up_people import marked_texts

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data" / "pii" / "presidio_synth_dev.json"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _sample(one: Marked) -> dict[str, object]:
    spans = [
        {
            "entity_type": span.kind.value,
            "entity_value": one.text[span.start : span.end],
            "start_position": span.start,
            "end_position": span.end,
        }
        for span in one.spans
    ]
    return {"full_text": one.text, "spans": spans, "template_id": int(one.template)}


def test_tells_recall_precision_and_time_and_writes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.json"
    file.write_text(json.dumps([_sample(one) for one in marked_texts(120, seed=11)]))
    assert run_command(["eval", "pii", str(file), "--json"]) == 0
    told = [one["name"] for one in json.loads(capsys.readouterr().out)]
    assert told[:3] == ["pii", "pii-precision", "pii-time"]
    written = json.loads(Path(".onrecord/eval/pii.json").read_text())
    assert written["holds"]
    assert {"all", "developed on", "held out", "PERSON"} <= set(written["sides"])


@pytest.mark.parametrize(
    "text", ["{}", '[{"full_text": "x"}]', "[]", '[{"full_text":"x","spans":[]}]']
)
def test_says_which_file_marks_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    file = tmp_path / "other.json"
    file.write_text(text)
    assert run_command(["eval", "pii", str(file)]) == 2
    assert "other.json" in capsys.readouterr().err


def test_holds_on_presidio_researchs_sentences() -> None:
    if not SHARED.is_file():
        pytest.skip("no ../shared/data")
    assert run_command(["eval", "pii", str(SHARED)]) == 0
