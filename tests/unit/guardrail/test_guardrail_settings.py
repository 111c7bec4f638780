from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from configuration.settings_errors import list_settings_errors
from guardrail.policy import FailureAction
from guardrail.settings import GuardrailSettings


def test_policies_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARDRAIL_POLICIES", '{"tense_differs": "flag"}')
    assert GuardrailSettings().policy.actions == {"tense_differs": FailureAction.FLAG}


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        ('{"nothing": "flag"}', "there is no check 'nothing'"),
        ('{"no_evidence": "flag"}', "no_evidence cannot be let pass"),
        ('{"personal_data": "flag"}', "personal_data cannot be let pass: what becomes of it is"),
        ('{"tense_differs": "smile"}', "tense_differs: Input should be 'reject', 'ask_again',"),
        ("tense_differs=flag", "is no JSON, such as "),
        ('["tense_differs"]', "Input should be a valid dictionary"),
    ],
)
def test_impossible_policies_are_reported_in_one_line(
    monkeypatch: pytest.MonkeyPatch, policies: str, message: str
) -> None:
    monkeypatch.setenv("GUARDRAIL_POLICIES", policies)
    with pytest.raises(ValidationError) as refused:
        GuardrailSettings()
    (line,) = list_settings_errors(refused.value)
    assert line.startswith(f"GUARDRAIL_POLICIES: {message}")


def settings_of(monkeypatch: pytest.MonkeyPatch, **variables: str) -> GuardrailSettings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return GuardrailSettings()


@pytest.mark.parametrize(
    ("judge", "share"),
    [
        ({}, 0.0),
        ({"GUARDRAIL_JUDGE": "sampled"}, 0.1),
        ({"GUARDRAIL_JUDGE": "sampled", "GUARDRAIL_JUDGE_SHARE": "0.3"}, 0.3),
        ({"GUARDRAIL_JUDGE": "always"}, 1.0),
    ],
)
def test_the_judge_is_off_unless_asked_for_and_then_has_its_share(
    monkeypatch: pytest.MonkeyPatch, judge: dict[str, str], share: float
) -> None:
    settings = settings_of(monkeypatch, GUARDRAIL_JUDGE_MODEL="second", **judge)
    assert settings.judged_share == share


def test_a_judge_without_a_model_is_reported_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="name it by GUARDRAIL_JUDGE_MODEL"):
        settings_of(monkeypatch, GUARDRAIL_JUDGE="always")
    empty = {"GUARDRAIL_JUDGE_MODEL": "", "GUARDRAIL_JUDGE_MODELS": ""}
    with pytest.raises(ValidationError, match="name it by GUARDRAIL_JUDGE_MODEL"):
        settings_of(monkeypatch, GUARDRAIL_JUDGE="always", **empty)


def test_the_judge_shares_the_drafters_endpoint_but_neither_its_chain_nor_its_price(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = settings_of(
        monkeypatch,
        GUARDRAIL_JUDGE="always",
        GUARDRAIL_JUDGE_MODEL="second",
        OPENAI_BASE_URL="http://there/v1",
        OPENAI_API_KEY="secret",
        ONRECORD_MODEL="first",
        ONRECORD_MODELS="/no/such/file.yaml",
        ONRECORD_MODEL_PRICED_AS="gpt-4o-mini",
    )
    (judge,) = settings.build_judge_settings().chain
    assert (judge.model, judge.base_url, judge.key) == ("second", "http://there/v1", "secret")
    assert judge.priced_as is None


def test_judges_may_be_a_chain_of_their_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "judges.yaml"
    file.write_text(
        "- {model: large, base_url: http://there/v1}\n"
        "- {model: small, base_url: http://here/v1, prices: {input: 0, output: 0}}\n"
    )
    settings = settings_of(monkeypatch, GUARDRAIL_JUDGE="sampled", GUARDRAIL_JUDGE_MODELS=str(file))
    assert [one.model for one in settings.build_judge_settings().chain] == ["large", "small"]


def test_the_heavy_mode_without_a_parser_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GUARDRAIL_MODE", "heavy")
    assert GuardrailSettings().assessment_options.heavy
    monkeypatch.setattr("guardrail.settings.is_spacy_installed", lambda: False)
    with pytest.raises(ValidationError, match=r"install onrecord\[heavy-grounding\]"):
        GuardrailSettings()


@pytest.mark.parametrize(
    ("variables", "in_flight"),
    [
        ({"GUARDRAIL_PROCESSES": "3"}, 6),
        ({"GUARDRAIL_PROCESSES": "3", "GUARDRAIL_MAX_IN_FLIGHT": "4"}, 4),
        ({"GUARDRAIL_PROCESSES": "3", "GUARDRAIL_MAX_IN_FLIGHT": "64"}, 6),
        ({"GUARDRAIL_PROCESSES": "3", "GUARDRAIL_JUDGE": "always"}, 32),
    ],
)
def test_no_more_drafts_are_in_flight_than_processes_are_busy_with_unless_a_judge_is_asked(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], in_flight: int
) -> None:
    settings = settings_of(monkeypatch, GUARDRAIL_JUDGE_MODEL="second", **variables)
    assert settings.max_in_flight == in_flight
