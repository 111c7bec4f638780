"""``onrecord eval judge`` against simulated judging models over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from evaluation.grounding.judge_measures import UNANIMOUS
from onrecord import cli
from prompts.judge import VERSION
from support.broker import free_port
from support.simulator import Simulated, simulated

DOC = "Ann: What do you pay?\nTom: We pay forty dollars a month."
PAIRS = (
    {"doc": DOC, "summary": "We pay forty dollars a month.", "label": 1, "kind": "extractive"},
    {"doc": DOC, "summary": "They pay forty dollars monthly.", "label": 1, "kind": "faithful"},
    {"doc": DOC, "summary": "They pay fifty dollars a month.", "label": 0, "kind": "number"},
    {"doc": DOC, "summary": "Tom never pays forty dollars.", "label": 0, "kind": "negation"},
)
"""A simulated judge tells them all apart."""


@pytest.fixture
async def model() -> AsyncIterator[Simulated]:
    async with simulated({"seed": 7}) as one:
        yield one


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in PAIRS))
    return file


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONRECORD_HOME", str(tmp_path / "home"))
    for name in ("MODEL", "MODELS", "FORMAT"):
        monkeypatch.delenv(f"GUARDRAIL_JUDGE_{name}", raising=False)
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "ONRECORD_MODELS"):
        monkeypatch.delenv(name, raising=False)


def configure(monkeypatch: pytest.MonkeyPatch, url: str, **judge: str) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    for name, value in judge.items():
        monkeypatch.setenv(f"GUARDRAIL_JUDGE_{name}", value)


async def run(pairs: Path, *options: str) -> int:
    arguments = ["eval", "judge", str(pairs), "--mode", "light", *options]
    return await asyncio.to_thread(cli.run_command, arguments)


async def run_json(capsys: pytest.CaptureFixture[str], pairs: Path, *options: str) -> Any:
    code = await run(pairs, "--json", *options)
    printed = capsys.readouterr()
    assert code == 0, printed.err
    return json.loads(printed.out)


async def test_a_judge_is_measured_on_labels_and_checks(
    model: Simulated,
    pairs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(monkeypatch, model.url, MODEL="gpt-4o-mini", FORMAT="bespoke-minicheck")
    report = await run_json(capsys, pairs)
    assert report["pairs"] == 4
    ((name, score),) = report["judges"].items()
    assert name == "gpt-4o-mini (bespoke-minicheck-1)"
    assert {kind: one["supported"] for kind, one in score["by_kind"].items()} == {
        "extractive (true)": 1,
        "faithful (true)": 1,
        "negation (false)": 0,
        "number (false)": 0,
    }
    assert (score["supported"], score["not_supported"], score["no_answer"]) == (2, 2, 0)
    assert score["true_confirmed"]["part"] == 2
    assert (score["confirmed_false"]["part"], score["confirmed_false"]["of"]) == (0, 2)
    assert score["balanced_accuracy"] == 1
    assert score["with_checks"]["share"] == 1
    assert (score["calls"], score["cached"]) == (4, 0)
    assert float(score["cost_usd"]) > 0
    assert score["tokens"] > 0
    assert await model.calls("gpt-4o-mini") == 4


async def test_a_judge_of_no_format_is_asked_as_the_guardrail_asks_it(
    model: Simulated,
    pairs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(monkeypatch, model.url, MODEL="gpt-4o-mini")
    report = await run_json(capsys, pairs)
    ((name, score),) = report["judges"].items()
    assert name == f"gpt-4o-mini ({VERSION})"
    assert (score["balanced_accuracy"], score["no_answer"]) == (1, 0)
    # In one call, as a chunk's notes; what is contradicted is told from what is not supported.
    assert await model.calls("gpt-4o-mini") == 1
    assert (score["calls"], score["calls_per_passage"]) == (1, 1)
    assert (score["contradicted"], score["not_supported"]) == (1, 1)
    assert (score["true_refuted"]["part"], score["false_refuted"]["part"]) == (0, 1)
    assert score["by_kind"]["negation (false)"]["contradicted"] == 1
    assert (score["with_labels"]["part"], score["with_labels"]["of"]) == (4, 4)


async def test_the_drafting_models_are_measured_where_no_other_is_named(
    model: Simulated,
    pairs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(monkeypatch, model.url)
    monkeypatch.setenv("ONRECORD_MODEL", "drafting")
    assert await run(pairs) == 0
    printed = capsys.readouterr()
    assert f"drafting ({VERSION}): balanced accuracy 1.000" in printed.out
    assert "1.00 for each of 1 passages" in " ".join(printed.out.split())
    assert "measured are the drafting models" in printed.err
    assert await model.calls("drafting") == 1


async def test_each_model_of_the_file_is_a_judge_and_two_are_compared(
    model: Simulated,
    pairs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await model.control("PUT", "rules", [{"fault": "wrong_ruling", "model": "two"}])
    file = tmp_path / "judges.yaml"
    file.write_text(
        f"- {{model: one, base_url: '{model.url}', judge_format: granite-guardian-3.3}}\n"
        f"- {{model: two, base_url: '{model.url}', judge_format: lynx, prices: {{input: 1, "
        "output: 1}}\n"
    )
    configure(monkeypatch, model.url, MODELS=str(file))
    report = await run_json(capsys, pairs)
    names = ["one (granite-guardian-3.3-1)", "two (lynx-1)", UNANIMOUS]
    assert [*report["judges"]] == names
    one, two, panel = report["judges"].values()
    assert (panel["supported"], panel["no_answer"], panel["calls"]) == (0, 4, 8)
    assert (one["balanced_accuracy"], two["balanced_accuracy"]) == (1, 0)
    assert one["cost_usd"] is None  # no price is known
    assert float(two["cost_usd"]) > 0
    (agreement,) = report["agreement"]
    assert (agreement["part"], agreement["of"]) == (0, 4)
    assert agreement["kappa"] == -1


async def test_people_get_a_table_and_progress_on_stderr(
    model: Simulated,
    pairs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(monkeypatch, model.url, MODEL="gpt-4o-mini", FORMAT="yes-no")
    assert await run(pairs) == 0
    printed = capsys.readouterr()
    page = " ".join(printed.out.split())
    assert "gpt-4o-mini (yes-no-1): balanced accuracy " in page
    assert "number (false) 1 0 0 1 0" in page
    assert "4 calls (0 answered before), 4.00 for each of 1 passages" in page
    assert "says what the labels say, where it answers 1.000" in page
    assert "4 of 4 answered" in page
    assert "4 of 4 answers" in printed.err


async def test_what_was_answered_before_is_not_asked_again(
    model: Simulated,
    pairs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(monkeypatch, model.url, MODEL="m", FORMAT="yes-no")
    votes = str(tmp_path / "votes.jsonl")
    first = await run_json(capsys, pairs, "--votes", votes, "--limit", "2")
    assert first["pairs"] == 2
    assert await model.calls() == 2
    whole = await run_json(capsys, pairs, "--votes", votes)
    again = await run_json(capsys, pairs, "--votes", votes)
    assert await model.calls() == 4
    (score,), (same,) = whole["judges"].values(), again["judges"].values()
    assert (score.pop("cached"), same.pop("cached")) == (2, 4)
    assert score == same


async def test_a_limit_is_spread_over_the_file(
    model: Simulated,
    pairs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(monkeypatch, model.url, MODEL="m", FORMAT="yes-no")
    report = await run_json(capsys, pairs, "--limit", "2")
    assert [*report["judges"]["m (yes-no-1)"]["by_kind"]] == [
        "extractive (true)",
        "number (false)",
    ]


async def test_without_a_judge_the_settings_are_named(
    pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run(pairs) == 2
    message = capsys.readouterr().err
    assert "GUARDRAIL_JUDGE_MODEL" in message
    assert "GUARDRAIL_JUDGE_MODELS" in message


async def test_an_unknown_format_is_refused_with_those_there_are(
    pairs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(monkeypatch, "http://127.0.0.1:9/v1", MODEL="m", FORMAT="minichek")
    assert await run(pairs) == 2
    message = capsys.readouterr().err
    assert "GUARDRAIL_JUDGE_FORMAT: there is no format 'minichek'" in message
    assert "bespoke-minicheck" in message


async def test_a_judge_that_is_not_there_is_exit_code_3(
    pairs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(monkeypatch, f"http://127.0.0.1:{free_port()}/v1", MODEL="m", FORMAT="yes-no")
    assert await run(pairs) == 3
    assert "OPENAI_BASE_URL" in capsys.readouterr().err


async def test_a_judge_that_never_answers_is_exit_code_1(
    model: Simulated,
    pairs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await model.control("PUT", "rules", [{"fault": "refusal"}])
    configure(monkeypatch, model.url, MODEL="m", FORMAT="yes-no")
    assert await run(pairs) == 1
    printed = capsys.readouterr()
    assert "not answered: 4 llm_refused" in printed.out
    assert "no question was answered" in printed.err
