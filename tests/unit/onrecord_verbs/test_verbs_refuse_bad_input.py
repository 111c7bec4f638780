import json
import logging
from pathlib import Path

import pytest

from onrecord import cli

SAMPLES = Path(__file__).parents[3] / "samples"
NOWHERE = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "POSTGRES_DSN": "postgresql://nobody:secret@127.0.0.1:1/none",
    "ONRECORD_CONTROL_URL": "http://127.0.0.1:1",
}


@pytest.fixture(autouse=True)
def nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONRECORD_HOME", str(tmp_path / "home"))
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    file = tmp_path / "talk.txt"
    file.write_text("Ann: What do you pay?\nBob: We pay 40 dollars.\n", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("submit", "name the files to submit"),
        ("submit {talk}", "--study study.yaml"),
        ("submit {talk} --study none.yaml", "none.yaml: there is no such file"),
        ("submit {samples} --title One", "--title is for one file"),
        ("submit {samples}/none.vtt --study {samples}/study.yaml", "there is no such file"),
        ("submit {talk} --study {samples}/study.yaml --format docx", "--format"),
        ("notes --rejected --speaker Ann", "--speaker does not go with --rejected"),
        (
            "dlq list --state lost",
            "is one of open, replaying, replayed, resolved, failed_again, discarded, expired, all",
        ),
        ("dlq replay", "name the letters"),
        ("dlq replay abcd --all", "name the letters"),
        ("dlq replay abcd --service enrichment", "go with --all"),
        ("dlq replay --all", "add --yes"),
        ("dlq replay --all --json", "add --yes"),
        ("dlq replay --all --yes --service enrichmnt", "--service is one of ingestion, enrichment"),
        ("dlq list --service enrichmnt", "--service is one of ingestion, enrichment"),
        ("dlq list --code timeot", "--code is one of undecodable, "),
        ("dlq list --servce guardrail", "`onrecord dlq list --help` tells"),
        ("dlq show ../etc", "is no letter's id"),
        ("resume nothing", "'SERVICE': 'nothing' is not one of 'ingestion', 'enrichment', "),
        ("dlq discard abcd --reason=", "say why"),
        ("dlq discard abcd", "--reason"),
        ("parse {samples}/none.vtt", "there is no such file"),
        ("submit {samples}/study.yaml", "YAML is no transcript"),
        ("eval grounding {samples}/none.json", "there is no such file"),
        ("eval pii {talk}", "talk.txt: not JSON: line 1, column 1"),
        ("eval injection {samples}/appliance-repair.json", "not of the form {kind"),
        ("eval grounding {samples}/appliance-repair.json", "a sample has no doc"),
        ("eval metamorphic {samples}/none", "none is not a folder"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(
    talk: Path, capsys: pytest.CaptureFixture[str], arguments: str, message: str
) -> None:
    words = arguments.format(talk=talk, samples=SAMPLES).split()
    assert cli.run_command(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err


@pytest.mark.parametrize(
    "verb",
    [
        "submit {samples}",
        "submit {samples} --wait",
        "notes",
        "coverage",
        "explain 3f2a91c0",
        "costs",
        "budgets",
        "budgets set shops 1",
        "cache stats",
        "cache clear --yes",
        "audit",
        "dlq list",
        "dlq stats",
        "dlq replay --all --yes",
        "dlq replay abcd ef01",
    ],
)
def test_what_cannot_be_reached_ends_with_3_and_one_line(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    assert cli.run_command(verb.format(samples=SAMPLES).split()) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "onrecord up" in printed.err
    assert "secret" not in printed.err
    assert "Error" not in printed.err
    assert "Errno" not in printed.err
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


def test_parse_tells_what_is_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command(["parse", str(SAMPLES / "string-workshop.txt")]) == 0
    printed = capsys.readouterr().out
    assert "format    plain" in printed
    assert "142 segments, from [00:01] to " in printed
    assert "Gwen Tregarthen (unknown), 2,476 words" in printed
    assert "\x1b" not in printed
    assert max(len(line) for line in printed.splitlines()) <= 80


def test_parse_gives_programs_the_turns(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command(["parse", str(SAMPLES / "bike-shop.vtt"), "--segments", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["format"], found["segments"]) == ("webvtt", 144)
    assert found["turns"][0]["speaker"] == "Hannah Lindqvist"
    assert sum(one["words"] for one in found["speakers"]) == 3_141


@pytest.mark.parametrize(
    "verb",
    ["status", "down", "audit", "dlq list", "dlq show", "contracts check"],
)
def test_help_has_a_line_of_its_own_for_each_example(
    capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    assert cli.run_command([*verb.split(), "--help"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert [line for line in lines if line.count("onrecord ") > 1] == []
    assert any(line.startswith(f"onrecord {verb}") for line in lines)
    assert "```" not in lines


def test_the_simulator_is_called_what_people_call_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command(["simulate-llm", "--help"]) == 0
    assert capsys.readouterr().out.strip().startswith("Usage: onrecord simulate-llm ")
    assert cli.run_command(["simulate-llm", "--no-such-option"]) == 2


@pytest.mark.parametrize("verb", ["submit", "notes", "coverage", "parse", "dlq", "dlq replay"])
def test_every_verb_explains_itself(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    assert cli.run_command([*verb.split(), "--help"]) == 0
    printed = capsys.readouterr().out
    assert "Usage: onrecord" in printed
    assert verb == "dlq" or "Examples of use" in printed
