"""What people are told of a wrong setting: one line, the variable's name, and no value."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import BaseModel, ValidationError

from configuration.settings_errors import exit_on_settings_errors, list_settings_errors
from enrichment.settings import EnrichmentSettings
from messaging import KafkaSettings
from model_client import ModelSettings

CANARY = "canary-4b1d"


def told(settings: type) -> tuple[str, ...]:
    with pytest.raises(ValidationError) as refused:
        settings()
    return list_settings_errors(refused.value)


def test_names_the_variable_with_its_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_SESSION_TIMEOUT_MS", "soon")
    monkeypatch.setenv("ENRICHMENT_TRIES", "0")
    (kafka,), (stage,) = told(KafkaSettings), told(EnrichmentSettings)
    assert kafka.startswith("KAFKA_SESSION_TIMEOUT_MS: Input should be a valid integer")
    assert stage.startswith("ENRICHMENT_TRIES: Input should be greater than or equal to 1")


def test_names_a_variable_that_has_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_TIMEOUT_S", "-1")
    assert told(ModelSettings)[0].startswith("OPENAI_TIMEOUT_S: ")


def test_tells_every_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "TLS")
    monkeypatch.setenv("KAFKA_COMPRESSION", "zip")
    assert len(told(KafkaSettings)) == 2


def test_never_quotes_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_SASL_MECHANISM", CANARY)
    assert CANARY not in "".join(told(KafkaSettings))


def test_leaves_every_other_error_alone() -> None:
    class Interview(BaseModel):
        title: str

    with pytest.raises(ValidationError), exit_on_settings_errors():
        Interview.model_validate({})


@pytest.mark.parametrize("service", ["control", "enrichment", "guardrail", "ingestion"])
def test_a_service_with_a_wrong_setting_ends_with_2_and_one_line(
    monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    monkeypatch.setenv("POSTGRES_DSN", "postgresql://onrecord@127.0.0.1/onrecord")
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("KAFKA_SASL_PASSWORD", CANARY)
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    ended = subprocess.run(
        [sys.executable, "-m", service],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr == (
        "KAFKA_SASL_USERNAME is not set: KAFKA_SECURITY_PROTOCOL=SASL_SSL needs it\n"
    )
