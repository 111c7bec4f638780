from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from configuration.settings_errors import list_settings_errors
from guardrail.app import list_panel_members
from guardrail.judge_votes import VoteRule
from guardrail.policy import FailedCheckAction
from guardrail.settings import GuardrailSettings
from judging.judges import BatchLimits
from prompts.fact_checking import FORMATS


def test_policies_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARDRAIL_POLICIES", '{"tense_differs": "flag"}')
    assert GuardrailSettings().policy.actions == {"tense_differs": FailedCheckAction.FLAG}


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        ('{"nothing": "flag"}', "there is no check 'nothing'"),
        ('{"no_evidence": "flag"}', "no_evidence cannot be let pass"),
        ('{"personal_data": "flag"}', "personal_data cannot be let pass: what becomes of it is"),
        (
            '{"tense_differs": "smile"}',
            "tense_differs: Input should be 'reject', 'ask_again',",
        ),
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


HERE = {"OPENAI_BASE_URL": "http://here/v1"}
"""An endpoint that somebody named."""


def settings_of(monkeypatch: pytest.MonkeyPatch, **variables: str) -> GuardrailSettings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return GuardrailSettings()


@pytest.mark.parametrize(
    ("judge", "share"),
    [
        ({}, 0.0),
        ({"OPENAI_API_KEY": "", "ONRECORD_MODELS": ""}, 0.0),
        ({"OPENAI_API_KEY": "secret"}, 1.0),
        ({"OPENAI_BASE_URL": "http://there/v1"}, 1.0),
        ({"GUARDRAIL_JUDGE_MODEL": "second"}, 0.0),  # at no endpoint that anybody named
        (HERE | {"GUARDRAIL_JUDGE_MODEL": "second", "GUARDRAIL_JUDGE": "off"}, 0.0),
        (HERE | {"GUARDRAIL_JUDGE": "sampled"}, 0.1),
        (HERE | {"GUARDRAIL_JUDGE": "sampled", "GUARDRAIL_JUDGE_SHARE": "0.3"}, 0.3),
        (HERE | {"GUARDRAIL_JUDGE": "doubtful"}, 1.0),
        (HERE | {"GUARDRAIL_JUDGE": ""}, 1.0),
        ({"GUARDRAIL_JUDGE": ""}, 0.0),
        (HERE | {"GUARDRAIL_JUDGE": "always"}, 1.0),  # its earlier name
    ],
)
def test_a_judge_is_asked_about_what_is_doubtful_where_there_is_a_model(
    monkeypatch: pytest.MonkeyPatch, judge: dict[str, str], share: float
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ONRECORD_MODELS"):
        monkeypatch.delenv(name, raising=False)
    assert settings_of(monkeypatch, **judge).judged_share == share


def test_the_drafting_models_judge_where_no_other_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = settings_of(monkeypatch, OPENAI_API_KEY="secret", ONRECORD_MODEL="first")
    (member,) = list_panel_members(settings)
    assert [one.model for one in member.chain] == ["first"]
    assert settings.vote_rule == VoteRule(votes=1, needed=1)


def test_a_panel_has_a_vote_for_each_model_and_each_time_it_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "judges.yaml"
    file.write_text("- {model: a}\n- {model: b, judge_format: lynx}\n- {model: c}\n")
    panel = {"GUARDRAIL_JUDGE_MODELS": str(file), "GUARDRAIL_JUDGE_PANEL": "true"}
    settings = settings_of(monkeypatch, **panel)
    assert settings.vote_rule == VoteRule(votes=3, needed=3)
    members = list_panel_members(settings)
    assert [one.chain[0].model for one in members] == ["a", "b", "c"]
    assert [one.judge_format for one in members] == [None, FORMATS["lynx"], None]
    settings = settings_of(monkeypatch, GUARDRAIL_JUDGE_ASKS="2", GUARDRAIL_JUDGE_AGREE="4")
    assert settings.vote_rule == VoteRule(votes=6, needed=4)


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"GUARDRAIL_JUDGE_PANEL": "true"}, "name their file by GUARDRAIL_JUDGE_MODELS"),
        ({"GUARDRAIL_JUDGE_AGREE": "2"}, "GUARDRAIL_JUDGE_AGREE=2 is more than there are votes: 1"),
        (
            {"GUARDRAIL_JUDGE_ASKS": "4", "GUARDRAIL_JUDGE_AGREE": "2"},
            "GUARDRAIL_JUDGE_AGREE=2 is no majority of 4 votes",
        ),
        ({"GUARDRAIL_JUDGE_FORMAT": "lynx"}, "GUARDRAIL_JUDGE_FORMAT is that of a judging model"),
    ],
)
def test_votes_that_cannot_decide_are_reported_at_the_start(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        settings_of(monkeypatch, **HERE, **variables)


def test_a_judge_at_no_endpoint_is_reported_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="none is configured: set OPENAI_BASE_URL"):
        settings_of(monkeypatch, GUARDRAIL_JUDGE="doubtful", GUARDRAIL_JUDGE_MODEL="second")


def test_a_panel_names_no_model_twice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "judges.yaml"
    file.write_text("- {model: a}\n- {model: a, base_url: http://there/v1}\n")
    panel = {"GUARDRAIL_JUDGE_MODELS": str(file), "GUARDRAIL_JUDGE_PANEL": "true"}
    with pytest.raises(ValidationError, match="names a model twice"):
        settings_of(monkeypatch, **panel)


def test_the_judge_shares_the_drafters_endpoint_but_neither_its_chain_nor_its_price(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = settings_of(
        monkeypatch,
        GUARDRAIL_JUDGE="doubtful",
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


def test_a_judge_is_asked_in_its_own_format_if_one_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named = HERE | {"GUARDRAIL_JUDGE": "doubtful", "GUARDRAIL_JUDGE_MODEL": "second"}
    assert settings_of(monkeypatch, **named).find_judge_format() is None
    assert settings_of(monkeypatch, **named, GUARDRAIL_JUDGE_FORMAT="").find_judge_format() is None
    settings = settings_of(monkeypatch, **named, GUARDRAIL_JUDGE_FORMAT="lynx")
    assert settings.find_judge_format() is FORMATS["lynx"]
    with pytest.raises(ValidationError, match="no format 'linx'; the formats are bespoke"):
        settings_of(monkeypatch, **named, GUARDRAIL_JUDGE_FORMAT="linx")


def test_a_chain_of_judges_has_one_format_as_each_is_asked_the_same_question(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "judges.yaml"
    named = {"GUARDRAIL_JUDGE": "doubtful", "GUARDRAIL_JUDGE_MODELS": str(file)}
    file.write_text("- {model: a, judge_format: lynx}\n- {model: b, judge_format: lynx}\n")
    assert settings_of(monkeypatch, **named).find_judge_format() is FORMATS["lynx"]
    file.write_text("- {model: a, judge_format: lynx}\n- {model: b}\n")
    with pytest.raises(ValidationError, match=r"different formats \(lynx, none\)"):
        settings_of(monkeypatch, **named)
    both = settings_of(monkeypatch, **named, GUARDRAIL_JUDGE_FORMAT="lynx")
    assert both.find_judge_format() is FORMATS["lynx"]
    file.write_text("- {model: a, judge_format: linx}\n")
    with pytest.raises(ValidationError, match=r"model 1: judge_format: .*no format 'linx'"):
        settings_of(monkeypatch, **named)


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
        (HERE | {"GUARDRAIL_PROCESSES": "3"}, 32),
    ],
)
def test_no_more_drafts_are_in_flight_than_processes_are_busy_with_unless_a_judge_is_asked(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], in_flight: int
) -> None:
    settings = settings_of(monkeypatch, **variables)
    assert settings.max_in_flight == in_flight


def test_a_call_of_a_judge_is_bounded_by_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert GuardrailSettings().batch_limits == BatchLimits(notes=16, characters=24_000)
    monkeypatch.setenv("GUARDRAIL_JUDGE_MAX_NOTES", "4")
    monkeypatch.setenv("GUARDRAIL_JUDGE_MAX_CHARACTERS", "2000")
    assert GuardrailSettings().batch_limits == BatchLimits(notes=4, characters=2_000)
