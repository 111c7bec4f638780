from __future__ import annotations

import pytest
from pydantic import ValidationError

from guardrail.policy import Action
from guardrail.settings import GuardrailSettings


def test_policies_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARDRAIL_POLICIES", '{"tense_differs": "flag"}')
    assert GuardrailSettings().policy.actions == {"tense_differs": Action.FLAG}


@pytest.mark.parametrize(
    ("policies", "told"),
    [
        ('{"nothing": "flag"}', "there is no check 'nothing'"),
        ('{"no_evidence": "flag"}', "cannot be flagged"),
        ('{"tense_differs": "smile"}', "'reject', 'ask_again' or 'flag'"),
    ],
)
def test_policies_that_cannot_be_meant_are_told(
    monkeypatch: pytest.MonkeyPatch, policies: str, told: str
) -> None:
    monkeypatch.setenv("GUARDRAIL_POLICIES", policies)
    with pytest.raises(ValidationError, match=told):
        GuardrailSettings()
